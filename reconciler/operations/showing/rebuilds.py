"""`graph --base IMAGE`: which applied tasks a push to an image builds anew, and in which waves.

Read from the state, where apply and runs wrote it; no spec is read. Starts nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from reconciler.base.errors import WrongUsage
from reconciler.base.text import did_you_mean, one_line
from reconciler.model.task import Task
from reconciler.model.tracked import tracked_reference
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.pushed_names import pushed_names
from reconciler.operations.showing.graph import Edge, Graph, Node
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.waves import Answer, answer, in_waves

if TYPE_CHECKING:
    from reconciler.store.task_bases import Transaction


@dataclass(frozen=True, slots=True)
class Rebuilds:
    """What a push does. `image` is its one spelling, `near` one that is tracked if this is not.

    `waves` are addresses; `left` are tasks that stand on a moved image and are not built anew, with
    why; `unknown` are applied tasks of which nobody knows what they stand on.
    """

    image: str
    graph: Graph
    waves: tuple[tuple[str, ...], ...]
    left: tuple[tuple[str, Answer], ...] = ()
    unknown: tuple[str, ...] = ()
    near: str | None = None


@dataclass(slots=True)
class _Walk:
    """How far the news of a push came: edges from images and tasks, by what they reach."""

    above: dict[str, set[str]]
    edges: set[Edge]
    left: dict[str, Answer]


def rebuilds_of(opened: OpenWorkspace, image: str) -> Rebuilds:
    """What a push to an image builds anew. Raises WrongUsage: it is no image name."""
    from reconciler.store.task_bases import all_standers, unknown_tasks  # noqa: PLC0415  (late)

    try:
        start = tracked_reference(image)
    except ValueError as error:
        raise WrongUsage(f"--base {one_line(image, 80)}: {error}") from None
    with opened.database.read() as connection:
        walk = _follow(opened, connection, start)
        unknown = tuple(unknown_tasks(connection))
        missed = not walk.edges and not walk.left
        tracked = {one.base.reference for one in all_standers(connection)} if missed else ()
    waves = in_waves(walk.above)
    nodes = [Node("image", f"image {start}", start)]
    for number, wave in enumerate(waves, 1):
        nodes += [Node("task", f"task {address}", address, number) for address in wave]
    left = tuple(sorted(item for item in walk.left.items() if item[0] not in walk.above))
    graph = Graph(tuple(nodes), tuple(sorted(walk.edges)))
    near = did_you_mean(start, sorted(tracked))
    return Rebuilds(start, graph, waves, left, unknown, near)


def _follow(opened: OpenWorkspace, connection: Transaction, start: str) -> _Walk:
    """From an image to the tasks on it, to what they push, and so on."""
    from reconciler.store.task_bases import tasks_on  # noqa: PLC0415  (late: SQLAlchemy)

    walk, reader, waiting = _Walk({}, set(), {}), BasesReader(opened), deque([(start, "")])
    while waiting:
        reference, writer = waiting.popleft()
        for stander in tasks_on(connection, reference):
            task = _live(opened, stander.address)
            said = answer(task, stander.base.kind) if task is not None else "no trigger"
            if task is None or said != "rebuilds":
                walk.left.setdefault(stander.address, said)
                continue
            new = stander.address not in walk.above
            above = walk.above.setdefault(stander.address, set())
            source = f"task {writer}" if writer else f"image {start}"
            if writer != stander.address:
                above |= {writer} if writer else set()
                walk.edges.add(Edge(source, f"task {stander.address}", "base"))
            if new:
                made = dict.fromkeys(pushed_names(reader, task))
                waiting += [(name, stander.address) for name in made]
    return walk


def _live(opened: OpenWorkspace, address: str) -> Task | None:
    found = opened.provider.read(address)
    try:
        return None if found is None else Task.model_validate_json(found.document)
    except ValidationError:
        return None
