"""Base images that the daemon cannot look at, as the state has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reconciler.base.errors import StateUnusable
from reconciler.base.text import one_line, plural
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.showing.tasks import live_tasks
from reconciler.operations.showing.unseen import Unseen
from reconciler.operations.workspace import OpenWorkspace

_FIX = "see that it is there and can be read; until then a push to it builds nothing"


def unseen_findings(opened: OpenWorkspace) -> Iterator[Finding]:
    """One line for each image; none where there is no state."""
    try:
        rows = live_tasks(opened, opened.clock())
    except StateUnusable:
        return
    for one, count in Counter(one for row in rows for one in row.unseen).items():
        text = f"{_told(one)}; {plural(count, 'task')}"
        yield Finding(Kind.REGISTRY, one_line(one.image, 120), Status.WARNING, text, _FIX)


def _told(one: Unseen) -> str:
    since = f"since {one.since:%Y-%m-%d %H:%M} UTC" if one.since else "at all"
    if one.again is None and one.since is not None and one.since == one.looked:
        return f"not seen: {one_line(one.why)}"
    return f"not seen {since}: {one_line(one.why)}"
