"""What a daemon tells of tasks whose bases it looked for: each reason once, in log and state."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field

from reconciler.base.text import one_line, plural
from reconciler.model.event import Decided, Source, Verdict
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.task_bases import Unread

_LONGEST = 300
_FIX = "apply it again where its files are, or run it"
_FIX_ELSEWHERE = "it is tried again; a run of it tells, too"


@dataclass(slots=True)
class Telling:
    """What one daemon has told. `tell` is handed facts."""

    opened: OpenWorkspace
    tell: Callable[[dict[str, str]], None]
    _told: dict[str, str] = field(default_factory=dict, init=False)

    def keep(self, addresses: Container[str]) -> None:
        """Of other tasks it is told again when they come back."""
        self._told = {address: why for address, why in self._told.items() if address in addresses}

    def known(self, unread: Unread, count: int, *, here: bool) -> None:
        """It is known now what a task stands on."""
        self._told.pop(unread.address, None)
        earlier = "applied by an earlier version: " if unread.why is None else ""
        where = "its files" if here else "its context"
        text = f"{earlier}{plural(count, 'base image')}, read from {where} now"
        self.tell({"task": unread.address, "message": text})

    def decided(
        self, unread: Unread, why: str, trigger: str | None, *, here: bool
    ) -> Decided | None:
        """The decision that says why it is not; None where the state has it.

        `unread` is what the state had before. Of files that are here it has none: a daemon decides
        once.
        """
        known = self._told.get(unread.address) if here else unread.why
        if known == why:
            return None
        return Decided(
            at=self.opened.clock(),
            source=Source.IMAGE,
            subject="",
            task=unread.address,
            trigger=trigger,
            verdict=Verdict.UNTRACKED,
            detail=f"what it stands on is not known: {_shown(unread, why)}; {_fix(here=here)}",
        )

    def unknown(self, unread: Unread, why: str, *, here: bool) -> None:
        """Why it is not, once in the log of each daemon."""
        if self._told.get(unread.address) != why:
            self._told[unread.address] = why
            verdict, error = Verdict.UNTRACKED.value, _shown(unread, why)
            facts = {"verdict": verdict, "error": error, "fix": _fix(here=here)}
            self.tell({"task": unread.address, **facts})


def _shown(unread: Unread, why: str) -> str:
    told = one_line(why, _LONGEST)
    return f"applied by an earlier version, and {told}" if unread.why is None else told


def _fix(*, here: bool) -> str:
    return _FIX if here else _FIX_ELSEWHERE
