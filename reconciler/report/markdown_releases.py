"""The new release paths of a plan in Markdown: what others pull is never cut for other things."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.plan.change import Plan
from reconciler.plan.facts import ReleasePath
from reconciler.report.facts_text import created_by, ranked, spell_beside, spell_own
from reconciler.report.inert import code, fit, length

# What the names that new tasks call their own may take: they are counted otherwise.
_OWN_ROOM = 4_000
# For the headline, and the lines that count.
_RESERVE = 200


def release_lines(plan: Plan) -> tuple[list[str], list[str]]:
    """A line for each path: those that new tasks call their own, and all others by interest."""
    own, grave = list[str](), list[str]()
    for path in ranked(plan.releases, created_by(plan)):
        (own if path.own else grave).append(_line(path))
    return own, grave


def release_blocks(plan: Plan, grave: list[str], own: list[str], room: int) -> Iterator[str]:
    """The section. `room` is in characters: what does not fit is counted."""
    count = len(plan.releases)
    if not count:
        return
    yield f"\n### New release {'path' if count == 1 else 'paths'} ({count:,})"
    shown, left_out = fit(grave, room - _RESERVE)
    yield from shown
    if left_out:
        yield f"- **and {left_out:,} more; see the plan file**"
    if length(own) <= min(_OWN_ROOM, room - _RESERVE - length(shown)):
        yield from own
    elif own:
        yield f"- {'and ' if grave else ''}{spell_own(len(own))}; see the plan file"


def _line(path: ReleasePath) -> str:
    former = ", ".join(map(code, path.former))
    had = f", until now written by {former}" if former else ""
    beside = f", which {spell_beside([*map(code, path.beside)])}" if path.beside else ""
    elsewhere = ", in another registry than its own" if path.elsewhere else ""
    return f"- {code(path.address)} now writes {code(path.image)}{elsewhere}{had}{beside}"
