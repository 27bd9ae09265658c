"""`fmt`: comments stay, nothing changes its meaning, exit codes, and files it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.desk import TASK, Desk

UGLY = "# the web\napiVersion:   reconciler/v1\nkind: Task # one\nlist:\n# first\n- a\n-   b\n"
NEAT = "# the web\napiVersion: reconciler/v1\nkind: Task # one\nlist:\n  # first\n  - a\n  - b\n"
REFUSED = "a: [1, # why\n  2]\n"


def spec(desk: Desk, text: str, name: str = "a.yaml") -> Path:
    desk.write({f"specs/{name}": text})
    return desk.root / "specs" / name


def test_it_writes_the_neat_file_and_names_it(desk: Desk) -> None:
    path = spec(desk, UGLY)
    outcome = desk.run("fmt")
    assert (outcome.code, outcome.text) == (0, "specs/a.yaml\n")
    assert path.read_text() == NEAT
    assert (desk.run("fmt").code, desk.run("fmt").text) == (0, "")


def test_check_exits_1_and_writes_nothing(desk: Desk) -> None:
    path = spec(desk, UGLY)
    outcome = desk.run("fmt", "--check")
    assert (outcome.code, outcome.text) == (1, "specs/a.yaml\n")
    assert path.read_text() == UGLY


def test_check_of_neat_files_exits_0(desk: Desk) -> None:
    spec(desk, NEAT)
    assert desk.run("fmt", "--check").code == 0


def test_diff_shows_the_lines_and_writes_nothing(desk: Desk) -> None:
    path = spec(desk, UGLY)
    outcome = desk.run("fmt", "--diff")
    assert outcome.code == 0
    assert "-apiVersion:   reconciler/v1\n+apiVersion: reconciler/v1\n" in outcome.text
    assert path.read_text() == UGLY
    assert desk.run("fmt", "--check", "--diff").code == 1


def test_the_mode_of_a_file_stays(desk: Desk) -> None:
    path = spec(desk, UGLY)
    path.chmod(0o640)
    desk.run("fmt")
    assert (path.read_text(), path.stat().st_mode & 0o777) == (NEAT, 0o640)


def test_a_link_stays_a_link(desk: Desk) -> None:
    target = spec(desk, UGLY, "real.yaml")
    link = desk.root / "specs" / "a.yaml"
    link.symlink_to("real.yaml")
    desk.run("fmt", "specs/a.yaml")
    assert link.is_symlink()
    assert target.read_text() == NEAT


def test_a_file_that_would_lose_a_comment_is_left_and_warned_about(desk: Desk) -> None:
    path, other = spec(desk, REFUSED), spec(desk, UGLY, "b.yaml")
    outcome = desk.run("fmt")
    assert outcome.code == 0
    assert "warning: specs/a.yaml:1:1: left as it is: a comment would be lost" in outcome
    assert path.read_text() == REFUSED
    assert other.read_text() == NEAT


def test_a_broken_file_is_an_error_and_the_others_are_done(desk: Desk) -> None:
    path, other = spec(desk, "a: [\n"), spec(desk, UGLY, "b.yaml")
    outcome = desk.run("fmt")
    assert outcome.code == 1
    assert "error: specs/a.yaml:1:1: YAML" in outcome
    assert path.read_text() == "a: [\n"
    assert other.read_text() == NEAT


def test_only_the_given_files_are_touched(desk: Desk) -> None:
    path, other = spec(desk, UGLY), spec(desk, UGLY, "b.yaml")
    assert desk.run("fmt", "specs/a.yaml").text == "specs/a.yaml\n"
    assert (path.read_text(), other.read_text()) == (NEAT, UGLY)
    assert desk.run("fmt", "specs").text == "specs/b.yaml\n"


def test_a_missing_file_is_an_error(desk: Desk) -> None:
    outcome = desk.run("fmt", "specs/missing.yaml")
    assert outcome.code == 1
    assert "specs/missing.yaml:1:1: cannot read the file" in outcome


def test_templates_are_left_alone(desk: Desk) -> None:
    text = "a:   ${{ b }}\n"
    path = spec(desk, text, "a.yaml.j2")
    assert desk.run("fmt").text == ""
    assert "a template is no YAML yet" in desk.run("fmt", "specs/a.yaml.j2")
    assert path.read_text() == text


def test_the_workspace_file_and_policies_are_laid_out_too(desk: Desk) -> None:
    desk.write({"reconciler.yaml": "apiVersion:  reconciler/v1\n", "policies/p.yaml": "a:  b\n"})
    assert desk.run("fmt", "--check").text == "reconciler.yaml\npolicies/p.yaml\n"


@pytest.mark.parametrize("escape", ["\u202e", "\u2066"])
def test_a_diff_prints_no_direction_marks(desk: Desk, escape: str) -> None:
    spec(desk, TASK + f"#  {escape}x\nlabels:  a\n")
    outcome = desk.run("fmt", "--diff")
    assert "+labels: a" in outcome
    assert escape not in outcome.text
