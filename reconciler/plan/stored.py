"""One task as declared, last applied and live. Pure; knows no changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from pydantic import ValidationError

from reconciler.base.canonical import digest_text
from reconciler.base.errors import StateUnusable
from reconciler.base.source import Located
from reconciler.base.text import one_line
from reconciler.model.task import Task
from reconciler.plan.change import Document
from reconciler.plan.merge import keep_drift
from reconciler.plan.normalise import canonical_document, full_of, stored_document


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored document (canonical JSON text) and who stored it when.

    Of what was last applied: the `file` that wrote it, and the apply.
    """

    document: str
    changed_by: str | None = None
    changed_at: datetime | None = None
    file: str | None = None
    apply_id: str | None = None


class StoredTasks(Mapping[str, Stored]):
    """Stored tasks by address, known by digest; a document is fetched when it is asked for.

    `digests` are those of the stored texts, `fetch` gives None for a task that is gone by now.
    """

    def __init__(self, digests: dict[str, str], fetch: Callable[[str], Stored | None]) -> None:
        # A task is looked at several times while it is compared, and where its change is told.
        self._digests, self._fetch = digests, lru_cache(maxsize=1024)(fetch)

    @classmethod
    def known(cls, stored: Mapping[str, Stored]) -> StoredTasks:
        """Tasks whose documents are at hand."""
        if isinstance(stored, StoredTasks):
            return stored
        digests = {name: digest_text(one.document) for name, one in stored.items()}
        return cls(digests, stored.get)

    def digest(self, address: str) -> str | None:
        """The digest of a task's text, or None if there is no such task."""
        return self._digests.get(address)

    def without(self, addresses: Iterable[str]) -> StoredTasks:
        """The same, with some tasks left out."""
        left = dict(self._digests)
        for address in addresses:
            left.pop(address, None)
        return StoredTasks(left, self._fetch)

    def __getitem__(self, address: str) -> Stored:
        found = self._fetch(address) if address in self._digests else None
        if found is None:
            raise KeyError(address)
        return found

    def __contains__(self, address: object) -> bool:
        return address in self._digests

    def __iter__(self) -> Iterator[str]:
        return iter(self._digests)

    def __len__(self) -> int:
        return len(self._digests)


@dataclass(frozen=True)
class Three:
    """One declared task in its three states. `previous` is its former address, if it moves."""

    located: Located[Task]
    previous: str | None
    declared: Document
    applied: Document | None
    live: Document | None
    heal: bool

    @property
    def address(self) -> str:
        """The address that is declared."""
        return self.located.value.address

    @cached_property
    def target(self) -> Document:
        """What is to be live afterwards."""
        if self.heal or self.applied is None or self.live is None or self.applied == self.live:
            return self.declared
        return _merged(self.applied, self.declared, self.live)


def _merged(applied: Document, declared: Document, live: Document) -> Document:
    # Defaults are written out: a map that the spec leaves out is an empty one, and loses only
    # what the spec had in it.
    before, wanted, now = (full_of(document) for document in (applied, declared, live))
    step = wanted["spec"]["step"]
    if step != before["spec"]["step"] and set(step) != set(now["spec"]["step"]):
        now["spec"]["step"] = step  # two kinds of step have no common form
    try:
        return canonical_document(Task.model_validate(keep_drift(before, wanted, now)))
    except ValidationError:
        # Drift and the new spec do not fit together: the spec decides.
        return declared


def document_of(address: str, stored: Stored | None) -> Document | None:
    """The canonical document of what is stored. Raises StateUnusable if it is no task."""
    if stored is None:
        return None
    try:
        return stored_document(stored.document)
    except (ValueError, RecursionError) as error:
        raise unreadable(address, error) from None


def is_readable(stored: Stored | None) -> bool:
    """False if what is stored is no task."""
    if stored is None:
        return True
    try:
        stored_document(stored.document)
    except (ValueError, RecursionError):
        return False
    return True


def unreadable(address: str, error: Exception) -> StateUnusable:
    """The error about a stored task that cannot be understood."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False)[0]
        found = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        found = str(error)
    return StateUnusable(
        "a stored task cannot be read",
        details=[("task", address), ("found", one_line(found))],
        hint="it was written by something else, or by a newer version; mend or remove it there",
    )
