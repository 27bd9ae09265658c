"""What a plan says of its own safety: rules that were set aside, deletes that look like renames."""

from __future__ import annotations

from typing import Literal

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


class LooksLikeRename(PlanModel):
    """A task that is deleted and one that is created are alike: `equal` of `fields` are the same.

    `file` is where `movedFrom` would be written.
    """

    previous_address: str
    address: str
    equal: int
    fields: int
    file: str | None = None
