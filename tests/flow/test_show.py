"""What is known of one task, and of two registries side by side."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.base.yaml import load_documents
from reconciler.model.run import RunRecord
from reconciler.operations.showing.show import show_task
from reconciler.report.show_text import show_lines
from tests.flow.project import Project, new_project
from tests.unit.plan.builders import stored, task

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TWO = """\
apiVersion: reconciler/v1
kind: Workspace
registries:
  - {name: contoso, loginServer: registry.contoso.example}
  - {name: fabrikam, loginServer: registry.fabrikam.example}
"""


@pytest.fixture(name="project")
def applied(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace", "shop-api")
    project.write(
        "web-api",
        metadata={
            "owner": "team-web",
            "description": "first\nsecond \u202e",
        },
        triggers={"timers": {"nightly": "0 3 * * *", "hourly": "0 * * * *"}},
    )
    assert project.run("apply", "--auto-approve").code == 0
    return project


def drifted(project: Project) -> None:
    project.actor = "oncall@contoso.example"
    project.change_live(timeout=7200)


def add_run(project: Project) -> None:
    from reconciler.store.runs import insert_run

    record = RunRecord.model_validate(
        {
            "id": "r-abcdef23",
            "task": "contoso/web-api",
            "status": "Failed",
            "trigger": "manual",
            "actor": "dev@contoso.example",
            "queued": "2026-11-21T08:00:00Z",
        }
    )
    with project.opened() as opened:
        insert_run(opened.database, record, host="ci", pid=1, process_started="x")


def test_a_task_is_told_with_who_when_next_and_drift(project: Project) -> None:
    drifted(project)
    with project.opened() as opened:
        lines = show_lines(show_task(opened, "web-api", NOW), NOW, 80)
    assert max(map(len, lines)) <= 80
    told = " ".join(" ".join(lines).split())
    for part in (
        "contoso/web-api does docker build of https://git.contoso.example/web.git#main",
        "status Enabled",
        "by oncall@contoso.example",
        "by lead@contoso.example, specs/web-api.yaml",
        "timeout 3600 -> 7200",
        "apiVersion: reconciler/v1",
        "runs none yet",
    ):
        assert part in told


def test_the_next_fires_come_first_first(project: Project) -> None:
    with project.opened() as opened:
        shown = show_task(opened, "web-api", NOW)
    assert [fire.timer for fire in shown.fires] == ["hourly", "nightly"]


def test_runs_of_the_task_are_listed(project: Project) -> None:
    add_run(project)
    outcome = project.run("show", "web-api")
    assert "r-abcdef23" in outcome.out
    runs = json.loads(project.run("show", "web-api", "-o", "json").out)["runs"]
    assert [run["id"] for run in runs] == ["r-abcdef23"]
    assert json.loads(project.run("show", "shop-api", "-o", "json").out)["runs"] == []


def test_json_and_yaml_say_the_same(project: Project) -> None:
    project.write("plain-api")
    project.run("apply", "--auto-approve")
    content = json.loads(project.run("show", "plain-api", "-o", "json").out)
    [document] = load_documents(project.run("show", "plain-api", "-o", "yaml").out)
    assert {**document.value, "next": None} == {**content, "next": None}
    assert content["live"] == content["applied"]
    assert content["live"]["spec"]["timeout"] == 3600


def test_hostile_text_moves_no_terminal(project: Project) -> None:
    for form in ("text", "yaml", "json"):
        out = project.run("show", "web-api", "-o", form).out
        assert "\u202e" not in out
        assert "\x1b" not in out


def test_a_task_that_is_gone_or_never_applied_is_told_as_such(project: Project) -> None:
    with project.opened() as opened:
        opened.provider.delete("contoso/shop-api")
        one = task("by-hand")
        opened.provider.create(one.address, stored(one).document)
    assert "it is gone" in project.run("show", "shop-api").out
    told = " ".join(project.run("show", "by-hand").out.split())
    assert "never from here: reconciler import writes a spec for it" in told


@pytest.mark.parametrize(
    ("name", "told"), [("web-apy", "did you mean web-api?"), ("none", "tasks lists what is live")]
)
def test_a_name_of_nothing_is_wrong_usage(project: Project, name: str, told: str) -> None:
    outcome = project.run("show", name)
    assert outcome.code == 64
    assert told in outcome.err


# -------------------------------------------------------------------- diff
@pytest.fixture(name="two")
def registries(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "two")
    (project.root / "reconciler.yaml").write_text(TWO)
    other = {"registry": "fabrikam"}
    with project.opened() as opened:
        for one in (
            task("same-api"),
            task("same-api", metadata=other),
            task("web-api"),
            task("web-api", metadata=other, timeout=600),
            task("left-api"),
            task("right-api", metadata=other),
        ):
            opened.provider.create(one.address, stored(one).document)
    return project


def test_two_registries_are_compared_by_name(two: Project) -> None:
    outcome = two.run("diff", "contoso", "fabrikam")
    assert outcome.code == 0
    assert outcome.out == (
        "- left-api  only in contoso\n"
        "+ right-api  only in fabrikam\n"
        "~ web-api  1 field\n"
        "      timeout                   3600 -> 600\n"
        "\n"
        "contoso -> fabrikam: 1 the same, 1 different, 1 only in contoso, 1 only in\n"
        "fabrikam.\n"
    )


def test_a_difference_has_its_own_exit_code_and_json(two: Project) -> None:
    words = ("diff", "registry.contoso.example", "fabrikam", "--detailed-exitcode")
    assert two.run(*words).code == 2
    found = json.loads(two.run(*words, "-o", "json").out)
    assert (found["same"], found["only_first"], found["only_second"]) == (
        1,
        ["left-api"],
        ["right-api"],
    )
    [one] = found["differing"]
    [path] = one["paths"]
    assert (one["name"], path["path"], path["before"], path["after"]) == (
        "web-api",
        "spec.timeout",
        3600,
        600,
    )


def test_equal_registries_are_0(two: Project) -> None:
    with two.opened() as opened:
        for address in ("contoso/left-api", "fabrikam/right-api", "fabrikam/web-api"):
            opened.provider.delete(address)
        one = task("web-api", metadata={"registry": "fabrikam"})
        opened.provider.create(one.address, stored(one).document)
    outcome = two.run("diff", "contoso", "fabrikam", "--detailed-exitcode")
    assert outcome.code == 0
    assert "2 the same, 0 different" in outcome.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("contoso", "fabrikan"), "did you mean fabrikam?"),
        (("contoso", "registry.contoso.example"), "compared with itself"),
    ],
)
def test_wrong_registries_are_wrong_usage(two: Project, words: tuple[str, str], told: str) -> None:
    outcome = two.run("diff", *words)
    assert outcome.code == 64
    assert told in outcome.err
