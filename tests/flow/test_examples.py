"""Examples that need no engine do what their READMEs say; our specs pass our own policies."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.cli.main import run

ROOT = Path(__file__).parents[2]
REVIEW = ROOT / "examples" / "02-policy-review"
DRIFT = ROOT / "examples" / "04-drift"


@pytest.fixture
def review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "review"
    shutil.copytree(REVIEW, folder)
    # The dates of an example pass; this test must not.
    soon = (datetime.now(UTC) + timedelta(days=200)).date().isoformat()
    for path in folder.rglob("*.yaml"):
        path.write_text(re.sub(r"2027-\d\d-\d\d", soon, path.read_text()))
    monkeypatch.chdir(folder)
    return folder


def test_the_token_is_refused_with_file_and_line(
    review: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate"]) == 3
    shown = capsys.readouterr().out
    assert "error: specs/public-api.yaml:16:16: token scope is wider" in shown
    assert "repo:status" in shown
    assert "public_repo" in shown


def test_the_blocked_plan_gives_3_as_well(review: Path) -> None:
    assert run(["plan", "--detailed-exitcode"]) == 3
    assert run(["apply", "--auto-approve"]) == 3


def test_the_waiver_lets_it_through(review: Path) -> None:
    (review / "waiver.yaml").rename(review / "policies" / "waiver.yaml")
    assert run(["validate"]) == 0


def test_an_expired_waiver_does_not(review: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = re.sub(r"expires: .*", "expires: 2026-01-31", (review / "waiver.yaml").read_text())
    (review / "policies" / "waiver.yaml").write_text(text)
    assert run(["validate"]) == 3
    assert "waiver W-1 expired on 2026-01-31" in " ".join(capsys.readouterr().out.split())


def test_the_right_scopes_pass(review: Path) -> None:
    spec = review / "specs" / "public-api.yaml"
    spec.write_text(spec.read_text().replace("[repo]", '["repo:status", public_repo]'))
    assert run(["validate"]) == 0


def test_the_readme_names_commands_that_exist(
    review: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "explain", "token-scope"]) == 0
    assert "public_repo" in capsys.readouterr().out


@pytest.fixture
def drifted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "drift"
    shutil.copytree(DRIFT, folder, ignore=shutil.ignore_patterns(".reconciler"))
    monkeypatch.chdir(folder)
    assert run(["apply", "--auto-approve"]) == 0
    assert run(["drift"]) == 0
    runpy.run_path(str(folder / "change_live.py"))
    return folder


@pytest.mark.usefixtures("drifted")
def test_a_change_behind_our_back_is_told_with_field_values_and_who(
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    assert run(["drift"]) == 8
    shown = " ".join(capsys.readouterr().out.split())
    assert "timeout applied 3600, live 7200 by oncall@contoso.example" in shown


@pytest.mark.usefixtures("drifted")
def test_plan_and_apply_leave_it_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--detailed-exitcode"]) == 8
    assert "left alone (--heal to undo)" in " ".join(capsys.readouterr().out.split())
    assert run(["apply", "--auto-approve"]) == 0
    assert run(["drift"]) == 8


@pytest.mark.usefixtures("drifted")
def test_heal_puts_the_applied_value_back() -> None:
    assert run(["apply", "--auto-approve", "--heal"]) == 0
    assert run(["drift"]) == 0
    assert run(["plan", "--detailed-exitcode"]) == 0


def test_a_spec_that_takes_the_live_value_needs_no_undoing(drifted: Path) -> None:
    spec = drifted / "specs" / "web-api.yaml"
    spec.write_text(spec.read_text().replace("timeout: 3600", "timeout: 7200"))
    assert run(["apply", "--auto-approve"]) == 0
    assert run(["drift"]) == 0


def test_our_own_specs_are_valid_under_our_own_policies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert run(["validate"]) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out


@pytest.mark.parametrize("example", ["03-multi-step", "06-build-test-package"])
def test_a_task_file_of_an_example_would_run(
    example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ROOT / "examples" / example / "app" / "task.yaml"
    words = ["render", str(file), "--registry", "r.example", "--set", "base=b", "--set"]
    assert run([*words, "expected=1.0", "-o", "json"]) == 0
    rendered = json.loads(capsys.readouterr().out)
    assert rendered["diagnostics"] == []
    # What is published is published last, after all that could fail.
    *before, last = rendered["steps"]
    assert last["kind"] == "push"
    assert [step["kind"] for step in before].count("push") == 0
    assert last["needs"] == [before[-1]["id"]]


@pytest.mark.parametrize("readme", sorted((ROOT / "examples").glob("*/README.md")))
def test_a_readme_has_about_ten_lines(readme: Path) -> None:
    assert len(readme.read_text().splitlines()) <= 12
