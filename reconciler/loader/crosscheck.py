"""What only all specs together can get wrong: addresses, renames, image tags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.source import Path, Source
from reconciler.model.demand import demand_of
from reconciler.model.image import output_key
from reconciler.model.task import SHARED_TAG_LABEL, Task
from reconciler.model.workspace import Workspace

Find = Callable[[], Source]


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What is kept of a declared task while the others are read: a fraction of its size.

    `moved_from` are former addresses, `outputs` what it writes and no other task may (a tag that
    two tasks may share has `shared`), `demand` what it asks of an engine (model/demand).
    """

    address: str
    owner: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    moved_from: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    shared: bool = False
    demand: str = ""


def found_at(source: Source) -> Find:
    """The function that gives a source which is at hand."""
    return lambda: source


def facts_of(task: Task, workspace: Workspace) -> TaskFacts:
    """The facts of a task whose registry the workspace may not know."""
    metadata, registry = task.metadata, workspace.registry(task.metadata.registry)
    server = registry.login_server if registry is not None else None
    keys = {output_key(image, server) for image in task.images} if server is not None else set()
    return TaskFacts(
        task.address,
        metadata.owner,
        dict(metadata.labels),
        task.former_addresses,
        tuple(sorted(key for key in keys if key is not None)),
        metadata.labels.get(SHARED_TAG_LABEL) == "true",
        str(demand_of(task.spec)),
    )


@dataclass(slots=True)
class CrossCheck:
    """Is shown every task once, keeps little of it, and tells at the end what collides.

    A task comes with a function that gives its source: it is asked only for what is wrong.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    _addresses: dict[str, Find] = field(default_factory=dict)
    _former: dict[str, tuple[str, Find]] = field(default_factory=dict)
    _outputs: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def add(self, facts: TaskFacts, source: Find) -> bool:
        """Look at a task. False if its address is taken."""
        first = self._addresses.setdefault(facts.address, source)
        if first is not source:
            place = first().locate(("metadata", "name"))
            self._complain(
                f"two tasks have the address {facts.address}; the first is at {place}",
                facts.address,
                source,
                ("metadata", "name"),
                "give one of them another name",
            )
            return False
        if facts.moved_from:
            self._note_former(facts, source)
        if facts.outputs:
            self._note_outputs(facts, source)
        return True

    def finish(self) -> list[Diagnostic]:
        """All diagnostics, once every task was added."""
        for former, (address, source) in self._former.items():
            if former in self._addresses:
                self._complain(
                    f"{address} says it was {former}, but {former} is still declared",
                    None,
                    source,
                    ("metadata", "movedFrom"),
                    self._way_out(address, former),
                )
        return self.diagnostics

    def _way_out(self, address: str, former: str) -> str:
        """What helps where a name is given up and taken again: one apply does not do both."""
        before = {taken: name for name, (taken, _) in self._former.items()}
        if former not in before:
            return "remove movedFrom, or the other task"
        seen, earliest = [former], before[former]
        while earliest in before and earliest not in seen:
            seen.append(earliest)
            earliest = before[earliest]
        if address in seen:
            return (
                "tasks cannot exchange their names in one apply: remove movedFrom from them, and "
                "each is updated in place"
            )
        return (
            f"rename one after the other, with an apply each: first {former} to {address}, while "
            f"{before[former]} keeps its name; then remove movedFrom from {address}, and rename "
            f"{before[former]} to {former}"
        )

    def _note_former(self, facts: TaskFacts, source: Find) -> None:
        for former in facts.moved_from:
            other = self._former.setdefault(former, (facts.address, source))
            if other[1] is not source:
                message = f"{former} became two tasks: {other[0]} and {facts.address}"
                fix = "keep movedFrom in one of them"
                self._complain(message, facts.address, source, ("metadata", "movedFrom"), fix)

    def _note_outputs(self, facts: TaskFacts, source: Find) -> None:
        for key in facts.outputs:
            owner = self._outputs.setdefault(key, (facts.address, facts.shared))
            if owner[0] != facts.address and not (owner[1] and facts.shared):
                self._complain(
                    f"{owner[0]} and {facts.address} both write {key}",
                    facts.address,
                    source,
                    ("spec", "step", "docker", "images"),
                    f'use another tag, or give both the label {SHARED_TAG_LABEL}: "true"',
                )

    def _complain(
        self, message: str, address: str | None, source: Find, path: Path, fix: str
    ) -> None:
        place = source().locate(path)
        self.diagnostics.append(Diagnostic(message, place, task=address, fix=fix))
