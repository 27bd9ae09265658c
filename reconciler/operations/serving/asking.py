"""Looks that are going at registries, each in a thread: they ask, and decide nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field

from reconciler.engine.watcher import Answer, Look, asked
from reconciler.model.watched import WatchedImage


@dataclass(slots=True)
class Asking:
    """Has a pool of threads ask for tags. Only for one thread itself."""

    pool: Executor
    look: Look
    _going: dict[Future[tuple[Answer, float]], WatchedImage] = field(
        default_factory=dict, init=False
    )

    def begin(self, image: WatchedImage) -> None:
        """Ask for a tag, and do not wait."""
        self._going[self.pool.submit(self._timed, image)] = image

    def ended(self) -> Iterator[tuple[WatchedImage, Answer, float]]:
        """What was answered since the last time, each with the seconds that took."""
        for one in [one for one in self._going if one.done()]:
            image = self._going.pop(one)
            yield image, *one.result()  # raises what nobody was prepared for

    def wait(self, seconds: float) -> bool:
        """Wait until something is answered, at most so long. False at once if nothing is going."""
        wait(self._going, seconds, FIRST_COMPLETED)
        return bool(self._going)

    def _timed(self, image: WatchedImage) -> tuple[Answer, float]:
        began = time.monotonic()
        return asked(self.look, image), time.monotonic() - began
