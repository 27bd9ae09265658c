"""A signed message in the words of its hook: what happened, and the id that makes it one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.base.text import one_line
from reconciler.model.event import SourceEvent
from reconciler.wire.fields import PayloadError
from reconciler.wire.generic import read_message
from reconciler.wire.github import Ping, read_payload

LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class Message:
    """A request to a hook: all values of each header, by lower-case name, and the raw body."""

    headers: Mapping[str, Sequence[bytes]]
    body: bytes

    def header(self, name: str) -> str:
        """A header that must stand there once: its text, "" if it does not."""
        values = self.headers.get(name, ())
        if len(values) != 1:
            return ""
        return values[0].decode("ascii", "replace")

    @property
    def delivery(self) -> str | None:
        """The id that a forge gave the message, as far as it can be shown."""
        return one_line(self.header("x-github-delivery"), LONGEST_ID) or None


@dataclass(frozen=True, slots=True)
class Heard:
    """`event` None: nothing to build; `what` says why, in a verdict and a sentence."""

    delivery: str
    kind: str
    event: SourceEvent | None = None
    what: tuple[str, str] = ("", "")


def hear(kind: str, message: Message) -> Heard:
    """Read a message of a hook of a kind (github, generic). Raises PayloadError."""
    return _generic(message) if kind == "generic" else _github(message)


def _github(message: Message) -> Heard:
    event, delivery = message.header("x-github-event"), message.header("x-github-delivery")
    if not event or not 0 < len(delivery) <= LONGEST_ID or not delivery.isprintable():
        raise PayloadError("the headers X-GitHub-Event and X-GitHub-Delivery are needed, once each")
    found = read_payload(event, message.header("content-type"), message.body)
    if isinstance(found, Ping):
        return Heard(delivery, event, what=("ping", "the hook is heard"))
    if found is None:
        return Heard(delivery, event, what=("ignored", f"{one_line(event, 60)} wakes nothing"))
    return Heard(delivery, event, found)


def _generic(message: Message) -> Heard:
    if message.header("content-type").partition(";")[0].strip().lower() != "application/json":
        raise PayloadError("the content type is not application/json")
    delivery, event = read_message(message.body)
    return Heard(delivery, "generic", event)
