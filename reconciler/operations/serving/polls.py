"""Polling, wired: asks repositories by `git ls-remote`, some at once; hands over what moved."""

from __future__ import annotations

import contextlib
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
from reconciler.adapters.vaults.secrets import SecretReader
from reconciler.adapters.web.resolve import Guard
from reconciler.base.clock import steady
from reconciler.base.errors import ReconcilerError, SecretUnavailable
from reconciler.engine.intake import Intake, Taken
from reconciler.engine.late_builds import Windows, before_look, late_builds
from reconciler.engine.poll_logins import Asking, Logins, name_of, remember
from reconciler.engine.polling import MOST_AT_ONCE, Polled, Poller, Refs, take_moves
from reconciler.operations.running.credentials import open_secrets
from reconciler.operations.running.run_place import RunPlace, place_of
from reconciler.operations.serving.book import Book
from reconciler.operations.workspace import OpenWorkspace
from reconciler.store.polled_looks import keep_looks, read_look

_LOOK_SECONDS = 1.0
# A host that does not answer is given up; others are asked meanwhile.
ANSWER_SECONDS = 60.0
_TOO_SLOW = f"it has not answered within {ANSWER_SECONDS:.0f} s"


# Another login may help: hosts call missing what a token may not see.
_REFUSES = frozenset({FetchFault.AUTH, FetchFault.MISSING})


@dataclass(slots=True)
class Polls:
    """The polling of a workspace's live tasks.

    `looked` is told of each look and what was taken, `failed` why one could not be asked, `refused`
    which login is refused, and why, where another one is not.
    """

    opened: OpenWorkspace
    book: Callable[[], Book]
    looked: Callable[[Polled, list[Taken]], None]
    failed: Callable[[Polled, str], None]
    refused: Callable[[Polled, str, str], None]
    _poller: Poller = field(init=False)
    _place: RunPlace = field(init=False)
    _windows: Windows = field(default_factory=Windows, init=False)
    _logins: Logins = field(default_factory=Logins, init=False)
    _told: dict[tuple[str, str], str] = field(default_factory=dict, init=False)

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
                    if self._forget(book):
                        followed = book.version
                # Nobody waits for the slowest: each has its turn again when its own look is over.
                due = self._poller.begin(steady())
                going += [pool.submit(self._look, one, stopping) for one in due]
                going = [one for one in going if not _is_over(one)]

    def _forget(self, book: Book) -> bool:
        """Forget looks at what is not polled any more; False if the state cannot be had now."""
        with contextlib.suppress(ReconcilerError):
            keep_looks(self.opened.database, {one.url for one in book.polled})
            return True
        return False

    def _look(self, one: Polled, stopping: threading.Event) -> None:
        failed = True
        try:
            failed = not self._asked(one, stopping)
        except ReconcilerError as error:
            self._tell(one, error.message, stopping)
        finally:
            self._poller.looked(one, steady(), failed=failed)

    def _asked(self, one: Polled, stopping: threading.Event) -> bool:
        """Ask, take what moved, and remember how it ended; True if it was answered.

        Raises ReconcilerError: the state cannot be had.
        """
        database = self.opened.database
        with database.read() as connection:
            former = read_look(connection, one.url)
        newest = before_look(database)
        asking = self._logins.asking(one, former.refused if former is not None else (), steady())
        found, why = self._ask(one, asking, stopping)
        if stopping.is_set():
            return True
        self._logins.asked(one, asking, steady())
        taken: list[Taken] = []
        if found is not None:
            intake = Intake(database, self.opened.clock)
            taken = take_moves(database, one, found, intake.take_all)
            taken += self._put_right(one, found, intake)
            self._windows.looked(one, newest)
        remember(database, one, asking, why, self.opened.clock())
        if why is not None:
            self.failed(one, why)
            return False
        self._tell_refused(one, asking)
        self.looked(one, taken)
        return True

    def _put_right(self, one: Polled, found: Refs, intake: Intake) -> list[Taken]:
        """Have built where refs are, instead of what a message had built too late."""
        window = self._windows.of(one)
        if window is None:
            return []
        late = late_builds(self.opened.database, one, found, window)
        return [intake.take(arrival.event, arrival.everyone) for arrival in late]

    def _tell_refused(self, one: Polled, asking: Asking) -> None:
        for token in asking.accepted:
            self._told.pop((one.url, token), None)
        for token, why in asking.refused.items():
            if self._told.get((one.url, token)) != why:
                self._told[one.url, token] = why
                self.refused(one, name_of(token), why)

    def _tell(self, one: Polled, why: str, stopping: threading.Event) -> None:
        if not stopping.is_set():
            self.failed(one, why)

    def _ask(
        self, one: Polled, asking: Asking, stopping: threading.Event
    ) -> tuple[Refs | None, str | None]:
        """What is answered, or why nothing is."""
        deadline = time.monotonic() + ANSWER_SECONDS

        def over() -> bool:
            return stopping.is_set() or time.monotonic() > deadline

        try:
            with open_secrets(self._place, over) as secrets:
                found = asking.ask(lambda token: self._answer(one, token, secrets, over))
        except FetchError as error:
            slow = error.fault is FetchFault.STOPPED
            return None, _TOO_SLOW if slow else error.message
        except ReconcilerError as error:
            return None, error.message
        return found, None if found is not None else asking.why

    def _answer(
        self, one: Polled, token: str | None, secrets: SecretReader, over: Callable[[], bool]
    ) -> Tips | str:
        """What is answered to a login, or why it is refused. Raises FetchError."""
        try:
            value = secrets.read(token).strip() if token is not None else None
            with private_folder(self._place.work) as folder:
                repository = Repository(one.url, value, Guard(self._place.insecure))
                return read_tips(repository, folder, over, tags=one.tags)
        except SecretUnavailable as error:
            return error.message
        except FetchError as error:
            if error.fault in _REFUSES:
                return error.message
            raise


def _is_over(one: Future[None]) -> bool:
    """True for a look that is done; raises what it was not prepared for."""
    if one.done():
        one.result()
    return one.done()
