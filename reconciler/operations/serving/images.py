"""The watch over base images, wired to a workspace: one loop looks, another one rebuilds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from reconciler.adapters.web.registry_look import RegistryLooks
from reconciler.base.errors import ReconcilerError, RegistryBusy
from reconciler.base.text import some_of
from reconciler.engine.patience import MOST_AT_ONCE
from reconciler.engine.rebuilding import Rebuilding
from reconciler.engine.watcher import Watcher, host_of
from reconciler.model.common import duration_seconds
from reconciler.model.rebuild import Rebuild
from reconciler.model.watched import Looked, Served
from reconciler.operations.running.run_place import place_of
from reconciler.operations.serving.asking import Asking
from reconciler.operations.serving.book import Book
from reconciler.operations.serving.registry_logins import RegistryLogins
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.task_bases import all_standers

_SECONDS = 0.5
# What tasks stand on changes with their runs, too, of which the book does not tell.
_KEEP_SECONDS = 10.0


@dataclass(slots=True)
class ImageWatch:
    """The watch of a daemon. `tell` is handed facts, `complain` a part and what is tried again.

    `looked` is told how each look ended, `well` a part of which a round went through.
    """

    opened: OpenWorkspace
    book: Callable[[], Book]
    tell: Callable[[dict[str, str]], None]
    looked: Callable[[str], None]
    complain: Callable[[str, ReconcilerError], None]
    well: Callable[[str], None]
    _watcher: Watcher = field(init=False)
    _mended: threading.Event = field(default_factory=threading.Event, init=False)
    _kept: float = field(default=0.0, init=False)
    _version: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        watch = self.opened.workspace.server.watch
        self._watcher = Watcher(
            self.opened.database,
            float(duration_seconds(watch.interval)),
            float(duration_seconds(watch.quiet)),
            self.tell,
            count=self.looked,
        )

    def hurry(self, reference: str) -> bool:
        """Have a tag looked at soon. False if nobody minds it. Raises StateUnusable."""
        return self._watcher.hurry(reference, self._now())

    # ------------------------------------------------------------------- looks
    def look(self, stopping: threading.Event) -> None:
        """Look at what is due, again and again."""
        place = place_of(self.opened)
        with (
            RegistryLogins(place, lambda: self.book().logins, stopping.is_set) as logins,
            ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="look") as pool,
        ):
            looks = RegistryLooks(logins.login, place.insecure, stopping.is_set)
            asking = Asking(pool, partial(_look, looks, logins))
            while not stopping.is_set():
                try:
                    self._follow(logins)
                    self._round(asking, stopping)
                    self.well("images")
                except ReconcilerError as error:
                    self.complain("images", error)
                    stopping.wait(_SECONDS)
                if not asking.wait(_SECONDS):
                    stopping.wait(_SECONDS)

    def _round(self, asking: Asking, stopping: threading.Event) -> None:
        """Take what was answered, and begin what is due."""
        for image, answer, seconds in asking.ended():
            if stopping.is_set():
                return  # it may have been cut: it says nothing, and is due still
            self._watcher.end(image, answer, self._now(), seconds)
        while not stopping.is_set():
            image_due = self._watcher.begin(self._now())
            if image_due is None:
                return
            asking.begin(image_due)

    def retry(self) -> None:
        """What failed may have been mended: logins are read anew, and it is looked at soon."""
        self._mended.set()

    def _follow(self, logins: RegistryLogins) -> None:
        """Watch what tasks stand on now.

        At a start, when an apply changed something, and when somebody says so, what failed is tried
        again.
        """
        book = self.book()
        if book.version != self._version:
            self._mended.set()
        mended = self._mended.is_set()
        if not mended and time.monotonic() < self._kept + _KEEP_SECONDS:
            return
        self._keep(book)
        self._kept, self._version = time.monotonic(), book.version
        if mended:
            self._mended.clear()
            logins.renew()
            self._watcher.retry(self._now())

    def _keep(self, book: Book) -> None:
        """Watch the tags that live tasks mind, and know who pushes them."""
        minders: dict[str, set[str]] = {}
        with self.opened.database.read() as connection:
            for one in all_standers(connection):
                standing, base = book.standing.get(one.address), one.base
                if "@" in base.reference or standing is None or standing.minds(base.kind):
                    continue
                minders.setdefault(base.reference, set()).add(one.address)
        self._watcher.keep(minders, _makers(book), self._now())

    # ---------------------------------------------------------------- rebuilds
    def rebuild(self, stopping: threading.Event) -> None:
        """Queue the runs of what moved, again and again."""
        watch = self.opened.workspace.server.watch
        rebuilding = Rebuilding(
            self.opened.database,
            watch.max_concurrent,
            tell=lambda queued: self.tell(_told(queued)),
        )
        while not stopping.is_set():
            try:
                while rebuilding.step(self.book().standing, self.opened.clock()):
                    if stopping.is_set():
                        break
                self.well("rebuilds")
            except ReconcilerError as error:
                self.complain("rebuilds", error)
            stopping.wait(_SECONDS)

    def _now(self) -> float:
        return self.opened.clock().timestamp()


def _look(
    looks: RegistryLooks, logins: RegistryLogins, reference: str, known: Served | None
) -> Looked:
    try:
        return looks.look(reference, known)
    except RegistryBusy:
        raise
    except ReconcilerError:
        # Whatever it was shown was of no use.
        logins.forget(host_of(reference))
        raise


def _told(queued: Sequence[Rebuild]) -> dict[str, str]:
    """Which runs wait, and for which images."""
    images = sorted({reference for item in queued for reference in item.moved})
    return {
        "queued": str(len(queued)),
        "images": some_of(images),
        "tasks": some_of([item.address for item in queued]),
        "runs": some_of([str(item.run_id) for item in queued]),
    }


def _makers(book: Book) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for standing in book.standing.values():
        for image in standing.images:
            found.setdefault(image, set()).add(standing.address)
    return found
