"""Live tasks become spec files; a plan has nothing to do afterwards."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from reconciler.model.task import Task
from tests.flow.live_tasks import live_tasks
from tests.flow.project import Project, new_project
from tests.unit.plan.builders import canonical, stored, task


@pytest.fixture(name="project")
def workspace(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace")


def make_live(project: Project, *tasks: Task) -> None:
    with project.opened() as opened:
        for one in tasks:
            opened.provider.create(one.address, stored(one).document)


def assert_plan_is_empty(project: Project) -> None:
    outcome = project.run("plan", "--detailed-exitcode", "-o", "json")
    plan = json.loads(outcome.out)
    assert (plan["changes"], plan["drift"], plan["unmanaged"]) == ([], [], [])
    assert outcome.code == 0


def test_300_tasks_of_every_kind_of_field_plan_to_no_change(project: Project) -> None:
    tasks = live_tasks(300)
    make_live(project, *tasks)
    before = project.live()
    outcome = project.run("import", "--all", "--allow-plain-secrets")
    assert outcome.code == 0, outcome.err
    assert "+ specs/contoso/  300 files" in outcome.out
    assert_plan_is_empty(project)
    assert project.live() == before
    assert project.run("fmt", "--check").code == 0
    assert project.run("drift").code == 0
    plan = json.loads(project.run("plan", "-o", "json").out)
    assert (plan["unchanged"], plan["state_serial"]) == (300, 300)


def test_steps_that_no_run_would_start_are_not_imported_and_the_reason_is_told(
    project: Project,
) -> None:
    right = task("right", step={"inline": {"steps": [{"cmd": "x", "env": ["A=1"]}]}})
    lax = task("lax-one", compat="acb", step={"inline": {"steps": [{"cmd": "x && y"}]}})
    wrong = task("wrong", step={"inline": {"steps": [{"cmd": "x && y"}]}})
    make_live(project, right, lax, wrong)
    outcome = project.run("import", "--all")
    assert outcome.code == 1
    assert "Imported 2 tasks; 1 not imported." in outcome.out
    assert "contoso/wrong: no run of it would start" in " ".join(outcome.err.split())
    assert "there is no shell here" in " ".join(outcome.err.split())
    assert not (project.root / "specs/contoso/wrong.yaml").exists()
    assert project.run("validate").code == 0


def test_the_300_tasks_use_every_field_there_is() -> None:
    used = {key for one in live_tasks(300) for key in _keys(canonical(one))}
    assert _fields(Task) - used == {"movedFrom"}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from _keys(child)
    elif isinstance(value, list):
        for child in value:
            yield from _keys(child)


def _fields(kind: type[BaseModel]) -> set[str]:
    """The keys of a model and of all models in it."""
    waiting, seen, found = [kind], set[type[BaseModel]](), set[str]()
    while waiting:
        model = waiting.pop()
        if model in seen:
            continue
        seen.add(model)
        for name, info in model.model_fields.items():
            found.add(info.alias or name)
            waiting += _models_in(info.annotation)
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)


def test_a_file_is_written_as_a_person_would(project: Project) -> None:
    one = task(
        "web-api",
        metadata={"owner": "team-web", "labels": {"tier": "prod"}},
        context={
            "source": "https://git.contoso.example/web.git#main",
            "token": {"secret": "env:GIT_PAT", "scopes": ["repo:status"], "expires": "2027-01-31"},
        },
        triggers={"commit": {"branch": "main"}, "timers": {"nightly": "0 3 * * *"}},
        notify=[{"on": "Failed", "url": {"secret": "env:HOOK"}}],
    )
    make_live(project, one)
    outcome = project.run("import", "web-api")
    assert outcome.code == 0, outcome.err
    written = (project.root / "specs/contoso/web-api.yaml").read_text()
    first, _, rest = written.partition("\n")
    assert first.startswith("# Imported as it was live on 20")
    assert first.endswith(" UTC, last changed by lead@contoso.example.")
    todo = "  # TODO: check that this reference to a secret can be resolved here"
    assert rest == (
        "# TODO: say contact, reviewBy, description: nothing live tells them.\n"
        "apiVersion: reconciler/v1\n"
        "kind: Task\n"
        "metadata:\n"
        "  name: web-api\n"
        "  registry: contoso\n"
        "  owner: team-web\n"
        "  labels:\n"
        "    tier: prod\n"
        "spec:\n"
        "  context:\n"
        "    source: https://git.contoso.example/web.git#main\n"
        "    token:\n"
        f"      secret: env:GIT_PAT{todo}\n"
        "      scopes:\n"
        "        - repo:status\n"
        "      expires: 2027-01-31\n"
        "  step:\n"
        "    docker:\n"
        "      images:\n"
        "        - web-api:{{.Run.ID}}\n"
        "  triggers:\n"
        "    commit:\n"
        "      - branch: main\n"
        "    timers:\n"
        "      nightly:\n"
        "        schedule: 0 3 * * *\n"
        "  notify:\n"
        "    - on:\n"
        "        - Failed\n"
        "      url:\n"
        f"        secret: env:HOOK{todo}\n"
    )
    assert "2 references to secrets marked TODO" in outcome.out
    assert_plan_is_empty(project)


@pytest.mark.parametrize(
    ("step", "marked"),
    [
        (
            {
                "docker": {
                    "images": ["web:1"],
                    "args": {"DB_PASSWORD": "hunter2", "VERSION": "1", "PRIVATE_KEY": "a\nb\n"},
                }
            },
            ["DB_PASSWORD: hunter2", "PRIVATE_KEY: |"],
        ),
        ({"file": {"path": "t.yaml", "set": {"npmToken": "x: y"}}}, ["npmToken: 'x: y'"]),
        (
            {
                "inline": {
                    "steps": [
                        {"cmd": "bash", "env": ["A=1", "PASSWORD=hunter22", "TOKEN={{.Run.ID}}"]}
                    ],
                    "env": ["Z=1", "API_KEY=k", "A=2"],
                    "values": {"secret": "s"},
                    "volumes": [{"name": "v", "secret": {"a": "YQ=="}}],
                }
            },
            ["- PASSWORD=hunter22", "- API_KEY=k", "a: YQ==", "secret: s"],
        ),
    ],
)
def test_a_plain_value_under_a_name_of_a_secret_is_marked(
    project: Project, step: dict[str, Any], marked: list[str]
) -> None:
    make_live(project, task("web-api", step=step))
    refused = project.run("import", "web-api")
    told = f"it holds {len(marked)} plain value"
    assert (refused.code, told in " ".join(refused.err.split())) == (1, True)
    assert "hunter" not in refused.err
    assert not (project.root / "specs/contoso").exists()
    outcome = project.run("import", "web-api", "-o", "json", "--allow-plain-secrets")
    assert outcome.code == 0, outcome.err
    text = (project.root / "specs/contoso/web-api.yaml").read_text()
    todo = "  # TODO: a secret, by its name: "
    found = [line.partition(todo)[0].strip() for line in text.splitlines() if todo in line]
    assert sorted(found) == sorted(marked)
    (one,) = json.loads(outcome.out)["imported"]
    assert (one["secrets"], len(one["plain_secrets"])) == (0, len(marked))
    assert_plan_is_empty(project)


def test_an_import_warns_of_plain_values_under_names_of_secrets(project: Project) -> None:
    docker = {"images": ["web:1"], "args": {"TOKEN": "hunter2"}}
    make_live(project, task("web-api", step={"docker": docker}))
    words = ("import", "--all", "--allow-plain-secrets")
    told = " ".join(project.run(*words).out.split())
    assert "warning: 1 plain value like a secret in the files" in told
    assert "contoso/web-api spec.step.docker.args.TOKEN" in told
    assert "hunter2" not in told


def test_what_was_imported_is_last_applied_and_in_the_journal(project: Project) -> None:
    make_live(project, task("web-api"))
    apply_id = json.loads(project.run("import", "--all", "-o", "json").out)["apply_id"]
    with project.opened() as opened, opened.database.read() as connection:
        from reconciler.store.journal import find, writes_of
        from reconciler.store.tasks import read_applied

        [row] = read_applied(connection)
        assert (row.address, row.file, row.apply_id) == (
            "contoso/web-api",
            "specs/contoso/web-api.yaml",
            apply_id,
        )
        found = find(connection, apply_id)
        assert found is not None
        assert (found.actor, found.outcome) == ("lead@contoso.example", "done")
        assert [one.action for one in writes_of(connection, apply_id)] == ["no-op"]
    project.change_live(timeout=7200)
    assert project.run("drift").code == 8
    (project.root / "specs/contoso/web-api.yaml").unlink()
    plan = json.loads(project.run("plan", "-o", "json").out)
    assert [one["action"] for one in plan["changes"]] == ["delete"]


def test_what_a_spec_declares_already_stays_as_it_is(project: Project) -> None:
    project.write("web-api")
    make_live(project, task("web-api"), task("shop-api"))
    before = (project.root / "specs/web-api.yaml").read_text()
    outcome = project.run("import", "--all")
    assert outcome.code == 0
    assert "Imported 1 task; 1 task declared already." in outcome.out
    named = project.run("import", "web-api")
    assert named.code == 1
    assert "specs/web-api.yaml declares it already" in named.err
    assert (project.root / "specs/web-api.yaml").read_text() == before
    assert project.run("import", "--all").out.startswith("Imported 0 tasks")


def test_no_file_is_overwritten_unless_it_is_meant(project: Project) -> None:
    make_live(project, task("web-api"))
    path = project.root / "specs/contoso/web-api.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("# notes\n")
    refused = project.run("import", "--all")
    assert refused.code == 1
    assert "specs/contoso/web-api.yaml is there already" in refused.err
    assert path.read_text() == "# notes\n"
    assert project.run("import", "--all", "--force").code == 0
    assert_plan_is_empty(project)
    project.change_live(timeout=7200)
    assert project.run("import", "web-api", "--force").code == 0
    assert "timeout: 7200" in path.read_text()
    assert_plan_is_empty(project)


def test_a_file_with_other_tasks_is_never_overwritten(project: Project) -> None:
    make_live(project, task("web-api"))
    project.write("shop-api")
    path = project.root / "specs/contoso/web-api.yaml"
    path.parent.mkdir(parents=True)
    (project.root / "specs/shop-api.yaml").rename(path)
    outcome = project.run("import", "web-api", "--force")
    assert outcome.code == 1
    assert "declares other things too: contoso/shop-api" in " ".join(outcome.err.split())
    assert "shop-api" in path.read_text()


def test_a_file_with_defaults_is_never_overwritten(project: Project) -> None:
    make_live(project, task("web-api"))
    path = project.root / "specs/contoso/web-api.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("apiVersion: reconciler/v1\nkind: Defaults\nspec: {timeout: 3600}\n")
    outcome = project.run("import", "web-api", "--force")
    assert outcome.code == 1
    assert "declares other things too: Defaults" in " ".join(outcome.err.split())


def test_defaults_of_the_folder_are_written_over(project: Project) -> None:
    (project.root / "specs").mkdir()
    (project.root / "specs/defaults.yaml").write_text(
        "apiVersion: reconciler/v1\n"
        "kind: Defaults\n"
        "metadata: {owner: team-web, contact: web@contoso.example}\n"
        "spec:\n"
        "  timeout: 900\n"
        "  retention: {logs: 30d}\n"
        "  protect: true\n"
        "  step: {docker: {noCache: true}}\n"
    )
    make_live(project, task("web-api", metadata={"owner": "team-shop"}, timeout=600))
    assert project.run("import", "--all").code == 0
    assert_plan_is_empty(project)
    written = (project.root / "specs/contoso/web-api.yaml").read_text()
    for line in ("contact: null", "protect: false", "logs: null", "noCache: false"):
        assert f"{line}\n" in written
    assert "driftPolicy" not in written


def test_what_defaults_cannot_be_kept_from_giving_is_refused(project: Project) -> None:
    (project.root / "specs").mkdir()
    (project.root / "specs/defaults.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Defaults\nmetadata: {labels: {tier: prod}}\n"
    )
    make_live(project, task("web-api"))
    outcome = project.run("import", "--all")
    assert outcome.code == 1
    told = " ".join(outcome.err.split())
    assert "specs/defaults.yaml:3:21 gives it metadata.labels.tier, which it has not live" in told
    assert not (project.root / "specs/contoso").exists()


def test_one_that_cannot_be_imported_does_not_keep_the_rest(project: Project) -> None:
    token = "ghp_" + "a1B2" * 9
    make_live(
        project,
        task("pasted-api", metadata={"description": f"uses {token}"}),
        task("other-api", metadata={"registry": "fabrikam"}),
        task("twice-api", step={"docker": {"images": ["web:1"]}}),
        task("twice-too", step={"docker": {"images": ["web:1"]}}),
        task("web-api"),
    )
    with project.opened() as opened:
        opened.provider.create("contoso/broken-api", '{"kind": "Task"}')
        opened.provider.create("contoso/../../escape", stored(task("escape-api")).document)
    outcome = project.run("import", "--all")
    assert outcome.code == 1
    told = " ".join(outcome.err.split())
    for part in (
        "contoso/pasted-api: metadata.description holds what looks like a token",
        "fabrikam/other-api: the registry 'fabrikam' is not declared",
        "contoso/twice-too: contoso/twice-api and contoso/twice-too both write",
        "contoso/broken-api: what is live cannot be read",
        "contoso/../../escape: what is live names another task inside",
    ):
        assert part in told
    files = sorted(path.name for path in project.root.rglob("*.yaml"))
    assert files == ["reconciler.yaml", "twice-api.yaml", "web-api.yaml"]
    everything = (
        outcome.out
        + outcome.err
        + "".join(path.read_text() for path in project.root.rglob("*.yaml"))
    )
    assert token not in everything
    assert project.run("validate").code == 0


def test_who_changed_it_last_cannot_write_into_the_file(project: Project) -> None:
    project.actor = "eve\nmetadata: {name: x}\u202e\x1b[2J"
    make_live(project, task("web-api"))
    assert project.run("import", "--all").code == 0
    first = (project.root / "specs/contoso/web-api.yaml").read_text().splitlines()[0]
    assert first.startswith("# Imported")
    assert "eve\\nmetadata" in first
    assert first.isprintable()


def test_a_linked_folder_is_not_written_through(project: Project, tmp_path: Path) -> None:
    make_live(project, task("web-api"))
    (tmp_path / "outside").mkdir()
    (project.root / "specs").mkdir()
    (project.root / "specs/contoso").symlink_to(tmp_path / "outside")
    assert project.run("import", "--all").code == 1
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 64, "names of live tasks, or --all"),
        (["--all", "web-api"], 64, "names of live tasks, or --all"),
        (["web-api", "--registry", "contoso"], 64, "names of live tasks, or --all"),
        (["web-apy"], 64, "did you mean web-api?"),
        (["--all", "-r", "contosso"], 64, "did you mean contoso?"),
    ],
)
def test_wrong_words_say_what_is_right(
    project: Project, words: list[str], code: int, told: str
) -> None:
    make_live(project, task("web-api"))
    outcome = project.run("import", *words)
    assert outcome.code == code
    assert told in outcome.err
    assert not (project.root / "specs").exists()


def test_an_import_waits_for_nobody_who_holds_the_lock(project: Project) -> None:
    from reconciler.operations.applying.apply import locked

    make_live(project, task("web-api"))
    with project.opened() as opened, locked(opened, "apply p-other"):
        outcome = project.run("import", "--all")
    assert outcome.code == 5
    assert not (project.root / "specs").exists()
