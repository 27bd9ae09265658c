"""Examples that need no engine do what their READMEs say; our specs pass our own policies."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.cli.main import run

ROOT = Path(__file__).parents[2]
REVIEW = ROOT / "examples" / "02-policy-review"


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


def test_our_own_specs_are_valid_under_our_own_policies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert run(["validate"]) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out


@pytest.mark.parametrize("readme", sorted((ROOT / "examples").glob("*/README.md")))
def test_a_readme_has_about_ten_lines(readme: Path) -> None:
    assert len(readme.read_text().splitlines()) <= 12
