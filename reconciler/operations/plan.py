"""`plan` and `drift`: one pass over specs, compared with last applied and live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from reconciler import __version__
from reconciler.adapters.files import write_whole
from reconciler.adapters.git import Commit, changed_files, head_of, last_changes, refusal
from reconciler.base.errors import InvalidInput, PlanRejected, ReconcilerError
from reconciler.base.ids import new_id
from reconciler.base.text import as_text
from reconciler.operations.apply import NOTHING_TAKEN, Taken, settle_interrupted
from reconciler.operations.gather import Stores, read_stores
from reconciler.operations.validate import Validation, validate
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import Comparer, Comparison
from reconciler.plan.change import Action, Cause, Change, Inputs, Plan, PolicySummary
from reconciler.plan.guard import refuse_over_limits, refuse_protected
from reconciler.plan.planfile import read_plan, write_plan

VALID_FOR = timedelta(hours=24)
# A plan that creates 10,000 tasks has some 40 MB.
_LARGEST = 1 << 28


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, the validation it rests on, and what was found of applies that were killed."""

    plan: Plan
    validation: Validation
    taken: Taken = NOTHING_TAKEN
    git_refusal: str | None = None


def make_plan(opened: OpenWorkspace, *, heal: bool = False) -> Planned:
    """The plan of a workspace as it is now. Nothing is written and no secret is resolved.

    Raises InvalidInput if the specs are wrong. A policy failure is told in the plan.
    """
    taken = settle_interrupted(opened)
    stores = read_stores(opened)
    comparer = Comparer(stores.applied, stores.live, heal=heal)
    now = opened.clock().replace(microsecond=0)
    validation = validate(opened, now.date(), also=comparer.add)
    if validation.invalid:
        raise InvalidInput(validation.input_problems)
    comparison = comparer.finish()
    refuse_protected(comparison.changes)
    refuse_over_limits(comparison.changes, len(stores.live), opened.workspace.limits)
    plan = Plan(
        id=new_id("p-", 8),
        created=now,
        expires=now + VALID_FOR,
        tool_version=__version__,
        state_id=stores.state_id,
        state_serial=stores.serial,
        inputs=_inputs(opened, validation),
        declared=comparison.declared,
        live=len(stores.live),
        unchanged=comparison.unchanged,
        changes=tuple(_with_causes(opened, comparison, stores)),
        drift=tuple(comparison.drift),
        unmanaged=tuple(comparison.unmanaged),
        policy=_policy_summary(validation),
    )
    told = refusal(opened.root) if plan.inputs.commit is None else None
    return Planned(plan, validation, taken, told)


def _inputs(opened: OpenWorkspace, validation: Validation) -> Inputs:
    head = head_of(opened.root)
    return Inputs(
        commit=head.commit if head else None,
        dirty=head.dirty if head else False,
        specs_digest=validation.specs_digest,
        policy_digest=validation.policy_digest,
    )


def _policy_summary(validation: Validation) -> PolicySummary:
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


def _with_causes(opened: OpenWorkspace, comparison: Comparison, stores: Stores) -> Iterable[Change]:
    """The changes, each with the file it comes from and the commit that wrote it last."""
    files = {change.address: _file_of(change, comparison, stores) for change in comparison.changes}
    paths = {_plain(file) for file, _ in files.values() if file}
    dirty = changed_files(opened.root) if paths else set()
    commits = last_changes(opened.root, paths - dirty)
    for change in comparison.changes:
        file, line = files[change.address]
        if not file:
            yield change
            continue
        cause = _cause(file, line, commits.get(_plain(file)), dirty)
        yield change.model_copy(update={"cause": cause})


def _plain(file: str) -> str:
    return file.removesuffix(" (rendered)")


def _file_of(change: Change, comparison: Comparison, stores: Stores) -> tuple[str, int]:
    if change.action is Action.DELETE:
        return stores.applied[change.address].file or "", 1
    located = comparison.sources[change.address]
    inherited = [field.origin for field in change.paths if field.cause == "defaults"]
    own = [field for field in change.paths if field.cause in {"spec", "removed"}]
    if change.action is Action.UPDATE and inherited and not own:
        file, line, _ = str(inherited[0]).rsplit(":", 2)
        return file, int(line)
    return located.source.file, _line_of(change, located.source.line)


def _line_of(change: Change, otherwise: int) -> int:
    """The line of the first changed field, or of the document."""
    origins = [field.origin for field in change.paths if field.origin and field.cause == "spec"]
    if change.action is not Action.UPDATE or not origins:
        return otherwise
    return int(origins[0].rsplit(":", 2)[1])


def _cause(file: str, line: int, commit: Commit | None, dirty: set[str]) -> Cause:
    name = as_text(file)
    if commit is None:
        return Cause(file=name, line=line, uncommitted=_plain(file) in dirty)
    author = as_text(commit.author)
    return Cause(file=name, line=line, commit=commit.id, author=author, committed=commit.time)


def save_plan(opened: OpenWorkspace, plan: Plan, path: Path) -> None:
    """Write a plan file, sealed by the state. Raises ReconcilerError if it cannot be written."""
    try:
        write_whole(path, write_plan(plan, opened.database.key).encode("utf-8"))
    except OSError as error:
        raise ReconcilerError(
            f"the plan cannot be saved to {path}: {error.strerror}", hint="choose another --out"
        ) from None


def load_plan(opened: OpenWorkspace, path: Path) -> Plan:
    """Read a plan file and check its seal. Raises PlanRejected. Apply looks whether it expired."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise PlanRejected(f"the plan file {path} cannot be read: {reason}") from None
    if len(data) > _LARGEST:
        raise PlanRejected(f"the plan file {path} is too large: over {_LARGEST >> 20} MB")
    return read_plan(text, opened.database.key, opened.database.setting("state_id"))
