"""`plan` and `drift`: one pass over specs, compared with last applied and live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.adapters.git.checkout import head_of, refusal
from reconciler.base.errors import InvalidInput
from reconciler.base.text import as_text
from reconciler.operations.applying.taken import NOTHING_TAKEN, Taken
from reconciler.operations.planning.causes import attribute
from reconciler.operations.planning.choosing import Choice, left_out_of, selection_of
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.drifters import tell_drifters
from reconciler.operations.planning.plan_head import plan_head
from reconciler.operations.planning.pushing import told_of_pushes
from reconciler.operations.planning.releases import releases_of
from reconciler.operations.reading.gather import (
    Stores,
    glance_at_stores,
    known_drift,
    live_texts,
    read_stores_by_digest,
    servers_of,
)
from reconciler.operations.reading.validate import Validation, validate
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.alike import looks_like_renames
from reconciler.plan.build import Comparer
from reconciler.plan.change import Blocked, Change, Inputs, Plan, PolicySummary
from reconciler.plan.guard import over_limits, protected_deletes, scopes_of
from reconciler.plan.known import set_apart
from reconciler.plan.narrow import Narrowed
from reconciler.plan.needs import needs_of
from reconciler.plan.order import Ordered, in_order
from reconciler.plan.overrides import Overrides
from reconciler.plan.timers import timer_changes


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, the validation it rests on, and what was found of applies that were killed.

    `unused` are the places of entries of known drift that nothing matches.
    """

    plan: Plan
    validation: Validation
    taken: Taken = NOTHING_TAKEN
    git_refusal: str | None = None
    unused: tuple[str, ...] = ()


def make_plan(
    opened: OpenWorkspace,
    *,
    heal: bool = False,
    overrides: Overrides | None = None,
    guarded: bool = True,
    choice: Choice | None = None,
) -> Planned:
    """The plan of a workspace as it is now. Nothing is written and no secret is resolved.

    `overrides` are safety rules set aside for this plan; not `guarded` is one that is only looked
    at, and never blocked by them. `choice` says which tasks it is for; all specs are read and
    judged all the same. Raises InvalidInput if the specs are wrong (also if tasks would build each
    other anew without an end), WrongUsage. A policy failure
    and a safety rule that is broken are told in the plan.
    """
    overrides = overrides or Overrides()
    selection = selection_of(opened, choice)
    taken, stores = _read_stores(opened)
    both, untracked = (stores.applied, stores.live), stores.untracked
    narrowed = Narrowed(selection, *both, heal=heal, untracked=untracked) if selection else None
    comparer = narrowed or Comparer(*both, heal=heal, untracked=untracked)
    now = opened.clock().replace(microsecond=0)
    validation = validate(opened, now.date(), listener=comparer)
    if validation.invalid:
        raise InvalidInput(validation.input_problems)
    comparison = comparer.finish()
    tell_drifters(opened, comparison, stores)
    attributed = attribute(opened, comparison, stores)
    known = set_apart(comparison.drift, known_drift(opened), stores.applied, now.date())
    changes = comparison.changes
    blocked = guard(opened, changes, stores.live, overrides) if guarded else ()
    reader = BasesReader(opened)
    ordered = put_in_order(reader, attributed.changes)
    rebuilds = told_of_pushes(reader, ordered.changes)
    releases = releases_of(reader, attributed.changes, live_texts(opened))
    plan = Plan(
        **plan_head(now, stores.state_id, stores.serial),
        inputs=inputs_of(opened, validation),
        declared=validation.tasks,
        live=len(stores.live),
        unchanged=comparison.unchanged,
        changes=ordered.changes,
        drift=tuple(known.drift),
        known_drift=tuple(known.known),
        releases=releases.paths,
        unknown_releases=releases.unknown,
        timers=timer_changes(attributed.changes, now),
        rebuilds=rebuilds,
        inherited=attributed.inherited,
        unmanaged=tuple(comparison.unmanaged),
        policy=policy_summary(validation),
        overrides=tuple(overrides.used),
        blocked=blocked,
        looks_like_renames=looks_like_renames(ordered.changes, stores.applied),
        cycles=ordered.cycles,
        left_out=left_out_of(opened, narrowed, ordered.changes),
    )
    told = refusal(opened.root) if plan.inputs.commit is None else None
    # Of a part of the tasks nobody can say that an entry is for none.
    unused = () if narrowed else tuple(known.unused)
    return Planned(plan, validation, taken, told, unused)


def _read_stores(opened: OpenWorkspace) -> tuple[Taken, Stores]:
    """The stores, once what a killed apply left open is put right."""
    stores = glance_at_stores(opened)
    if stores is not None:
        return NOTHING_TAKEN, stores
    from reconciler.operations.applying.apply import settle_interrupted  # noqa: PLC0415  (late)

    taken = settle_interrupted(opened)
    return taken, read_stores_by_digest(opened)


def guard(
    opened: OpenWorkspace, changes: Sequence[Change], live: Iterable[str], overrides: Overrides
) -> tuple[Blocked, ...]:
    """Which safety rules a plan breaks; notes which overrides it uses. Raises WrongUsage."""
    scopes = scopes_of(opened.workspace)
    return (
        *protected_deletes(changes, overrides),
        *over_limits(changes, live, scopes, overrides),
    )


def put_in_order(reader: BasesReader, changes: Sequence[Change]) -> Ordered:
    """Base before app, by what the specs and the Dockerfiles of the workspace say.

    What a task will stand on is written down in its change.
    """
    found = reader.of_all(changes)
    written = {address: one.written for address, one in found.items()}
    told = [
        one if one.target is None else replace(one, bases=found[one.address].bases)
        for one in changes
    ]
    return in_order(told, needs_of(changes, servers_of(reader.opened), written))


def inputs_of(opened: OpenWorkspace, validation: Validation) -> Inputs:
    """What a plan was made from."""
    head = head_of(opened.root)
    return Inputs(
        commit=head.commit if head else None,
        dirty=head.dirty if head else False,
        specs_digest=validation.specs_digest,
        policy_digest=validation.policy_digest,
    )


def policy_summary(validation: Validation) -> PolicySummary:
    """What policy said, for the plan."""
    result = validation.policy
    findings = [
        as_text(
            f"{item.severity.value}: {item.location or item.task}: {item.message} [{item.rule}]"
        )
        for item in validation.policy_problems
    ]
    return PolicySummary(
        failures=len(result.failures),
        warnings=len(result.warnings),
        waived=len(result.waived),
        findings=tuple(findings),
    )
