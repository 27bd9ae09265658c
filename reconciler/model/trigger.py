"""What wakes a task: commit, pull request, base image, timer. None unless declared."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.model.common import (
    Duration,
    Flag,
    Model,
    OneOrMany,
    SecretReference,
    Text,
    Whole,
    Word,
    duration_seconds,
    problem,
)
from reconciler.model.context import Location, Token
from reconciler.model.schedule import ScheduleError, parse_schedule

Status = Literal["Enabled", "Disabled"]


class RunOverrides(Model):
    """What a run of one trigger does differently."""

    no_cache: Flag | None = None
    pull: Flag | None = None
    set: dict[Word, Text] = Field(default_factory=dict)


class Paths(Model):
    """Globs of changed files that matter, and of those that do not."""

    include: tuple[Word, ...] = ()
    exclude: tuple[Word, ...] = ()


class SourceTrigger(Model):
    """What commit and pull request triggers share. Source: ARM sourceTriggers."""

    name: Word | None = None
    status: Status = "Enabled"
    branch: Word | None = None
    repository: Location | None = None
    token: Token | None = None
    paths: Paths = Paths()
    with_: RunOverrides = Field(default=RunOverrides(), alias="with")


SHORTEST_POLL = 10  # seconds


def _poll(text: str) -> str:
    if duration_seconds(text) < SHORTEST_POLL:
        raise problem("poll", f"a host is not asked more often than every {SHORTEST_POLL}s")
    return text


class CommitTrigger(SourceTrigger):
    """A push to a branch. With `poll` the repository is asked, too, for a host that cannot call."""

    tags: Flag = False
    poll: Annotated[Duration, AfterValidator(_poll)] | None = None


class PullRequestTrigger(SourceTrigger):
    """A pull request opened, reopened or with new commits. Forks are denied by default."""

    forks: Literal["deny", "allow"] = "deny"


class BaseImageTrigger(Model):
    """A base image moved. Runtime: the last stage's base; All: those of every stage."""

    name: Word | None = None
    status: Status = "Enabled"
    type: Literal["Runtime", "All"] = "Runtime"
    min_interval: Duration | None = None
    update_endpoint: SecretReference | None = None
    update_payload: Literal["Default", "Token"] = "Default"
    with_: RunOverrides = Field(default=RunOverrides(), alias="with")


def _schedule(text: str) -> str:
    try:
        parse_schedule(text)
    except ScheduleError as error:
        raise problem("schedule", str(error)) from None
    return " ".join(text.split())


ScheduleText = Annotated[str, AfterValidator(_schedule)]


class TimerTrigger(Model):
    """A schedule in NCrontab's dialect, UTC, and what to do with missed and overlapping fires."""

    schedule: ScheduleText
    status: Status = "Enabled"
    missed: Literal["skip", "run_once", "run_all"] = "run_once"
    max_missed: Annotated[Whole, Field(ge=1, le=100)] = 10
    overlap: Literal["allow", "queue", "skip"] = "queue"
    jitter: Duration | None = None
    with_: RunOverrides = Field(default=RunOverrides(), alias="with")


def _plain_schedule(value: Any) -> Any:
    return {"schedule": value} if isinstance(value, str) else value


Timer = Annotated[
    TimerTrigger, BeforeValidator(_plain_schedule, json_schema_input_type=str | TimerTrigger)
]


class Triggers(Model):
    """All triggers of a task. Timers are keyed by name."""

    commit: Annotated[tuple[CommitTrigger, ...], OneOrMany] = ()
    pull_request: Annotated[tuple[PullRequestTrigger, ...], OneOrMany] = ()
    base_image: BaseImageTrigger | None = None
    timers: dict[Word, Timer] = Field(default_factory=dict)
