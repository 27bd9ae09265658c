"""The newest run of each ref and trigger, and whether it makes another one needless."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.event import Decided, Verdict
from reconciler.model.run import Reason, RunRecord
from reconciler.store.decisions import Register

_SHOWN = 12  # letters of a commit
_Last = tuple[Decided, RunRecord | None]


class Newest:
    """What a transaction knows of newest runs: each is read once, and then kept up."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._known: dict[tuple[str, str, str], _Last | None] = {}

    def remember(self, decided: Decided, record: RunRecord) -> None:
        """A decision that has a run, which is its ref's newest from now on."""
        if decided.task is not None and decided.trigger is not None:
            self._known[decided.task, decided.trigger, decided.subject] = decided, record

    def needless(self, settled: Decided) -> Decided | None:
        """The decision, if the newest run of its ref makes another one needless; else None."""
        last = self._last(settled)
        if last is None or _is_lost(last[1]):
            return None
        newest, run_id = last[0], last[0].run_id
        if newest.version == settled.version:
            verdict = Verdict.SAME_COMMIT
            detail = f"{str(settled.version)[:_SHOWN]} has run {run_id} already"
        elif newest.previous == settled.version and settled.previous != newest.version:
            # Messages may overtake each other: the older commit must not take the tags back.
            verdict = Verdict.SUPERSEDED
            detail = f"{str(newest.version)[:_SHOWN]} came after it and has run {run_id}"
        else:
            return None
        return settled.model_copy(update={"verdict": verdict, "detail": detail, "run_id": run_id})

    def lost(self, before: Sequence[Decided]) -> set[tuple[str, str]]:
        """(task, trigger) of decisions whose newest run for their subject was lost."""
        found = set()
        for item in before:
            if not item.verdict.runs or item.task is None or item.trigger is None:
                continue
            last = self._last(item)
            if last is not None and last[0].version == item.version and _is_lost(last[1]):
                found.add((item.task, item.trigger))
        return found

    def _last(self, decided: Decided) -> _Last | None:
        if decided.task is None or decided.trigger is None:
            return None
        key = decided.task, decided.trigger, decided.subject
        if key not in self._known:
            self._known[key] = self._register.last_run(*key)
        return self._known[key]


def _is_lost(record: RunRecord | None) -> bool:
    return record is None or record.reason is Reason.LOST
