"""A plan as frozen data: one reader prints it, another applies it.

The models are the published form of `plan --out` (keys are snake_case, see `plan_schema`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from reconciler.model.tracked import TaskBases
from reconciler.plan.facts import (
    KnownDrift,
    RebuildChange,
    ReleasePath,
    TimerChange,
    UnknownRelease,
)
from reconciler.plan.parts import STRICT, Document, FieldChange, Frozen, Of, PlanModel
from reconciler.plan.safety import Blocked, LooksLikeRename, Override
from reconciler.plan.selection import LeftOut

__all__ = [
    "FORMAT_VERSION",
    "Action",
    "Blocked",
    "Cause",
    "Change",
    "Document",
    "Drift",
    "FieldChange",
    "Frozen",
    "Inputs",
    "LooksLikeRename",
    "Mode",
    "Override",
    "Plan",
    "PolicySummary",
    "Revision",
]

# Once released: a key that is added raises the second number, one that goes or changes its meaning
# the first. A saved plan is read only by a version that knows its format exactly.
FORMAT_VERSION = "1.0"

# What of a spec decides which images a build takes from.
_BUILD_KEYS = ("step", "context", "platform", "compat")

Mode = Literal["apply", "destroy", "compare"]


class Action(StrEnum):
    """What happens to one task."""

    CREATE = "create"
    UPDATE = "update"
    RENAME = "rename"
    DELETE = "delete"
    NO_OP = "no-op"


@dataclass(frozen=True, slots=True)
class Cause:
    """Where a change was written, and who wrote it.

    `commit` is None where Git does not tell: outside a repository, at the end of a shallow clone,
    and for what is not committed yet (`uncommitted`). `of` says what the author did: wrote the
    first changed line (of a new task: its newest line), removed it, changed the `file` last for
    whatever reason, or asked for a destroy (`request`), of which no file knows.
    """

    __pydantic_config__ = STRICT

    file: str
    line: int = 1
    commit: str | None = None
    author: str | None = None
    committed: datetime | None = None
    uncommitted: bool = False
    of: Of | Literal["request"] = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write to one task.

    `base` is the live document the plan was made from and `live_hash` its digest: apply refuses a
    task whose live document has another one. `target` is what is written live, `applied` what is
    remembered as last applied: null where that is the same, which it is unless drift is left alone.
    Of a new task `target` says all fields; `paths` lists only those that come from Defaults, and
    where they stand there. `depends_on` names the changes of this plan that are done first, and
    without which this one is not done. `file` is the spec that declares the task, or did last;
    `cause` may be in another one, Defaults or variables.

    `unreadable`: the live document cannot be read as a task. Then `live_hash` is the digest of its
    text as it stands, and `base` what was last applied, if it was.

    `bases` is what the task stands on when this is done, as the checkout of the plan says it: that
    is tracked by apply, wherever it runs. None: nothing is said of it, as of a task that goes.

    `tracks`: nothing changes but that `bases` is written down. An earlier version applied the task,
    which tracked none.

    `drift_left` is the drift that this change leaves alone: as it writes the live task, its
    provider forgets who drifted it, and the journal does not.
    """

    __pydantic_config__ = STRICT

    address: str
    action: Action
    previous_address: str | None = None
    adopts: bool = False
    unreadable: bool = False
    paths: tuple[FieldChange, ...] = ()
    file: str | None = None
    cause: Cause | None = None
    live_hash: str | None = None
    base: Frozen | None = None
    target: Frozen | None = None
    applied: Frozen | None = None
    bases: TaskBases | None = None
    tracks: bool = False
    depends_on: tuple[str, ...] = ()
    drift_left: tuple[FieldChange, ...] = ()

    @property
    def fields(self) -> tuple[FieldChange, ...]:
        """The changed fields; of a rename all but the name that it is for."""
        if self.action is not Action.RENAME:
            return self.paths
        return tuple(one for one in self.paths if one.path != "metadata.name")

    @property
    def builds_as_before(self) -> bool:
        """True if what is live builds from the same, as far as its document says."""
        if self.base is None or self.target is None:
            return False
        before, after = self.base.read()["spec"], self.target.read()["spec"]
        return all(before.get(key) == after.get(key) for key in _BUILD_KEYS)

    @property
    def remembered(self) -> Frozen | None:
        """What is the last applied document afterwards; None: the task is forgotten."""
        return self.applied or self.target


class Drift(PlanModel):
    """A live task that is not what was last applied. `heal`: this plan undoes it.

    In `paths`, `before` is what was applied and `after` what is live. `ended`: it was on the list
    of known drift, through that day.

    What is `unreadable` is no task: nothing is told of what it says. `waits`: the spec asks for
    something new, which is not done before it is healed.
    """

    address: str
    kind: Literal["changed", "deleted", "unreadable"]
    heal: bool = False
    waits: bool = False
    paths: tuple[FieldChange, ...] = ()
    changed_by: str | None = None
    changed_at: datetime | None = None
    ended: date | None = None


class Inputs(PlanModel):
    """What the plan was made from. `commit` is None outside Git."""

    commit: str | None = None
    dirty: bool = False
    specs_digest: str = ""
    policy_digest: str = ""


class Revision(PlanModel):
    """The revision that specs are compared with: a ref as it was written, and its commit."""

    ref: str
    commit: str


class PolicySummary(PlanModel):
    """What policy said when the plan was made."""

    failures: int = 0
    warnings: int = 0
    waived: int = 0
    findings: tuple[str, ...] = ()


class Plan(PlanModel):
    """Everything that is known before the first write.

    `known_drift` is what the workspace has on its list: it is no part of `drift`. `inherited` says
    who wrote the files of Defaults that changed fields come from. `mode` is destroy for a plan that
    only deletes: `apply` refuses it. It is compare for one that takes the specs of another revision
    (`compared_with`) for what is applied and live, and cannot be applied. `cycles` are groups of
    changes that depend on each other; they are done in the order of their addresses. `left_out`
    says what a plan for some tasks does not tell of. What is `blocked` is shown, and refused by
    apply.
    """

    format_version: str = FORMAT_VERSION
    kind: Literal["Plan"] = "Plan"
    mode: Mode = "apply"
    id: str
    created: datetime
    expires: datetime
    tool_version: str
    state_id: str
    state_serial: int = 0
    inputs: Inputs = Inputs()
    declared: int = 0
    live: int = 0
    unchanged: int = 0
    changes: tuple[Change, ...] = ()
    drift: tuple[Drift, ...] = ()
    known_drift: tuple[KnownDrift, ...] = ()
    releases: tuple[ReleasePath, ...] = ()
    unknown_releases: tuple[UnknownRelease, ...] = ()
    timers: tuple[TimerChange, ...] = ()
    rebuilds: tuple[RebuildChange, ...] = ()
    inherited: tuple[Cause, ...] = ()
    unmanaged: tuple[str, ...] = ()
    policy: PolicySummary = PolicySummary()
    overrides: tuple[Override, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    looks_like_renames: tuple[LooksLikeRename, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()
    left_out: LeftOut | None = None
    compared_with: Revision | None = None

    def count(self, action: Action) -> int:
        """How many changes have an action."""
        return sum(change.action is action for change in self.changes)

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that are more than bookkeeping."""
        return tuple(change for change in self.changes if change.action is not Action.NO_OP)
