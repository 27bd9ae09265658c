"""Tasks of which it is not known what they stand on: the daemon looks, so that pushes reach them.

An apply cannot tell where the files are fetched by the run, nor can one on another machine; an
earlier version did not look at all (decisions 13 and 18). No push of a base is lost in silence: of
each task that cannot be read, the log and a decision say why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from reconciler.base.clock import steady
from reconciler.base.errors import ReconcilerError
from reconciler.engine.surveying import Turns, Wanted
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.task import Task
from reconciler.model.tracked import TaskBases
from reconciler.operations.serving.book import Book
from reconciler.operations.serving.context_bases import UnfetchedError, bases_of
from reconciler.operations.serving.untracked_told import Telling
from reconciler.operations.workspace import OpenWorkspace
from reconciler.providers.base import LiveTask
from reconciler.runner.failure import Stop
from reconciler.store.decisions import open_register
from reconciler.store.task_bases import Unread, put_bases, read_bases, unread_tasks
from reconciler.store.tasks import read_live

_SECONDS = 0.5
# Runs make tasks known, too, and an apply is live before it is remembered.
_FOLLOW_SECONDS = 10.0
# A host that does not answer is given up, so that others have their turn.
MOST_SECONDS = 300.0
_TOO_SLOW = f"its context was not fetched within {MOST_SECONDS / 60:.0f} min"


@dataclass(slots=True)
class Survey:
    """The survey of a daemon. `tell` is handed facts, `complain` what is tried again, and `well`
    hears that a round went through."""

    opened: OpenWorkspace
    book: Callable[[], Book]
    tell: Callable[[dict[str, str]], None]
    complain: Callable[[ReconcilerError], None]
    well: Callable[[], None]
    _turns: Turns = field(default_factory=Turns, init=False)
    _unread: dict[str, Unread] = field(default_factory=dict, init=False)
    _telling: Telling = field(init=False)
    _hurry: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._telling = Telling(self.opened, self.tell)

    def hurry(self) -> None:
        """What could not be read is tried again now: a token may have been replaced."""
        self._hurry.set()

    def look(self, stopping: threading.Event) -> None:
        """Look at one task after the other, until told to stop."""
        followed, version = 0.0, None
        while not stopping.is_set():
            try:
                if self._hurry.is_set():
                    self._hurry.clear()
                    self._turns.hurry()
                book = self.book()
                if book.version != version or steady() >= followed + _FOLLOW_SECONDS:
                    self._follow(book)
                    followed, version = steady(), book.version
                one = self._turns.next(steady())
                if one is not None and not self._look_at(one, stopping):
                    version = None  # it is not what it was
                self.well()
                if one is not None:
                    continue
            except ReconcilerError as error:
                self.complain(error)
            stopping.wait(_SECONDS)

    def _follow(self, book: Book) -> None:
        """Know whose bases are to be read: of tasks whose trigger is on."""
        with self.opened.database.read() as connection:
            found = {
                one.address: one
                for one in unread_tasks(connection)
                if (standing := book.standing.get(one.address)) is not None and standing.off is None
            }
        self._unread = found
        self._telling.keep(found)
        self._turns.follow(
            Wanted(one.address, one.applied_at, here=_is_here(one.source)) for one in found.values()
        )

    def _look_at(self, one: Wanted, stopping: threading.Event) -> bool:
        """Look at one task. False if it was applied or run meanwhile: that counts."""
        live = self.opened.provider.read(one.address)
        task = _understood(live)
        if live is None or task is None:
            self._turns.failed(one, steady())  # the book will not have it any more
            return True
        deadline = steady() + MOST_SECONDS

        def over() -> bool:
            return stopping.is_set() or steady() > deadline

        fetched = True
        try:
            bases = bases_of(self.opened, task, over)
        except Stop:
            fetched, bases = False, TaskBases(unknown=_TOO_SLOW)
        except UnfetchedError as error:
            fetched, bases = False, TaskBases(unknown=str(error))
        if stopping.is_set():
            return True
        unread, here = self._unread[one.address], _is_here(task.spec.context.source)
        if not self._write(unread, live.document, bases, fetched=fetched, here=here):
            return False
        if bases.unknown is None:
            self._turns.known(one)
            self._telling.known(unread, len(bases.images), here=here)
        else:
            self._turns.failed(one, steady(), lasting=fetched)
            self._telling.unknown(unread, bases.unknown, here=here)
        return True

    def _write(
        self, unread: Unread, document: str, bases: TaskBases, *, fetched: bool, here: bool
    ) -> bool:
        """Write what was read; False if the task is not what it was.

        What was known of one that cannot be fetched stays.
        """
        address = unread.address
        with open_register(self.opened.database) as register:
            connection = register.connection
            if next(unread_tasks(connection, address), None) != unread:
                return False
            if [row.document for row in read_live(connection, address)] != [document]:
                return False
            if bases.unknown is not None:
                trigger = self._trigger(address)
                decided = self._telling.decided(unread, bases.unknown, trigger, here=here)
                register.note([decided] if decided is not None else [])
                if here:
                    return True  # an apply where the files are says more, and still finds it to do
            known = read_bases(connection, address)
            if not fetched and known is not None:
                bases = replace(bases, images=known.bases.images)
            if known is None or known.bases != bases:
                put_bases(connection, address, bases, "declared", self.opened.clock())
                for left in unread_tasks(connection, address):
                    self._unread[address] = left
        return True

    def _trigger(self, address: str) -> str | None:
        standing = self.book().standing.get(address)
        return standing.name if standing is not None else None


def _understood(live: LiveTask | None) -> Task | None:
    try:
        return Task.model_validate_json(live.document) if live is not None else None
    except ValidationError:
        return None


def _is_here(source: str) -> bool:
    return context_kind(source) is ContextKind.LOCAL
