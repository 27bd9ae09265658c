"""What registries tell of their pushes: is it one of them, and which tags are looked at for it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.base.clock import Clock
from reconciler.base.errors import SecretUnavailable
from reconciler.model.event import Verdict
from reconciler.model.tracked import tracked_reference
from reconciler.model.workspace import Notifier
from reconciler.operations.serving.dialects import Message
from reconciler.operations.serving.hooks import Answer
from reconciler.wire.distribution import read_pushes
from reconciler.wire.fields import PayloadError


@dataclass(frozen=True, slots=True)
class RegistryDoor:
    """The registries that may speak. `hurry` has a tag looked at: False if nobody minds it."""

    registries: Mapping[str, Notifier]
    read_secret: Callable[[str], str]
    hurry: Callable[[str], bool]
    clock: Clock

    def receive(self, name: str, message: Message) -> Answer:
        """Judge a message. Raises StateUnusable, and then it was not taken.

        What it says is not believed: it is a reason to look, and the registry itself is asked.
        """
        registry = self.registries.get(name)
        if registry is None:
            return Answer(404, "unknown-registry", "there is no such registry")
        try:
            secrets = self._secrets(registry)
        except SecretUnavailable:
            return Answer(503, "secret", "the secret of the registry cannot be read")
        if not _let_in(message, secrets):
            text = "one header Authorization: Bearer with the secret is needed"
            return Answer(401, Verdict.BAD_SIGNATURE.value, text)
        try:
            pushes = read_pushes(message.body)
        except PayloadError as error:
            return Answer(400, Verdict.MALFORMED.value, str(error))
        looked = sum(self._hurried(registry, *push) for push in pushes)
        if not looked:
            return Answer(200, "ignored", "nobody stands on what was pushed")
        return Answer(202, "looking", f"{looked} tags are looked at")

    def _secrets(self, registry: Notifier) -> list[str]:
        found = [self.read_secret(registry.secret.reference).strip()]
        previous = registry.previous
        if previous is not None and self.clock().date() <= previous.until:
            found.append(self.read_secret(previous.reference).strip())
        return [secret for secret in found if secret]

    def _hurried(self, registry: Notifier, repository: str, tag: str) -> bool:
        try:
            reference = tracked_reference(f"{registry.login_server}/{repository}:{tag}")
        except ValueError:
            return False
        return self.hurry(reference)


def _let_in(message: Message, secrets: list[str]) -> bool:
    """True if who sends it knows one of the secrets; each is compared, whatever the first says."""
    given = message.headers.get("authorization", ())
    if len(given) != 1:
        return False
    matches = [
        hmac.compare_digest(given[0], b"Bearer " + secret.encode("utf-8")) for secret in secrets
    ]
    return any(matches)
