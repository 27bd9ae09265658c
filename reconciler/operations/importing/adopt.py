"""`import`: live tasks that no spec declares become spec files that plan to zero changes.

What is written is remembered as last applied, in the journal and under the
lock, so that the next plan finds no drift and nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.base.errors import WrongUsage
from reconciler.base.text import did_you_mean, one_line
from reconciler.operations.applying.apply import apply_plan, locked
from reconciler.operations.applying.manner import Manner
from reconciler.operations.importing.drafts import (
    Draft,
    Ground,
    Refused,
    draft_of,
    read_ground,
    write_draft,
)
from reconciler.operations.naming import address_of
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.plan_head import plan_head
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.change import Action, Cause, Change, Frozen, Plan
from reconciler.plan.normalise import canonical_document


@dataclass(frozen=True, slots=True)
class Written:
    """A task that has a spec file now. `secrets` of its fields are marked as to be done.

    So are `plain_secrets`: the paths of plain values that look like secrets.
    """

    address: str
    file: str
    secrets: int
    plain_secrets: tuple[str, ...] = ()


@dataclass(slots=True)
class Imported:
    """How an import ended. `declared` of the tasks that were asked for have a spec already."""

    written: list[Written] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    declared: int = 0
    apply_id: str | None = None


def import_tasks(
    opened: OpenWorkspace,
    names: Sequence[str] = (),
    *,
    registry: str | None = None,
    force: bool = False,
    plain_secrets: bool = False,
) -> Imported:
    """Write a spec file for each named live task, or, without names, for all of a registry or all.

    A task with plain values that look like secrets is refused, unless `plain_secrets`. No file is
    overwritten, unless `force` and the file declares no other task. A task that cannot
    be imported is told, and does not keep the rest from it. Raises WrongUsage (a name fits
    nothing), InvalidInput (the specs are wrong), Locked, StateUnusable.
    """
    with locked(opened, "import") as (lock, _):
        live = {one.address: one for one in opened.provider.read_all()}
        chosen = _named(names, live) if names else _of_registry(opened, registry, live)
        ground = read_ground(opened, force=force, plain_secrets=plain_secrets)
        result, drafts = Imported(), list[Draft]()
        for address in chosen:
            if address in ground.declared and not (names and force):
                _already_declared(result, address, ground, named=bool(names))
                continue
            outcome = draft_of(ground, live[address])
            written = outcome if isinstance(outcome, Refused) else write_draft(ground, outcome)
            if isinstance(written, Refused):
                result.refused.append(written)
            elif isinstance(outcome, Draft):
                drafts.append(outcome)
                result.written.append(
                    Written(address, outcome.file, outcome.secrets, outcome.plain_secrets)
                )
        if drafts:
            plan = _plan_to_remember(opened, drafts)
            result.apply_id = apply_plan(opened, plan, lock, Manner(lambda _: None)).apply_id
        return result


# ------------------------------------------------------------------ which tasks
def _named(names: Sequence[str], live: Iterable[str]) -> list[str]:
    known = list(live)
    return sorted({address_of(name, known) for name in names})


def _of_registry(opened: OpenWorkspace, registry: str | None, live: Iterable[str]) -> list[str]:
    names = [one.name for one in opened.workspace.registries]
    if registry is not None and registry not in names:
        near = did_you_mean(registry, names)
        raise WrongUsage(
            f"no registry of this workspace is called {one_line(registry, 80)}",
            details=[("allowed", ", ".join(names) or "none")],
            hint=f"did you mean {near}?" if near else None,
        )
    return sorted(one for one in live if registry in {None, one.partition("/")[0]})


def _already_declared(result: Imported, address: str, ground: Ground, *, named: bool) -> None:
    if not named:
        result.declared += 1
        return
    file = ground.declared[address]
    fix = "reconciler plan shows how it differs; --force writes the file anew from live"
    result.refused.append(Refused(address, f"{file} declares it already", fix))


# --------------------------------------------------------------- what is remembered
def _plan_to_remember(opened: OpenWorkspace, drafts: Sequence[Draft]) -> Plan:
    """A plan that writes nothing live: what is live becomes what was last applied."""
    now, database = opened.clock().replace(microsecond=0), opened.database
    reader = BasesReader(opened)
    return Plan(
        **plan_head(now, database.setting("state_id"), int(database.setting("serial"))),
        changes=tuple(_remember(draft, reader) for draft in drafts),
    )


def _remember(draft: Draft, reader: BasesReader) -> Change:
    document = Frozen.of(canonical_document(draft.task))
    return Change(
        address=draft.task.address,
        action=Action.NO_OP,
        adopts=True,
        file=draft.file,
        cause=Cause(file=draft.file),
        live_hash=document.digest,
        base=document,
        target=document,
        bases=reader.of(document.read()).bases,
    )
