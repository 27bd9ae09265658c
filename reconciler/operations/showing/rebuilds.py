"""`graph --base IMAGE`: which applied tasks a push to an image builds anew, and in which waves.

Read from the state, where apply and runs wrote it; no spec is read. Starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reconciler.base.errors import WrongUsage
from reconciler.base.text import did_you_mean, one_line
from reconciler.model.tracked import tracked_reference
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.showing.graph import Edge, Graph, Node
from reconciler.operations.workspace import OpenWorkspace

if TYPE_CHECKING:
    from reconciler.operations.planning.reach import Reach
    from reconciler.operations.planning.standings import Minders

WhyLeft = Literal["no trigger", "not its kind", "hop limit"]


@dataclass(frozen=True, slots=True)
class Rebuilds:
    """What a push does. `image` is its one spelling, `near` one that is tracked if this is not.

    `waves` are addresses; `left` are tasks that stand on a moved image and are not built anew, with
    why; `unknown` are applied tasks of which nobody knows what they stand on. At most `at_once`
    runs are done at the same time. `platforms` are those of the tasks on the image itself.
    """

    image: str
    graph: Graph
    waves: tuple[tuple[str, ...], ...]
    left: tuple[tuple[str, WhyLeft], ...] = ()
    unknown: tuple[str, ...] = ()
    near: str | None = None
    at_once: int = 10
    platforms: tuple[str, ...] = ()


def rebuilds_of(opened: OpenWorkspace, image: str) -> Rebuilds:
    """What a push to an image builds anew. Raises WrongUsage: it is no image name."""
    from reconciler.operations.planning.minders import read_minders  # noqa: PLC0415  (late)
    from reconciler.operations.planning.reach import reach  # noqa: PLC0415  (late: SQLAlchemy)
    from reconciler.store.task_bases import unknown_tasks  # noqa: PLC0415  (late)

    try:
        start = tracked_reference(image)
    except ValueError as error:
        raise WrongUsage(f"--base {one_line(image, 80)}: {error}") from None
    with opened.database.read() as connection:
        unknown = tuple(unknown_tasks(connection))
    minders = read_minders(BasesReader(opened))
    found = reach(minders, start)
    return Rebuilds(
        start,
        _graph(minders, start, found),
        found.waves,
        tuple(sorted(_left(minders, start, found).items())),
        unknown,
        None if start in minders.standers else did_you_mean(start, sorted(minders.standers)),
        opened.workspace.server.watch.max_concurrent,
        found.platforms,
    )


def _graph(minders: Minders, start: str, found: Reach) -> Graph:
    from reconciler.operations.planning.reach import links  # noqa: PLC0415  (late: SQLAlchemy)

    nodes = [Node("image", f"image {start}", start)]
    for number, wave in enumerate(found.waves, 1):
        nodes += [Node("task", f"task {address}", address, number) for address in wave]
    edges = {
        Edge(f"task {writer}" if writer else f"image {start}", f"task {taker}", "base")
        for writer, taker in links(minders, start, found)
    }
    return Graph(tuple(nodes), tuple(sorted(edges)))


def _left(minders: Minders, start: str, found: Reach) -> dict[str, WhyLeft]:
    """Who stands on what moves and is not built anew."""
    left: dict[str, WhyLeft] = {}
    for reference in _moving(minders, start, found):
        for address, base in minders.standers.get(reference, ()):
            standing = minders.book.get(address)
            if standing is None or standing.off is not None:
                left[address] = "no trigger"
            elif standing.minds(base.kind) is not None:
                left.setdefault(address, "not its kind")
    left |= dict.fromkeys(found.beyond, "hop limit")
    return {address: why for address, why in left.items() if address not in found.tasks}


def _moving(minders: Minders, start: str, found: Reach) -> Iterator[str]:
    yield start
    for address in sorted(found.tasks):
        yield from minders.book[address].images
