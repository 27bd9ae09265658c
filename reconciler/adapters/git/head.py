"""The commit a folder is at, read from the files of its repository. Starts no program.

Git itself takes fifty milliseconds to be asked for it. Whatever is unusual is still asked there.
Layout: https://git-scm.com/docs/gitrepository-layout
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from reconciler.adapters.git.checkout import ask_git

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(r"ref: (refs/[^\s\x00]+)")
_LARGEST = 16 * 1024 * 1024


def head_commit(folder: Path) -> str | None:
    """The full id of the commit that is checked out; None outside Git and before a first commit."""
    if "GIT_DIR" in os.environ:
        return ask_git(folder, "rev-parse", "HEAD")
    places = (folder.resolve(), *folder.resolve().parents)
    found = next((place / ".git" for place in places if (place / ".git").exists()), None)
    if found is None:
        return None
    try:
        return _read_head(found) or ask_git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    except (OSError, UnicodeDecodeError):
        return ask_git(folder, "rev-parse", "--verify", "--quiet", "HEAD")


def _read_head(place: Path) -> str | None:
    """The commit as the files tell it; None where they do not tell it plainly."""
    if place.is_file():  # a worktree or a submodule: the file says where its own folder is
        place = place.parent / _text(place).removeprefix("gitdir:").strip()
    head = _text(place / "HEAD").strip()
    if _COMMIT.fullmatch(head):
        return head
    ref = _REF.fullmatch(head)
    if ref is None or ".." in ref[1]:
        return None
    shared = place / _text(place / "commondir").strip() if (place / "commondir").exists() else place
    for folder in (place, shared):
        if (folder / ref[1]).is_file():
            commit = _text(folder / ref[1]).strip()
            return commit if _COMMIT.fullmatch(commit) else None
    return _packed(shared / "packed-refs", ref[1])


def _packed(file: Path, ref: str) -> str | None:
    if not file.is_file():
        return None
    match = re.search(rf"^({_COMMIT.pattern}) {re.escape(ref)}$", _text(file), re.MULTILINE)
    return match[1] if match else None


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(_LARGEST).decode()
