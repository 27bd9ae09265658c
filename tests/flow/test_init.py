"""`init` makes a workspace that validates and plans at once, and never replaces a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.desk import Desk, Outcome


@pytest.fixture
def bare(desk: Desk) -> Desk:
    (desk.root / "reconciler.yaml").unlink()
    (desk.root / "specs").rmdir()
    return desk


def files_in(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_what_it_makes_validates_plans_and_is_neat(bare: Desk) -> None:
    assert bare.run("init").code == 0
    checked = bare.run("validate")
    assert (checked.code, "0 errors, 0 warnings" in checked) == (0, True)
    assert bare.run("plan", "--detailed-exitcode").code == 2
    assert bare.run("fmt", "--check").code == 0


def test_it_names_every_file_it_wrote(bare: Desk) -> None:
    outcome: Outcome = bare.run("init")
    written = {line.removeprefix("wrote ") for line in outcome.text.splitlines() if "wrote" in line}
    assert written == files_in(bare.root)
    assert {"reconciler.yaml", "policies/default.yaml", ".gitignore"} <= written


def test_a_new_folder_is_made(bare: Desk) -> None:
    assert bare.run("init", "new/place").code == 0
    assert (bare.root / "new/place/reconciler.yaml").is_file()


def test_the_state_is_not_committed(bare: Desk) -> None:
    bare.run("init")
    assert ".reconciler/" in (bare.root / ".gitignore").read_text().splitlines()


def test_an_existing_file_is_never_replaced(bare: Desk) -> None:
    bare.write({"hello/Dockerfile": "FROM mine\n", ".gitignore": "mine\n"})
    outcome = bare.run("init")
    assert outcome.code == 0
    assert "wrote hello/Dockerfile" not in outcome
    assert (bare.root / "hello/Dockerfile").read_text() == "FROM mine\n"
    assert (bare.root / ".gitignore").read_text() == "mine\n"


def test_a_workspace_is_not_made_twice(bare: Desk) -> None:
    bare.run("init")
    before = {name: (bare.root / name).read_bytes() for name in files_in(bare.root)}
    outcome = bare.run("init")
    assert outcome.code == 1
    assert "already" in outcome
    assert before == {name: (bare.root / name).read_bytes() for name in files_in(bare.root)}


def test_a_place_that_cannot_be_written_is_an_error(bare: Desk) -> None:
    bare.write({"taken": "a file\n"})
    outcome = bare.run("init", "taken/below")
    assert outcome.code == 1
    assert "cannot write" in outcome
