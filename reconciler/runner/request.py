"""What is to be run: everything that is fixed before a run begins. Does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.context import Token
from reconciler.model.run import RunRecord, RunStatus
from reconciler.model.step import DockerStep


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One docker step to be done. `login_server` is None if the run has no registry.

    `task` is an address (`registry/name`), None for a quick build; `registries` are the other
    registries the task has a login for; `bases` fixes digests by reference (`registry/name:tag`).
    """

    id: str
    actor: str
    source: str
    step: DockerStep
    token: Token | None = None
    task: str | None = None
    trigger: str = "manual"
    login_server: str | None = None
    registries: tuple[str, ...] = ()
    platform: str = "linux/amd64"
    timeout: int = 3600
    offline: bool = False
    overrides: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)

    @property
    def task_name(self) -> str:
        """The task's name without its registry; ACR's word for a quick build otherwise."""
        return self.task.rpartition("/")[2] if self.task else "quickbuild"

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
            queued=now,
            overrides=dict(self.overrides),
            request=self.step.model_dump(mode="json", by_alias=True),
        )
