"""What a plan says of its own safety, as sentences: what blocks it, scope, overrides, renames."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.text import cut, harmless, wrap
from reconciler.plan.change import Blocked, Plan
from reconciler.report.selection_text import base_warnings, scope_sentences

_MOST = 10


def safety_sentences(plan: Plan) -> Iterator[str]:
    """One sentence for each, each with the word that says how grave it is."""
    yield from scope_sentences(plan)
    yield from (f"warning: {text}" for text in base_warnings(plan))
    for override in plan.overrides:
        why = f": {override.reason}" if override.reason else ""
        yield f"warning: set aside for this plan by {override.by}: {override}{why}"
    for pair in plan.looks_like_renames[:_MOST]:
        old = pair.previous_address.partition("/")[2]
        where = f" of {pair.file}" if pair.file else ""
        yield (
            f"note: {pair.previous_address} -> {pair.address} looks like a rename "
            f"({pair.equal} of {pair.fields} fields are the same); if it is one, add "
            f"`movedFrom: [{old}]` to the metadata{where}"
        )
    if (more := len(plan.looks_like_renames) - _MOST) > 0:
        yield f"note: {more} more look like renames; the plan file has them"
    for circle in plan.cycles[:_MOST]:
        yield (
            f"warning: {cut(', '.join(circle), 200)} depend on each other; they are written in "
            "the order of their names"
        )


def blocked_sentences(plan: Plan) -> Iterator[str]:
    """What blocks a plan beside policy, and how it may be allowed."""
    for one in plan.blocked:
        names = f": {cut(', '.join(one.tasks), 400)}" if one.tasks else ""
        told = [
            f"this plan would {one}{names}",
            *(f"also {more}" for more in one.exceeded[1:_MOST]),
        ]
        told += (
            [f"{one.allowed} are allowed by --override-limit"] if one.allowed is not None else []
        )
        yield f"{'; '.join(told)}. Fix: {one.fix}"


def spell_blocked(plan: Plan) -> str:
    """`it would delete 10 of 20 (50.0 %) of the workspace; ...`, or nothing."""
    if not plan.blocked:
        return ""
    return f"it would {' and '.join(map(_without_limit, plan.blocked))}"


def _without_limit(one: Blocked) -> str:
    return str(one).partition(";")[0]


def safety_lines(plan: Plan, width: int) -> list[str]:
    """The same as lines for people; none where there is nothing to say."""
    return [line for text in safety_sentences(plan) for line in wrap(harmless(text), width, "  ")]
