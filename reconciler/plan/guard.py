"""What a plan may not do: delete a protected task, or more than the workspace's limits. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reconciler.base.errors import ReconcilerError
from reconciler.model.workspace import Limits
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


class OverLimit(ReconcilerError):
    """The plan deletes or updates more tasks than `limits` in reconciler.yaml allows."""

    code = "over-limit"


# Below this number of live tasks a share says nothing (octoDNS has the same floor).
FEWEST = 10


def refuse_over_limits(changes: Iterable[Change], live: int, limits: Limits) -> None:
    """Raises OverLimit. A limit is a share of the live tasks (`5%`) or a count (`20`)."""
    if live < FEWEST:
        return
    counts = Counter(change.action for change in changes)
    asked = ((Action.DELETE, limits.delete), (Action.UPDATE, limits.update))
    for action, limit in asked:
        if limit is not None and counts[action] > _most(limit, live):
            share = f"{counts[action]} of {live} ({100 * counts[action] / live:.1f} %)"
            raise OverLimit(
                f"the plan would {action} {share}; the limit is {limit}",
                hint=f"check the specs; if it is meant, raise limits.{action} in reconciler.yaml",
            )


def _most(limit: str, live: int) -> float:
    return float(limit[:-1]) * live / 100 if limit.endswith("%") else int(limit)


def _deletes_protected(change: Change) -> bool:
    if change.action is not Action.DELETE or change.base is None:
        return False
    spec = change.base.get("spec", {})
    return bool(spec.get("protect"))
