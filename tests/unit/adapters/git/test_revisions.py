"""Revisions written to a folder: whatever names they hold, nothing is written elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.git.revisions import RevisionRefused, changed_since, write_revision
from tests.flow.repository import commit, git


def tree(root: Path, *entries: tuple[str, str]) -> str:
    """A commit of a tree with entries (mode, name), as nobody's `git add` would make it."""
    blob = git(root, "hash-object", "-w", "--stdin", stdin=b"/etc/passwd")
    made = git(
        root,
        "hash-object",
        "-w",
        "-t",
        "tree",
        "--literally",
        "--stdin",
        stdin=b"".join(
            f"{mode} {name}\0".encode() + bytes.fromhex(blob)
            for mode, name in sorted(entries, key=lambda one: one[1])
        ),
    )
    for folder in ("specs",):
        made = git(
            root,
            "hash-object",
            "-w",
            "-t",
            "tree",
            "--literally",
            "--stdin",
            stdin=f"40000 {folder}\0".encode() + bytes.fromhex(made),
        )
    return git(root, "commit-tree", made, "-m", "hostile")


@pytest.fixture(name="root")
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    return root


@pytest.mark.parametrize("name", ["..", ".git", "../x", "a\\..\\b"])
def test_a_name_that_leads_elsewhere_is_refused(root: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(RevisionRefused, match="leads out"):
        write_revision(root, tree(root, ("100644", name)), ("specs",), target)
    assert list(target.iterdir()) == []


def test_nothing_is_written_through_a_link(root: Path, tmp_path: Path) -> None:
    (root / "specs").mkdir()
    (root / "specs/a.yaml").symlink_to("/etc/passwd")
    (root / "specs/b.yaml").write_text("b\n")
    target = tmp_path / "target"
    target.mkdir()
    assert write_revision(root, commit(root), ("specs",), target) == 2
    assert (target / "specs/a.yaml").readlink() == Path("/etc/passwd")
    assert (target / "specs/b.yaml").read_text() == "b\n"


def test_bytes_and_odd_names_come_back_as_they_were(root: Path, tmp_path: Path) -> None:
    (root / "specs").mkdir()
    contents = {"a\nb.yaml": b"\x00\xff\n\n", "ü ' \".yaml": b"", "big": b"x" * 300_000}
    for name, data in contents.items():
        (root / "specs" / name).write_bytes(data)
    (root / ".gitattributes").write_text("* export-ignore\n* export-subst\n")
    target = tmp_path / "target"
    target.mkdir()
    write_revision(root, commit(root), ("specs",), target)
    found = {path.name: path.read_bytes() for path in (target / "specs").iterdir()}
    assert found == contents


def test_what_changed_is_told_by_names_without_quotes(root: Path) -> None:
    first = commit(root)
    (root / "a\nb ü.yaml").write_text("x")
    assert changed_since(root, first) == {"a\nb ü.yaml"}
    commit(root)
    assert changed_since(root, first) == {"a\nb ü.yaml"}
