"""Tasks of which the state does not know what they stand on: no push of a base builds them."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.errors import StateUnusable
from reconciler.base.text import one_line, plural, some_of
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.showing.tasks import live_tasks
from reconciler.operations.showing.untracked import OF_EARLIER
from reconciler.operations.workspace import OpenWorkspace

_MOST_NAMES = 10
_FIX_UNREAD = "reconciler serve reads it, again and again where that failed; so does a run"
_FIX = "fill them in: reconciler apply, or start reconciler serve where the files of the tasks are"


def untracked_findings(opened: OpenWorkspace) -> Iterator[Finding]:
    """One line for those of an earlier version, and one for each other reason; none where there is
    no state."""
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
    yield from _unread(opened)


def _unread(opened: OpenWorkspace) -> Iterator[Finding]:
    """Tasks with contexts elsewhere that the daemon has not read, one line for each reason."""
    names: dict[str, list[str]] = {}
    for row in live_tasks(opened, opened.clock()):
        if row.untracked not in {None, OF_EARLIER}:
            names.setdefault(str(row.untracked), []).append(row.address)
    for why, those in list(names.items())[:_MOST_NAMES]:
        told = f"not all known of {some_of(those, _MOST_NAMES)}: {one_line(why, 300)}"
        yield Finding(Kind.STATE, "base images", Status.WARNING, told, _FIX_UNREAD)
    if len(names) > _MOST_NAMES:
        told = f"nor, for {len(names) - _MOST_NAMES:,} other reasons, of more: reconciler tasks"
        yield Finding(Kind.STATE, "base images", Status.WARNING, told, _FIX_UNREAD)
