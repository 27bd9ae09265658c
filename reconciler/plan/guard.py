"""What a plan may not do: delete a protected task. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.base.errors import ReconcilerError
from reconciler.plan.change import Action, Change


class Protected(ReconcilerError):
    """The specs ask to delete a task that is live with `protect: true`."""

    code = "protected"


def refuse_protected(changes: Iterable[Change]) -> None:
    """Raises Protected, naming every task that would be deleted although it is protected."""
    names = [change.address for change in changes if _deletes_protected(change)]
    if names:
        raise Protected(
            "the plan would delete protected tasks; nothing was planned",
            details=[("task", name) for name in names[:20]],
            hint="put the spec back; to delete it, first apply it with protect: false",
        )


def _deletes_protected(change: Change) -> bool:
    if change.action is not Action.DELETE or change.base is None:
        return False
    spec = change.base.get("spec", {})
    return bool(spec.get("protect"))
