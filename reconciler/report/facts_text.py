"""Release paths, timers and secrets of a plan in words. No layout: text and Markdown share them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from reconciler.base.clock import spell_moment
from reconciler.base.text import plural
from reconciler.plan.change import Action, Plan
from reconciler.plan.facts import RebuildChange, ReleasePath, TimerChange, UnknownRelease
from reconciler.plan.secrets import SecretChange, SecretFacts

_PERIODS = ((1, "day"), (7, "week"), (30.44, "month"), (365.25, "year"))
_NONE = SecretFacts("")
_MOST_NAMES = 5


def spell_rate(runs: float) -> tuple[str, str]:
    """How often, and in which time: 0.143 runs a day are ("1", "week")."""
    for days, word in _PERIODS:
        if runs * days >= 0.95:
            return f"{round(runs * days, 1):g}", word
    return "less than 1", "year"


def spell_runs(runs: float) -> str:
    """`1 run a day`."""
    count, period = spell_rate(runs)
    return f"{count} {_runs(count)} a {period}"


def spell_timer(timer: TimerChange, now: datetime) -> str:
    """`from 1 to 12 runs a day, next today 16:00 UTC`."""
    following = f", next {spell_moment(timer.next, now)} UTC" if timer.next else ""
    if not timer.runs_before:
        return f"starts: {spell_runs(timer.runs_after)}{following}"
    old, before = spell_rate(timer.runs_before)
    if not timer.runs_after:
        return f"stops; it was {old} {_runs(old)} a {before}"
    new, after = spell_rate(timer.runs_after)
    if (old, before) == (new, after):
        return f"still {new} {_runs(new)} a {after}{following}"
    between = f"from {old} to" if before == after else f"from {old} {_runs(old)} a {before} to"
    return f"{between} {new} {_runs(new)} a {after}{following}"


def _runs(count: str) -> str:
    return "run" if count in {"1", "less than 1"} else "runs"


def spell_push(waves: Sequence[int], at_once: int, platforms: Sequence[str] = ()) -> str:
    """`rebuilds 14 tasks in 3 waves, at most 10 at once`: what a push does, by tasks in each wave.

    Who builds for several `platforms` is told that an image may move for some of them.
    """
    if not waves:
        return "rebuilds no applied task"
    tasks = sum(waves)
    told = f"rebuilds {plural(tasks, 'task')} in {plural(len(waves), 'wave')}"
    told += f", at most {at_once:,} at once" if tasks > at_once else ""
    some = f", fewer if it moves for some of {', '.join(platforms)}" if len(platforms) > 1 else ""
    return told + some


def spell_rebuild(one: RebuildChange, image: str) -> str:
    """`a push to IMAGE rebuilds 14 tasks in 3 waves, at most 10 at once (12 in 2 until now)`."""
    before = sum(one.waves_before)
    told = spell_push(one.waves, one.at_once, one.platforms)
    if one.beyond:
        told += f"; {spell_beyond(len(one.beyond))}"
    was = f"{before:,} in {plural(len(one.waves_before), 'wave')}" if before else "none"
    return f"a push to {image} {told} ({was} until now)"


def spell_tracked(count: int) -> str:
    """What apply makes good for tasks of an earlier version."""
    return (
        f"the base images of {plural(count, 'task')} are not known (applied by an earlier version),"
        " and no push rebuilds anything for them; apply fills them in and changes nothing else"
    )


def spell_beyond(count: int) -> str:
    """Why tasks further on are not built."""
    return f"{count:,} more not, which would be more than 10 builds one after the other"


def spell_release(path: ReleasePath) -> str:
    """`contoso/web-api now writes host/web:prod, until now written by contoso/old`."""
    former = f", until now written by {', '.join(path.former)}" if path.former else ""
    beside = f", which {spell_beside(path.beside)}" if path.beside else ""
    elsewhere = ", in another registry than its own" if path.elsewhere else ""
    return f"{path.address} now writes {path.image}{elsewhere}{former}{beside}"


def spell_beside(names: Sequence[str]) -> str:
    """`contoso/a goes on writing`, or all of some names: of many the first."""
    shown = [
        *names[:_MOST_NAMES],
        *([f"{len(names) - _MOST_NAMES:,} more"][: len(names) > _MOST_NAMES]),
    ]
    return f"{', '.join(shown)} {'goes' if len(names) == 1 else 'go'} on writing"


def spell_unknown(release: UnknownRelease) -> str:
    """`contoso/web-api runs acb.yaml: what it writes is not known before the run (why); ...`."""
    return (
        f"{release.address} runs {release.file}: what it writes is not known before the run "
        f"({release.why}); {spell_allowed(release)}"
    )


def spell_allowed(release: UnknownRelease) -> str:
    """Where the spec lets the task file push."""
    named = ", ".join(release.repositories)
    return f"its spec lets it push to {named}" if named else "its spec lets it push nowhere"


def created_by(plan: Plan) -> set[str]:
    """The addresses of the tasks that a plan makes."""
    return {change.address for change in plan.changes if change.action is Action.CREATE}


def unknown_first(found: Iterable[UnknownRelease], created: set[str]) -> list[UnknownRelease]:
    """Those of live tasks before those of new ones."""
    return sorted(found, key=lambda one: one.address in created)


def ranked(paths: Iterable[ReleasePath], created: set[str]) -> list[ReleasePath]:
    """In the order of interest: names that others write, names in other registries, new names of
    old tasks, then those of new tasks, their own names last; those that stay the same first."""
    return sorted(
        paths,
        key=lambda path: (
            not (path.former or path.beside),
            not path.elsewhere,
            path.own,
            path.address in created,
            "{" in path.image,
        ),
    )


def spell_own(count: int) -> str:
    """`and 980 new tasks write their own names`."""
    return f"{plural(count, 'new name')} of new tasks that nobody else writes"


def spell_secret(change: SecretChange) -> str:
    """`reference env:OLD -> env:NEW, version v3 -> v4, expires 2027-01-01`: never a value."""
    before, after = change.before or _NONE, change.after or _NONE
    if change.after is None:
        return f"reference {before.reference} removed"
    told = [
        after.reference
        if before.reference in {"", after.reference}
        else f"{before.reference} -> {after.reference}"
    ]
    told += _fact("version", before.version, after.version)
    told += _fact("expires", before.expires, after.expires)
    told += _fact("kind", before.kind, after.kind)
    old, new = ", ".join(before.scopes), ", ".join(after.scopes)
    if change.before is not None and old == new and new:
        told.append("scopes unchanged")
    else:
        told += _fact("scopes", old or None, new or None)
    return f"reference {', '.join(told)}"


def _fact(name: str, before: str | None, after: str | None) -> list[str]:
    if before == after or before is None:
        return [f"{name} {after}"] if after else []
    return [f"{name} {before} -> {after or '(none)'}"]
