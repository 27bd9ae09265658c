"""What a plan means for pushes to base images: whom they build anew, and that it ends.

Plans without a task that has a trigger for base images pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.plan.change import Change
from reconciler.plan.facts import RebuildChange
from reconciler.plan.parts import Frozen


def told_of_pushes(reader: BasesReader, changes: Sequence[Change]) -> tuple[RebuildChange, ...]:
    """The base images a push to which builds other tasks than now.

    Raises InvalidInput for tasks that would build each other, or themselves, without an end.
    """
    if not any(_minds(one.target) or _minds(one.base) for one in changes):
        return ()
    # Late: the daemon's judgement and the state take modules that most plans need not.
    from reconciler.operations.planning.circles import refuse_circles  # noqa: PLC0415
    from reconciler.operations.planning.minders import minders_after, read_minders  # noqa: PLC0415
    from reconciler.operations.planning.rebuilds import rebuild_changes  # noqa: PLC0415

    now = read_minders(reader)
    then = minders_after(reader, now, changes)
    # What may not be so any more is no reason to refuse the change that ends it.
    refuse_circles(then.sure, (one.address for one in changes))
    at_once = reader.opened.workspace.server.watch.max_concurrent
    return rebuild_changes(now, then.until_read, changes, at_once)


def _minds(document: Frozen | None) -> bool:
    return document is not None and '"baseImage"' in document.text
