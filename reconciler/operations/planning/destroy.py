"""`destroy`: a plan that only deletes what was applied here. Reads no specs, judges no policy.

What is live and was never applied is not ours, and stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.base.errors import WrongUsage
from reconciler.base.text import one_line
from reconciler.operations.applying.apply import settle_interrupted
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.plan import Planned, guard, put_in_order
from reconciler.operations.planning.plan_head import plan_head
from reconciler.operations.reading.gather import Stores, read_stores
from reconciler.operations.reading.validate import nothing_validated
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import compare
from reconciler.plan.change import Cause, Change, Plan
from reconciler.plan.narrow import stored_facts
from reconciler.plan.overrides import Overrides
from reconciler.plan.selection import Hits, Selection, parse_selector
from reconciler.plan.stored import Stored


def make_destroy_plan(
    opened: OpenWorkspace, targets: Sequence[str], overrides: Overrides
) -> Planned:
    """A plan that deletes the applied tasks that `targets` name; all of them if it is empty.

    A target is a selector, as for `plan`. Raises WrongUsage (one fits nothing).
    """
    taken = settle_interrupted(opened)
    stores = read_stores(opened)
    chosen = _chosen(targets, stores.applied)
    applied = {name: one for name, one in stores.applied.items() if name in chosen}
    live = {name: one for name, one in stores.live.items() if name in chosen}
    comparison = compare((), applied, live)
    blocked = guard(opened, comparison.changes, stores.live, overrides)
    asked = [_asked(change, stores, opened.actor) for change in comparison.changes]
    ordered = put_in_order(BasesReader(opened), asked)
    now = opened.clock().replace(microsecond=0)
    plan = Plan(
        **plan_head(now, stores.state_id, stores.serial),
        mode="destroy",
        live=len(stores.live),
        unchanged=len(stores.applied) - len(chosen),
        changes=ordered.changes,
        drift=tuple(comparison.drift),
        unmanaged=tuple(sorted(stores.live.keys() - stores.applied.keys())),
        overrides=tuple(overrides.used),
        blocked=blocked,
        cycles=ordered.cycles,
    )
    return Planned(plan, nothing_validated(), taken)


def _asked(change: Change, stores: Stores, actor: str) -> Change:
    """The change as somebody asked for it: its spec may be there as ever."""
    file = stores.applied[change.address].file
    if file is None:
        return change
    return replace(change, file=file, cause=Cause(file=file, author=actor, of="request"))


def _chosen(targets: Sequence[str], applied: Mapping[str, Stored]) -> set[str]:
    selection = Selection(tuple(parse_selector("--target", text) for text in targets))
    hits, chosen = Hits(selection, "what was applied"), set[str]()
    for address, stored in applied.items():
        facts = stored_facts(address, stored, None)
        hits.see(facts)
        if selection.selects(facts):
            chosen.add(address)
    hits.refuse_misses()
    return chosen


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
