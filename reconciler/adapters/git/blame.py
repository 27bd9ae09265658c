"""Who wrote some lines of files as they are now: `git blame`, once for each file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from reconciler.adapters.git.checkout import (
    Commit,
    ask_git,
    git_in,
    has_repository,
    options_without_programs,
    shallow_commits,
)

# First and last line, counted from 1.
Lines = tuple[int, int]
# By number of line: its commit, or None where it is not committed.
Authors = dict[int, Commit | None]

_HEADER = re.compile(r"([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?")
# A list of revisions to pass over is for readers of code: here it would name another author. An
# empty name forgets those of the settings.
_OPTIONS = ("--porcelain", "--no-textconv", "--ignore-revs-file=")
_AT_ONCE = 4
# A longer list of ranges makes Git read the file again and again.
_MOST_RANGES = 200


def authors_of_lines(folder: Path, wanted: Mapping[str, Iterable[Lines]]) -> dict[str, Authors]:
    """The commits of some lines of files, by names relative to `folder`.

    Left out are files that Git does not know, and lines whose author a shallow clone cut off.
    """
    if not wanted or not has_repository(folder) or git_in(folder) is None:
        return {}
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  (late: most plans ask nothing)

    off, cut_off = options_without_programs(folder), shallow_commits(folder)

    def of(name: str) -> Authors | None:
        spans = [f"-L{first},{last}" for first, last in _together(wanted[name])[:_MOST_RANGES]]
        told = ask_git(folder, *off, "blame", *_OPTIONS, *spans, "--", name)
        return None if told is None else dict(_authors(told.split("\n"), cut_off))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(wanted, pool.map(of, wanted), strict=True))
    return {name: authors for name, authors in found.items() if authors is not None}


def latest_of(folder: Path, commits: Iterable[Commit]) -> Commit:
    """The commit that came last; of those of one second, the one that stands on the others."""
    found = {one.id: one for one in commits}
    newest = max(one.time for one in found.values())
    last = [one for one in found.values() if one.time == newest]
    if len(last) == 1:
        return last[0]
    told = (ask_git(folder, "merge-base", "--independent", *(one.id for one in last)) or "").split()
    return found[told[0]] if told else last[0]


def _together(spans: Iterable[Lines]) -> list[Lines]:
    """The same lines as few spans, in order."""
    result: list[Lines] = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def _authors(lines: Iterable[str], cut_off: set[str]) -> Iterator[tuple[int, Commit | None]]:
    facts: dict[str, dict[str, str]] = {}
    commit, number = "", 0
    for line in lines:
        if line.startswith("\t"):
            if commit not in cut_off:
                yield number, _commit(commit, facts[commit])
        elif header := _HEADER.fullmatch(line):
            commit, number = header[1], int(header[2])
            facts.setdefault(commit, {})
        else:
            name, _, value = line.partition(" ")
            facts.setdefault(commit, {})[name] = value


def _commit(identifier: str, facts: Mapping[str, str]) -> Commit | None:
    if not identifier.strip("0"):
        return None
    author = facts.get("author-mail", "").removeprefix("<").removesuffix(">")
    time = datetime.fromtimestamp(int(facts.get("committer-time", "0")), UTC)
    return Commit(identifier, author, time)
