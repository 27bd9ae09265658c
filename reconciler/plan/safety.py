"""What a plan says of its own safety: rules set aside, rules it breaks, likely renames."""

from __future__ import annotations

from typing import Literal

from reconciler.base.text import plural
from reconciler.plan.parts import PlanModel


class Override(PlanModel):
    """A safety rule that a person set aside for this plan alone: which, who, and why.

    Of a limit: the action, and how many tasks it may touch. Of a protection: the task.
    """

    rule: Literal["limit", "protect"]
    action: Literal["delete", "update"] = "delete"
    allowed: int | None = None
    task: str | None = None
    reason: str
    by: str

    def __str__(self) -> str:
        if self.rule == "protect":
            return f"delete the protected task {self.task}"
        return f"{self.action} up to {self.allowed} tasks"


class Exceeded(PlanModel):
    """A limit that is exceeded: of a registry, or of the workspace (None); `5%` or a count."""

    registry: str | None
    count: int
    live: int
    limit: str

    def __str__(self) -> str:
        scope = "the workspace" if self.registry is None else f"registry {self.registry}"
        share = f"{self.count:,} of {self.live:,} ({100 * self.count / self.live:.1f} %)"
        return f"{share} of {scope}; the limit is {self.limit}"


class Blocked(PlanModel):
    """A safety rule that the plan breaks: it is shown, and cannot be applied.

    `count` tasks would be deleted or updated: too many (`exceeded` says of which limits, `allowed`
    how many an override allows), or protected ones (`tasks`). `fix` is how to allow it.
    """

    rule: Literal["limit", "protect"]
    action: Literal["delete", "update"] = "delete"
    count: int
    exceeded: tuple[Exceeded, ...] = ()
    allowed: int | None = None
    tasks: tuple[str, ...] = ()
    fix: str

    def __str__(self) -> str:
        if self.rule == "protect":
            return f"delete {plural(self.count, 'protected task')}"
        return f"{self.action} {self.exceeded[0]}"


class LooksLikeRename(PlanModel):
    """A task that is deleted and one that is created are alike: `equal` of `fields` are the same.

    `file` is where `movedFrom` would be written.
    """

    previous_address: str
    address: str
    equal: int
    fields: int
    file: str | None = None
