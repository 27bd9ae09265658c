"""Writes changes one after the other: check, write, remember; and says how each one ended.

What stops the rest, and what does not, is decided here. Which changes there are is not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from reconciler.base.errors import Interrupted, PartlyApplied, ReconcilerError, StalePlan
from reconciler.operations.applying.manner import Manner, Step
from reconciler.operations.applying.moved import check_one
from reconciler.operations.applying.write import Entry, remember, was_done, write_live
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Action, Change
from reconciler.providers.base import Provider
from reconciler.store import journal
from reconciler.store.locks import LockLost, StateLock

_NEW_PLAN = "what was written is remembered; make a new plan for the rest"


@dataclass(frozen=True, slots=True)
class Failure:
    """A change that was not done, with the error, or None if one it depends on was not done."""

    change: Change
    error: ReconcilerError | None
    told: str


# How far the change has come that is being done: counted are those that are live.
_Stage = Literal["before", "writing", "written", "counted"]


@dataclass(slots=True)
class Writer:
    """Writes changes of one apply. `total` writes make up the plan, `written` are done so far."""

    opened: OpenWorkspace
    lock: StateLock
    apply_id: str
    total: int
    manner: Manner
    written: int = 0
    _failures: list[Failure] = field(default_factory=list)
    _at: Change | None = None
    _stage: _Stage = "before"

    def run(self, changes: Iterable[tuple[int, Change]]) -> None:
        """Write changes, each with its number in the journal, and note how the apply ended.

        Raises StalePlan, PartlyApplied, Interrupted or what a provider raises.
        """
        with self.tell_interruption():
            provider = self.opened.guarded_provider(self.lock)
            with self.opened.database.keep_connection():
                for position, change in changes:
                    self._one(provider, position, change)
            if not self._failures:
                self._finish("done")
                return
            self._finish("partial" if self.written else "refused")
            raise self._unfinished()

    @contextlib.contextmanager
    def tell_interruption(self) -> Iterator[None]:
        """Inside the block Ctrl-C, wherever it comes, is told as Interrupted: how far it came."""
        try:
            yield
        except KeyboardInterrupt as error:
            self._count_if_live(error)
            raise self._interrupted() from None

    def _one(self, provider: Provider, position: int, change: Change) -> None:
        self._at, self._stage = change, "before"
        started = self.opened.clock()
        if self._is_blocked(position, change):
            return
        try:
            self._write(provider, position, change)
        except LockLost as error:
            # The journal is in the hands of whoever holds the lock now.
            raise self._told(error) from None
        except ReconcilerError as error:
            if not self.manner.go_on:
                raise self._stopped(error) from error
            if not self._done_all_the_same(provider, position, change, error):
                return
        self._count()
        if change.action is not Action.NO_OP:
            seconds = (self.opened.clock() - started).total_seconds()
            self.manner.watch(Step(self.written, self.total, change, seconds))

    def _write(self, provider: Provider, position: int, change: Change) -> None:
        if not self._may_write(provider):
            raise LockLost("the lock was lost while applying", hint="make a new plan")
        check_one(change, provider.read, self.opened.clock())
        self.manner.passing(position, "before")
        self._stage = "writing"
        write_live(provider, change)
        self._stage = "written"
        self.manner.passing(position, "written")
        self._remember(position, change, journal.DONE)
        self.manner.passing(position, "settled")

    def _count(self) -> None:
        """The change that is being done is live: once, whatever comes then."""
        if self._at is not None and self._at.action is not Action.NO_OP:
            self.written += self._stage != "counted"
        self._stage = "counted"

    def _count_if_live(self, error: BaseException) -> None:
        """What stopped us came between a write and its memory: live tells whether it was done.

        A lock that is lost while writing lets nothing be written.
        """
        if self._at is None or self._stage in {"before", "counted"}:
            return
        is_live = self._stage == "written"
        if not is_live and not isinstance(error, LockLost):
            with contextlib.suppress(ReconcilerError, KeyboardInterrupt):
                is_live = was_done(self.opened.provider, self._at)
        if is_live:
            self._count()

    def _may_write(self, provider: Provider) -> bool:
        if provider.capabilities().fenced:
            return not self.lock.lost.is_set()
        return self.lock.is_held()

    def _remember(self, position: int, change: Change, state: str) -> None:
        remember(self.opened, Entry(self.apply_id, position, change), state, self.lock.fence)

    # ------------------------------------------------------------- what goes on
    def _is_blocked(self, position: int, change: Change) -> bool:
        """True if one it depends on was not done: then it is not done either."""
        failed = {failure.change.address for failure in self._failures}
        missing = sorted(failed & set(change.depends_on))
        if missing:
            self._note(position, change, None, f"depends on {missing[0]}")
        return bool(missing)

    def _done_all_the_same(
        self, provider: Provider, position: int, change: Change, error: ReconcilerError
    ) -> bool:
        """Whether a write that failed was done; noted either way. Raises if it cannot be noted."""
        if not isinstance(error, StalePlan) and was_done(provider, change):
            self._remember(position, change, journal.RECOVERED)
            return True
        self._note(position, change, error, error.message)
        return False

    def _note(
        self, position: int, change: Change, error: ReconcilerError | None, told: str
    ) -> None:
        self._failures.append(Failure(change, error, told))
        with self.opened.database.write(self.lock.fence) as connection:
            now = self.opened.clock()
            journal.settle(
                connection, self.apply_id, position, journal.NOT_DONE, now=now, detail=told
            )

    def _unfinished(self) -> ReconcilerError:
        first = next(one.error for one in self._failures if one.error is not None)
        if not self.written:
            return first
        return PartlyApplied(
            f"applied {self.written} of {self.total}; {len(self._failures)} failed",
            details=list(self._failed_rows()),
            hint=_NEW_PLAN if self._has_moved() else self._next(),
        )

    def _has_moved(self) -> bool:
        """True if a live task moved: then a resume would be refused."""
        return any(isinstance(one.error, StalePlan) for one in self._failures)

    def _failed_rows(self) -> Iterator[tuple[str, str]]:
        for one in self._failures:
            yield ("failed", f"{one.change.address}: {one.told}")
            for label, text in one.error.details if one.error is not None else ():
                yield (f"  {label}", text)
        yield ("journal", self.apply_id)

    # -------------------------------------------------------------- what stops
    def _stopped(self, error: ReconcilerError) -> ReconcilerError:
        # Whether a write was done that failed in another way than being stale is not known: the
        # journal stays open, and the next one who takes the lock finds out from live.
        if isinstance(error, StalePlan):
            with self.opened.database.write() as connection:
                journal.give_up(connection, self.apply_id, self.opened.clock())
            self._finish("partial" if self.written else "refused")
        return self._told(error)

    def _finish(self, outcome: str) -> None:
        with self.opened.database.write() as connection:
            journal.finish(connection, self.apply_id, outcome, self.opened.clock())

    def _told(self, error: ReconcilerError) -> ReconcilerError:
        """The error itself if nothing was written, else that something was."""
        self._count_if_live(error)
        if not self.written:
            return error
        return PartlyApplied(
            f"applied {self.written} of {self.total}, then stopped: {error.message}",
            details=[*self._place(), ("journal", self.apply_id), *error.details],
            hint=_NEW_PLAN if isinstance(error, StalePlan) else self._next(),
        )

    def _interrupted(self) -> Interrupted:
        return Interrupted(
            f"interrupted after {self.written:,} of {self.total:,} writes",
            details=[*self._place(), ("journal", self.apply_id)],
            hint=self._next(),
        )

    def _place(self) -> list[tuple[str, str]]:
        """The change that was not done, or after which it stopped."""
        if self._at is None:
            return []
        return [("after" if self._stage == "counted" else "at", self._at.address)]

    def _next(self) -> str:
        return (
            f"what was written is remembered; go on with: reconciler apply --resume "
            f"{self.apply_id}, or make a new plan for the rest"
        )
