"""The deletes of a plan in Markdown: never folded, and cut only where not even the names fit."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.text import plural
from reconciler.plan.change import Action, Change, Plan
from reconciler.report.inert import code, fit, length
from reconciler.report.markdown_change import headline

# They are told with file and author up to here, that other changes have room as well.
_WHOLE = 34_000


def delete_blocks(plan: Plan, room: int) -> Iterator[str]:
    """Every delete by name: with file and author if there is room, else the names alone.

    `room` is in characters.
    """
    deletes = [change for change in plan.changes if change.action is Action.DELETE]
    if not deletes:
        return
    yield f"\n### Delete ({len(deletes):,})"
    lines = [headline(change) for change in deletes]
    yield from lines if length(lines) < min(_WHOLE, room) else _names(deletes, room)


def _names(deletes: list[Change], room: int) -> Iterator[str]:
    """Names by registry. Only where even those do not fit are some left out, and counted."""
    by_registry: dict[str, list[str]] = {}
    for change in deletes:
        registry, _, name = change.address.partition("/")
        by_registry.setdefault(registry, []).append(name)
    left_out = 0
    for registry, names in by_registry.items():
        head = f"- `-` {code(registry + '/', 200)}: "
        shown, rest = fit(names, room - len(head) - 3)
        left_out += rest
        if shown:
            line = head + code(" ".join(shown), room)
            room -= len(line) + 1
            yield line
    if left_out:
        yield f"\n**{plural(left_out, 'more delete')} not named here: see the plan file.**"
