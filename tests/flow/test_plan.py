"""The command `plan`: exit codes, saved plans, attribution, secrets, bad states."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.flow.project import POLICY, Project, new_project

TOKEN = {"secret": "env:GIT_PAT"}
CONTEXT = {"source": "https://git.contoso.example/web.git#main", "token": TOKEN}


@pytest.fixture(name="project")
def with_two_tasks(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace", "web-api", "shop-api")


def test_changes_then_none_then_drift_have_their_exit_codes(project: Project) -> None:
    assert project.run("plan", "--detailed-exitcode").code == 2
    assert project.run("apply", "--auto-approve").code == 0
    assert project.run("plan", "--detailed-exitcode").code == 0
    project.change_live(timeout=7200)
    assert project.run("plan", "--detailed-exitcode").code == 8
    project.write(timeout=900)
    assert project.run("plan", "--detailed-exitcode").code == 2


def test_without_the_flag_changes_are_no_failure(project: Project) -> None:
    assert project.run("plan").code == 0


def test_a_wrong_spec_is_1_even_if_policy_would_block(project: Project) -> None:
    (project.root / "policies").mkdir()
    (project.root / "policies/p.yaml").write_text(POLICY)
    assert project.run("plan", "--detailed-exitcode").code == 3
    project.write("other-api", timeout="soon")
    outcome = project.run("plan", "--detailed-exitcode")
    assert outcome.code == 1
    assert "specs/other-api.yaml" in outcome.err


def test_json_holds_the_published_keys(project: Project) -> None:
    project.run("apply", "--auto-approve")
    project.write(timeout=900)
    content = json.loads(project.run("plan", "-o", "json").out)
    (change,) = content["changes"]
    assert content["format_version"] == "1.0"
    assert (change["address"], change["action"]) == ("contoso/web-api", "update")
    (path,) = change["paths"]
    expected = {"path": "spec.timeout", "before": 3600, "after": 900, "sensitive": False}
    assert expected.items() <= path.items()
    assert {"drift", "policy", "inputs", "unchanged"} <= content.keys()


def test_a_plan_changes_nothing_live(project: Project) -> None:
    project.run("plan", "--out", "p.json")
    assert project.live() == {}


def test_a_plan_that_cannot_be_saved_says_so(project: Project) -> None:
    outcome = project.run("plan", "--out", "no/such/folder/p.json")
    assert outcome.code == 1
    assert "cannot be saved" in outcome.err


# --------------------------------------------------------------- attribution
def _git(project: Project, *words: str) -> str:
    who = ["-c", "user.name=Dev", "-c", "user.email=dev@contoso.example"]
    done = subprocess.run(
        ["git", *who, *words], cwd=project.root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_each_change_names_file_line_commit_and_author(project: Project) -> None:
    _git(project, "init", "-q")
    _git(project, "add", "-A")
    _git(project, "commit", "-q", "-m", "first")
    head = _git(project, "rev-parse", "HEAD")
    changes = json.loads(project.run("plan", "-o", "json").out)["changes"]
    causes = {change["cause"]["file"]: change["cause"] for change in changes}
    assert causes["specs/web-api.yaml"]["commit"] == head
    assert causes["specs/web-api.yaml"]["author"] == "dev@contoso.example"
    assert f"specs/web-api.yaml:1  {head[:7]} dev@contoso.example" in " ".join(
        project.run("plan").out.split("\n      ")
    )


def test_a_change_that_is_not_committed_says_so(project: Project) -> None:
    _git(project, "init", "-q")
    _git(project, "add", "-A")
    _git(project, "commit", "-q", "-m", "first")
    project.run("apply", "--auto-approve")
    project.write(timeout=900)
    outcome = project.run("plan")
    assert re.search(r"specs/web-api.yaml:1\d not committed", " ".join(outcome.out.split()))


def test_outside_git_nobody_is_accused(project: Project) -> None:
    out = project.run("plan").out
    assert "committed" not in out
    assert "specs/web-api.yaml:1\n" in out


def test_git_that_refuses_the_folder_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _git(project, "init", "-q")
    _git(project, "add", "-A")
    _git(project, "commit", "-q", "-m", "first")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    outcome = project.run("plan")
    assert outcome.code == 0
    assert "note: no authors and commits are shown" in outcome.out


def test_the_applied_row_holds_the_commit_that_wrote_the_spec(project: Project) -> None:
    from reconciler.store.tasks import read_applied

    _git(project, "init", "-q")
    _git(project, "add", "-A")
    _git(project, "commit", "-q", "-m", "first")
    head = _git(project, "rev-parse", "HEAD")
    project.run("apply", "--auto-approve")
    with project.opened() as opened, opened.database.read() as connection:
        rows = {row.address: (row.commit, row.file) for row in read_applied(connection)}
    assert rows["contoso/web-api"] == (head, "specs/web-api.yaml")


# ------------------------------------------------------------------ secrets
PLANTED = "planted-4f7e1c9b2a"


def test_plan_and_apply_need_no_secret_and_keep_none(project: Project) -> None:
    docker = {"images": ["web-api:1"], "secrets": {"NPM": "env:NPM"}}
    project.write(context=CONTEXT, step={"docker": docker})
    without = project.run("plan", "-o", "json")
    project.environment |= {"GIT_PAT": PLANTED, "NPM": PLANTED}
    texts = [
        project.run(*words)
        for words in (
            ("plan", "--out", "p.json"),
            ("plan", "-o", "json"),
            ("plan", "-o", "markdown"),
            ("apply", "p.json"),
            ("drift",),
        )
    ]
    assert (without.code, *(text.code for text in texts)) == (0,) * 6
    held = [path.read_bytes() for path in project.root.rglob("*") if path.is_file()]
    assert any(b"env:GIT_PAT" in data for data in held)
    for data in [*held, *(f"{text.out}{text.err}".encode() for text in texts)]:
        assert PLANTED.encode() not in data


def test_the_journal_holds_references_only(project: Project) -> None:
    from reconciler.store import journal

    project.write(context=CONTEXT)
    project.environment |= {"GIT_PAT": PLANTED}
    project.run("apply", "--auto-approve")
    with project.opened() as opened, opened.database.read() as connection:
        (apply_id,) = connection.exec_driver_sql("SELECT id FROM applies").scalars()
        changes = [row.change for row in journal.writes_of(connection, apply_id)]
    assert any('"secret":"env:GIT_PAT"' in text for text in changes)
    assert not any(PLANTED in text for text in changes)


# ---------------------------------------------------------------- bad states
def test_a_damaged_state_is_1_with_a_hint_and_no_trace(project: Project) -> None:
    folder = project.root / ".reconciler"
    folder.mkdir()
    (folder / "state.db").write_bytes(b"garbage " * 1000)
    outcome = project.run("plan")
    assert outcome.code == 1
    assert "error: the state database is damaged" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_live_task_that_is_no_task_is_named(project: Project) -> None:
    project.run("apply", "--auto-approve")
    with project.opened() as opened:
        opened.provider.update("contoso/web-api", '{"kind":"Task","evil":"\x1b[31m"}')
    outcome = project.run("plan")
    assert outcome.code == 0
    assert "contoso/web-api cannot be read live" in " ".join(outcome.out.split())
    assert "\x1b" not in outcome.out


def test_a_postgres_state_without_driver_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    state = "postgresql+psycopg://db.contoso.example/state"
    outcome = new_project(tmp_path / "w", "web-api", state=state).run("plan")
    assert outcome.code == 1
    assert "[postgres]" in outcome.err


def test_a_password_in_the_state_url_is_refused_and_not_shown(tmp_path: Path) -> None:
    state = f"postgresql+psycopg://me:{PLANTED}@db.contoso.example/state"
    outcome = new_project(tmp_path / "w", "web-api", state=state).run("plan")
    assert outcome.code == 1
    assert PLANTED not in outcome.out + outcome.err


def test_a_protected_task_is_not_deleted_until_it_is_applied_without(project: Project) -> None:
    project.write(protect=True)
    assert project.run("apply", "--auto-approve").code == 0
    spec = next(path for path in (project.root / "specs").rglob("*.yaml") if "web" in path.name)
    text = spec.read_text()
    spec.unlink()
    refused = project.run("apply", "--auto-approve")
    assert refused.code == 1
    assert "contoso/web-api" in refused.err
    assert project.run("plan").code == 1
    spec.write_text(text.replace("protect: true", "protect: false"))
    assert project.run("apply", "--auto-approve").code == 0
    spec.unlink()
    assert project.run("apply", "--auto-approve").code == 0


def test_a_value_from_uncommitted_defaults_is_not_blamed_on_the_spec(project: Project) -> None:
    defaults = project.root / "specs" / "defaults.yaml"
    text = "apiVersion: reconciler/v1\nkind: Defaults\nspec: {{timeout: {}}}\n"
    defaults.write_text(text.format(900))
    git = ["git", "-c", "user.name=T", "-c", "user.email=t@contoso.example"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=project.root, check=True)
    assert project.run("apply", "--auto-approve").code == 0
    defaults.write_text(text.format(1200))
    told = " ".join(project.run("plan").out.split())
    assert "specs/defaults.yaml:3" in told
    assert "not committed" in told


def test_own_changes_beside_inherited_ones_are_told_at_the_spec(project: Project) -> None:
    defaults = project.root / "specs" / "defaults.yaml"
    text = "apiVersion: reconciler/v1\nkind: Defaults\nspec: {{timeout: {}}}\n"
    defaults.write_text(text.format(900))
    assert project.run("apply", "--auto-approve").code == 0
    defaults.write_text(text.format(1200))
    spec = project.root / "specs" / "web-api.yaml"
    spec.write_text(spec.read_text().replace("web-api:", "web-new:"))
    changes = json.loads(project.run("plan", "-o", "json").out)["changes"]
    (change,) = [change for change in changes if change["address"] == "contoso/web-api"]
    assert {field["cause"] for field in change["paths"]} == {"spec", "defaults"}
    assert change["cause"]["file"] == "specs/web-api.yaml"


def test_a_new_task_is_told_by_its_document_and_by_what_comes_from_defaults(
    project: Project,
) -> None:
    (project.root / "specs" / "defaults.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Defaults\n"
        "metadata: {owner: team-web}\n"
        "spec:\n  timeout: 900\n  triggers: {baseImage: {type: All}}\n"
    )
    project.write(timeout=1200, triggers={"timers": {"nightly": "0 3 * * *"}})
    changes = json.loads(project.run("plan", "-o", "json").out)["changes"]
    (change,) = [one for one in changes if one["address"] == "contoso/web-api"]
    assert {field["path"]: (field["cause"], field["origin"]) for field in change["paths"]} == {
        "metadata.owner": ("defaults", "specs/defaults.yaml:3:12"),
        "spec.triggers.baseImage.type": ("defaults", "specs/defaults.yaml:6:26"),
    }
    assert change["target"]["spec"]["timeout"] == 1200
    assert change["applied"] is None
    told = " ".join(project.run("plan", "--full").out.split())
    assert '"All" from specs/defaults.yaml:6:26' in told
    assert "timeout 1200 triggers.baseImage.type" in told


def test_a_plan_without_changes_imports_no_database_library(project: Project) -> None:
    assert project.run("apply", "--auto-approve").code == 0
    code = (
        "import sys; from reconciler.cli.main import run; "
        "print(run(['plan']), 'sqlalchemy' in sys.modules)"
    )
    with project.spawn(code=code) as process:
        assert process.communicate()[0].splitlines()[-1] == "0 False"
