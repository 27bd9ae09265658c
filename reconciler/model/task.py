"""A task: the unit that is declared, judged, planned, applied and run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from reconciler.model.common import (
    Day,
    Duration,
    Flag,
    Labels,
    Model,
    OneOrMany,
    RegistryName,
    SecretReference,
    TaskName,
    Text,
    Whole,
    Word,
    problem,
)
from reconciler.model.context import Context, ContextKind
from reconciler.model.identity import Credentials, Identity
from reconciler.model.platform import Platform
from reconciler.model.step import DockerStep, DockerTask, Step
from reconciler.model.trigger import Status, Triggers

SHARED_TAG_LABEL = "sharedTag"


class Metadata(Model):
    """Who a task belongs to and what it is for. Ownership is optional here, demanded by policy."""

    name: TaskName
    registry: RegistryName
    owner: Word | None = None
    contact: Word | None = None
    review_by: Day | None = None
    expires: Day | None = None
    description: Text | None = None
    runbook: Word | None = None
    downstream: tuple[Word, ...] = ()
    labels: Labels = Field(default_factory=dict)
    moved_from: Annotated[tuple[TaskName, ...], OneOrMany] = ()


class Agent(Model):
    """Size of the machine a run gets, or the pool it waits for."""

    cpu: Annotated[Whole, Field(ge=1, le=64)] | None = None
    pool: Word | None = None

    @model_validator(mode="after")
    def _one(self) -> Agent:
        if self.cpu is not None and self.pool is not None:
            raise problem("agent", "an agent has either cpu or pool")
        return self


class Network(Model):
    """Whether the run's steps may reach anything outside their run."""

    egress: Literal["any", "none"] = "any"


class Retention(Model):
    """How long logs and run details are kept. None: the workspace's default."""

    logs: Duration | None = None
    runs: Duration | None = None
    archive: Flag = False


class Notification(Model):
    """Where the end of a run is told."""

    on: Annotated[
        tuple[Literal["Succeeded", "Failed", "Canceled", "Error", "Timeout"], ...], OneOrMany
    ]
    url: SecretReference


class TaskSpec(Model):
    """What a task does and when. Every field of ACR's task resource has its place here."""

    status: Status = "Enabled"
    compat: Literal["strict", "acb"] = "strict"
    cache: Literal["enabled", "disabled"] | None = None
    docker_socket: Flag = False
    drift_policy: Literal["keep", "heal"] = "keep"
    platform: Platform = "linux/amd64"
    context: Context
    step: Step
    triggers: Triggers = Triggers()
    identity: Identity = Identity()
    credentials: Credentials = Credentials()
    agent: Agent = Agent()
    network: Network = Network()
    timeout: Annotated[Whole, Field(ge=300, le=28800)] = 3600
    log_template: Word | None = None
    system_task: Flag = False
    retention: Retention = Retention()
    notify: tuple[Notification, ...] = ()
    protect: Flag = False

    @model_validator(mode="after")
    def _source_triggers_need_a_token(self) -> TaskSpec:
        hooks = [*self.triggers.commit, *self.triggers.pull_request]
        for hook in hooks:
            if self.context.kind is not ContextKind.GIT and hook.repository is None:
                raise problem("trigger", "a commit or pull request trigger needs a Git context")
            if hook.status == "Enabled" and hook.token is None and self.context.token is None:
                message = "a commit or pull request trigger needs a token: set context.token"
                raise problem("trigger", message)
        return self

    @property
    def docker(self) -> DockerStep | None:
        """The docker step, if the task has one."""
        return self.step.docker if isinstance(self.step, DockerTask) else None


class Task(Model):
    """One document of kind Task. Address: `registry/name`, unique in a workspace."""

    api_version: Literal["reconciler/v1"]
    kind: Literal["Task"]
    metadata: Metadata
    spec: TaskSpec

    @property
    def address(self) -> str:
        """`registry/name`."""
        return f"{self.metadata.registry}/{self.metadata.name}"

    @property
    def former_addresses(self) -> tuple[str, ...]:
        """The addresses that `movedFrom` says it had."""
        return tuple([f"{self.metadata.registry}/{name}" for name in self.metadata.moved_from])

    @property
    def images(self) -> tuple[str, ...]:
        """Image names the task pushes (docker step only; task files are read at run time)."""
        docker = self.spec.docker
        return docker.images if docker is not None and docker.push else ()
