"""What a reviewer is told of a plan beside its changes. Frozen data; found by their own modules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from reconciler.plan.parts import STRICT, FieldChange, PlanModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePath:
    """A name that a task writes from now on, and did not before.

    `image` is `server/repository:tag`; what differs from run to run stands in braces. `former`
    are the tasks that wrote it until now and stop, `beside` those whose specs go on writing it
    (their task files are not read for it). `elsewhere`: it is in another registry than the task's
    own. `own`: a new task's own name, which nobody else writes: one that differs from run to run,
    or whose repository is called like the task. `origin` is the file:line:column of the name; of a
    new task, which is read as a whole, that of its document.
    """

    __pydantic_config__ = STRICT

    image: str
    address: str
    former: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    elsewhere: bool = False
    own: bool = False
    origin: str | None = None


class UnknownRelease(PlanModel):
    """A task whose task file cannot be read before its run, and why.

    `repositories` are what its spec lets it push to; a run refuses others.
    """

    address: str
    file: str
    why: str
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerChange:
    """A timer of a task, before and after: its schedule, its runs per day, its next run.

    Schedules and runs are of what wakes the task: None and 0 where the timer is not there or is
    disabled. Runs per day are averages: once a week is 0.143. `next` is None where nothing fires.
    Of a new task all timers that wake it are told.
    """

    __pydantic_config__ = STRICT

    address: str
    timer: str
    before: str | None = None
    after: str | None = None
    runs_before: float = 0
    runs_after: float = 0
    next: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildChange:
    """What a push to a base image builds anew once the plan is applied, if that is others than now.

    `image` is as it is tracked. `waves` and `waves_before` are how many tasks are in each wave;
    `gained` and `lost` the addresses that make the difference. At most `at_once` runs of one push
    are done at the same time. `beyond` stand on it, too, and are not built: more than 10 builds one
    after the other. `platforms` are those of the tasks on the image itself: where there are
    several, it may move for some of them only.
    """

    __pydantic_config__ = STRICT

    image: str
    waves: tuple[int, ...] = ()
    waves_before: tuple[int, ...] = ()
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    at_once: int
    beyond: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()


class KnownDrift(PlanModel):
    """Drift that is on the workspace's list: why, whose it is, through which day, and where.

    `changed_by` and `changed_at`: who made it, where that is known.

    `heal`: this plan undoes it all the same.
    """

    address: str
    kind: Literal["changed", "deleted", "unreadable"]
    heal: bool = False
    paths: tuple[FieldChange, ...] = ()
    changed_by: str | None = None
    changed_at: datetime | None = None
    reason: str
    owner: str
    ticket: str | None = None
    expires: date
    origin: str
