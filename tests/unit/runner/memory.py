"""An engine, a registry and a log in memory, for the story of a run without any machine."""

# ruff: noqa: ARG002  (a port has arguments that memory has no use for)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from reconciler.base.errors import RegistryRefused, SecretUnavailable
from reconciler.model.build import BuildRequest, BuildResult, LocalImage, Login, Transfer
from reconciler.model.choice import Needs
from reconciler.model.run import LogLine, RunRecord
from reconciler.model.step import DockerStep
from reconciler.runner.execute import execute
from reconciler.runner.ports import Builder, Fetched, Images, Ports, Stopping
from reconciler.runner.request import RunRequest

DIGEST = "sha256:" + "d" * 64
IMAGE = LocalImage("sha256:" + "1" * 64, ("known@sha256:" + "b" * 64,))
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@dataclass
class MemoryEngine:
    """Both the images and the builder. What it does is set by fields."""

    name: str = "memory"
    secrets: bool = True
    cache: str = "inline"
    local: tuple[str, ...] = ("known:latest",)
    built: BuildResult = field(default_factory=lambda: BuildResult(image_id=IMAGE.id))
    transfer: Transfer = field(default_factory=lambda: Transfer(digest=DIGEST))
    output: bytes = b"hello\n"
    up: bool = True
    history: str = ""
    made_for: str | None = None
    requests: list[BuildRequest] = field(default_factory=list)
    untagged: list[str] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    pulled: list[str] = field(default_factory=list)

    def platform(self) -> tuple[str, str]:
        return "linux", "amd64"

    def answers(self) -> bool:
        return self.up

    def image(self, reference: str) -> LocalImage | None:
        return replace(IMAGE, platform=self.made_for) if reference in self.local else None

    def traces(self, reference: str) -> str:
        return self.history

    def pull(
        self, reference: str, platform: str | None, login: Login | None, stopping: Stopping
    ) -> Transfer:
        self.pulled.append(reference)
        if self.transfer.refusal is None:
            self.local = (*self.local, reference)
        return self.transfer

    def push(self, name: str, login: Login | None, stopping: Stopping) -> Transfer:
        self.pushed.append(name)
        return self.transfer

    def untag(self, name: str) -> None:
        self.untagged.append(name)

    def build(
        self, request: BuildRequest, on_output: Callable[[bytes], None], stopping: Stopping
    ) -> BuildResult:
        self.requests.append(request)
        on_output(self.output)
        return BuildResult(stopped=True) if stopping() else self.built


@dataclass
class Log:
    """Lines of a run, kept in a list."""

    lines: list[LogLine] = field(default_factory=list)

    def write(self, *lines: LogLine) -> None:
        self.lines += lines

    @property
    def text(self) -> str:
        return "\n".join(line.line for line in self.lines)


@dataclass
class Run:
    """One run and everything that was seen of it."""

    folder: Path
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    log: Log = field(default_factory=Log)
    records: list[RunRecord] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    served: str | None = DIGEST
    branch: str = "main"
    tags: dict[str, str] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    refused: RegistryRefused | None = None
    seen: dict[str, str] = field(default_factory=dict)
    canceled_by: str | None = None
    interrupted: bool = False
    seconds: float = 0
    engine_error: Exception | None = None

    def engine_port(self, needs: Needs) -> tuple[Images, Builder]:
        if self.engine_error is not None:
            raise self.engine_error
        return self.engine, self.engine

    def secret(self, reference: str) -> str:
        if reference not in self.secrets:
            raise SecretUnavailable(f"the secret {reference} cannot be read")
        return self.secrets[reference]

    def ask_registry(
        self, host: str, repository: str, reference: str, login: Login | None
    ) -> str | None:
        if reference.startswith("sha256:"):
            return self.served
        if self.refused is not None:
            raise self.refused
        return self.tags.get(f"{host}/{repository}:{reference}")

    @property
    def work(self) -> Path:
        folder = self.folder.with_name(self.folder.name + "-work")
        folder.mkdir(exist_ok=True)
        return folder

    def tick(self) -> float:
        self.seconds += 0.001
        return self.seconds

    def ports(self) -> Ports:
        return Ports(
            fetch=lambda _source, _token, _stopping: Fetched(
                self.folder, self.folder, "c0ffee", self.branch
            ),
            engine=self.engine_port,
            registry=self.ask_registry,
            secret=self.secret,
            login=lambda _host: None,
            fingerprint=lambda value: f"print of {len(value)}",
            log=self.log,
            on_record=self.records.append,
            canceled=lambda: self.canceled_by,
            interrupted=lambda: self.interrupted,
            clock=lambda: NOW,
            monotonic=self.tick,
            folder=self.work,
            seen=self.seen.get,
        )

    def go(
        self, dockerfile: str = "FROM known\n", timeout: int = 3600, **step: object
    ) -> RunRecord:
        (self.folder / "Dockerfile").write_text(dockerfile)
        request = RunRequest(
            id="r234567",
            actor="dev@contoso.example",
            source="app",
            # Not validated again: an older version may have applied what is wrong today.
            step=DockerStep().model_copy(update={**step, "images": tuple(step.get("images", ()))}),  # type: ignore[arg-type]
            login_server="r.example:5000",
            timeout=timeout,
            bases=self.bases,
        )
        return execute(request, self.ports())
