"""What registries tell of their pushes: is it one of them, and which tags are looked at for it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.base.clock import Clock
from reconciler.base.errors import SecretUnavailable
from reconciler.base.text import one_line, plural, some_of
from reconciler.model.event import Decided, Source, Verdict
from reconciler.model.tracked import tracked_reference
from reconciler.model.workspace import Notifier
from reconciler.operations.serving.dialects import Message
from reconciler.operations.serving.hooks import Answer
from reconciler.wire.distribution import Pushes, read_pushes
from reconciler.wire.fields import PayloadError

_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class RegistryDoor:
    """The registries that may speak. `hurry` has a tag looked at: False if nobody minds it.

    `refuse` is handed a decision for each message that is not taken.
    """

    registries: Mapping[str, Notifier]
    read_secret: Callable[[str], str]
    hurry: Callable[[str], bool]
    refuse: Callable[[Decided], None]
    clock: Clock

    def look(self, name: str, message: Message) -> Answer | None:
        """What a message is refused for whatever its body is: who has no secret need send none."""
        registry = self.registries.get(name)
        if registry is None:
            return Answer(404, "unknown-registry", "there is no such registry")
        try:
            secrets = self._secrets(registry)
        except SecretUnavailable:
            text = "the secret of the registry cannot be read"
            return self._refused(name, Answer(503, Verdict.SECRET.value, text))
        if not _let_in(message, secrets):
            text = "one header Authorization: Bearer with the secret is needed"
            return self._refused(name, Answer(401, Verdict.BAD_SIGNATURE.value, text))
        return None

    def receive(self, name: str, message: Message) -> Answer:
        """Judge a message. Raises StateUnusable, and then it was not taken.

        What it says is not believed: it is a reason to look, and the registry itself is asked.
        """
        refused = self.look(name, message)
        if refused is not None:
            return refused
        registry = self.registries[name]
        try:
            pushes = read_pushes(message.body)
        except PayloadError as error:
            return self._refused(name, Answer(400, Verdict.MALFORMED.value, str(error)))
        tags = [_reference(registry, *tag) for tag in pushes.tags]
        looked = [tag for tag in tags if tag is not None and self.hurry(tag)]
        if not looked:
            return Answer(200, "ignored", _understood(pushes, tags))
        told = plural(len(looked), "tag") + (" is" if len(looked) == 1 else " are")
        return Answer(202, "looking", f"{told} looked at: {some_of(looked)}")

    def _refused(self, name: str, answer: Answer) -> Answer:
        decided = Decided(
            at=self.clock(),
            source=Source.HOOK,
            subject="",
            verdict=Verdict(answer.verdict),
            detail=one_line(answer.text, _LONGEST_TEXT),
            hook=label_of(name),
        )
        self.refuse(decided)
        return answer

    def _secrets(self, registry: Notifier) -> list[str]:
        found = [self.read_secret(registry.secret.reference).strip()]
        previous = registry.previous
        if previous is not None and self.clock().date() <= previous.until:
            found.append(self.read_secret(previous.reference).strip())
        return [secret for secret in found if secret]


def label_of(name: str) -> str:
    """A registry among the hooks: in decisions, and in meters."""
    return f"registry/{name}"


def _reference(registry: Notifier, repository: str, tag: str) -> str | None:
    """A tag as it is tracked; None if there can be none of that name."""
    try:
        return tracked_reference(f"{registry.login_server}/{repository}:{tag}")
    except ValueError:
        return None


def _understood(pushes: Pushes, tags: Sequence[str | None]) -> str:
    """What is in a message that has nothing looked at."""
    known = [tag for tag in tags if tag is not None]
    parts = [f"nobody stands on {some_of(known)}"] if known else []
    if wrong := len(tags) - len(known):
        parts.append(f"{wrong} of a name that no image can have")
    parts += [f"{count} {why}" for why, count in pushes.left.items()]
    return "nothing is looked at: " + ("; ".join(parts) or "there is no event")


def _let_in(message: Message, secrets: list[str]) -> bool:
    """True if who sends it knows one of the secrets; each is compared, whatever the first says."""
    given = message.headers.get("authorization", ())
    if len(given) != 1:
        return False
    matches = [
        hmac.compare_digest(given[0], b"Bearer " + secret.encode("utf-8")) for secret in secrets
    ]
    return any(matches)
