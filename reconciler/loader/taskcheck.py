"""What one task can get wrong against its workspace: registries, hosts of images, its engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Located, Path
from reconciler.base.text import did_you_mean, one_line
from reconciler.model.image import named_registry
from reconciler.model.step import InlineTask
from reconciler.model.task import Task
from reconciler.model.workspace import Workspace


def _nothing(_: Located[Task]) -> Iterable[Diagnostic]:
    return ()


@dataclass(frozen=True, slots=True)
class TaskCheck:
    """Looks at one task after the other and keeps nothing.

    `engine` is the address of an engine that is not declared: DOCKER_HOST. `steps` judges the
    steps that a spec holds.
    """

    workspace: Workspace
    engine: str | None = None
    steps: Callable[[Located[Task]], Iterable[Diagnostic]] = _nothing

    def problems(self, located: Located[Task]) -> Iterator[Diagnostic]:
        """What is wrong with a task here; an error makes the task unusable."""
        task = located.value
        registry = self.workspace.registry(task.metadata.registry)
        if registry is None:
            yield self._unknown_registry(located)
        else:
            yield from _wrong_hosts(located, registry.login_server)
        yield from self._secret_volumes_elsewhere(located)
        yield from self.steps(located)

    def _unknown_registry(self, located: Located[Task]) -> Diagnostic:
        name = located.value.metadata.registry
        names = [registry.name for registry in self.workspace.registries]
        near = did_you_mean(name, names)
        return _told(
            located,
            ("metadata", "registry"),
            f"the registry {name!r} is not declared",
            f"did you mean {near!r}?" if near else "add it to `registries` in reconciler.yaml",
            ", ".join(names) or "none",
        )

    def _secret_volumes_elsewhere(self, located: Located[Task]) -> Iterator[Diagnostic]:
        """The files of secret volumes lie in memory beside the engine: it must be a local one."""
        spec = located.value.spec
        step, declared = spec.step, self.workspace.platforms.get(spec.platform)
        address = declared.engine if declared and declared.engine != "auto" else self.engine
        if not isinstance(step, InlineTask) or not address:
            return
        from reconciler.model.container import is_remote  # noqa: PLC0415  (late: rare)

        if not is_remote(address):
            return
        for number, item in enumerate(step.inline.steps):
            if item.volume_mounts:
                yield _told(
                    located,
                    ("spec", "step", "inline", "steps", number, "volumeMounts"),
                    f"a step mounts a secret volume, and the engine of {spec.platform} is on "
                    f"another machine: {one_line(address)}",
                    "hand the secret over in env, or run the task on an engine of this machine",
                )


def _wrong_hosts(located: Located[Task], server: str) -> Iterator[Diagnostic]:
    """A run pushes to its own registry and to those that the task has a login for."""
    task = located.value
    allowed = [server, *task.spec.credentials.registries]
    for number, image in enumerate(task.images):
        host = named_registry(image)
        if host is not None and host not in allowed:
            yield _told(
                located,
                ("spec", "step", "docker", "images", number),
                f"the image {one_line(image)} names the registry {one_line(host)}",
                "leave the registry out, or give the task a login in credentials.registries",
                ", ".join(allowed),
            )


def _told(
    located: Located[Task], path: Path, message: str, fix: str, allowed: str | None = None
) -> Diagnostic:
    place = located.source.locate(path)
    return Diagnostic(message, place, task=located.value.address, allowed=allowed, fix=fix)
