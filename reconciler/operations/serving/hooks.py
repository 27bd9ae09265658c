"""Messages of forges: is it who it says, does it speak of what it may, and what it comes to."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from reconciler.base.clock import Clock
from reconciler.base.errors import SecretUnavailable
from reconciler.base.text import one_line
from reconciler.engine.intake import Arrival, Taken, ref_of
from reconciler.model.event import Decided, Delivery, Source, SourceEvent, Verdict
from reconciler.model.workspace import Hook
from reconciler.operations.serving.book import Book
from reconciler.operations.serving.dialects import Message, hear
from reconciler.wire.fields import PayloadError
from reconciler.wire.signature import Signed, check_form, check_signature

# Letters of a text of somebody else that are kept of a message that is refused.
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told: an HTTP status, a verdict in one word, a sentence, ids of runs."""

    status: int
    verdict: str
    text: str
    runs: tuple[str, ...] = ()


_SIGNATURE = "x-hub-signature-256"
_UNSIGNED = {
    Signed.MISSING: (Verdict.NO_SIGNATURE, "the header X-Hub-Signature-256 is missing"),
    Signed.SEVERAL: (Verdict.BAD_SIGNATURE, "more than one header X-Hub-Signature-256"),
    Signed.BAD: (Verdict.BAD_SIGNATURE, "the signature does not match the body"),
}


@dataclass(frozen=True, slots=True)
class HookDoor:
    """The hooks of a workspace. `read_secret` resolves references; `take` is the intake's.

    `refuse` is handed a decision for each message to a hook that is not taken.
    """

    hooks: Mapping[str, Hook]
    read_secret: Callable[[str], str]
    take: Callable[[Arrival], Taken]
    refuse: Callable[[Decided], None]
    book: Callable[[], Book]
    clock: Clock

    def look(self, name: str, message: Message) -> Answer | None:
        """What a message is refused for whatever its body is: who has no secret need send none."""
        if name not in self.hooks:
            return Answer(404, "unknown-hook", "there is no such hook")
        wrong = check_form(message.headers.get(_SIGNATURE, ()))
        return None if wrong is None else self._unsigned(name, wrong, message)

    def receive(self, name: str, message: Message) -> Answer:
        """Judge a message. Raises StateUnusable, and then it was not taken."""
        refused = self.look(name, message)
        if refused is not None:
            return refused
        hook = self.hooks[name]
        try:
            secrets = self._secrets(hook)
        except SecretUnavailable:
            # The reference is the operator's to know: `doctor` names it, the answer does not.
            text = "the hook's secret cannot be read"
            return self._refused(name, Answer(503, Verdict.SECRET.value, text), message)
        signed = check_signature(message.body, message.headers[_SIGNATURE], secrets)
        if signed is not Signed.GOOD:
            return self._unsigned(name, signed, message)
        return self._receive_signed(name, hook, message)

    def _unsigned(self, name: str, signed: Signed, message: Message) -> Answer:
        verdict, text = _UNSIGNED[signed]
        return self._refused(name, Answer(401, verdict.value, text), message)

    def _secrets(self, hook: Hook) -> list[str]:
        found = [self.read_secret(hook.secret.reference).strip()]
        today: date = self.clock().date()
        if hook.previous is not None and today <= hook.previous.until:
            found.append(self.read_secret(hook.previous.reference).strip())
        return found

    def _receive_signed(self, name: str, hook: Hook, message: Message) -> Answer:
        try:
            heard = hear(hook.kind, message)
        except PayloadError as error:
            status = 415 if "content type" in str(error) else 400
            return self._refused(name, Answer(status, Verdict.MALFORMED.value, str(error)), message)
        event = heard.event
        if event is None:
            return Answer(200, *heard.what)
        if not _may_speak_of(hook, event.repository):
            text = f"this hook does not speak of {one_line(event.repository, 120)}"
            refusal = Answer(403, Verdict.OTHER_REPOSITORY.value, text)
            return self._refused(name, refusal, message, event)
        delivery = Delivery(hook=name, id=heard.delivery, event=heard.kind, received=self.clock())
        return self._take(event, delivery)

    def _refused(
        self, name: str, answer: Answer, message: Message, event: SourceEvent | None = None
    ) -> Answer:
        subject = f"{event.repository} {ref_of(event)}" if event is not None else ""
        decided = Decided(
            at=self.clock(),
            source=Source.HOOK,
            subject=one_line(subject, _LONGEST_TEXT),
            verdict=Verdict(answer.verdict),
            detail=one_line(answer.text, _LONGEST_TEXT),
            hook=name,
            delivery=message.delivery,
        )
        self.refuse(decided)
        return answer

    def _take(self, event: SourceEvent, delivery: Delivery) -> Answer:
        everyone = tuple(self.book().listening_to(event.repository))
        taken = self.take(Arrival(event, everyone, delivery))
        if taken.again:
            return Answer(200, Verdict.REPLAYED.value, "this message came before", taken.runs)
        if taken.runs:
            return Answer(202, Verdict.QUEUED.value, _told(taken), taken.runs)
        return Answer(200, "nothing", _told(taken) or "no task listens to this repository")


def _may_speak_of(hook: Hook, repository: str) -> bool:
    return any(fnmatch.fnmatchcase(repository, glob.lower()) for glob in hook.repositories)


def _told(taken: Taken) -> str:
    return "; ".join(
        f"{item.task} {item.trigger}: {item.verdict.value}" for item in taken.decided[:20]
    )
