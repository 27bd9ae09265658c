"""What wakes a task: commit, pull request, base image, timer. None unless declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

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
from reconciler.model.run import TriggerKind
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


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source trigger of a task, and what decisions and runs call it."""

    kind: TriggerKind
    name: str
    trigger: CommitTrigger | PullRequestTrigger


class Triggers(Model):
    """All triggers of a task. Timers are keyed by name."""

    commit: Annotated[tuple[CommitTrigger, ...], OneOrMany] = ()
    pull_request: Annotated[tuple[PullRequestTrigger, ...], OneOrMany] = ()
    base_image: BaseImageTrigger | None = None
    timers: dict[Word, Timer] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_their_own(self) -> Triggers:
        names = [one.name for one in self.sources()]
        for name in names:
            if names.count(name) > 1:
                message = f"two commit or pull request triggers are called {name!r}: name one anew"
                raise problem("trigger", message)
        return self

    def sources(self) -> Iterator[NamedSource]:
        """The source triggers, in the order of the spec. One without a name is called by its kind,
        the second one `KIND-2`."""
        kinds: tuple[tuple[TriggerKind, tuple[CommitTrigger | PullRequestTrigger, ...]], ...] = (
            (TriggerKind.COMMIT, self.commit),
            (TriggerKind.PULL_REQUEST, self.pull_request),
        )
        for kind, triggers in kinds:
            for number, trigger in enumerate(triggers):
                name = trigger.name or (kind if number == 0 else f"{kind}-{number + 1}")
                yield NamedSource(kind, name, trigger)

    def overrides(self, kind: TriggerKind, name: str) -> RunOverrides:
        """What a trigger does differently; nothing if there is none (any more)."""
        if kind is TriggerKind.TIMER:
            timer = self.timers.get(name)
            return timer.with_ if timer is not None else RunOverrides()
        if kind is TriggerKind.BASE_IMAGE:
            return self.base_image.with_ if self.base_image is not None else RunOverrides()
        named = (one for one in self.sources() if (one.kind, one.name) == (kind, name))
        found = next(named, None)
        return found.trigger.with_ if found is not None else RunOverrides()
