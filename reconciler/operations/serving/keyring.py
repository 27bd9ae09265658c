"""The secrets of a daemon's doors: each is read once, and again when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from reconciler.adapters.vaults.secrets import SecretReader
from reconciler.base.errors import SecretUnavailable
from reconciler.model.workspace import Hook, Notifier, Server
from reconciler.operations.serving.admin import SHORTEST_TOKEN

OpenReader = Callable[[Callable[[], bool]], SecretReader]


@dataclass(frozen=True, slots=True)
class Unread:
    """A secret that is no good, or cannot be read. `kept`: its former value still counts."""

    why: str
    kept: bool


@dataclass(slots=True)
class Keyring:
    """Values by reference. `open_reader` makes what reads some, and gives up when it is told to."""

    open_reader: OpenReader
    stopping: Callable[[], bool]
    _values: dict[str, str] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def read(self, reference: str) -> str:
        """The value of a reference. Raises SecretUnavailable; it is tried again next time."""
        with self._lock:
            if reference not in self._values:
                with self.open_reader(self.stopping) as reader:
                    self._values[reference] = reader.read(reference)
            return self._values[reference]

    def renew(self, least: Mapping[str, int], stopping: Callable[[], bool]) -> Iterator[Unread]:
        """Read references again, which have at least so many characters; those that are no good."""
        with self.open_reader(stopping) as reader:
            for reference, length in least.items():
                try:
                    value, why = reader.read(reference), None
                except SecretUnavailable as error:
                    value, why = "", error.message
                if why is None and len(value.strip()) < length:
                    why = f"the secret {reference} is too short: {length} characters or more"
                if why is not None:
                    yield Unread(why, kept=reference in self._values)
                else:
                    # One step: a request sees the former value or the new one.
                    self._values[reference] = value

    def forget(self) -> None:
        """Nothing is known any more."""
        self._values.clear()


def secrets_of(server: Server, today: date) -> dict[str, int]:
    """The references of all doors, each with the least length of its value."""
    found: dict[str, int] = {}
    doors: list[Hook | Notifier] = [*server.hooks.values(), *server.registries.values()]
    for door in doors:
        found[door.secret.reference] = 1
        if door.previous is not None and today <= door.previous.until:
            found[door.previous.reference] = 1
    if server.admin is not None:
        found[server.admin.reference] = SHORTEST_TOKEN
    return found
