"""The only door to Git (through GitPython): who changed which file, and what a folder is at.

Git is only called with fixed argument lists; the names of files come after `--`. The repository
is the user's own. Hooks, file system monitors and prompts are switched off all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.base.clock import from_iso

_SAFE = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.quotePath=false",
]
_COMMIT_MARK = "\x1e"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its full id, its author's address and its time."""

    id: str
    author: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """What a folder is at. `branch` is None when detached."""

    commit: str
    branch: str | None
    dirty: bool


def head_of(folder: Path) -> Head | None:
    """The commit, branch and cleanness of the repository a folder is in; None outside Git.

    Only changes below `folder` make it dirty.
    """
    commit = _ask(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    branch = _ask(folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    return Head(commit, branch, bool(_ask(folder, "status", "--porcelain", "--", ".")))


def changed_files(folder: Path) -> set[str]:
    """Files below `folder` with changes that are not committed, relative to it."""
    text = _ask(folder, "status", "--porcelain", "-z", "--untracked-files=all", "--", ".")
    prefix = _ask(folder, "rev-parse", "--show-prefix") or ""
    names = [entry[3:] for entry in (text or "").split("\0") if len(entry) > 3]
    return {name.removeprefix(prefix) for name in names}


def last_changes(folder: Path, files: Iterable[str]) -> dict[str, Commit]:
    """The newest commit that touched each file (relative to `folder`), in one walk of the log.

    The walk ends as soon as every file was seen. Files that Git does not know are left out.
    """
    wanted, found = set(files), {}
    commit: Commit | None = None
    for line in _log(folder) if wanted else ():
        if line.startswith(_COMMIT_MARK):
            identifier, author, time = line[1:].split("\x1f", 2)
            commit = Commit(identifier, author, from_iso(time))
        elif commit is not None and line in wanted:
            found[line] = commit
            wanted.discard(line)
            if not wanted:
                break
    return found


def _log(folder: Path) -> Iterable[str]:
    form = f"--format={_COMMIT_MARK}%H\x1f%ae\x1f%cI"
    argv = ["git", *_SAFE, "log", "--name-only", "--relative", "--no-renames", form, "--", "."]
    process = _git(folder).execute(argv, as_process=True, env=_ENVIRONMENT)
    try:
        for raw in process.stdout:
            yield raw.decode("utf-8", "replace").rstrip("\n")
    finally:
        process.terminate()
        process.stdout.close()
        process.stderr.close()


_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _ask(folder: Path, *words: str) -> str | None:
    """The output of a Git command, or None if it fails: no repository, no commit, no Git."""
    git = _git(folder)
    if git is None:
        return None
    status, output, _ = git.execute(
        ["git", *_SAFE, *words],
        with_extended_output=True,
        with_exceptions=False,
        env=_ENVIRONMENT,
        kill_after_timeout=60,
    )
    return str(output) if status == 0 else None


def _git(folder: Path) -> Any:
    try:
        from git import Git  # noqa: PLC0415  (late: it costs 90 ms, and fails without git)
    except ImportError:
        return None
    return Git(str(folder))
