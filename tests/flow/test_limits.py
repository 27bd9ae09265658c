"""Limits and protection through the commands: refused, set aside once with a reason, and noted."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from reconciler.report.markdown import MARKER
from tests.flow.project import Project, new_project
from tests.flow.repository import commit, git

NAMES = [f"task-{number:02d}" for number in range(12)]


@pytest.fixture(name="project")
def with_twelve_live_tasks(tmp_path: Path) -> Project:
    """12 live tasks, at most 10 % may be deleted; the next plan deletes two."""
    project = new_project(tmp_path / "workspace", *NAMES)
    config = project.root / "reconciler.yaml"
    content = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**content, "limits": {"delete": "10%", "update": 6}}))
    project.write(NAMES[0], protect=True)
    assert project.run("apply", "--auto-approve").code == 0
    for name in NAMES[1:3]:
        (project.root / f"specs/{name}.yaml").unlink()
    return project


def events(project: Project) -> list[tuple[str, ...]]:
    with project.opened() as opened, opened.database.read() as connection:
        query = "SELECT kind, actor, subject, reason FROM events ORDER BY kind"
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_too_many_deletes_are_refused_with_the_share_and_the_way_out(project: Project) -> None:
    outcome = project.run("plan")
    assert outcome.code == 1
    told = " ".join(outcome.err.split())
    assert "would delete 2 of 12 (16.7 %) of the workspace; the limit is 10%" in told
    assert "of registry contoso" in told
    assert "--override-limit delete=2 --reason TEXT" in told
    assert project.run("apply", "--auto-approve").code == 1
    assert len(project.live()) == 12


def test_a_plan_over_a_limit_is_shown_in_every_format_and_named_blocked(project: Project) -> None:
    gone = [f"contoso/{name}" for name in NAMES[1:3]]
    shown = {form: project.run("plan", "-o", form) for form in ("text", "json", "markdown")}
    for outcome in shown.values():
        assert outcome.code == 1
        assert "--override-limit delete=2 --reason TEXT" in " ".join(outcome.err.split())
        assert all(name in outcome.out for name in gone)
    text = " ".join(shown["text"].out.split())
    assert "BLOCKED: this plan cannot be applied, it would delete 2 of 12 (16.7 %)" in text
    comment = shown["markdown"].out
    assert comment.startswith(MARKER)
    assert "**BLOCKED: it would delete 2 of 12 (16.7 %) of the workspace.**" in comment
    assert "### Delete (2)" in comment
    assert "--override-limit delete=2 --reason TEXT" in comment
    plan = json.loads(shown["json"].out)
    jsonschema.validate(plan, json.loads(project.run("schema", "plan").out))
    (blocked,) = plan["blocked"]
    assert (blocked["rule"], blocked["action"], blocked["count"]) == ("limit", "delete", 2)
    assert blocked["exceeded"][0] == {"registry": None, "count": 2, "live": 12, "limit": "10%"}


@pytest.mark.parametrize(
    ("service", "error"),
    [("github", "::error title=BLOCKED::"), ("azure", "##vso[task.logissue type=error]BLOCKED: ")],
)
def test_a_plan_over_a_limit_is_noted_with_its_deletes(
    project: Project, service: str, error: str
) -> None:
    outcome = project.run("plan", "-o", service)
    assert outcome.code == 1
    assert f"{error}this plan would delete 2 of 12" in outcome.out
    assert "sourcepath=specs/task-01.yaml" in outcome.out or "delete contoso/task-01" in outcome.out


def test_a_blocked_plan_is_saved_for_reading_and_cannot_be_applied(project: Project) -> None:
    outcome = project.run("plan", "--out", "p.json")
    assert outcome.code == 1
    assert "apply with" not in outcome.out
    assert len(json.loads((project.root / "p.json").read_text())["changes"]) == 2
    refused = project.run("apply", "p.json")
    assert refused.code == 1
    assert "would delete 2 of 12" in " ".join(refused.err.split())
    assert len(project.live()) == 12


def test_a_comparison_over_a_limit_is_shown_too(project: Project) -> None:
    for name in NAMES[1:3]:
        project.write(name)
    git(project.root, "init", "-q")
    commit(project.root)
    for name in NAMES[1:3]:
        (project.root / f"specs/{name}.yaml").unlink()
    outcome = project.run("plan", "--base", "HEAD", "-o", "markdown")
    assert outcome.code == 1
    assert "**BLOCKED: it would delete 2 of 12 (16.7 %) of the workspace.**" in outcome.out
    assert "task-01" in outcome.out


def test_what_a_destroy_would_delete_is_shown_before_it_is_refused(project: Project) -> None:
    outcome = project.run("destroy", "--auto-approve", "--confirm", "contoso")
    assert outcome.code == 1
    assert "BLOCKED: this plan cannot be applied" in " ".join(outcome.out.split())
    assert "--allow-destroy contoso/task-00" in outcome.err
    assert len(project.live()) == 12


def test_an_override_stands_in_the_plan_and_is_noted_when_it_is_applied(project: Project) -> None:
    words = ("--override-limit", "delete=2", "--reason", "moved to prod")
    outcome = project.run("plan", "--out", "p.json", *words)
    assert outcome.code == 0
    (override,) = json.loads((project.root / "p.json").read_text())["overrides"]
    assert (override["allowed"], override["reason"]) == (2, "moved to prod")
    assert override["by"] == "lead@contoso.example"
    assert events(project) == []
    project.actor = "ci@contoso.example"
    assert project.run("apply", "p.json").code == 0
    (event,) = events(project)
    assert event[0:2] == ("limit-overridden", "lead@contoso.example")
    assert event[2].endswith(": delete up to 2 tasks")
    assert event[3] == "moved to prod"
    (told,) = json.loads(project.run("report", "-o", "json").out)["events"]
    assert (told["kind"], told["by"]) == event[0:2]
    assert (told["subject"], told["reason"]) == event[2:4]
    early = project.run("report", "-o", "json", "--as-of", "2026-01-01").out
    assert json.loads(early)["events"] == []


def test_an_override_is_for_one_plan_and_not_for_the_next(project: Project) -> None:
    words = ("--override-limit", "delete=2", "--reason", "moved to prod")
    assert project.run("apply", "--auto-approve", *words).code == 0
    for name in NAMES[3:5]:
        (project.root / f"specs/{name}.yaml").unlink()
    assert project.run("plan").code == 1


def test_an_override_takes_a_reason_and_is_not_taken_from_the_environment(
    project: Project,
) -> None:
    assert project.run("plan", "--override-limit", "delete=2").code == 64
    assert project.run("plan", "--override-limit", "delete=lots", "--reason", "x").code == 64
    project.environment = {
        "RECONCILER_PLAN_OVERRIDE_LIMIT": "delete=2",
        "RECONCILER_PLAN_REASON": "always",
    }
    assert project.run("plan").code == 1


def test_a_saved_plan_takes_no_override(project: Project) -> None:
    assert project.run("apply", "p.json", "--allow-destroy", "x").code == 64
    assert project.run("apply", "--resume", "--allow-destroy", "x").code == 64


def test_a_protected_task_goes_where_it_is_named(project: Project) -> None:
    for name in NAMES[1:3]:
        project.write(name)
    (project.root / f"specs/{NAMES[0]}.yaml").unlink()
    refused = project.run("plan")
    assert refused.code == 1
    assert "--allow-destroy NAME" in refused.err
    assert project.run("plan", "--allow-destroy", NAMES[1]).code == 64
    outcome = project.run("apply", "--auto-approve", "--allow-destroy", NAMES[0])
    assert outcome.code == 0, outcome.err
    assert f"contoso/{NAMES[0]}" not in project.live()
    assert [event[0] for event in events(project)] == ["protection-overridden"]


def test_drift_is_told_whatever_the_specs_would_delete(project: Project) -> None:
    (project.root / f"specs/{NAMES[0]}.yaml").unlink()
    assert project.run("plan").code == 1
    assert project.run("drift").code == 0
    project.change_live(NAMES[5], timeout=7200)
    assert project.run("drift").code == 8


def test_a_workspace_that_init_makes_has_limits(tmp_path: Path) -> None:
    project = Project(tmp_path / "made")
    project.root.mkdir()
    assert project.run("init").code == 0
    config = yaml.safe_load((project.root / "reconciler.yaml").read_text())
    metadata = {"registry": "local", "owner": "team-web", "contact": "web@contoso.example"}
    for name in NAMES:
        project.write(name, metadata=metadata)
    assert config["limits"] == {"delete": "30%", "update": "30%"}
    assert project.run("apply", "--auto-approve").code == 0
    for name in NAMES[:5]:
        (project.root / f"specs/{name}.yaml").unlink()
    outcome = project.run("plan")
    assert outcome.code == 1
    assert "the limit is 30%" in " ".join(outcome.err.split())


def test_what_needs_two_overrides_names_both_and_they_are_enough(project: Project) -> None:
    (project.root / f"specs/{NAMES[0]}.yaml").unlink()
    for name in NAMES[4:]:
        project.write(name, timeout=900)
    outcome = project.run("apply", "--auto-approve")
    told = " ".join(outcome.err.split())
    words = ("--override-limit delete=3 --override-limit update=8", f"contoso/{NAMES[0]}")
    assert (outcome.code, all(word in told for word in words)) == (1, True)
    fix = told.partition("if all of it is meant: ")[2].replace("--reason TEXT", "--reason moved")
    assert project.run("apply", "--auto-approve", *fix.split()).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--override-limit", "delete=2", "--reason"),
        ("lock", "break", "--reason"),
    ],
)
def test_a_reason_with_a_credential_is_neither_kept_nor_repeated(
    project: Project, words: tuple[str, ...]
) -> None:
    outcome = project.run(*words, "see https://me:hunter22@host.example/x")
    assert (outcome.code, "looks like a credential" in outcome.err) == (64, True)
    assert "hunter22" not in outcome.out + outcome.err


def test_a_plan_is_not_saved_to_standard_output(project: Project) -> None:
    for verb in ("plan", "destroy"):
        outcome = project.run(verb, "--out", "-")
        assert (outcome.code, "name a file" in outcome.err) == (64, True)
    assert not (project.root / "-").exists()
