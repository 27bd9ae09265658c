"""Repositories that the daemon cannot poll, as the state has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reconciler.base.errors import StateUnusable
from reconciler.base.text import one_line, plural
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.showing.tasks import live_tasks
from reconciler.operations.showing.unpolled import Unpolled
from reconciler.operations.workspace import OpenWorkspace

_FIX = "see that it is there and that the token may read it; until then a push builds nothing"
_FIX_TOKEN = "replace the token; until then the runs of its tasks get no files, either"  # noqa: S105


def unpolled_findings(opened: OpenWorkspace) -> Iterator[Finding]:
    """One line for each repository and login; none where there is no state."""
    try:
        rows = live_tasks(opened, opened.clock())
    except StateUnusable:
        return
    for one, count in Counter(one for row in rows for one in row.unpolled).items():
        text = f"{_told(one)}; {plural(count, 'task')}"
        fix = _FIX if one.token is None else _FIX_TOKEN
        yield Finding(Kind.GIT, one_line(one.repository, 120), Status.WARNING, text, fix)


def _told(one: Unpolled) -> str:
    since = f"since {one.since:%Y-%m-%d %H:%M} UTC" if one.since else "at all"
    if one.token is None:
        return f"does not answer polls {since}: {one_line(one.why)}"
    login = one_line(one.token, 120) or "to be asked without a token"
    return f"refuses {login} {since}: {one_line(one.why)}"
