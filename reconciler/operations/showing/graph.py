"""`graph`: the declared tasks, what wakes them, and what they are built from.

The state is asked only for what neither specs nor the files beside them tell: what tasks with a
context elsewhere build on, by their runs or as the daemon has read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reconciler.base.diagnostics import has_errors
from reconciler.base.errors import InvalidInput
from reconciler.model.task import Task
from reconciler.operations.planning.choosing import Choice, selection_of
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.reading.gather import read_declared, servers_of
from reconciler.operations.reading.local_builds import FETCHED
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.needs import images_from_outside, who_builds_on_whom
from reconciler.plan.normalise import canonical_document
from reconciler.plan.parts import Document
from reconciler.plan.selection import Facts, Hits
from reconciler.store.sqlite_file import sqlite_path

if TYPE_CHECKING:  # late: SQLAlchemy
    from reconciler.store.task_bases import Reading

NodeKind = Literal["task", "image", "trigger"]
EdgeKind = Literal["base", "wakes"]


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A task (its address), an image from outside (as it is written) or a trigger of one task.

    `wave` is when a push builds the task anew, from 1; None where no push is drawn.
    """

    kind: NodeKind
    id: str
    label: str
    wave: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """From a base to what is built on it, or from a trigger to the task it wakes. Ids of nodes."""

    source: str
    target: str
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and edges, each sorted. `unread`: tasks whose own files do not tell what they are built
    from, each with why."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    unread: tuple[tuple[str, str], ...] = ()


def task_graph(opened: OpenWorkspace, choice: Choice | None = None) -> Graph:
    """The graph of the declared tasks, or of the chosen ones. Raises InvalidInput, WrongUsage."""
    tasks = _chosen(opened, choice)
    documents = {address: canonical_document(task) for address, task in tasks.items()}
    (bases, unread), servers = _bases(opened, documents), servers_of(opened)
    nodes = {Node("task", f"task {address}", address) for address in tasks}
    edges = set()
    for writer, taker in who_builds_on_whom(documents, servers, bases):
        edges.add(Edge(f"task {writer}", f"task {taker}", "base"))
    for image, taker in images_from_outside(documents, servers, bases):
        nodes.add(Node("image", f"image {image}", image))
        edges.add(Edge(f"image {image}", f"task {taker}", "base"))
    for address, task in tasks.items():
        for label in _triggers(task):
            nodes.add(Node("trigger", f"trigger {address} {label}", label))
            edges.add(Edge(f"trigger {address} {label}", f"task {address}", "wakes"))
    return Graph(tuple(sorted(nodes)), tuple(sorted(edges)), tuple(sorted(unread.items())))


def _bases(
    opened: OpenWorkspace, documents: Mapping[str, Document]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Image names by address, as they are written, frontends left out; and what is missing here.

    Of a context that the run fetches, nothing is missing here.
    """
    reader = BasesReader(opened)
    found = {address: reader.of(document) for address, document in documents.items()}
    bases = {address: list(one.copied) for address, one in found.items()}
    asked = [address for address, one in found.items() if one.bases.unknown is not None]
    for address, reading in _known(opened, asked).items():
        # What was declared is what the files here say, unless nothing here tells of it.
        if reading.source == "observed" or not bases[address]:
            bases[address] += [base.reference for base in reading.bases.images]
    unread = {address: str(found[address].bases.unknown) for address in asked}
    return bases, {address: why for address, why in unread.items() if why != FETCHED}


def _known(opened: OpenWorkspace, addresses: list[str]) -> dict[str, Reading]:
    """What runs and the daemon told of tasks. Where there is no state yet, none is made."""
    path = sqlite_path(opened.workspace.state, opened.root)
    if not addresses or (path is not None and not path.exists()):
        return {}
    from reconciler.store.task_bases import read_bases  # noqa: PLC0415  (late: SQLAlchemy)

    with opened.database.read() as connection:
        readings = {address: read_bases(connection, address) for address in addresses}
    return {address: one for address, one in readings.items() if one is not None}


def _chosen(opened: OpenWorkspace, choice: Choice | None) -> dict[str, Task]:
    selection = selection_of(opened, choice)
    hits, declared, found = (
        Hits(selection, "what is declared"),
        read_declared(opened),
        dict[str, Task](),
    )
    for located in declared.tasks():
        metadata = located.value.metadata
        address = located.value.address
        facts = Facts((address,), metadata.owner, metadata.labels, located.source.file)
        hits.see(facts)
        if selection.selects(facts):
            found[address] = located.value
    if has_errors(declared.diagnostics):
        raise InvalidInput(declared.diagnostics)
    hits.refuse_misses()
    return found


def _triggers(task: Task) -> Iterator[str]:
    """What wakes a task, in words; what is off is left out."""
    if task.spec.status == "Disabled":
        return
    triggers = task.spec.triggers
    for hook in triggers.commit:
        if hook.status == "Enabled":
            yield f"push to {hook.branch or 'the default branch'}"
    if any(hook.status == "Enabled" for hook in triggers.pull_request):
        yield "pull request"
    if triggers.base_image is not None and triggers.base_image.status == "Enabled":
        yield f"base image ({triggers.base_image.type})"
    for name, timer in triggers.timers.items():
        if timer.status == "Enabled":
            yield f"timer {name}: {timer.schedule}"
