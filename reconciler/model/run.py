"""A run: one execution of a task or of a quick build, as it is recorded."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import ConfigDict, Field

from reconciler.model.common import Model


class RunStatus(StrEnum):
    """States of a run, in ACR's words."""

    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"
    ERROR = "Error"
    TIMEOUT = "Timeout"

    @property
    def final(self) -> bool:
        """True if nothing follows."""
        return self not in {RunStatus.QUEUED, RunStatus.RUNNING}


class TriggerKind(StrEnum):
    """What asks for runs, as records tell it and as people ask for it."""

    MANUAL = "manual"
    COMMIT = "commit"
    PULL_REQUEST = "pullRequest"
    BASE_IMAGE = "baseImage"
    TIMER = "timer"

    @property
    def priority(self) -> int:
        """Higher goes first: what a person waits for, then pushes, then timers, then rebuilds."""
        return _PRIORITIES.get(self, 0)

    @property
    def word(self) -> str:
        """As `{{.Run.TriggeredBy}}` says it: `Manual`, `PullRequest`."""
        return self.value[0].upper() + self.value[1:]

    @classmethod
    def _missing_(cls, value: object) -> TriggerKind | None:
        """Records once said `timers`, as specs do."""
        return cls.TIMER if value == "timers" else None


# A push of a base image to many tasks holds nobody up who waits for one.
_PRIORITIES = {
    TriggerKind.MANUAL: 30,
    TriggerKind.COMMIT: 20,
    TriggerKind.PULL_REQUEST: 20,
    TriggerKind.TIMER: 10,
}


class Reason(StrEnum):
    """Why a run did not succeed."""

    SOURCE_AUTH = "source-auth"
    TOKEN_EXPIRED = "token-expired"  # noqa: S105  (a word, not a secret)
    SOURCE_MISSING = "source-missing"
    DOCKERFILE_MISSING = "dockerfile-missing"
    TASKFILE_INVALID = "taskfile-invalid"
    SECRET_DENIED = "secret-denied"  # noqa: S105  (a word, not a secret)
    BASE_PULL = "base-pull"
    PUSH_AUTH = "push-auth"
    PUSH_CONFLICT = "push-conflict"
    STEP = "step"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    TASK_OFF = "task-off"
    LOST = "lost"
    DISK = "disk-full"
    ENGINE = "engine"


class StepStatus(StrEnum):
    """States of a step; an ignored failure is never shown as a success.

    EXITED is a detached container that ended by itself, before the run did; its code says how.
    """

    SKIPPED = "skipped"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IGNORED = "failed-ignored"
    TIMED_OUT = "timed-out"
    CANCELED = "canceled"
    EXITED = "detached-exited"


class Recorded(Model):
    """Base of what the program itself writes down: built by field names, stored in camelCase."""

    model_config = ConfigDict(populate_by_name=True)


class OutputImage(Recorded):
    """An image that the run made; `digest` is the registry's, None if it was not pushed."""

    reference: str
    digest: str | None = None
    image_id: str | None = None


class BaseImage(Recorded):
    """An image that the build stood on; role is runtime, buildtime or syntax.

    `pinned`: the build was given `digest`, so that it could take no other image. `platform` is None
    where it is that of the run.
    """

    reference: str
    role: str
    digest: str | None = None
    image_id: str | None = None
    pinned: bool = False
    platform: str | None = None


class MovedImage(Recorded):
    """An image whose move woke a run: its tracked reference, the digests before and after.

    `previous` is None where there was no such tag, or nobody had looked.
    """

    image: str
    previous: str | None = Field(default=None, alias="from")
    digest: str = Field(alias="to")


class UsedSecret(Recorded):
    """That a secret was used: its reference, version and a fingerprint keyed by the state."""

    name: str
    reference: str
    version: str | None = None
    fingerprint: str | None = None


class StepRecord(Recorded):
    """One step of a run. Times are UTC.

    `reason` is why it failed, also if that was ignored: a step out of time has no exit code.
    """

    name: str
    kind: str
    status: StepStatus
    reason: Reason | None = None
    exit_code: int | None = None
    started: datetime | None = None
    finished: datetime | None = None


class RunRecord(Recorded):
    """Everything that is kept of a run except its log lines. Times are UTC."""

    id: str
    task: str | None = None
    trigger: TriggerKind = TriggerKind.MANUAL
    actor: str
    status: RunStatus
    reason: Reason | None = None
    message: str | None = None
    registry: str | None = None
    platform: str = "linux/amd64"
    source: str | None = None
    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    context_bytes: int | None = None
    context_files: int | None = None
    context_seconds: float | None = None
    builder: str | None = None
    timeout: int = 3600
    queued: datetime
    started: datetime | None = None
    finished: datetime | None = None
    steps: tuple[StepRecord, ...] = ()
    outputs: tuple[OutputImage, ...] = ()
    bases: tuple[BaseImage, ...] = ()
    bases_unread: bool = False  # a Dockerfile could not be understood: there may be more
    secrets: tuple[UsedSecret, ...] = ()
    overrides: dict[str, str] = Field(default_factory=dict)
    request: dict[str, object] = Field(default_factory=dict)
    rerun_of: str | None = None
    event: tuple[MovedImage, ...] = ()
    # The whole request, so that it can be done again or by another process. References only.
    wanted: dict[str, object] = Field(default_factory=dict)


class LogLine(NamedTuple):
    """One line of output, already masked. Bytes that are not UTF-8 are surrogate escapes.

    `stream`: `out` or `err` of a program, or `note` of our own. `more`: the line was too long and
    goes on in the next item of its step and stream.
    """

    time: datetime
    step: str
    line: str
    stream: str = "out"
    attempt: int = 1
    more: bool = False
