"""Where files went, as Git tells it: real repositories, made for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.git.moves import last_names
from tests.flow.repository import commit, git

TEXT = "".join(f"line {number}\n" for number in range(20))


@pytest.fixture(name="root")
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    for name in ("a", "kept", "gone"):
        (tmp_path / name).write_text(name + TEXT)
    commit(tmp_path)
    return tmp_path


def move(root: Path, old: str, new: str) -> None:
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    git(root, "mv", old, new)
    commit(root)


def test_a_file_is_followed_through_all_its_moves(root: Path) -> None:
    move(root, "a", "b")
    move(root, "b", "team/ c\n")
    assert last_names(root, ["a", "kept"])["a"] == "team/ c\n"
    git(root, "rm", "-q", "team/ c\n")
    commit(root)
    assert last_names(root, ["a", "kept"])["a"] == "team/ c\n"


def test_a_file_that_is_there_went_nowhere(root: Path) -> None:
    move(root, "a", "b")
    (root / "a").write_text("another")
    assert last_names(root, ["a", "kept", "b"]) == {}


def test_a_file_that_went_under_its_own_name_was_not_moved(root: Path) -> None:
    move(root, "a", "b")
    (root / "a").write_text("another")
    commit(root)
    git(root, "rm", "-q", "a", "gone")
    commit(root)
    assert last_names(root, ["a", "gone"]) == {"a": "a", "gone": "gone"}


def test_what_is_deleted_and_not_committed_went_under_its_own_name(root: Path) -> None:
    (root / "gone").unlink()
    assert last_names(root, ["gone"]) == {}


def test_outside_git_nothing_is_known(tmp_path: Path) -> None:
    assert last_names(tmp_path, ["a"]) == {}
