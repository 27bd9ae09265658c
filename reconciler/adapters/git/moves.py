"""Where files went that are not there any more: renames, as Git finds them in the log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.adapters.git.checkout import changed_files, git_in, log_fields

_MOVES = ("--name-status", "--find-renames", "--diff-filter=DR", "--format=")


def last_names(folder: Path, files: Iterable[str]) -> dict[str, str]:
    """The last name of files that are gone, each under its old name; both relative to `folder`.

    Left out are files that are there, or went under the name they had. One walk of the log, which
    ends when all were seen going, at the latest after 20,000 commits; none if all are there. Git
    calls it a move if half of the lines stayed the same.
    """
    wanted = {name for name in files if not (folder / name).exists()}
    if not wanted or git_in(folder) is None:
        return {}
    wanted -= changed_files(folder)  # what went without a commit went under its own name
    last: dict[str, str] = {}
    with contextlib.closing(log_fields(folder, *_MOVES)) as fields:
        # From the newest to the oldest: what became of a new name is known before the old one.
        for old, new in _moves(fields):
            last.setdefault(old, last.get(new, new))
            wanted.discard(old)
            if not wanted:
                break
    return last


def _moves(fields: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(old name, new name) of each move; of a delete both are the same."""
    for field in fields:
        status, name = field.strip("\n"), next(fields, "")
        yield name, next(fields, "") if status.startswith("R") else name
