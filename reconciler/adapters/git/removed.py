"""Which lines left files, and with which commit: the log as patches, newest first."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.git.checkout import (
    COMMIT_FORMAT,
    PLAIN_SUBMODULES,
    Commit,
    ask_git,
    commit_of_line,
    git_in,
    lines_of_log,
    options_without_programs,
    shallow_commits,
)

_PATCH = ("--patch", "--unified=0", "--no-color", "--no-renames", "--no-ext-diff", "--no-textconv")
_PLAIN = ("--relative", PLAIN_SUBMODULES, "--src-prefix=a/", "--dst-prefix=b/")
_FILE = re.compile(r"--- a/(.*)|\+\+\+ b/(.*)")
# A patch of more lines is no change of a spec that somebody reads.
_MOST_LINES = 200_000


@dataclass(slots=True)
class Patch:
    """What a commit did to one file; without a commit, what is not committed yet."""

    commit: Commit | None
    file: str
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)


def patches(folder: Path, files: Sequence[str], since: str | None) -> Iterator[Patch]:
    """Each change to some files, from what is not committed to the oldest after `since`.

    Names are relative to `folder`. The caller may stop. Merges are not told, nor what a shallow
    clone cut off.
    """
    if not files or git_in(folder) is None:
        return
    off = options_without_programs(folder)
    told = ask_git(folder, *off, "diff", "HEAD", *_PATCH, *_PLAIN, "--", *files)
    yield from _patches((told or "").split("\n"), None)
    cut_off = shallow_commits(folder)
    span = f"{since}..HEAD" if since is not None else "HEAD"
    words = (span, COMMIT_FORMAT, *_PATCH, *_PLAIN, "--", *files)
    with contextlib.closing(lines_of_log(folder, *words)) as lines:
        for patch in _patches(lines, None):
            if patch.commit is not None and patch.commit.id not in cut_off:
                yield patch


def _patches(lines: Iterable[str], commit: Commit | None) -> Iterator[Patch]:
    patch: Patch | None = None
    in_hunk = False
    for count, line in enumerate(lines):
        if count > _MOST_LINES:
            break
        if found := commit_of_line(line):
            commit, in_hunk = found, False
        elif line.startswith("diff --git "):
            if patch is not None:
                yield patch
            patch, in_hunk = None, False
        elif not in_hunk and (name := _FILE.fullmatch(line)):
            file = (name[1] or name[2]).removesuffix("\t")
            patch = patch or Patch(commit, file)
        elif line.startswith("@@ "):
            in_hunk = True
        elif in_hunk and patch is not None and line[:1] in {"-", "+"}:
            (patch.removed if line[0] == "-" else patch.added).append(line[1:])
    if patch is not None:
        yield patch
