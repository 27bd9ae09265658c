"""A plan as one Markdown comment for a pull request: verdict and dangers whole, details folded.

The order: verdict, what blocks it, policy, deletes, release paths, pushes to base images, drift,
then what changes, in folds. What does not fit is counted; deletes and the verdict are never folded,
and cut last of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.base.clock import to_iso
from reconciler.base.text import one_line, plural
from reconciler.operations.planning.plan import Planned
from reconciler.plan.change import Action, Change, Drift, Plan
from reconciler.report.drift_text import drift_fate, spell_known
from reconciler.report.facts_text import (
    created_by,
    spell_allowed,
    spell_rebuild,
    spell_tracked,
    unknown_first,
)
from reconciler.report.inert import code, escape, fit, length
from reconciler.report.markdown_change import (
    Reader,
    change_block,
    headline,
    more_fields,
    reader_of,
    values,
)
from reconciler.report.markdown_deletes import delete_blocks
from reconciler.report.markdown_releases import release_blocks, release_lines
from reconciler.report.plan_facts import REBUILDS
from reconciler.report.plan_text import share_of_deletes, summary
from reconciler.report.safety_text import blocked_sentences, safety_sentences, spell_blocked

# Found again by whoever updates the comment in place.
MARKER = "<!-- reconciler plan -->"
# GitHub refuses comments over 65,536 characters.
BUDGET = 60_000
# What each part may take. Deletes have what is left by these, release paths what is left by
# deletes and never less than this, and the folds the rest.
_POLICY_ROOM, _RELEASE_ROOM, _DRIFT_ROOM = 6_000, 4_000, 4_000
_SAFETY_ROOM, _UNKNOWN_ROOM, _PLATFORM_ROOM, _REBUILD_ROOM = 4_000, 2_000, 2_000, 2_000
# For headlines and counts.
_MOST_NAMES = 20
_RESERVE = 500
_FIELDS_SHOWN = 30
# No change is told in fewer characters: of too many, nobody need try.
_SHORTEST = 10
_FOLDS = (
    (Action.RENAME, "Rename"),
    (Action.UPDATE, "Change"),
    (Action.CREATE, "Create"),
)
# A plan that is read at a glance is not folded; what a new task is made of always is.
_FOLDED_FROM = 10


def plan_markdown(planned: Planned, now: datetime) -> str:
    """The comment, at most `BUDGET` characters; what does not fit is counted."""
    plan = planned.plan
    blocks = [MARKER, f"## {summary(plan)}", "", _verdict(plan), *_blocked(plan)]
    blocks += [*_policy(plan), *_platforms(planned), *_safety(plan)]
    others = [*_unknown(plan), *_rebuilds(plan), *_tracked(plan), *_drift(plan), *_known(plan, now)]
    room = BUDGET - length(blocks) - length(others) - _RESERVE
    own, grave = release_lines(plan)
    kept = min(length(grave), _RELEASE_ROOM)
    deletes = [*delete_blocks(plan, room - kept)]
    room -= length(deletes)
    blocks += [*deletes, *release_blocks(plan, grave, own, room), *others]
    room = BUDGET - length(blocks) - _RESERVE
    reader, left_out = reader_of(plan, now), 0
    for action, title in _FOLDS:
        changes = [change for change in plan.changes if change.action is action]
        if changes:
            shown, rest = _fold(changes, title, reader, room)
            blocks += shown
            room -= length(shown)
            left_out += rest
    if left_out:
        blocks.append(f"\n{plural(left_out, 'change')} left out here; see the plan file.")
    return "\n".join(blocks)


def _fold(changes: list[Change], title: str, reader: Reader, room: int) -> tuple[list[str], int]:
    """One kind of change, folded: with fields if all fit, else a line each, and how many do not."""
    small = len(changes) < _FOLDED_FROM and changes[0].action is not Action.CREATE
    start = f"\n<details{' open' if small else ''}><summary>{title} ({len(changes):,})</summary>\n"
    room -= len(start) + len(_FOLD_END) + 2
    whole, rest = list[str](), len(changes)
    if len(changes) * _SHORTEST <= room:
        whole, rest = fit((change_block(change, reader) for change in changes), room)
    if rest:
        whole, rest = fit(map(headline, changes), room)
    return ([start, *whole, _FOLD_END] if whole else []), rest


_FOLD_END = "\n</details>"


def _verdict(plan: Plan) -> str:
    at = f" at `{plan.inputs.commit[:7]}`" if plan.inputs.commit else ""
    dirty = " with changes that are not committed" if plan.inputs.dirty else ""
    until = f"state #{plan.state_serial}, expires {to_iso(plan.expires)}"
    made = f"Plan `{plan.id}`{at}{dirty}, {until}."
    if plan.compared_with is not None:
        made = f"Comparison{at}{dirty}."
    failures = plural(plan.policy.failures, "policy failure")
    blocked = f"**BLOCKED by {failures}.** " if plan.policy.failures else ""
    blocked += f"**BLOCKED: {why}.** " if (why := spell_blocked(plan)) else ""
    return f"{blocked}{made} {share_of_deletes(plan)}".rstrip()


def _blocked(plan: Plan) -> Iterator[str]:
    for number, text in enumerate(blocked_sentences(plan)):
        yield f"{'' if number else chr(10)}- {escape(one_line(text, 1200))}"


def _platforms(planned: Planned) -> Iterator[str]:
    """What engines cannot do that somebody has asked."""
    found = planned.validation.platform_problems
    if not found:
        return
    yield "\n### Platforms"
    told = (
        one_line(f"{item.location}: {item.message}. {item.found}. Fix: {item.fix}", 600)
        for item in found
    )
    shown, left_out = fit((f"- {escape(text)}" for text in told), _PLATFORM_ROOM)
    yield from shown
    if left_out:
        yield f"- and {plural(left_out, 'finding')} more; see -o json"


def _policy(plan: Plan) -> Iterator[str]:
    policy = plan.policy
    if not policy.findings:
        return
    counts = f"{plural(policy.failures, 'failure')}, {plural(policy.warnings, 'warning')}"
    yield f"\n### Policy: {counts}, {policy.waived} waived"
    # Errors come last in the plan's list; here they come first, where nothing is cut.
    order = sorted(policy.findings, key=lambda text: not text.startswith("error"))
    shown, left_out = fit((f"- {escape(one_line(text, 600))}" for text in order), _POLICY_ROOM)
    yield from shown
    if left_out:
        yield f"- and {plural(left_out, 'finding')} more; see the plan file"


def _safety(plan: Plan) -> Iterator[str]:
    sentences = [f"- {escape(one_line(text, 600))}" for text in safety_sentences(plan)]
    if not sentences:
        return
    shown, left_out = fit(sentences, _SAFETY_ROOM)
    yield "\n### About this plan"
    yield from shown
    if left_out:
        yield f"- and {left_out:,} more; see the plan file"


# ------------------------------------------------------- what is not known, and drift
def _unknown(plan: Plan) -> Iterator[str]:
    if not plan.unknown_releases:
        return
    yield f"\n### Written names not known before the run ({len(plan.unknown_releases):,})"
    lines = (
        f"- {code(one.address)} runs {code(one.file)}: {escape(one_line(one.why, 200))}; "
        f"{escape(one_line(spell_allowed(one), 300))}"
        for one in unknown_first(plan.unknown_releases, created_by(plan))
    )
    shown, left_out = fit(lines, _UNKNOWN_ROOM)
    yield from shown
    if left_out:
        yield f"- and {left_out:,} more; see the plan file"


def _tracked(plan: Plan) -> Iterator[str]:
    names = [code(change.address) for change in plan.changes if change.tracks]
    if names:
        yield f"\n### {REBUILDS}\n"
        more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
        yield f"{spell_tracked(len(names))}: {', '.join(names[:_MOST_NAMES])}{more}"


def _rebuilds(plan: Plan) -> Iterator[str]:
    if not plan.rebuilds:
        return
    yield f"\n### {REBUILDS} ({len(plan.rebuilds):,})"
    lines = (f"- {spell_rebuild(one, code(one.image))}" for one in plan.rebuilds)
    shown, left_out = fit(lines, _REBUILD_ROOM)
    yield from shown
    if left_out:
        yield f"- and {plural(left_out, 'base image')} more; see the plan file"


def _drift(plan: Plan) -> Iterator[str]:
    if not plan.drift:
        return
    yield f"\n### Drift: changed live, not by this change ({len(plan.drift)})"
    shown, left_out = fit(("\n".join(_drifted(drift)) for drift in plan.drift), _DRIFT_ROOM)
    yield from shown
    if left_out:
        yield f"- and {plural(left_out, 'task')} more; see `reconciler drift`"


def _drifted(drift: Drift) -> Iterator[str]:
    who = f" by {escape(one_line(drift.changed_by, 80))}" if drift.changed_by else ""
    ended = f"; known until {drift.ended}, which is over" if drift.ended else ""
    kind = "cannot be read live, written" if drift.kind == "unreadable" else f"{drift.kind} live"
    yield f"- `!` {code(drift.address)} {kind}{who}, {drift_fate(drift)}{ended}"
    for field in drift.paths[:_FIELDS_SHOWN]:
        yield f"  - {values(field, ' applied, live ')}"
    yield from more_fields(len(drift.paths) - _FIELDS_SHOWN)


def _known(plan: Plan, now: datetime) -> Iterator[str]:
    if not plan.known_drift:
        return
    lines = [
        f"- `!` {code(drift.address)} {escape(one_line(spell_known(drift, now.date()), 300))}"
        + (f", changed by {escape(one_line(drift.changed_by, 80))}" if drift.changed_by else "")
        for drift in plan.known_drift
    ]
    shown, left_out = fit(lines, _DRIFT_ROOM)
    yield f"\n<details><summary>Known drift, not counted ({len(lines):,})</summary>\n"
    yield from shown
    if left_out:
        yield f"- and {plural(left_out, 'task')} more; see `reconciler drift`"
    yield _FOLD_END
