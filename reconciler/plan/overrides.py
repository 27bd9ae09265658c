"""Safety rules that a person sets aside for one plan, and which of them it needed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from reconciler.base.credentials import holds_credential
from reconciler.base.errors import WrongUsage
from reconciler.base.text import one_line
from reconciler.plan.safety import Override

Verb = Literal["delete", "update"]
_FORM = "it is delete=NUMBER or update=NUMBER"


@dataclass(slots=True)
class Overrides:
    """What is wanted: the highest number of deletes and updates, names of protected tasks.

    `used` is what the plan needed: it is written into the plan, and noted when that is applied.
    """

    by: str = ""
    reason: str = ""
    limits: Mapping[Verb, int] = field(default_factory=dict)
    destroy: Sequence[str] = ()
    used: list[Override] = field(default_factory=list)

    def allows(self, verb: Verb, count: int) -> bool:
        """True if so many changes of a kind are wanted in spite of the limits."""
        allowed = self.limits.get(verb)
        if allowed is None or count > allowed:
            return False
        self.used.append(
            Override(rule="limit", action=verb, allowed=allowed, reason=self.reason, by=self.by)
        )
        return True

    def without_protection(self, deleted: Iterable[str]) -> set[str]:
        """Which of the protected tasks that a plan deletes may go. Raises WrongUsage.

        A name is an address, or the last part of one that is not to be mistaken. A name that fits
        none is wrong: whoever mistypes it must not believe that it was looked at.
        """
        found = list(deleted)
        chosen = {_one(name, found) for name in self.destroy}
        self.used += [
            Override(rule="protect", task=address, reason=self.reason, by=self.by)
            for address in sorted(chosen)
        ]
        return chosen


def overrides_of(
    limits: Sequence[str], destroy: Sequence[str], reason: str | None, by: str
) -> Overrides:
    """What the words of a command ask for. Raises WrongUsage; a limit is set aside for a reason."""
    wanted = dict(map(_limit, limits))
    reason = plain_reason(reason or "")
    if wanted and not reason:
        raise WrongUsage("a limit is overridden for a reason", hint='say it: --reason "TEXT"')
    if reason and not (wanted or destroy):
        raise WrongUsage(
            "there is nothing that the reason is for",
            hint="use it with --override-limit or --allow-destroy",
        )
    return Overrides(by, reason, wanted, tuple(destroy))


def plain_reason(text: str) -> str:
    """A reason that may be kept and shown. Raises WrongUsage, which repeats nothing of it."""
    if holds_credential(text):
        raise WrongUsage(
            "the reason holds what looks like a credential; nothing of it was kept",
            hint="say it without; if it is a real one, make it invalid: it stood in a command line",
        )
    return text.strip()


def _limit(text: str) -> tuple[Verb, int]:
    verb, _, number = text.partition("=")
    if verb not in {"delete", "update"} or not (number.isascii() and number.isdigit()):
        raise WrongUsage(f"{one_line(text, 60)} is no limit to override: {_FORM}")
    if len(number) > 9:
        raise WrongUsage(f"{one_line(number, 20)} is too large a number of tasks")
    return cast("Verb", verb), int(number)


def _one(name: str, addresses: Sequence[str]) -> str:
    fits = [one for one in addresses if name in {one, one.partition("/")[2]}]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise WrongUsage(
            f"--allow-destroy {one_line(name, 80)} may be one of {', '.join(fits[:5])}",
            hint="write the registry too",
        )
    raise WrongUsage(
        f"--allow-destroy {one_line(name, 80)}: the plan deletes no protected task of that name",
        details=[("task", one) for one in addresses[:20]],
        hint="each protected task is named by itself, without wildcards",
    )
