"""What Git tells about files: real repositories, made for each test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.adapters.git.checkout import changed_files, head_of, last_changes, refusal

WHO = ["-c", "user.name=Lead", "-c", "user.email=lead@contoso.example"]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, name: str, text: str = "x") -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", f"write {name}")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(name="repository")
def new_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_each_file_has_the_commit_that_touched_it_last(repository: Path) -> None:
    first = commit(repository, "specs/a.yaml")
    second = commit(repository, "specs/b.yaml")
    found = last_changes(repository, ["specs/a.yaml", "specs/b.yaml", "specs/none.yaml"])
    assert {name: item.id for name, item in found.items()} == {
        "specs/a.yaml": first,
        "specs/b.yaml": second,
    }
    assert found["specs/a.yaml"].author == "lead@contoso.example"


def test_in_a_subfolder_names_are_relative_to_it(repository: Path) -> None:
    written = commit(repository, "team/specs/a.yaml")
    commit(repository, "specs/a.yaml")
    assert last_changes(repository / "team", ["specs/a.yaml"])["specs/a.yaml"].id == written


@pytest.mark.parametrize(
    "name", ["specs/ä-日本.yaml", 'specs/say "x".yaml', "specs/new\nline.yaml", "specs/ a\t.yaml"]
)
def test_names_that_git_would_quote_are_found(repository: Path, name: str) -> None:
    written = commit(repository, name)
    assert last_changes(repository, [name])[name].id == written
    (repository / name).write_text("changed")
    assert changed_files(repository) == {name}


def test_a_name_that_is_no_text_is_found(repository: Path) -> None:
    name = "a\udcff.yaml"
    written = commit(repository, name)
    assert last_changes(repository, [name])[name].id == written


def test_a_renamed_file_belongs_to_the_commit_that_renamed_it(repository: Path) -> None:
    commit(repository, "old.yaml", "the same text\n" * 20)
    git(repository, "mv", "old.yaml", "new.yaml")
    git(repository, "commit", "-q", "-m", "rename")
    head = git(repository, "rev-parse", "HEAD")
    found = last_changes(repository, ["new.yaml", "old.yaml"])
    assert {item.id for item in found.values()} == {head}


def test_a_removed_file_has_the_commit_that_removed_it(repository: Path) -> None:
    commit(repository, "gone.yaml")
    git(repository, "rm", "-q", "gone.yaml")
    git(repository, "commit", "-q", "-m", "remove")
    head = git(repository, "rev-parse", "HEAD")
    assert last_changes(repository, ["gone.yaml"])["gone.yaml"].id == head


def test_a_forged_author_breaks_no_parsing(repository: Path) -> None:
    (repository / "a.yaml").write_text("x")
    git(repository, "add", "-A")
    git(repository, "-c", "user.email=a\x1fb\x1ec", "commit", "-q", "-m", "forged")
    assert last_changes(repository, ["a.yaml"])["a.yaml"].author == "a\x1fb\x1ec"


def test_changed_new_staged_and_renamed_files_are_not_committed(repository: Path) -> None:
    for name in ("changed", "renamed"):
        commit(repository, f"specs/{name}.yaml", name * 20)
    (repository / "specs/changed.yaml").write_text("y")
    (repository / "specs/new.yaml").write_text("y")
    git(repository, "mv", "specs/renamed.yaml", "specs/moved.yaml")
    expected = {"changed", "new", "renamed", "moved"}
    assert changed_files(repository) == {f"specs/{name}.yaml" for name in expected}
    assert changed_files(repository / "specs") == {f"{name}.yaml" for name in expected}


def test_the_head_knows_commit_branch_and_whether_anything_changed(repository: Path) -> None:
    written = commit(repository, "a.yaml")
    head = head_of(repository)
    assert head is not None
    assert (head.commit, head.branch, head.dirty) == (written, "main", False)
    (repository / "b.yaml").write_text("new")
    git(repository, "checkout", "-q", "--detach")
    head = head_of(repository)
    assert head is not None
    assert (head.branch, head.dirty) == (None, True)


def test_a_shallow_clone_accuses_nobody(repository: Path, tmp_path: Path) -> None:
    commit(repository, "a.yaml")
    last = commit(repository, "b.yaml")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    shallow = tmp_path / "shallow"
    newer = commit(shallow, "c.yaml")
    head = head_of(shallow)
    assert head is not None
    assert head.commit == newer != last
    assert set(last_changes(shallow, ["a.yaml", "b.yaml", "c.yaml"])) == {"c.yaml"}


def test_outside_a_repository_there_is_no_answer_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x")
    assert head_of(tmp_path) is None
    assert last_changes(tmp_path, ["a.yaml"]) == {}
    assert (changed_files(tmp_path), refusal(tmp_path)) == (set(), None)


def test_a_repository_without_a_commit_is_no_error(repository: Path) -> None:
    assert (head_of(repository), last_changes(repository, ["a"])) == (None, {})
    assert refusal(repository) is None


def test_a_repository_of_somebody_else_is_refused_and_told(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, "a.yaml")
    # Git's own switch for this: it takes every folder for somebody else's.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert (head_of(repository), last_changes(repository, ["a.yaml"])) == (None, {})
    assert "dubious ownership" in (refusal(repository) or "")


def test_hooks_and_monitors_of_the_repository_are_not_run(repository: Path) -> None:
    commit(repository, "a.yaml")
    trap = repository / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/sprung\n")
    trap.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(trap))
    head_of(repository)
    changed_files(repository)
    last_changes(repository, ["a.yaml"])
    assert not (repository / "sprung").exists()


def test_without_a_git_program_there_is_no_answer_and_no_error(repository: Path) -> None:
    commit(repository, "a.yaml")
    code = (
        "import sys; from pathlib import Path; from reconciler.adapters.git.checkout import *\n"
        "at = Path(sys.argv[1])\n"
        "print(head_of(at), last_changes(at, ['a.yaml']), changed_files(at), refusal(at))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(repository)],
        env={"PATH": "/nonexistent"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "None {} set() there is no git program\n"


def test_outside_a_repository_git_is_not_even_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reconciler.adapters.git.checkout import *;"
        "from reconciler.adapters.git.blame import authors_of_lines;"
        f"folder = Path({str(tmp_path)!r}); assert head_of(folder) is None;"
        "assert not changed_files(folder); assert not last_changes(folder, ['a.yaml']);"
        "assert not authors_of_lines(folder, {'a.yaml': [(1, 1)]});"
        "print('git' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_a_repository_elsewhere_is_found_by_its_variable(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(repository, "a")
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repository))
    found = head_of(tmp_path)
    assert found is not None
    assert found.commit == first
