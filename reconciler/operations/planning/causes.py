"""Where each change was written, and who wrote it: places from the specs, people from Git."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adapters.git import prefix_of
from reconciler.adapters.git_blame import Lines
from reconciler.adapters.git_moves import last_names
from reconciler.base.source import RENDERED
from reconciler.base.text import as_text
from reconciler.loader.workspace import find_root
from reconciler.operations.planning.authors import Authors
from reconciler.operations.planning.history import History
from reconciler.operations.planning.removals import Gone, gone_field, gone_task, removals
from reconciler.operations.planning.variables import Variables, retold
from reconciler.operations.planning.versions import by_version
from reconciler.operations.reading.gather import Stores
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import Comparison
from reconciler.plan.change import Action, Cause, Change, FieldChange
from reconciler.plan.parts import Blame

_WRITTEN = {"spec", "template", "defaults", "variables"}
_OWN = {"spec", "template"}


@dataclass(frozen=True, slots=True)
class Attributed:
    """The changes with their causes, and who wrote the Defaults that changed fields come from."""

    changes: tuple[Change, ...]
    inherited: tuple[Cause, ...]


def attribute(
    opened: OpenWorkspace, comparison: Comparison, stores: Stores, since: str | None = None
) -> Attributed:
    """Say of each change and each changed field where it was written, and who wrote those lines.

    `since` is the commit that specs are compared with, where that is not the last apply. Git is
    asked once for each file with changed lines; nothing is asked where nothing changed.
    """
    if not comparison.changes:
        return Attributed((), ())
    history = History(opened)
    gone = _files_of_deletes(opened.root, comparison.changes, stores)
    own = {one.address: _own_file(one, comparison, gone) for one in comparison.changes}
    variables = Variables(history, stores, since)
    reasons = variables.reasons(comparison.changes, own)
    changes = [retold(one, reasons.get(one.address, [])) for one in comparison.changes]
    changes = list(by_version(history, changes, own, stores))
    read = {address: found[0].origin for address, found in reasons.items()}
    inquiry = _Inquiry(Authors(opened), comparison, own, read)
    inquiry.ask(changes)
    removed = _removed(history, variables, changes, own)
    told = tuple(inquiry.told(one, removed) for one in changes)
    return Attributed(told, tuple(inquiry.inherited(told)))


def folder_in_repository(folder: Path) -> str:
    """Where the workspace of a folder lies in its repository: `team/`, or "" at the root."""
    return as_text(prefix_of(find_root(folder) or folder))


@dataclass(slots=True, eq=False)
class _Inquiry:
    """What is asked of Git about the changes of one plan, and what is made of its answers.

    `own` are the files of the tasks by address, `read` the places that templates read anew.
    """

    authors: Authors
    comparison: Comparison
    own: Mapping[str, str]
    read: Mapping[str, str]

    def ask(self, changes: Iterable[Change]) -> None:
        """Ask for the lines of all fields: those of many tasks first."""
        above: dict[str, set[Lines]] = {}
        mine: dict[str, set[Lines]] = {}
        whole: set[str] = set()
        for change in changes:
            own = self.own[change.address]
            if change.address in self.read:
                origin = self.read[change.address]
                above.setdefault(_split(origin)[0], set()).add(self.authors.read_anew(origin))
            if change.action is Action.CREATE:
                mine.setdefault(own, set()).add(self._document(change))
            elif own:
                whole.add(own)
            for field in filter(_is_placed, change.paths):
                file = _plain(_file(field))
                if _file(field).endswith(RENDERED):
                    continue  # no line of the file, but of what it gives
                heap = mine if file == own else above
                heap.setdefault(file, set()).add(self.authors.span(field))
        self.authors.prepare({**above, **mine}, whole - mine.keys())

    def told(self, change: Change, removed: Mapping[tuple[str, str], Blame]) -> Change:
        """The change with its cause, and each field with who wrote it."""
        own = self.own[change.address]
        if not own:
            return change
        paths = tuple(self._blamed(change, field, removed) for field in change.paths)
        cause = self._cause(replace(change, paths=paths), removed)
        return replace(change, file=as_text(own), paths=paths, cause=cause)

    def inherited(self, changes: Iterable[Change]) -> Iterator[Cause]:
        """Who wrote Defaults that changed fields come from: for each file the latest line."""
        latest: dict[str, FieldChange] = {}
        for field in (field for change in changes for field in _inherited(change)):
            name = _file(field)
            if name not in latest or _time(field) > _time(latest[name]):
                latest[name] = field
        for _, field in sorted(latest.items()):
            yield _as_cause(*_split(str(field.origin)), field.blame)

    def _blamed(
        self, change: Change, field: FieldChange, removed: Mapping[tuple[str, str], Blame]
    ) -> FieldChange:
        blame: Blame | None = None
        if field.cause == "removed":
            blame = removed.get((change.address, field.path)) or self.authors.of_file(
                self.own[change.address]
            )
        elif _is_placed(field):
            file = _file(field)
            rendered = file.endswith(RENDERED)
            lines = (1, 1) if rendered else self.authors.span(field)
            blame = self.authors.of_lines(file, lines)
        return field if blame is None else replace(field, blame=blame)

    def _cause(self, change: Change, removed: Mapping[tuple[str, str], Blame]) -> Cause:
        own = self.own[change.address]
        if change.address in self.read:
            origin = self.read[change.address]
            file, line = _split(origin)
            lines = self.authors.read_anew(origin)
            return _as_cause(file, line, self.authors.of_lines(file, lines))
        if change.action is Action.DELETE:
            return _as_cause(own, 1, removed.get((change.address, "")) or self._of_deleted(own))
        file, line = self.comparison.places[change.address]
        if change.action is Action.CREATE:
            return _as_cause(file, line, self.authors.of_lines(file, self._document(change)))
        first = _first(change)
        if first is None:
            return _as_cause(file, line, self.authors.of_file(own))
        if first.cause == "removed":
            return _as_cause(file, line, first.blame)
        return _as_cause(*_split(str(first.origin)), first.blame)

    def _document(self, change: Change) -> Lines:
        file, line = self.comparison.places[change.address]
        return (1, 1) if file.endswith(RENDERED) else self.authors.document(file, line)

    def _of_deleted(self, file: str) -> Blame | None:
        """Whoever deleted the file took the task away."""
        blame = self.authors.of_file(file)
        is_there = (self.authors.opened.root / file).exists()
        return blame if blame is None or is_there else replace(blame, of="removal")


def _first(change: Change) -> FieldChange | None:
    """The field whose line stands for a change: of its own file, or else of Defaults."""
    kinds = (_OWN, {"removed"}, _WRITTEN)
    return next((one for kind in kinds for one in change.paths if one.cause in kind), None)


def _removed(
    history: History, variables: Variables, changes: Iterable[Change], own: Mapping[str, str]
) -> dict[tuple[str, str], Blame]:
    """Who took fields and tasks away, by address and path; the path of a whole task is ""."""
    asked: dict[tuple[str, str], Gone] = {}
    going = [one for one in changes if _loses(one) and own[one.address]]
    commits = variables.commits_of(going)
    for change in going:
        file, since = own[change.address], commits[change.address]
        if change.action is Action.DELETE:
            if (history.opened.root / file).exists():
                name = change.address.partition("/")[2]
                asked[change.address, ""] = gone_task(name, file, since)
            continue
        for field in change.paths:
            if field.cause == "removed":
                asked[change.address, field.path] = gone_field(field, file, since)
    found = removals(history, dict.fromkeys(asked.values())) if asked else {}
    return {key: found[gone] for key, gone in asked.items() if gone in found}


def _loses(change: Change) -> bool:
    return change.action is Action.DELETE or any(one.cause == "removed" for one in change.paths)


def _plain(file: str) -> str:
    return file.removesuffix(RENDERED)


def _is_placed(field: FieldChange) -> bool:
    return field.cause in _WRITTEN and field.origin is not None


def _file(field: FieldChange) -> str:
    return _split(str(field.origin))[0]


def _time(field: FieldChange) -> float:
    """When a line was committed; what is not committed yet comes last."""
    if field.blame is None or field.blame.committed is None:
        return math.inf if field.blame and field.blame.uncommitted else 0
    return field.blame.committed.timestamp()


def _split(origin: str) -> tuple[str, int]:
    file, line, _ = origin.rsplit(":", 2)
    return file, int(line)


def _inherited(change: Change) -> Iterator[FieldChange]:
    """The changed fields that come from Defaults. A new task is told as a whole."""
    if change.action is not Action.CREATE:
        yield from (one for one in change.paths if one.cause == "defaults" and one.origin)


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


def _as_cause(file: str, line: int, blame: Blame | None) -> Cause:
    name = as_text(file)
    if blame is None:
        return Cause(file=name, line=line)
    return Cause(
        file=name,
        line=line,
        commit=blame.commit,
        author=blame.author,
        committed=blame.committed,
        uncommitted=blame.uncommitted,
        of=blame.of,
    )
