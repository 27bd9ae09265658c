"""`destroy`: a plan that only deletes what was applied here. Reads no specs, judges no policy.

What is live and was never applied is not ours, and stays.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence

from reconciler import __version__
from reconciler.base.errors import WrongUsage
from reconciler.base.ids import new_id
from reconciler.base.text import did_you_mean, one_line
from reconciler.operations.apply import settle_interrupted
from reconciler.operations.causes import attribute
from reconciler.operations.gather import read_stores
from reconciler.operations.plan import VALID_FOR, Planned, guard, put_in_order
from reconciler.operations.validate import nothing_validated
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import compare
from reconciler.plan.change import Plan
from reconciler.plan.overrides import Overrides


def make_destroy_plan(
    opened: OpenWorkspace, targets: Sequence[str], overrides: Overrides
) -> Planned:
    """A plan that deletes the applied tasks that `targets` name; all of them if it is empty.

    A target is an address or the name in it; `*` and `?` stand for any letters. Raises WrongUsage
    (a target fits nothing), Protected, OverLimit.
    """
    taken = settle_interrupted(opened)
    stores = read_stores(opened)
    chosen = _chosen(targets, stores.applied)
    applied = {name: one for name, one in stores.applied.items() if name in chosen}
    live = {name: one for name, one in stores.live.items() if name in chosen}
    comparison = compare((), applied, live)
    guard(opened, comparison.changes, stores.live, overrides)
    ordered = put_in_order(opened, attribute(opened, comparison, stores).changes)
    now = opened.clock().replace(microsecond=0)
    plan = Plan(
        mode="destroy",
        id=new_id("p-", 8),
        created=now,
        expires=now + VALID_FOR,
        tool_version=__version__,
        state_id=stores.state_id,
        state_serial=stores.serial,
        live=len(stores.live),
        unchanged=len(stores.applied) - len(chosen),
        changes=ordered.changes,
        drift=tuple(comparison.drift),
        unmanaged=tuple(sorted(stores.live.keys() - stores.applied.keys())),
        overrides=tuple(overrides.used),
        cycles=ordered.cycles,
    )
    return Planned(plan, nothing_validated(), taken)


def _chosen(targets: Sequence[str], addresses: Collection[str]) -> set[str]:
    if not targets:
        return set(addresses)
    chosen: set[str] = set()
    for target in targets:
        found = {one for one in addresses if _fits(target, one)}
        if not found:
            raise _fits_nothing(target, addresses)
        chosen |= found
    return chosen


def _fits(target: str, address: str) -> bool:
    return any(fnmatch.fnmatchcase(name, target) for name in (address, address.partition("/")[2]))


def _fits_nothing(target: str, addresses: Collection[str]) -> WrongUsage:
    names = [name for one in addresses for name in (one, one.partition("/")[2])]
    near = did_you_mean(target, names)
    return WrongUsage(
        f"--target {one_line(target, 80)} fits no task that was applied",
        hint=f"did you mean {near}?" if near else "reconciler tasks lists what is live",
    )


def words_for(plan: Plan) -> str:
    """What a person types to destroy: the registries that lose tasks, `contoso,fabrikam`."""
    return ",".join(sorted({change.address.partition("/")[0] for change in plan.changes}))


def refuse_other_words(plan: Plan, words: str) -> None:
    """Raises WrongUsage if the words are not those for this plan."""
    if words.strip() != words_for(plan):
        raise WrongUsage(
            "the words do not name what is destroyed; nothing was deleted",
            details=[("found", one_line(words, 80) or "nothing"), ("allowed", words_for(plan))],
        )
