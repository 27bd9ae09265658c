"""Where each change was written, and who wrote it: places from the specs, people from Git."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adapters.git import Commit, changed_files, last_changes, prefix_of
from reconciler.adapters.git_moves import last_names
from reconciler.base.source import RENDERED
from reconciler.base.text import as_text
from reconciler.loader.workspace import find_root
from reconciler.operations.planning.history import History
from reconciler.operations.planning.variables import Variables, retold
from reconciler.operations.planning.versions import by_version
from reconciler.operations.reading.gather import Stores
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import Comparison
from reconciler.plan.change import Action, Cause, Change, FieldChange

_OWN = {"spec", "template"}


@dataclass(frozen=True, slots=True)
class Attributed:
    """The changes with their causes, and the authors of the Defaults that changed fields name."""

    changes: tuple[Change, ...]
    inherited: tuple[Cause, ...]


def attribute(
    opened: OpenWorkspace, comparison: Comparison, stores: Stores, since: str | None = None
) -> Attributed:
    """Say of each change the file it comes from and the commit that wrote it last.

    `since` is the commit that specs are compared with, where that is not the last apply. One walk
    of the log for all files; nothing is asked where nothing changed.
    """
    gone, history = _files_of_deletes(opened.root, comparison.changes, stores), History(opened)
    files = {change.address: _file_of(change, comparison, gone) for change in comparison.changes}
    own = {change.address: _own_file(change, comparison, gone) for change in comparison.changes}
    reasons = Variables(history, stores, since).reasons(comparison.changes, own)
    files |= {address: _split(found[0].origin) for address, found in reasons.items()}
    above = sorted({place[0] for change in comparison.changes for place in _inherited(change)})
    paths = {_plain(file) for file, _ in files.values() if file} | set(above)
    dirty = changed_files(opened.root) if paths else set()
    commits = last_changes(opened.root, paths - dirty)

    def cause(file: str, line: int) -> Cause:
        return _cause(file, line, commits.get(_plain(file)), dirty)

    def told(change: Change) -> Change:
        file, line = files[change.address]
        change = retold(change, reasons.get(change.address, []))
        if not file:
            return change
        return replace(change, file=as_text(own[change.address]), cause=cause(file, line))

    changes = by_version(history, tuple(map(told, comparison.changes)), stores)
    return Attributed(tuple(changes), tuple(cause(name, 1) for name in above))


def folder_in_repository(folder: Path) -> str:
    """Where the workspace of a folder lies in its repository: `team/`, or "" at the root."""
    return as_text(prefix_of(find_root(folder) or folder))


def _plain(file: str) -> str:
    return file.removesuffix(RENDERED)


def _inherited(change: Change) -> Iterator[tuple[str, int]]:
    """The places in Defaults that changed fields come from."""
    if change.action is Action.CREATE:
        return  # a new task is told as a whole
    for field in change.paths:
        if field.cause == "defaults" and field.origin:
            yield _place(field)


def _place(field: FieldChange) -> tuple[str, int]:
    return _split(str(field.origin))


def _split(origin: str) -> tuple[str, int]:
    file, line, _ = origin.rsplit(":", 2)
    return file, int(line)


def _own_file(change: Change, comparison: Comparison, gone: Mapping[str, str]) -> str:
    """The spec that declares a task, or did last."""
    if change.action is Action.DELETE:
        return _plain(gone[change.address])
    return _plain(comparison.places[change.address][0])


def _files_of_deletes(root: Path, changes: Iterable[Change], stores: Stores) -> dict[str, str]:
    """The file each deleted task stood in last: it may have moved after it was applied."""
    deletes = [change.address for change in changes if change.action is Action.DELETE]
    files = {address: stores.applied[address].file or "" for address in deletes}
    last = last_names(root, map(_plain, filter(None, files.values())))
    return {address: last.get(_plain(file), file) for address, file in files.items()}


def _file_of(change: Change, comparison: Comparison, gone: Mapping[str, str]) -> tuple[str, int]:
    if change.action is Action.DELETE:
        return gone[change.address], 1
    file, line = comparison.places[change.address]
    own = any(field.cause in _OWN | {"removed"} for field in change.paths)
    inherited = next(_inherited(change), None)
    if change.action is Action.UPDATE and inherited and not own:
        return inherited
    return file, _line_of(change, line)


def _line_of(change: Change, otherwise: int) -> int:
    """The line of the first changed field, or of the document."""
    places = [_place(field) for field in change.paths if field.origin and field.cause in _OWN]
    return places[0][1] if places and change.action is Action.UPDATE else otherwise


def _cause(file: str, line: int, commit: Commit | None, dirty: set[str]) -> Cause:
    name = as_text(file)
    if commit is None:
        return Cause(file=name, line=line, uncommitted=_plain(file) in dirty)
    author = as_text(commit.author)
    return Cause(file=name, line=line, commit=commit.id, author=author, committed=commit.time)
