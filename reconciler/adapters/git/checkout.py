"""The only door to Git (through GitPython): who changed which file, and what a folder is at.

Git is only called with fixed argument lists; the names of files come after `--`. The repository
is the user's own. Hooks, file system monitors and prompts are switched off all the same. Whoever
asks gets an answer or None: a plan needs no Git.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.base.clock import from_iso
from reconciler.base.text import one_line

SAFE_OPTIONS = [
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.quotePath=false"),
    *("-c", "log.showSignature=false"),
]
# The last two are what `options_without_programs` puts in the place of a setting.
ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
    "RECONCILER_NOTHING": "",
    "RECONCILER_FALSE": "false",
}
# A repository may say that objects are elsewhere, and by which program they come.
_NOTHING_FETCHED = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
# Git looks into the work tree of a submodule with the settings of that one, filters too.
PLAIN_SUBMODULES = "--ignore-submodules=dirty"
_COMMIT_MARK = "\x1e"
COMMIT_FORMAT = f"--format={_COMMIT_MARK}%H\x1f%cI\x1f%ae"
# Settings that name a program which `status`, `diff` or `blame` starts, git-lfs its extensions.
_PROGRAMS = r"^(filter|lfs\.extension)\."
_LFS = frozenset(
    {
        *("git-lfs clean -- %f", "git-lfs smudge -- %f", "git-lfs smudge --skip -- %f"),
        *("git-lfs filter-process", "git-lfs filter-process --skip"),
    }
)
# A file that no commit knows (an ignored one, say) must not cost a walk over a whole history.
_MOST_COMMITS = 20_000


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
    commit = ask_git(folder, "rev-parse", "HEAD") if has_repository(folder) else None
    if commit is None:
        return None
    branch = ask_git(folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    off = options_without_programs(folder)
    words = (*off, "status", "--porcelain", PLAIN_SUBMODULES, "--", ".")
    told = ask_git(folder, *words, more=_NOTHING_FETCHED)
    # What Git does not tell of (it could not read a file, say) is not called clean.
    return Head(commit, branch, dirty=told != "")


def options_without_programs(folder: Path) -> list[str]:
    """Options that turn off the programs which the settings of the repository itself bring along.

    A folder may be from anybody, its settings too, and to compare a file Git starts a filter.
    Filters of the user's own settings are the user's; those of git-lfs are known by every word.
    """
    words = ("config", "--null", "--show-scope", "--includes", "--get-regexp", _PROGRAMS)
    found = (ask_git(folder, *words) or "").split("\0")
    brought: dict[str, str] = {}
    for scope, entry in zip(found[::2], found[1::2], strict=False):
        if scope in {"local", "worktree"}:
            key, _, value = entry.partition("\n")
            brought.setdefault(key, value)
            if value not in _LFS:  # one of several values is enough
                brought[key] = value
    extended = any(key.startswith("lfs.") for key in brought)
    off = [key for key, value in brought.items() if extended or value not in _LFS]
    # Not `-c KEY=`: the name of a filter may have a `=` in it.
    return [f"--config-env={key}={_in_place_of(key)}" for key in off]


def _in_place_of(key: str) -> str:
    return "RECONCILER_FALSE" if key.endswith(".required") else "RECONCILER_NOTHING"


def prefix_of(folder: Path) -> str:
    """Where a folder lies in its repository: `team/`; "" at its root and outside Git."""
    return (ask_git(folder, "rev-parse", "--show-prefix") or "").strip("\n")


def refusal(folder: Path) -> str | None:
    """Why Git does not tell about a folder that looks like a repository; None if it does."""
    if not has_repository(folder):
        return None
    if git_in(folder) is None:
        return "there is no git program"
    status, _, complaint = run_git(folder, "rev-parse", "--git-dir")
    return None if status == 0 else one_line(complaint.partition("\n")[0])


def has_repository(folder: Path) -> bool:
    """False if Git need not be asked: GitPython is slow to import, and git to start."""
    if "GIT_DIR" in os.environ:
        return True
    return any((place / ".git").exists() for place in (folder.resolve(), *folder.resolve().parents))


def changed_files(folder: Path) -> set[str]:
    """Files below `folder` with changes that are not committed, relative to it."""
    if not has_repository(folder):
        return set()
    words = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
    off = options_without_programs(folder)
    text = ask_git(folder, *off, "status", *words, PLAIN_SUBMODULES, "--", ".")
    prefix = prefix_of(folder)
    names = [entry[3:] for entry in (text or "").split("\0") if len(entry) > 3]
    return {name.removeprefix(prefix) for name in names}


def last_changes(folder: Path, files: Iterable[str]) -> dict[str, Commit]:
    """The newest commit that touched each file (relative to `folder`), in one walk of the log.

    The walk ends as soon as every file was seen, at the latest after 20,000 commits. Left out
    are files that Git does not know, and in a shallow clone those of the last commit it has: that
    one seems to have written everything.
    """
    wanted = set(files)
    found: dict[str, Commit] = {}
    if not wanted or not has_repository(folder) or git_in(folder) is None:
        return found
    cut_off = shallow_commits(folder)
    with contextlib.closing(_log(folder)) as log:
        for commit, name in log:
            if name in wanted:
                wanted.discard(name)
                if commit.id not in cut_off:
                    found[name] = commit
            if not wanted:
                break
    return found


def _log(folder: Path) -> Generator[tuple[Commit, str], None, None]:
    """(commit, file) from the newest commit to the oldest."""
    options = ("--name-only", "--no-renames", COMMIT_FORMAT)
    with contextlib.closing(log_fields(folder, *options)) as fields:
        yield from _files_of_commits(fields)


def _files_of_commits(fields: Iterable[str]) -> Iterator[tuple[Commit, str]]:
    commit: Commit | None = None
    for field in fields:
        if found := commit_of_line(field):
            commit = found
        elif commit is not None:
            yield commit, field.removeprefix("\n")


def commit_of_line(text: str) -> Commit | None:
    """The commit that a line of `COMMIT_FORMAT` tells of, if it is one."""
    if not text.startswith(_COMMIT_MARK) or text.count("\x1f") < 2:
        return None
    # The author comes last: an address may hold anything.
    identifier, time, author = text[1:].split("\x1f", 2)
    return Commit(identifier, author, from_iso(time))


def log_fields(folder: Path, *options: str) -> Generator[str, None, None]:
    """The fields of the log below a folder, as Git ends them with NUL: no name needs quotes.

    From the newest commit to the oldest, at most 20,000; the caller closes it.
    """
    yield from _pieces(folder, ["-z", "--relative", *options, "--", "."], b"\0")


def lines_of_log(folder: Path, *words: str) -> Generator[str, None, None]:
    """The lines of a log; the caller closes it."""
    yield from _pieces(folder, words, b"\n")


def _pieces(folder: Path, words: Iterable[str], end: bytes) -> Generator[str, None, None]:
    argv = ["git", *SAFE_OPTIONS, "log", f"--max-count={_MOST_COMMITS}", *words]
    process = git_in(folder).execute(argv, as_process=True, env=ENVIRONMENT)
    rest = b""
    try:
        while chunk := process.stdout.read1(65536):
            *whole, rest = (rest + chunk).split(end)
            yield from map(os.fsdecode, whole)
    finally:
        _end(process)


def _end(process: Any) -> None:
    from git.exc import GitCommandError  # noqa: PLC0415  (late, as below)

    process.terminate()
    process.stdout.close()
    process.stderr.close()
    with contextlib.suppress(GitCommandError):  # it was ended by us, or had no commit to tell of
        process.wait()


def shallow_commits(folder: Path) -> set[str]:
    """The commits whose parents a shallow clone left out."""
    name = ask_git(folder, "rev-parse", "--git-path", "shallow")
    try:
        return set((folder / name).read_text("utf-8").split()) if name else set()
    except OSError:
        return set()


def ask_git(folder: Path, *words: str, more: Mapping[str, str] | None = None) -> str | None:
    """The output of a Git command, or None if it fails: no repository, no commit, no Git."""
    if git_in(folder) is None:
        return None
    status, output, _ = run_git(folder, *words, more=more)
    return output if status == 0 else None


def run_git(
    folder: Path, *words: str, more: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Exit code, output and complaint of a Git command; `more` are variables for it."""
    status, output, complaint = git_in(folder).execute(
        ["git", *SAFE_OPTIONS, *words],
        with_extended_output=True,
        with_exceptions=False,
        env={**ENVIRONMENT, **(more or {})},
        kill_after_timeout=60,
    )
    return int(status), str(output), str(complaint)


def git_in(folder: Path) -> Any:
    """Git in a folder; None where there is no git program."""
    try:
        from git import Git  # noqa: PLC0415  (late: it costs 90 ms, and fails without git)
    except ImportError:
        return None
    return Git(str(folder))
