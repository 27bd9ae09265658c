"""What a reviewer is told: why a field changes, release paths, timers, secrets, known drift."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa

from reconciler import __version__
from reconciler.plan.planfile import plan_schema
from reconciler.store.schema import applied_tasks, live_tasks
from tests.flow.project import Project, new_project

WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
registries: [{name: contoso, loginServer: registry.contoso.example}]
vars: {minutes: 30}
"""
TEMPLATE = """\
apiVersion: reconciler/v1
kind: Task
metadata: {name: etl-job, registry: contoso}
spec:
  context: {source: etl}
  step: {docker: {images: ["etl:1"], args: {MINUTES: "${{ minutes }}"}}}
"""
DEFAULTS = "apiVersion: reconciler/v1\nkind: Defaults\nspec: {cache: enabled}\n"


@pytest.fixture(name="project")
def applied(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace", "web-api")
    (project.root / "reconciler.yaml").write_text(WORKSPACE)
    (project.root / "specs/etl.yaml.j2").write_text(TEMPLATE)
    (project.root / "specs/defaults.yaml").write_text(DEFAULTS)
    project.write(timeout=900, triggers={"timers": {"nightly": "0 3 * * 1"}})
    assert project.run("apply", "--auto-approve").code == 0
    return project


def told(project: Project, *words: str) -> str:
    return " ".join(project.run("plan", *words).out.split())


def fields(project: Project) -> dict[str, dict[str, Any]]:
    changes = json.loads(project.run("plan", "-o", "json").out)["changes"]
    return {field["path"]: field for change in changes for field in change["paths"]}


def commit(project: Project, author: str) -> str:
    who = ["-c", f"user.name={author}", "-c", f"user.email={author}@contoso.example"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *who, *words], cwd=project.root, check=True)
    asked = ["git", "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(
        asked, cwd=project.root, check=True, capture_output=True, text=True
    ).stdout.strip()


# ---------------------------------------------------------------------- why
def test_a_field_of_a_template_names_the_template(project: Project) -> None:
    path = project.root / "reconciler.yaml"
    path.write_text(WORKSPACE.replace("30", "45"))
    assert fields(project)["spec.step.docker.args.MINUTES"]["cause"] == "template"
    assert '"30" -> "45" from template specs/etl.yaml.j2' in told(project)


def in_git(project: Project) -> None:
    (project.root / ".gitignore").write_text(".reconciler/\n")
    commit(project, "dev")
    assert project.run("apply", "--auto-approve").code == 0
    (project.root / "specs/etl.yaml.j2").write_text(TEMPLATE.replace("source: etl", "source: job"))
    commit(project, "dev")
    assert project.run("apply", "--auto-approve").code == 0


def caused(project: Project, *words: str) -> dict[str, tuple[str, str, str]]:
    changes = json.loads(project.run("plan", "-o", "json", *words).out)["changes"]
    return {
        one["action"]: (
            f"{one['cause']['file']}:{one['cause']['line']}",
            one["cause"]["commit"][:7],
            one["cause"]["author"].partition("@")[0],
        )
        for one in changes
    }


@pytest.mark.parametrize("words", [[], ["--base", "HEAD~1"]])
def test_a_field_that_variables_changed_names_their_line_and_author(
    project: Project, words: list[str]
) -> None:
    in_git(project)
    path = project.root / "reconciler.yaml"
    path.write_text(WORKSPACE.replace("{minutes: 30}", "\n  unused: 1\n  minutes: 45"))
    head = commit(project, "mallory")
    assert caused(project, *words) == {"update": ("reconciler.yaml:6", head, "mallory")}
    (change,) = json.loads(project.run("plan", "-o", "json", *words).out)["changes"]
    (field,) = change["paths"]
    assert (field["cause"], field["origin"]) == ("variables", "reconciler.yaml:6:3")
    assert (
        '"30" -> "45" from reconciler.yaml:6:3, read by its template '
        f"{head} mallory@contoso.example" in told(project, "--full", *words)
    )


def test_a_template_that_changed_itself_is_named_all_the_same(project: Project) -> None:
    in_git(project)
    path = project.root / "reconciler.yaml"
    path.write_text(WORKSPACE.replace("30", "45"))
    commit(project, "mallory")
    path = project.root / "specs/etl.yaml.j2"
    path.write_text(path.read_text().replace("source: job", "source: etl"))
    head = commit(project, "lead")
    (told_of,) = caused(project).values()
    assert told_of[1:] == (head, "lead")
    assert {one["cause"] for one in fields(project).values()} == {"template"}


def test_a_variable_that_a_template_does_not_name_is_not_to_blame(project: Project) -> None:
    in_git(project)
    path = project.root / "reconciler.yaml"
    path.write_text(WORKSPACE.replace("minutes: 30", "minutes: 30, other: 1"))
    commit(project, "mallory")
    path = project.root / "specs/defaults.yaml"
    assert caused(project) == {}
    path.write_text("# ours\n---\n" + DEFAULTS.replace("{cache", "{timeout: 600, cache"))
    (project.root / "specs/etl.yaml.j2").write_text(
        TEMPLATE.replace("source: etl", "source: job").replace("minutes", "spec.timeout")
    )
    commit(project, "dev")
    assert project.run("apply", "--auto-approve").code == 0
    path.write_text("# ours\n---\n" + DEFAULTS.replace("{cache", "{timeout: 900, cache"))
    head = commit(project, "lead")
    changed = fields(project)
    assert changed["spec.step.docker.args.MINUTES"]["cause"] == "variables"
    assert changed["spec.step.docker.args.MINUTES"]["origin"].startswith("specs/defaults.yaml:3:")
    assert caused(project)["update"][1:] == (head, "lead")


def test_tasks_that_a_variable_makes_and_takes_away_name_its_author(project: Project) -> None:
    in_git(project)
    workspace, template = project.root / "reconciler.yaml", project.root / "specs/etl.yaml.j2"
    many = TEMPLATE.replace("etl-job", "etl-job-${{ one }}").replace("minutes", "one")
    many = many.replace("etl:1", "etl-${{ one }}:1")
    template.write_text("{% for one in range(first, last) %}---\n" + many + "{% endfor %}")
    workspace.write_text(WORKSPACE.replace("minutes: 30", "first: 1, last: 2"))
    commit(project, "dev")
    assert project.run("apply", "--auto-approve").code == 0
    workspace.write_text(WORKSPACE.replace("minutes: 30", "first: 2, last: 4"))
    head = commit(project, "mallory")
    expected = ("reconciler.yaml:4", head, "mallory")
    for words in ([], ["--base", "HEAD~1"]):
        assert caused(project, *words) == {"create": expected, "delete": expected}
    assert project.run("apply", "--auto-approve").code == 0
    assert "specs/etl.yaml.j2" in project.run("show", "etl-job-3").out


def test_a_task_that_defaults_changed_is_remembered_with_its_own_file(project: Project) -> None:
    path = project.root / "specs/defaults.yaml"
    path.write_text(DEFAULTS.replace("enabled", "disabled"))
    change = json.loads(project.run("plan", "-o", "json").out)["changes"][-1]
    assert (change["file"], change["cause"]["file"]) == (
        "specs/web-api.yaml",
        "specs/defaults.yaml",
    )
    assert project.run("apply", "--auto-approve").code == 0
    assert "specs/web-api.yaml" in project.run("show", "web-api").out


def test_a_field_of_defaults_names_their_file_and_who_wrote_it(project: Project) -> None:
    commit(project, "dev")
    path = project.root / "specs/defaults.yaml"
    path.write_text(DEFAULTS.replace("enabled", "disabled"))
    head = commit(project, "lead")
    project.write(timeout=1200, triggers={"timers": {"nightly": "0 3 * * 1"}})
    last = commit(project, "dev")
    text = told(project)
    assert f"from specs/defaults.yaml:3:8 {head} lead@contoso.example" in text
    assert f"{last} dev@contoso.example" in text
    content = json.loads(project.run("plan", "-o", "json").out)
    (inherited,) = content["inherited"]
    assert (inherited["file"], inherited["author"]) == (
        "specs/defaults.yaml",
        "lead@contoso.example",
    )


def test_a_line_that_went_is_told_apart_from_one_that_says_the_default(project: Project) -> None:
    project.write(triggers={"timers": {"nightly": "0 3 * * 1"}})
    assert fields(project)["spec.timeout"]["cause"] == "removed"
    assert "900 -> 3600 no longer written" in told(project)
    project.write(timeout=3600, triggers={"timers": {"nightly": "0 3 * * 1"}})
    assert fields(project)["spec.timeout"]["cause"] == "spec"


def test_a_new_timer_tells_what_is_written_of_it_alone(project: Project) -> None:
    new = {"nightly": "0 3 * * 1", "hourly": {"schedule": "30 * * * *", "overlap": "skip"}}
    project.write(timeout=900, triggers={"timers": new})
    found = {name: (one["before"], one["cause"]) for name, one in fields(project).items()}
    path = "spec.triggers.timers.hourly"
    assert {name: one for name, one in found.items() if "hourly" in name} == {
        f"{path}.overlap": (None, "spec"),
        f"{path}.schedule": (None, "spec"),
    }
    project.run("apply", "--auto-approve")
    project.write(timeout=900, triggers={"timers": {"nightly": "0 3 * * 1"}})
    assert sorted(fields(project)) == [f"{path}.overlap", f"{path}.schedule"]


def test_a_new_trigger_of_defaults_alone_is_told(project: Project) -> None:
    context = {"source": "https://git.contoso.example/web.git#main", "token": {"secret": "env:PAT"}}
    project.write(context=context)
    project.run("apply", "--auto-approve")
    project.write(context=context, triggers={"commit": {}})
    found = fields(project)
    assert found
    assert {one["cause"] for one in found.values()} == {"spec"}


def test_drift_that_is_undone_names_who_made_it(project: Project) -> None:
    project.actor = "oncall@contoso.example"
    project.change_live(timeout=7200, triggers={"timers": {"nightly": "0 3 * * 1"}})
    assert "7200 -> 900 undoes drift by oncall@contoso.example" in told(project, "--heal")


def test_the_full_form_says_who_wrote_every_field(project: Project) -> None:
    project.write(timeout=1200, triggers={"timers": {"nightly": "0 3 * * 1"}})
    head = commit(project, "dev")
    assert re.search(
        rf"timeout 900 -> 1200 specs/web-api.yaml:\d+ {head} dev@contoso.example",
        told(project, "--full"),
    )


def as_read_by(project: Project, version: str, *, clean: bool = True) -> None:
    """An apply of a version, which took the spec for one with another timeout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reconciler.operations.planning.plan_head.__version__", version)
        project.write(timeout=600)
        commit(project, "dev")
        if not clean:
            (project.root / "specs/new.txt").write_text("not committed")
        assert project.run("apply", "--auto-approve").code == 0
    with project.opened() as opened, opened.database.write() as connection:
        for table in (applied_tasks, live_tasks):
            later = sa.func.replace(table.c.document, '"timeout":600', '"timeout":700')
            connection.execute(sa.update(table).values(document=later))


def test_what_only_another_version_reads_otherwise_is_blamed_on_nobody(project: Project) -> None:
    as_read_by(project, "0.0.9")
    assert fields(project)["spec.timeout"]["cause"] == "tool"
    assert "700 -> 600 another version of reconciler reads the same files so" in told(project)
    (project.root / "README.md").write_text("beside reconciler.yaml")
    (project.root / "specs/below").mkdir()
    other = TEMPLATE.replace("etl-job", "other-job").replace("etl:1", "other:1")
    (project.root / "specs/below/other.yaml.j2").write_text(other)
    commit(project, "dev")
    assert fields(project)["spec.timeout"]["cause"] == "tool"


@pytest.mark.parametrize(("version", "clean"), [(__version__, True), ("0.0.9", False)])
def test_this_version_or_an_apply_of_no_commit_blames_no_version(
    project: Project, version: str, clean: bool
) -> None:
    as_read_by(project, version, clean=clean)
    assert fields(project)["spec.timeout"]["cause"] == "spec"


@pytest.mark.parametrize(
    "file", ["specs/web-api.yaml", "specs/defaults.yaml", "reconciler.yaml", "specs/new.yml"]
)
def test_where_a_file_changed_too_the_version_is_not_blamed(project: Project, file: str) -> None:
    as_read_by(project, "0.0.9")
    path = project.root / file
    path.write_text((path.read_text() if path.exists() else "") + "# changed\n")
    assert fields(project)["spec.timeout"]["cause"] == "spec"
    commit(project, "dev")
    assert fields(project)["spec.timeout"]["cause"] == "spec"


# ------------------------------------------------------------------- levels
def test_the_levels_tell_more_and_more(project: Project) -> None:
    project.write(timeout=1200, step={"docker": {"images": ["web:" + "x" * 120]}})
    lengths = [len(project.run("plan", *level).out) for level in (["--summary"], [], ["--full"])]
    assert lengths == sorted(set(lengths))
    assert "1200" not in told(project, "--summary")
    assert "x" * 30 + '"' in project.run("plan", "--full").out.replace("\n        ", "")


def test_two_levels_at_once_are_wrong_usage(project: Project) -> None:
    assert project.run("plan", "--summary", "--full").code == 64
    assert project.run("plan", "--summary", "-o", "json").code == 64


def test_a_summary_cuts_what_is_many_but_never_deletes(tmp_path: Path) -> None:
    names = [f"task-{number:02}" for number in range(30)]
    project = new_project(tmp_path / "many", *names)
    out = project.run("plan", "--summary").out
    assert "  + and 10 more to create\n" in out
    assert out.count("  + contoso/") == 20
    project.run("apply", "--auto-approve")
    for name in names:
        (project.root / f"specs/{name}.yaml").unlink()
    out = project.run("plan", "--summary").out
    assert out.count("  - contoso/") == 30
    assert "more to delete" not in out


def test_a_summary_has_one_line_for_each_task(project: Project) -> None:
    for name in ("web-new", "a-task-with-a-long-name-of-its-own"):
        project.write(name)
    short = commit(project, "a-reviewer-with-a-long-name")
    out = project.run("plan", "--summary").out
    assert f"  + contoso/web-new             new          specs/web-new.yaml:1  {short}\n" in out
    assert "\n  + contoso/a-task-with-a-long-name-of-its-own  new\n" in out


def test_notes_name_files_from_the_root_of_the_repository(project: Project) -> None:
    git = ["git", "init", "-q"]
    subprocess.run(git, cwd=project.root.parent, check=True)
    project.write(timeout="soon")
    for words in (("plan", "-o", "github"), ("validate", "-o", "github")):
        outcome = project.run(*words)
        assert outcome.code == 1
        assert outcome.out.startswith("::error file=workspace/specs/web-api.yaml,line=")


# ------------------------------------------------- releases, timers, secrets
def test_a_release_path_that_changes_hands_names_both(project: Project) -> None:
    etl = project.root / "specs/etl.yaml.j2"
    etl.write_text(TEMPLATE.replace("etl:1", "etl:2"))
    docker = {"images": ["zeta:1", "etl:1"]}
    project.write(step={"docker": docker})
    expected = "contoso/web-api now writes registry.contoso.example/etl:1, until now written by"
    assert f"{expected} contoso/etl-job" in told(project)
    paths = json.loads(project.run("plan", "-o", "json").out)["releases"]
    first = next(path for path in paths if path["former"])
    line = int(first["origin"].split(":")[1])
    assert "etl:1" in (project.root / "specs/web-api.yaml").read_text().splitlines()[line - 1]


def test_a_timer_and_a_token_are_told_by_what_they_mean(project: Project) -> None:
    token = {"secret": "env:PAT", "version": "v3", "scopes": ["repo:status"]}
    source = "https://git.contoso.example/web.git#main"
    timers = {"timers": {"nightly": "0 3 * * 1"}}
    project.write(context={"source": source, "token": token}, triggers=timers)
    project.run("apply", "--auto-approve")
    token = {**token, "version": "v4", "expires": "2027-01-31"}
    timers = {"timers": {"nightly": "0 */2 * * *"}}
    project.write(context={"source": source, "token": token}, triggers=timers)
    text = told(project)
    assert "reference env:PAT, version v3 -> v4, expires 2027-01-31, scopes unchanged" in text
    assert "from 1 run a week to 12 runs a day, next " in text


# --------------------------------------------------------------- known drift
def known(project: Project, days: int) -> None:
    last = (datetime.now(UTC) + timedelta(days=days)).date()
    (project.root / "reconciler.yaml").write_text(
        f"{WORKSPACE}knownDrift:\n"
        "  - match: {address: contoso/web-*}\n"
        "    field: spec.timeout\n"
        "    owner: team-web\n"
        "    reason: load test\n"
        f"    expires: {last}\n"
    )


def test_known_drift_is_shown_and_raises_no_alarm_until_it_ends(project: Project) -> None:
    timers = {"timers": {"nightly": "0 3 * * 1"}}
    project.change_live(timeout=7200, cache="enabled", triggers=timers)
    assert project.run("drift").code == 8
    known(project, days=3)
    outcome = project.run("drift")
    assert outcome.code == 0
    assert "known drift, until" in outcome.out
    assert "(3 days), team-web: load test (reconciler.yaml:6)" in " ".join(outcome.out.split())
    assert project.run("plan", "--detailed-exitcode").code == 0
    known(project, days=0)
    told = " ".join(project.run("drift").out.split())
    assert "(today is the last day), team-web: load test" in told
    known(project, days=-1)
    outcome = project.run("drift")
    assert outcome.code == 8
    assert "which is over" in outcome.out


def test_drift_as_json_has_what_is_known_apart(project: Project) -> None:
    timers = {"timers": {"nightly": "0 3 * * 1"}}
    project.change_live(timeout=7200, cache="enabled", protect=True, triggers=timers)
    known(project, days=3)
    content = json.loads(project.run("drift", "-o", "json").out)
    (drift,), (apart,) = content["drift"], content["known_drift"]
    assert [field["path"] for field in drift["paths"]] == ["spec.protect"]
    assert [field["path"] for field in apart["paths"]] == ["spec.timeout"]
    assert apart["origin"].startswith("reconciler.yaml:6:")


def test_an_entry_that_nothing_matches_is_named(project: Project) -> None:
    known(project, days=3)
    outcome = project.run("drift")
    assert outcome.code == 0
    assert "note: known drift that is no more: reconciler.yaml:6; remove it" in outcome.out
    content = json.loads(project.run("drift", "-o", "json").out)
    assert len(content["unused_known_drift"]) == 1


def test_known_drift_without_an_end_is_refused_at_its_line(project: Project) -> None:
    known(project, days=3)
    path = project.root / "reconciler.yaml"
    path.write_text(re.sub(r"    expires: .*\n", "", path.read_text()))
    outcome = project.run("drift")
    assert outcome.code == 1
    assert "reconciler.yaml:6:" in outcome.err
    assert "expires" in outcome.err


# -------------------------------------------------------------------- schema
def test_a_plan_with_everything_in_it_fits_its_schema(project: Project) -> None:
    project.change_live(timeout=7200, protect=True)
    known(project, days=3)
    (project.root / "specs/etl.yaml.j2").write_text(TEMPLATE.replace("etl:1", "etl:2"))
    (project.root / "specs/defaults.yaml").write_text(DEFAULTS.replace("enabled", "disabled"))
    project.write(triggers={"timers": {"nightly": "0 4 * * *"}})
    project.write("shop-api")
    commit(project, "dev")
    told_json = json.loads(project.run("plan", "--out", "p.json", "-o", "json").out)
    saved = json.loads((project.root / "p.json").read_text())
    schema = plan_schema()
    for content in (told_json, saved):
        jsonschema.Draft202012Validator(schema).validate(content)
        for key in ("changes", "drift", "known_drift", "releases", "timers", "inherited"):
            assert content[key], key
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**saved, "releases": [{"image": "x"}]}, schema)
