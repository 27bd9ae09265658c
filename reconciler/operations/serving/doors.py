"""What a daemon is asked over HTTP: messages of forges and registries, administration, health.

Every answer is counted and told here; who may speak and what it comes to is judged by the hooks and
the registries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from reconciler.base.errors import ReconcilerError
from reconciler.engine.intake import Arrival, Taken
from reconciler.model.event import Decided
from reconciler.operations.serving.admin import Admin
from reconciler.operations.serving.book import Book
from reconciler.operations.serving.dialects import Message
from reconciler.operations.serving.health import Health
from reconciler.operations.serving.hooks import Answer, HookDoor
from reconciler.operations.serving.keyring import Keyring
from reconciler.operations.serving.meters import Meters
from reconciler.operations.serving.registries import RegistryDoor, label_of
from reconciler.operations.workspace import OpenWorkspace

# Forges wait ten seconds for their answer.
_BUSY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors of a daemon. `take` is the intake's; `hurry` has a tag looked at (False: nobody
    minds it); `refuse` is handed a decision for each message that is not taken.
    """

    opened: OpenWorkspace
    book: Callable[[], Book]
    keyring: Keyring
    health: Health
    meters: Meters
    take: Callable[[Arrival], Taken]
    hurry: Callable[[str], bool]
    refuse: Callable[[Decided], None]

    # ------------------------------------------------------------------- hooks
    def look(self, name: str, message: Message) -> Answer | None:
        """What a message to a hook is refused for before it is read, if it is."""
        answer = self._hooks().look(name, message)
        if answer is not None:
            self._tell_of_hook(name, answer)
        return answer

    def receive(self, name: str, message: Message) -> Answer:
        """A message to a hook. Raises ReconcilerError: it was not taken."""
        try:
            answer = self._hooks().receive(name, message)
        except ReconcilerError as error:
            known = self._known_hook(name)
            self.meters.delivered(known, "unavailable")
            facts = {"hook": known, "verdict": "unavailable", "error": error.message}
            self.health.tell("hook", facts)
            raise
        self._tell_of_hook(name, answer)
        return answer

    def _hooks(self) -> HookDoor:
        return HookDoor(
            self.opened.workspace.server.hooks,
            self.keyring.read,
            self.take,
            self.refuse,
            self.book,
            self.opened.clock,
        )

    def _known_hook(self, name: str) -> str:
        return name if name in self.opened.workspace.server.hooks else ""

    def _tell_of_hook(self, name: str, answer: Answer) -> None:
        self.meters.delivered(self._known_hook(name), answer.verdict)
        facts = {"hook": name, "verdict": answer.verdict, "message": answer.text}
        runs = {"runs": ", ".join(answer.runs)} if answer.runs else {}
        self.health.tell("hook", facts | runs)

    # -------------------------------------------------------------- registries
    def look_at_notice(self, name: str, message: Message) -> Answer | None:
        """What a message of a registry is refused for before it is read, if it is."""
        answer = self._registries().look(name, message)
        if answer is not None:
            self._tell_of_registry(name, answer)
        return answer

    def notify(self, name: str, message: Message) -> Answer:
        """What a registry tells of its pushes. Raises ReconcilerError: it was not taken."""
        try:
            answer = self._registries().receive(name, message)
        except ReconcilerError:
            self.meters.delivered(self._known_registry(name), "unavailable")
            raise
        self._tell_of_registry(name, answer)
        return answer

    def _registries(self) -> RegistryDoor:
        return RegistryDoor(
            self.opened.workspace.server.registries,
            self.keyring.read,
            self.hurry,
            self.refuse,
            self.opened.clock,
        )

    def _known_registry(self, name: str) -> str:
        return label_of(name) if name in self.opened.workspace.server.registries else ""

    def _tell_of_registry(self, name: str, answer: Answer) -> None:
        self.meters.delivered(self._known_registry(name), answer.verdict)
        if answer.verdict != "ignored":
            facts = {"registry": name, "verdict": answer.verdict, "message": answer.text}
            self.health.tell("registry", facts)

    # ------------------------------------------------ health and administration
    def hasty(self) -> AbstractContextManager[None]:
        """What this thread does in the block waits for a busy state only shortly."""
        return self.opened.database.hasty(_BUSY_SECONDS)

    def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether messages can be taken, and why not."""
        read = self.book().version
        checks = {"state": self.health.trouble() or "ok", "tasks": "ok" if read else "unread"}
        checks |= self.health.broken
        ready = all(value == "ok" for value in checks.values())
        return ready, checks | ({"clock": self.health.clock} if self.health.clock else {})

    @property
    def broken(self) -> Mapping[str, str]:
        """Parts that broke off, and why: none, or the daemon is to be stopped."""
        return self.health.broken

    @property
    def admin(self) -> Admin:
        """The administration of the workspace."""
        return Admin(self.opened, self.opened.workspace.server.admin, self.keyring.read)

    def metrics(self) -> bytes:
        """The meters. Raises StateUnusable."""
        return self.meters.text()
