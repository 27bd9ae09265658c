"""How the parts of a daemon are: what they complain of and try again, and which broke off."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath

from reconciler.base.errors import ReconcilerError

Tell = Callable[[str, dict[str, str]], None]
Work = Callable[[threading.Event], None]

_FRAMES = 12


@dataclass(slots=True)
class Health:
    """The health of one daemon. `tell` is handed a part and facts about it.

    `failing` is what each part complained of last, until a round of it goes through; `broken` are
    parts that ended before they were told to, and why. They do not come back: the daemon has to be
    started again. `clock` is why the clock is not believed, None if it is.
    """

    tell: Tell
    failing: dict[str, str] = field(default_factory=dict, init=False)
    broken: dict[str, str] = field(default_factory=dict, init=False)
    clock: str | None = field(default=None, init=False)

    def complain(self, part: str, error: ReconcilerError) -> None:
        """Something went wrong that is tried again. Told once."""
        if self.failing.get(part) != str(error):
            self.tell(part, {"error": str(error)})
        self.failing[part] = str(error)

    def well(self, part: str) -> None:
        """A round of a part went through."""
        self.failing.pop(part, None)

    def trouble(self) -> str | None:
        """What some part complains of now."""
        return next(iter(list(self.failing.values())), None)

    def of_clock(self, told: str, trouble: str | None) -> None:
        """What is found of the clock, and why it is not believed."""
        self.clock = trouble
        self.tell("clock", {"message": told})

    def watched(self, part: str, work: Work) -> Work:
        """The work of a part, whose end is told if nobody asked for it."""

        def do(stopping: threading.Event) -> None:
            try:
                work(stopping)
            except BaseException as error:  # noqa: BLE001  (whatever it is, the part is gone)
                self.break_off(part, error)
            else:
                if not stopping.is_set():
                    self.break_off(part, None)

        return do

    def break_off(self, part: str, error: BaseException | None) -> None:
        """A part is gone, by an error that nobody foresaw or without one."""
        self.broken[part] = type(error).__name__ if error is not None else "it ended"
        facts = {"error": f"this part broke off: {_kind(error)}; the daemon stops"}
        self.tell(part, facts | ({"at": _places(error)} if error is not None else {}))

    def give_up(self, part: str, why: str) -> None:
        """The daemon cannot go on, and knows why: it is to be started again."""
        self.broken[part] = why
        self.tell(part, {"error": f"{why}; the daemon stops"})


def _kind(error: BaseException | None) -> str:
    """What happened, without the words of the error: they may quote what nobody may read."""
    if error is None:
        return "it ended"
    said = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__} ({said})" if said else type(error).__name__


def _places(error: BaseException) -> str:
    """Where it happened, innermost first: `serving/polls.py:52 poll, ...`."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return ", ".join(
        f"{'/'.join(PurePath(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"
        for frame in reversed(frames)
    )
