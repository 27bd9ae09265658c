"""Tasks of an earlier version, of which the state does not know what they stand on."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.errors import StateUnusable
from reconciler.base.text import one_line, plural
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.workspace import OpenWorkspace

_MOST_NAMES = 10
_FIX = "fill them in: reconciler apply, or start reconciler serve where the files of the tasks are"


def untracked_findings(opened: OpenWorkspace) -> Iterator[Finding]:
    """One line for all of them; none where there is no state."""
    from reconciler.store.task_bases import untracked_tasks  # noqa: PLC0415  (late: SQLAlchemy)

    try:
        with opened.database.read() as connection:
            names = list(untracked_tasks(connection))
    except StateUnusable:
        return
    if names:
        shown = ", ".join(one_line(name, 80) for name in names[:_MOST_NAMES])
        more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
        told = (
            f"not known of {plural(len(names), 'task')}, applied by an earlier version, so no push "
            f"builds them anew: {shown}{more}"
        )
        yield Finding(Kind.STATE, "base images", Status.WARNING, told, _FIX)
