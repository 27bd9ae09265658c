"""What only all specs together can get wrong: addresses, renames, image tags, registries."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.source import Located, Source
from reconciler.base.text import did_you_mean, one_line
from reconciler.model.image import named_registry, output_key
from reconciler.model.task import SHARED_TAG_LABEL, Task
from reconciler.model.workspace import Workspace


@dataclass(slots=True)
class CrossCheck:
    """Is shown every task once, keeps little of it, and tells at the end what collides."""

    workspace: Workspace
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _addresses: dict[str, Source] = field(default_factory=dict)
    _former: dict[str, tuple[str, Source]] = field(default_factory=dict)
    _outputs: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def add(self, located: Located[Task]) -> bool:
        """Look at a task. False if its address is taken or its registry unknown."""
        task, source = located.value, located.source
        known = self._check_registry(task, source)
        first = self._addresses.setdefault(task.address, source)
        if first is not source:
            place = first.locate(("metadata", "name"))
            self._complain(
                f"two tasks have the address {task.address}; the first is at {place}",
                task,
                source.locate(("metadata", "name")),
                "give one of them another name",
            )
            return False
        self._note_former(task, source)
        self._check_outputs(task, source)
        return known

    def finish(self) -> list[Diagnostic]:
        """All diagnostics, once every task was added."""
        for former, (address, source) in self._former.items():
            if former in self._addresses:
                self._complain(
                    f"{address} says it was {former}, but {former} is still declared",
                    None,
                    source.locate(("metadata", "movedFrom")),
                    "remove movedFrom, or the other task",
                )
        return self.diagnostics

    def _check_registry(self, task: Task, source: Source) -> bool:
        name = task.metadata.registry
        names = [registry.name for registry in self.workspace.registries]
        if name in names:
            return True
        near = did_you_mean(name, names)
        fix = f"did you mean {near!r}?" if near else "add it to `registries` in reconciler.yaml"
        place = source.locate(("metadata", "registry"))
        message = f"the registry {name!r} is not declared"
        self.diagnostics.append(
            Diagnostic(
                message, place, task=task.address, allowed=", ".join(names) or "none", fix=fix
            )
        )
        return False

    def _note_former(self, task: Task, source: Source) -> None:
        for name in task.metadata.moved_from:
            former = f"{task.metadata.registry}/{name}"
            other = self._former.setdefault(former, (task.address, source))
            if other[1] is not source:
                place = source.locate(("metadata", "movedFrom"))
                message = f"{former} became two tasks: {other[0]} and {task.address}"
                self._complain(message, task, place, "keep movedFrom in one of them")

    def _check_outputs(self, task: Task, source: Source) -> None:
        registry = self.workspace.registry(task.metadata.registry)
        if registry is None:
            return  # told already
        server = registry.login_server
        self._check_hosts(task, source, server)
        shared = task.metadata.labels.get(SHARED_TAG_LABEL) == "true"
        keys = {output_key(image, server) for image in task.images}
        for key in sorted(key for key in keys if key is not None):
            owner = self._outputs.setdefault(key, (task.address, shared))
            if owner[0] != task.address and not (owner[1] and shared):
                self._complain(
                    f"{owner[0]} and {task.address} both write {key}",
                    task,
                    source.locate(("spec", "step", "docker", "images")),
                    f'use another tag, or give both the label {SHARED_TAG_LABEL}: "true"',
                )

    def _check_hosts(self, task: Task, source: Source, server: str) -> None:
        """A run pushes to its own registry and to those that the task has a login for."""
        allowed = [server, *task.spec.credentials.registries]
        for number, image in enumerate(task.images):
            host = named_registry(image)
            if host is not None and host not in allowed:
                place = source.locate(("spec", "step", "docker", "images", number))
                message = f"the image {one_line(image)} names the registry {one_line(host)}"
                fix = "leave the registry out, or give the task a login in credentials.registries"
                self.diagnostics.append(
                    Diagnostic(
                        message, place, task=task.address, allowed=", ".join(allowed), fix=fix
                    )
                )

    def _complain(self, message: str, task: Task | None, place: Location, fix: str) -> None:
        address = task.address if task else None
        self.diagnostics.append(Diagnostic(message, place, task=address, fix=fix))
