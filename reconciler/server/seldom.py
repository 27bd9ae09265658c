"""Trouble that comes again and again: told at once, then once a minute with how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

_SECONDS = 60.0
# Kinds of trouble that are kept apart.
_MOST_KINDS = 200

Tell = Callable[[str, dict[str, str]], None]


@dataclass(slots=True)
class _Kind:
    """When it was told last, and how often it came since."""

    told: float
    since: int = 0


@dataclass(slots=True)
class Seldom:
    """A log that nobody can fill. `clock`: seconds that never go back."""

    tell: Tell
    clock: Callable[[], float]
    _kinds: dict[str, _Kind] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def note(self, kind: str, part: str, facts: dict[str, str]) -> None:
        """Tell facts of a part, unless this kind was told within the last minute."""
        with self._lock:
            more = self._more(kind)
        if more is not None:
            self.tell(part, facts | ({"times": str(more)} if more > 1 else {}))

    def _more(self, kind: str) -> int | None:
        """How often it came since it was told, this time too; None if it is not told now."""
        now = self.clock()
        known = self._kinds.get(kind)
        if known is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            self._kinds[kind] = _Kind(now)
            return 1
        known.since += 1
        if now < known.told + _SECONDS:
            return None
        more, known.told, known.since = known.since, now, 0
        return more
