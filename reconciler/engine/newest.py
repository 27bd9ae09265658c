"""The newest run of each ref and trigger, and what is to be built once another push is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.engine.trail import Step, newest_known
from reconciler.model.event import Decided, Source, Verdict
from reconciler.model.run import Reason, RunRecord
from reconciler.store.decisions import MOST_MOVES, Moved, Register

_SHOWN = 12  # letters of a commit
# Moves that are read for each push where a look may have jumped over it: every trigger that polls
# reads them. What comes later than that is put right by looks (engine/late_builds).
_MOST_JUMPED = 100
_Last = tuple[Decided, RunRecord | None]
_Key = tuple[str, str, str]
_BUILT = frozenset(
    {Verdict.QUEUED, Verdict.COALESCED, Verdict.SAME_COMMIT, Verdict.SUPERSEDED},
)
# Verdicts of pushes that may lead to a run: by one that is left out others may be put in order.
WANTED = frozenset({Verdict.QUEUED, Verdict.PATH_FILTER})


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision, and the commit that is to be built for it; None if there is nothing to build."""

    decided: Decided
    build: str | None = None


class Newest:
    """What a transaction knows of newest runs: each is read once, and then kept up."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._known: dict[_Key, _Last | None] = {}
        self._moves: dict[_Key, list[Moved]] = {}
        self._stored: dict[tuple[_Key, int], list[Moved]] = {}

    def remember(self, decided: Decided, record: RunRecord) -> None:
        """A decision that has a run, which is its ref's newest from now on."""
        key = _key(decided)
        if key is not None:
            self._known[key] = decided, record

    def note(self, decided: Decided) -> None:
        """A move that is not stored yet."""
        key = _key(decided)
        if key is not None:
            polled = decided.source is Source.POLL
            moved = Moved(decided.previous, decided.version, decided.verdict, polled)
            self._moves.setdefault(key, []).append(moved)

    def judge(self, settled: Decided, *, created: bool, polled: bool = False) -> Judged:
        """What a push comes to; `created` if its ref is new, `polled` if its trigger polls."""
        key = _key(settled)
        if settled.verdict not in WANTED or settled.version is None or key is None:
            return Judged(settled)
        # Where a push began is not known: whatever it may be, it is built.
        ordered = created or settled.previous is not None
        # A look may have jumped over it, which nothing tells but the moves before it.
        most = MOST_MOVES if ordered and self._is_left(key, settled.version) else 0
        left = bool(most) or (ordered and polled)
        if settled.verdict is not Verdict.QUEUED and not left:
            return Judged(settled)
        last = self._last(key)
        current = _commit(last) if last is not None else None
        lost = last is None or _is_lost(last[1])
        if settled.verdict is Verdict.QUEUED and not lost and current == settled.version:
            return Judged(_needless(settled, last, Verdict.SAME_COMMIT))
        most = most or _MOST_JUMPED
        build = self._build(key, settled, current, most) if left else settled.version
        if build is None or (build == current and not lost):
            filtered = settled.verdict is not Verdict.QUEUED
            return Judged(settled if filtered else _needless(settled, last, Verdict.SUPERSEDED))
        if build == settled.version:
            return Judged(settled, build)
        detail = f"{build[:_SHOWN]} came after it, and is built"
        return Judged(settled.model_copy(update={"detail": detail}), build)

    def _is_left(self, key: _Key, version: str) -> bool:
        """True if a push is known that began at a commit."""
        if any(one.previous == version for one in self._moves.get(key, [])):
            return True
        return self._register.is_left(*key, version)

    def _build(self, key: _Key, settled: Decided, current: str | None, most: int) -> str | None:
        """The newest commit that is known, of a push that others may have followed."""
        if (key, most) not in self._stored:
            self._stored[key, most] = self._register.moves(*key, most)
        moves = [*self._stored[key, most], *self._moves.get(key, [])]
        steps = [
            Step(one.previous, one.version, one.verdict in _BUILT, one.polled) for one in moves
        ]
        wanted, polled = settled.verdict is Verdict.QUEUED, settled.source is Source.POLL
        own = Step(settled.previous, settled.version, wanted, polled)
        return newest_known([*steps, own], current)

    def lost(self, before: Sequence[Decided]) -> set[tuple[str, str]]:
        """(task, trigger) of decisions whose newest run for their subject was lost."""
        found = set()
        for item in before:
            key = _key(item)
            if not item.verdict.runs or key is None:
                continue
            last = self._last(key)
            if last is not None and last[0].version == item.version and _is_lost(last[1]):
                found.add(key[:2])
        return found

    def _last(self, key: _Key) -> _Last | None:
        if key not in self._known:
            self._known[key] = self._register.last_run(*key)
        return self._known[key]


def _key(decided: Decided) -> _Key | None:
    if decided.task is None or decided.trigger is None:
        return None
    return decided.task, decided.trigger, decided.subject


def _commit(last: _Last) -> str | None:
    """What a run builds: a push that came late may have a run of a newer commit."""
    decided, record = last
    return record.commit if record is not None and record.commit else decided.version


def _needless(settled: Decided, last: _Last | None, verdict: Verdict) -> Decided:
    if last is None:
        return settled.model_copy(update={"verdict": verdict})
    run_id, commit = last[0].run_id, str(_commit(last))[:_SHOWN]
    # Messages may overtake each other: an older commit must not take the tags back.
    said = "has run" if verdict is Verdict.SAME_COMMIT else "came after it and has run"
    detail = f"{commit} {said} {run_id}" + (" already" if verdict is Verdict.SAME_COMMIT else "")
    return settled.model_copy(update={"verdict": verdict, "detail": detail, "run_id": run_id})


def _is_lost(record: RunRecord | None) -> bool:
    return record is None or record.reason is Reason.LOST
