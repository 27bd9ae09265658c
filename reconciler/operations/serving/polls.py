"""Polling, wired: asks repositories by `git ls-remote`, some at once; hands over what moved."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.files import private_folder
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.tips import Tips, read_tips
from reconciler.adapters.web.resolve import Guard
from reconciler.base.clock import steady
from reconciler.base.errors import ReconcilerError
from reconciler.engine.intake import Intake, Taken
from reconciler.engine.polling import MOST_AT_ONCE, Polled, Poller, take_moves
from reconciler.operations.running.credentials import open_secrets
from reconciler.operations.running.run_place import RunPlace, place_of
from reconciler.operations.serving.book import Book
from reconciler.operations.workspace import OpenWorkspace

_LOOK_SECONDS = 1.0
# A host that does not answer is given up; others are asked meanwhile.
ANSWER_SECONDS = 60.0
_TOO_SLOW = f"it has not answered within {ANSWER_SECONDS:.0f} s"


@dataclass(slots=True)
class Polls:
    """The polling of a workspace's live tasks.

    `looked` is told of each look and what was taken, `failed` why one could not be asked.
    """

    opened: OpenWorkspace
    book: Callable[[], Book]
    looked: Callable[[Polled, list[Taken]], None]
    failed: Callable[[Polled, str], None]
    _poller: Poller = field(init=False)
    _place: RunPlace = field(init=False)

    def __post_init__(self) -> None:
        self._poller = Poller(random.random)

    def poll(self, stopping: threading.Event) -> None:
        """Ask whose turn it is, until told to stop."""
        self._place = place_of(self.opened)
        followed = ""
        going: list[Future[None]] = []
        with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="poll") as pool:
            while not stopping.wait(_LOOK_SECONDS):
                book = self.book()
                if book.version != followed:
                    self._poller.follow(book.polled, steady())
                    followed = book.version
                # Nobody waits for the slowest: each has its turn again when its own look is over.
                due = self._poller.begin(steady())
                going += [pool.submit(self._look, one, stopping) for one in due]
                going = [one for one in going if not _is_over(one)]

    def _look(self, one: Polled, stopping: threading.Event) -> None:
        failed = True
        try:
            found = self._ask(one, stopping)
            intake = Intake(self.opened.database, self.opened.clock)
            taken = take_moves(self.opened.database, one, found, intake.take_all)
            self.looked(one, taken)
            failed = False
        except FetchError as error:
            slow = error.fault is FetchFault.STOPPED
            self._tell(one, _TOO_SLOW if slow else error.message, stopping)
        except ReconcilerError as error:
            self._tell(one, error.message, stopping)
        finally:
            self._poller.looked(one, steady(), failed=failed)

    def _tell(self, one: Polled, why: str, stopping: threading.Event) -> None:
        if not stopping.is_set():
            self.failed(one, why)

    def _ask(self, one: Polled, stopping: threading.Event) -> Tips:
        deadline = time.monotonic() + ANSWER_SECONDS

        def over() -> bool:
            return stopping.is_set() or time.monotonic() > deadline

        with private_folder(self._place.work) as folder, open_secrets(self._place, over) as secrets:
            token = secrets.read(one.token).strip() if one.token is not None else None
            repository = Repository(one.url, token, Guard(self._place.insecure))
            return read_tips(repository, folder, over, tags=one.tags)


def _is_over(one: Future[None]) -> bool:
    """True for a look that is done; raises what it was not prepared for."""
    if one.done():
        one.result()
    return one.done()
