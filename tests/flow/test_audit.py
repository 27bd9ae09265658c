"""report and policy, the whole command in process, over workspaces on disk."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.loader.files import WorkspaceFiles
from reconciler.loader.policies import load_policies
from reconciler.operations.reading.validate import load_rules

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "reconciler" / "operations" / "authoring" / "starter"

WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
registries: [{name: contoso, loginServer: registry.contoso.example}]
"""
SPEC = """\
apiVersion: reconciler/v1
kind: Task
metadata: {name: web-api, registry: contoso}
spec:
  context:
    source: https://git.contoso.example/web.git#main
    visibility: public
    token: {secret: "env:GIT_PAT", kind: classic, scopes: [repo]}
  step: {docker: {images: ["web-api:{{.Run.ID}}"]}}
"""
POLICY = """\
apiVersion: reconciler/v1
kind: Policy
rules:
  - name: token-scope
"""
WAIVER = """\
apiVersion: reconciler/v1
kind: Waiver
id: W-1
rule: token-scope
match: {address: contoso/web-api}
owner: team-web
reason: until the token is made anew
expires: 2026-12-31
"""


@pytest.fixture(name="workspace")
def made_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "reconciler.yaml": WORKSPACE,
        "specs/web.yaml": SPEC,
        "policies/token.yaml": POLICY,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert run(["report", "-o", "json", "--as-of", "2026-11-20", *words]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


@pytest.mark.usefixtures("workspace")
def test_a_failure_is_reported_with_file_line_and_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (failure,) = report(capsys)["failures"]
    assert failure["where"] == {"file": "specs/web.yaml", "line": 8, "column": 60}
    assert failure["found"] == "repo"


def test_a_waiver_covers_it_until_it_expires(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "policies/waiver.yaml").write_text(WAIVER)
    assert report(capsys)["verdict"] == "pass"
    assert run(["report", "--as-of", "2026-12-31", "--fail-on", "failure", "--out", "r"]) == 0
    assert run(["report", "--as-of", "2027-01-01", "--fail-on", "failure", "--out", "r"]) == 3


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("output", ["html", "json", "sarif", "junit", "markdown", "csv"])
def test_the_same_inputs_give_the_same_bytes(output: str) -> None:
    words = ["report", "-o", output, "--as-of", "2026-11-20T15:00:00Z", "--out"]
    assert run([*words, "first"]) == run([*words, "second"]) == 0
    assert Path("first").read_bytes() == Path("second").read_bytes()


@pytest.mark.usefixtures("workspace")
def test_live_tasks_are_joined_with_declared_ones(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policies/token.yaml").unlink()
    assert run(["apply", "--auto-approve"]) == 0
    Path("specs/web.yaml").write_text(SPEC.replace("web-api,", "web-new,"))
    capsys.readouterr()
    people = report(capsys)["population"]
    assert (people["declared"], people["live"]) == (1, 1)
    assert people["unmanaged"] == ["contoso/web-api"]
    assert people["missing"] == ["contoso/web-new"]


def change_live(old: str, new: str) -> None:
    """Change the live task behind the tool's back."""
    with contextlib.closing(sqlite3.connect(".reconciler/state.db")) as state, state:
        state.execute("UPDATE live_tasks SET document = replace(document, ?, ?)", (old, new))


@pytest.mark.usefixtures("workspace")
def test_a_live_change_is_told_as_drift_and_judged(capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs/web.yaml").write_text(SPEC.replace("[repo]", '["repo:status", public_repo]'))
    assert run(["apply", "--auto-approve"]) == 0
    change_live('["public_repo","repo:status"]', '["repo"]')
    capsys.readouterr()
    found = report(capsys)
    assert found["population"]["drifted"] == ["contoso/web-api"]
    assert found["population"]["differing"] == ["contoso/web-api"]
    assert [failure["form"] for failure in found["failures"]] == ["live"]


@pytest.mark.usefixtures("workspace")
def test_a_wrong_spec_stops_the_report_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs/web.yaml").write_text(SPEC.replace("visibility", "visibilty"))
    assert run(["report"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "specs/web.yaml:7:5: unknown key 'visibilty'" in captured.err


@pytest.mark.usefixtures("workspace")
def test_a_time_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "--as-of", "yesterday"]) == 64
    assert "'yesterday' is no time" in capsys.readouterr().err


@pytest.mark.usefixtures("workspace")
def test_policy_list_shows_the_rules_and_where_they_stand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["policy", "list"]) == 0
    assert "policies/token.yaml:4" in capsys.readouterr().out


def test_a_built_in_rule_is_explained_outside_a_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["policy", "explain", "token-scope"]) == 0
    assert "a document may show repo:status alone" in capsys.readouterr().out.replace("\n  ", " ")


@pytest.mark.usefixtures("workspace")
def test_an_unknown_rule_is_wrong_usage_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["policy", "explain", "tokenscope"]) == 64
    assert "did you mean 'token-scope'?" in capsys.readouterr().err


@pytest.mark.parametrize("root", [STARTER, ROOT], ids=["init", "own"])
def test_the_policy_set_is_right(root: Path) -> None:
    policies = load_policies(WorkspaceFiles(root))
    rules, problems = load_rules(policies)
    assert problems == []
    assert len(rules.rules) >= 10
