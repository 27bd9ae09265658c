"""What a plan tells beside its changes, as lines: release paths, and pushes to base images."""

from __future__ import annotations

from reconciler.base.text import harmless, one_line, plural, wrap
from reconciler.plan.change import Plan
from reconciler.report.change_text import View
from reconciler.report.facts_text import (
    created_by,
    ranked,
    spell_own,
    spell_rebuild,
    spell_release,
    spell_tracked,
    spell_unknown,
    unknown_first,
)

# Of release paths only those that new tasks call their own.
_MOST_OWN = 20
_MOST_UNKNOWN = 20
_MOST_REBUILDS = 10
REBUILDS = "Pushes to base images"


def release_lines(plan: Plan, view: View) -> list[str]:
    """The new release paths, those of most interest first."""
    if not plan.releases:
        return []
    paths = ranked(plan.releases, created_by(plan))
    lines = ["", f"New release {'path' if len(paths) == 1 else 'paths'}:"]
    own = sum(path.own for path in paths)
    grouped = own if own > _MOST_OWN and not view.full else 0
    for path in paths[: len(paths) - grouped]:
        where = f"  {path.origin}" if view.full and path.origin else ""
        lines += wrap(harmless(f"  {spell_release(path)}{where}"), view.width, "      ")
    if grouped:
        also = "and " if grouped < len(paths) else ""
        lines += wrap(f"  {also}{spell_own(grouped)} (--full names them)", view.width, "      ")
    return lines


def unknown_lines(plan: Plan, view: View) -> list[str]:
    """The tasks of which only a run tells what they write."""
    lines = [""] if plan.unknown_releases else []
    created, told = created_by(plan), 0
    for release in unknown_first(plan.unknown_releases, created):
        # Those of live tasks are never cut.
        told += release.address in created
        if view.full or told <= _MOST_UNKNOWN:
            lines += wrap(harmless(f"  {spell_unknown(release)}"), view.width, "      ")
    if told > _MOST_UNKNOWN and not view.full:
        lines.append(f"  and {told - _MOST_UNKNOWN:,} more of new tasks (--full)")
    return lines


def tracked_lines(plan: Plan, view: View) -> list[str]:
    """The tasks of an earlier version, of which apply writes down what they stand on."""
    names = [change.address for change in plan.changes if change.tracks]
    if not names:
        return []
    shown = names if view.full else names[:_MOST_REBUILDS]
    more = f" and {len(names) - len(shown):,} more (--full)" if len(names) > len(shown) else ""
    text = f"  {spell_tracked(len(names))}: {', '.join(shown)}{more}"
    return ["", *wrap(harmless(text), view.width, "      ")]


def rebuild_lines(plan: Plan, view: View) -> list[str]:
    """What pushes to base images do from now on, those of most tasks first."""
    if not plan.rebuilds:
        return []
    lines = ["", f"{REBUILDS}:"]
    shown = plan.rebuilds if view.full else plan.rebuilds[:_MOST_REBUILDS]
    for one in shown:
        text = spell_rebuild(one, one_line(one.image, 120))
        lines += wrap(harmless(f"  {text}"), view.width, "      ")
    if more := len(plan.rebuilds) - len(shown):
        lines.append(f"  and {plural(more, 'base image')} more (--full)")
    return lines
