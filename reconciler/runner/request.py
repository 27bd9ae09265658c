"""What is to be run: everything that is fixed before a run begins. Does nothing.

A request holds references to secrets, never a value: it can be stored, and done by another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from reconciler.model.context import ContextKind, Submodules, Token, context_kind
from reconciler.model.identity import RegistryLogin
from reconciler.model.run import MovedImage, RunRecord, RunStatus, TriggerKind
from reconciler.model.step import DockerStep
from reconciler.runner.multistep import MultiStep


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One docker step to be done. `login_server` is None if the run has no registry.

    `task` is an address (`registry/name`), None for a quick build; `registries` are the other
    registries the task has a login for, `logins` those logins. A local source is relative to
    `folder` and may lie anywhere; with None it is relative to the workspace and inside it.

    `bases` fixes digests by reference, as written (`registry/name:tag`) or as `tracked_reference`
    spells it; `event` are the images that moved to them. Of another run (`rerun_of`): `base_ids`
    tells which images without a digest it had, `branch` is that of a pinned commit.
    `queued` is when the run was asked for, None for now. `known_commit`: a signed message, a look
    at the repository or an earlier run named the commit, so it may be on no branch any more.
    `fork`: nobody of the repository wrote the commit; it gets no secret and no login, whoever
    asks for one. `text` is the task file or the Dockerfile of a run without a context.
    """

    id: str
    actor: str
    source: str
    step: DockerStep
    token: Token | None = None
    submodules: Submodules | None = None
    task: str | None = None
    trigger: TriggerKind = TriggerKind.MANUAL
    login_server: str | None = None
    registries: tuple[str, ...] = ()
    platform: str = "linux/amd64"
    timeout: int = 3600
    offline: bool = False
    multi: MultiStep | None = None  # instead of the docker step
    overrides: Mapping[str, str] = field(default_factory=dict)
    logins: Mapping[str, RegistryLogin] = field(default_factory=dict)
    folder: str | None = None
    rerun_of: str | None = None
    bases: Mapping[str, str] = field(default_factory=dict)
    event: tuple[MovedImage, ...] = ()
    base_ids: Mapping[str, str] = field(default_factory=dict)
    branch: str | None = None
    queued: datetime | None = None
    known_commit: bool = False
    fork: bool = False
    text: str | None = None

    @property
    def task_name(self) -> str:
        """The task's name without its registry; ACR's word for a quick build otherwise."""
        return self.task.rpartition("/")[2] if self.task else "quickbuild"

    @property
    def local(self) -> bool:
        """True if the context is a folder of this machine."""
        return context_kind(self.source) is ContextKind.LOCAL

    @property
    def pushes(self) -> bool:
        """True if the run ends with a push."""
        return self.step.push and bool(self.step.images)

    def first_record(self, now: datetime) -> RunRecord:
        """The record of the run before anything was done. Holds references, no secret."""
        return RunRecord(
            id=self.id,
            task=self.task,
            trigger=self.trigger,
            actor=self.actor,
            status=RunStatus.QUEUED,
            registry=self.login_server,
            platform=self.platform,
            source=self.source,
            timeout=self.timeout,
            queued=self.queued or now,
            overrides=dict(self.overrides),
            request=(self.multi or self.step).model_dump(mode="json", by_alias=True),
            rerun_of=self.rerun_of,
            event=self.event,
            wanted=_adapter().dump_python(self, mode="json", by_alias=True),
        )


def read_request(stored: Mapping[str, object]) -> RunRequest:
    """The request that `RunRecord.wanted` holds. Raises pydantic's ValidationError."""
    request: RunRequest = _adapter().validate_python(stored)
    return request


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(RunRequest)
