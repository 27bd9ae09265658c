"""What is asked of Git about the changes of a plan, and who is named for each of their fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from reconciler.adapters.git.blame import Lines
from reconciler.base.source import RENDERED
from reconciler.base.text import as_text
from reconciler.operations.planning.authors import Authors
from reconciler.plan.build import Comparison
from reconciler.plan.change import Action, Cause, Change, FieldChange
from reconciler.plan.parts import Blame

_WRITTEN = {"spec", "template", "defaults", "variables"}
_OWN = {"spec", "template"}

# Who took fields and tasks away, by address and path; the path of a whole task is "".
Removed = Mapping[tuple[str, str], Blame]


@dataclass(slots=True, eq=False)
class Inquiry:
    """What is asked of Git about the changes of one plan, and what is made of its answers.

    `own` are the files of the tasks by address, `read` the places that templates read anew.
    """

    authors: Authors
    comparison: Comparison
    own: Mapping[str, str]
    read: Mapping[str, str]

    def ask(self, changes: Iterable[Change]) -> None:
        """Ask for the lines of all fields: those of many tasks first."""
        mine = {own for own in self.own.values() if own}
        found = [one for change in changes for one in self._asked(change)]
        above = [file for file, _ in found if file not in mine]
        exact = self.authors.choose([*above, *(file for file, _ in found)])
        spans: dict[str, set[Lines]] = {}
        for file, lines in found:
            if file in exact:  # no other is read for its lines
                spans.setdefault(file, set()).add(lines())
        whole = {self.own[one.address] for one in changes if self._is_told_by_file(one)} - {""}
        self.authors.prepare(spans, whole | {file for file, _ in found if file not in exact})

    def _asked(self, change: Change) -> Iterator[tuple[str, Callable[[], Lines]]]:
        """The files that tell of a change, each with what finds the lines."""
        if origin := self.read.get(change.address):
            yield _split(origin)[0], partial(self.authors.read_anew, origin)
        if change.action is Action.CREATE:
            file, _ = self.comparison.places[change.address]
            if not file.endswith(RENDERED):  # else no line of the file, but of what it gives
                yield file, partial(self._document, change)
        for field in filter(_is_placed, change.paths):
            if not _file(field).endswith(RENDERED):
                yield _file(field), partial(self.authors.span, field)

    def _is_told_by_file(self, change: Change) -> bool:
        """True if no line of its own file tells of a change, or not of all of it."""
        if change.action is Action.CREATE:
            return self.comparison.places[change.address][0].endswith(RENDERED)
        told = {"removed", "template"}
        return _first(change) is None or any(one.cause in told for one in change.paths)

    def told(self, change: Change, removed: Removed) -> Change:
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

    def _blamed(self, change: Change, field: FieldChange, removed: Removed) -> FieldChange:
        blame: Blame | None = None
        if field.cause == "removed":
            blame = removed.get((change.address, field.path)) or self.authors.of_file(
                self.own[change.address]
            )
        elif _is_placed(field):
            blame = self.authors.of_lines(_file(field), partial(self.authors.span, field))
        return field if blame is None else replace(field, blame=blame)

    def _cause(self, change: Change, removed: Removed) -> Cause:
        own = self.own[change.address]
        if change.address in self.read:
            origin = self.read[change.address]
            file, line = _split(origin)
            lines = partial(self.authors.read_anew, origin)
            return _as_cause(file, line, self.authors.of_lines(file, lines))
        if change.action is Action.DELETE:
            return _as_cause(own, 1, removed.get((change.address, "")) or self._of_deleted(own))
        file, line = self.comparison.places[change.address]
        if change.action is Action.CREATE:
            lines = partial(self._document, change)
            return _as_cause(file, line, self.authors.of_lines(file, lines))
        first = _first(change)
        if first is None:
            return _as_cause(file, line, self.authors.of_file(own))
        if first.cause == "removed":
            return _as_cause(file, line, first.blame)
        return _as_cause(*_split(str(first.origin)), first.blame)

    def _document(self, change: Change) -> Lines:
        return self.authors.document(*self.comparison.places[change.address])

    def _of_deleted(self, file: str) -> Blame | None:
        """Whoever deleted the file took the task away."""
        blame = self.authors.of_file(file)
        is_there = (self.authors.opened.root / file).exists()
        return blame if blame is None or is_there else replace(blame, of="removal")


def _first(change: Change) -> FieldChange | None:
    """The field whose line stands for a change: of its own file, or else of Defaults."""
    kinds = (_OWN, {"removed"}, _WRITTEN)
    return next((one for kind in kinds for one in change.paths if one.cause in kind), None)


def plain(file: str) -> str:
    """The name of a file, without the mark of what a template gave."""
    return file.removesuffix(RENDERED)


def _is_placed(field: FieldChange) -> bool:
    return field.cause in _WRITTEN and field.origin is not None


def _file(field: FieldChange) -> str:
    return _split(str(field.origin))[0]


def _split(origin: str) -> tuple[str, int]:
    file, line, _ = origin.rsplit(":", 2)
    return file, int(line)


def _inherited(change: Change) -> Iterator[FieldChange]:
    """The changed fields that come from Defaults. A new task is told as a whole."""
    if change.action is not Action.CREATE:
        yield from (one for one in change.paths if one.cause == "defaults" and one.origin)


def _time(field: FieldChange) -> float:
    """When a line was committed; what is not committed yet comes last."""
    if field.blame is None or field.blame.committed is None:
        return math.inf if field.blame and field.blame.uncommitted else 0
    return field.blame.committed.timestamp()


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
