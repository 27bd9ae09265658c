"""What can wake a task, and what was decided about it. Decides nothing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from reconciler.model.run import Recorded, TriggerKind


class Verdict(StrEnum):
    """Why an event led to a run of a task, or to none. Stored where it is decided."""

    QUEUED = "queued"
    COALESCED = "coalesced"  # a run that still waits does this event's work too
    # source events
    OTHER_BRANCH = "other-branch"
    PATH_FILTER = "path-filter"
    TAG = "tag"
    DELETED = "deleted"
    ACTION = "action"  # nothing to build: closed, labeled, ...
    FORK = "fork"
    SAME_COMMIT = "same-commit"
    SUPERSEDED = "superseded"  # a newer commit of its branch came before it
    # timers
    MISSED = "missed"  # nobody was there at its time, and its timer skips those
    OVERLAP = "overlap"  # the run before it is not done
    # images
    FIRST_SIGHT = "first-sight"  # nobody knows what it was before
    UNTRACKED = "untracked"  # it is not known what all the task stands on
    LOOK_FAILED = "look-failed"  # what is served cannot be told; of a registry: it is left alone
    NO_SUCH_TAG = "no-such-tag"
    SAME_DIGEST = "same-digest"  # for the task's platform nothing is new
    OTHER_STAGE = "other-stage"  # it moved under a stage that the trigger does not look at
    PARENT_FAILED = "parent-failed"  # what it stands on was not built
    PARENT_SAME = "parent-same"  # what it stands on was built, and is what it was
    HOP_LIMIT = "hop-limit"
    # messages of hooks
    REPLAYED = "replayed"
    OTHER_REPOSITORY = "other-repository"
    BAD_SIGNATURE = "bad-signature"
    NO_SIGNATURE = "no-signature"
    MALFORMED = "malformed"
    SECRET = "secret"  # noqa: S105  (a word: that of the hook cannot be read)
    # both ways off
    TRIGGER_OFF = "trigger-off"
    TASK_OFF = "task-off"

    @property
    def runs(self) -> bool:
        """True if the event has a run."""
        return self in {Verdict.QUEUED, Verdict.COALESCED}


class Source(StrEnum):
    """Where an event comes from."""

    HOOK = "hook"
    POLL = "poll"
    TIMER = "timer"
    IMAGE = "image"


class Push(Recorded):
    """A ref that moved. `repository` is a key as `repository_key` makes it.

    `before` is None for a ref that was `created`, or where nobody says; `after` None for one that
    is gone. `files` are the changed ones, relative to the root; None where the forge does not name
    them all.
    """

    repository: str
    ref: str
    before: str | None = None
    after: str | None = None
    created: bool = False
    default_branch: str | None = None
    files: tuple[str, ...] | None = None
    sender: str | None = None

    @property
    def branch(self) -> str | None:
        """The branch that moved, None for a tag or anything else."""
        return _under("refs/heads/", self.ref)

    @property
    def tag(self) -> str | None:
        """The tag that moved, None for anything else."""
        return _under("refs/tags/", self.ref)


class PullRequest(Recorded):
    """A pull request with something to build, or without (`action` says what happened to it).

    `target` is the branch it wants to change; `head` the commit it offers; `fork` is true unless
    that commit surely lies in the repository itself.
    """

    repository: str
    number: int
    action: str
    target: str
    head: str
    source: str | None = None
    fork: bool = True
    retargeted: bool = False
    default_branch: str | None = None
    sender: str | None = None


SourceEvent = Push | PullRequest


class Decided(Recorded):
    """A decision as it is stored. `subject` is what moved, from `previous` to `version`.

    `once` is what may be decided only one time, such as the due time of a timer; `at` is UTC.
    """

    at: datetime
    source: Source
    subject: str
    version: str | None = None
    previous: str | None = None
    task: str | None = None
    trigger: str | None = None
    verdict: Verdict
    detail: str = ""
    run_id: str | None = None
    hook: str | None = None
    delivery: str | None = None
    once: str | None = None


class Wake(Recorded):
    """What a trigger wants: a run of which task, and what the run has of the event.

    `trigger` is the name of a trigger in the task, `kind` what it is; `repository` where the ref
    moved, by its key; `actor` whoever moved it, as the forge calls them. `bases` fixes digests by
    tracked reference. The rest of the run is read from the live task when it begins: what was
    applied meanwhile holds.
    """

    task: str
    kind: TriggerKind
    trigger: str
    actor: str
    repository: str | None = None
    ref: str | None = None
    commit: str | None = None
    fork: bool = False
    due: datetime | None = None
    bases: dict[str, str] = Field(default_factory=dict)


class TimerState(Recorded):
    """How far a timer of a live task is handled: the latest due time that is settled, UTC."""

    task: str
    name: str
    schedule: str
    handled: datetime


class Delivery(Recorded):
    """One message of a hook: who sent it, its id there, and when it came (UTC)."""

    hook: str
    id: str
    event: str
    received: datetime


def _under(prefix: str, ref: str) -> str | None:
    return ref.removeprefix(prefix) if ref.startswith(prefix) else None
