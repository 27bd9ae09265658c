"""The commit of a folder, read from files: always what Git says itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.git import head
from reconciler.adapters.git.head import head_commit
from tests.flow.repository import commit, git


@pytest.fixture(name="repository")
def with_two_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose Git is never asked by us."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    for number in range(2):
        commit(root, str(number))
    (root / "below").mkdir()

    def refuse(*words: object) -> str:
        pytest.fail(f"Git was asked: {words}")

    monkeypatch.setattr(head, "ask_git", refuse)
    return root


def test_a_branch(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert head_commit(repository) == head
    assert head_commit(repository / "below") == head


def test_a_packed_branch_beside_others(repository: Path) -> None:
    git(repository, "branch", "team/main", "HEAD~1")
    git(repository, "tag", "-a", "v1", "-m", "x")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/main").exists()
    assert head_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_no_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach", "HEAD~1")
    assert head_commit(repository) == git(repository, "rev-parse", "main~1")


def test_a_worktree_and_a_submodule(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"), "HEAD~1")
    assert head_commit(tmp_path / "side") == git(repository, "rev-parse", "side")
    git(repository, "pack-refs", "--all")
    assert head_commit(tmp_path / "side") == git(repository, "rev-parse", "side")
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    words = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repository), "inner")
    git(outer, *words)
    assert head_commit(outer / "inner") == git(repository, "rev-parse", "HEAD")


def test_what_is_unusual_is_asked_of_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "ask_git", lambda *_: "told by git")
    (repository / "secret").write_text("a" * 40)
    (repository / ".git/HEAD").write_text("ref: refs/heads/../../../secret\n")
    assert head_commit(repository) == "told by git"
    (repository / ".git/HEAD").write_bytes(b"\xff")
    assert head_commit(repository) == "told by git"
    (repository / ".git/HEAD").unlink()
    assert head_commit(repository) == "told by git"
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    assert head_commit(repository.parent) == "told by git"


def test_a_branch_without_a_commit_is_not_one_that_begins_the_same(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "ask_git", lambda *_: None)
    git(repository, "pack-refs", "--all")
    git(repository, "symbolic-ref", "HEAD", "refs/heads/mai")
    assert head_commit(repository) is None


def test_before_the_first_commit_and_outside_there_is_none(tmp_path: Path) -> None:
    assert head_commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert head_commit(tmp_path) is None
