"""Looks at the tags that live tasks stand on, each in its turn, and notes those that moved.

Knows no HTTP: somebody else asks registries, several at once. Each is asked at most so many times a
second, and left alone for as long as it wants. What is known stands in the state: a daemon that is
killed between two looks goes on where it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from reconciler.base.errors import ReconcilerError, RegistryBusy
from reconciler.base.text import plural, some_of
from reconciler.engine.image_decisions import of_look
from reconciler.engine.patience import Patience
from reconciler.model.event import Decided, Verdict
from reconciler.model.watched import UNSEEN, Looked, Move, RegistryPause, Served, WatchedImage
from reconciler.store.database import Database
from reconciler.store.decisions import Register
from reconciler.store.images import (
    due_image,
    hurry_image,
    hurry_images,
    keep_images,
    list_unseen,
    save_image,
)
from reconciler.store.last_built import last_built
from reconciler.store.rebuilds import add_move, any_begun
from reconciler.store.task_bases import tasks_on

# Between two looks at one tag, however often a registry says that it moved.
GAP = 5.0
_AGAIN = 10.0  # seconds until a tag is looked at again that a run is just pushing
_LONGEST_ABSENT = 6 * 3600.0  # for a tag that is not there
_LONGEST_FAILED = 3600.0  # for one that a registry does not show: somebody may mend a login
# Tags that are tried again together: each at a chance moment of so long, or of a second for each.
_SOON = 10.0
_LONGEST_QUIET = 15 * 60.0
_MOST_RETOLD = 20
_NO_SUCH_TAG = "the registry has no such tag"


class Look(Protocol):
    """Asks a registry what it serves under a tag; `known` is what it did before.

    Raises RegistryBusy if the registry is to be left alone, else another ReconcilerError.
    """

    def __call__(self, reference: str, known: Served | None, /) -> Looked:
        """The answer."""


Answer = Looked | ReconcilerError
Tell = Callable[[dict[str, str]], None]


class Counted(StrEnum):
    """How a look ended."""

    SAME = "same"
    MOVED = "moved"
    FIRST = "first"
    WAITS = "waits"  # a run is just pushing it
    ABSENT = "absent"
    FAILED = "failed"
    BUSY = "busy"  # and its registry is left alone


@dataclass(slots=True)
class Watcher:
    """The watch over a state. Not for several threads, but for `hurry`: one decides, others ask.

    `tell` is handed facts, `count` how each look ended.
    """

    database: Database
    interval: float
    quiet: float
    tell: Tell = lambda _facts: None
    chance: Callable[[], float] = random.random
    count: Callable[[Counted], None] = lambda _ended: None
    _patience: Patience = field(init=False)
    _minders: Mapping[str, Collection[str]] = field(default_factory=dict, init=False)
    _makers: Mapping[str, Collection[str]] = field(default_factory=dict, init=False)
    _retold: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._patience = Patience(self.database)

    def keep(
        self,
        minders: Mapping[str, Collection[str]],
        makers: Mapping[str, Collection[str]],
        now: float,
    ) -> None:
        """Watch these tags and no others, for the tasks that mind each; `makers` push them.

        The first time it tells which of them could not be looked at the last time, and why.
        Raises StateUnusable.
        """
        self._minders, self._makers = minders, makers
        keep_images(self.database, minders, now)
        if not self._retold:
            self._retell(now)
            self._retold = True

    def hurry(self, reference: str, now: float) -> bool:
        """Look at a tag soon: somebody says it moved. False if it is not watched."""
        return hurry_image(self.database, reference, now, GAP)

    def retry(self, now: float) -> int:
        """Look soon at tags whose last look failed; how many. One that was not there is none.

        For when what failed may have been mended: a login, a trust, a registry. Raises
        StateUnusable.
        """
        failed = [one for one in list_unseen(self.database) if one.message != _NO_SUCH_TAG]
        spread = max(_SOON, float(len(failed)))
        at = {one.reference: now + spread * self.chance() for one in failed}
        hurry_images(self.database, at, now, GAP)
        return len(failed)

    def begin(self, now: float) -> WatchedImage | None:
        """The tag whose turn it is: to be `asked` for now, wherever that is done, and then `end`.

        None if none is due, or there is no room for one more. Raises StateUnusable.
        """
        room = self._patience.room(now)
        if room is None:
            return None
        image = due_image(self.database, now, room.without, room.among)
        if image is not None:
            self._patience.open(host_of(image.reference), now)
        return image

    def end(self, image: WatchedImage, answer: Answer, now: float, seconds: float = 0.0) -> None:
        """A tag was asked for; that took so many seconds. Raises StateUnusable: it is due still."""
        answered = not isinstance(answer, RegistryBusy)
        self._patience.ended(host_of(image.reference), seconds, answered=answered)
        self.count(self._judged(image, answer, now))

    def _retell(self, now: float) -> None:
        """What an earlier daemon told of looks that failed, once more: its log may be gone."""
        for pause in self._patience.pauses().values():
            if not pause.over(now):
                self._tell_pause(pause, pause.until - now)
        wrong = list_unseen(self.database)
        for image in wrong[:_MOST_RETOLD]:
            self.tell({"image": image.reference, "error": str(image.message)})
        if len(wrong) > _MOST_RETOLD:
            more = len(wrong) - _MOST_RETOLD
            self.tell({"error": f"{more} more images could not be looked at"})

    # ----------------------------------------------------------------- looking
    def _judged(self, image: WatchedImage, answer: Answer, now: float) -> Counted:
        host = host_of(image.reference)
        if isinstance(answer, RegistryBusy):
            pause = self._patience.busy(host, answer, now)
            self._tell_pause(pause, pause.seconds)
            return Counted.BUSY
        if isinstance(answer, ReconcilerError):
            self._patience.answered(host)
            self._failed(image, answer.message, now)
            return Counted.FAILED
        self._patience.answered(host, answer.requests)
        if answer.served is None:
            self._failed(image, _NO_SUCH_TAG, now, absent=True)
            return Counted.ABSENT
        return self._seen(image, answer.served, now)

    def _tell_pause(self, pause: RegistryPause, seconds: float) -> None:
        again = f"{seconds:.0f} s"
        self.tell({"registry": pause.host, "error": pause.message, "again_in": again})

    def _failed(
        self, image: WatchedImage, message: str, now: float, *, absent: bool = False
    ) -> None:
        longest = _LONGEST_ABSENT if absent else _LONGEST_FAILED
        wait = min(self.interval * 2.0 ** min(image.failures, 10), longest)
        later = replace(
            image,
            checked_at=now,
            seen_at=now if absent else image.seen_at,
            next_at=now + self._jittered(max(self.interval, wait)),
            failures=image.failures + 1,
            message=message,
            absent=image.served is None and (absent or image.absent),
        )
        verdict = Verdict.NO_SUCH_TAG if absent else Verdict.LOOK_FAILED
        with self.database.write() as connection:
            stored = save_image(connection, later, image, now + GAP)
            if stored and image.message != message:
                Register(connection).note([of_look(image.reference, verdict, now, message)])
        if stored and image.message != message:
            self.tell({"image": image.reference, "error": message})

    def _seen(self, image: WatchedImage, served: Served, now: float) -> Counted:
        known = image.served
        well = replace(image, checked_at=now, seen_at=now, failures=0, message=None)
        later = replace(
            well, served=served, absent=False, next_at=now + self._jittered(self.interval)
        )
        unseen = known is None and not image.absent
        others = self._built_on_others(image.reference, served) if unseen else {}
        with self.database.write() as connection:
            if known is not None and known.digest == served.digest:
                save_image(connection, later, image, now + GAP)
                return Counted.SAME
            if any_begun(connection, self._makers.get(image.reference, ())):
                # A run pushes it, and is not done: it is that run's to say what was there before.
                save_image(connection, replace(well, next_at=now + _AGAIN), image, now + GAP)
                return Counted.WAITS
            if not save_image(connection, later, image, now + GAP):
                return Counted.WAITS
            if unseen:
                Register(connection).note([_first(image.reference, served, now, len(others))])
                if not others:
                    return Counted.FIRST
            move = Move(image.reference, UNSEEN if unseen else known, served)
            add_move(
                connection, move, now, quiet=self.quiet, longest=max(_LONGEST_QUIET, self.quiet)
            )
        before = known.digest if known is not None else some_of(sorted(set(others.values())))
        self.tell({"image": image.reference, "from": before or "nothing", "to": served.digest})
        return Counted.MOVED

    def _built_on_others(self, reference: str, served: Served) -> dict[str, str]:
        """Tasks that mind a tag and were last built on something else: on what, by address."""
        with self.database.read() as connection:
            built = last_built(connection, [reference])
            standers = tasks_on(connection, reference) if built else []
        minding, found = self._minders.get(reference, ()), dict[str, str]()
        for one in standers:
            last = built.get((one.address, reference))
            before = last.before(one.base, served) if last is not None else None
            if one.address in minding and before is not None:
                found[one.address] = before
        return found

    def _jittered(self, seconds: float) -> float:
        return seconds * (0.8 + 0.4 * self.chance())


def asked(look: Look, image: WatchedImage) -> Answer:
    """What a registry answers when it is asked for a tag."""
    try:
        return look(image.reference, image.served)
    except ReconcilerError as error:
        return error


def host_of(reference: str) -> str:
    """The registry of a tracked reference."""
    return reference.partition("/")[0]


def _first(reference: str, served: Served, now: float, others: int) -> Decided:
    detail = "seen for the first time: nothing is built for it"
    if others:
        was = "was" if others == 1 else "were"
        detail = f"seen for the first time: {plural(others, 'task')} {was} built on something else"
    return of_look(reference, Verdict.FIRST_SIGHT, now, detail, served.digest)
