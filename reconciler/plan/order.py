"""The order of changes: base before app; an app that goes, before its base goes. Pure.

Where nothing depends on anything, changes stay in the order of their addresses.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from reconciler.plan.change import Change

Needs = Mapping[str, AbstractSet[str]]


@dataclass(frozen=True, slots=True)
class Ordered:
    """Changes in the order of their writes, and groups that depend on each other in a circle."""

    changes: tuple[Change, ...]
    cycles: tuple[tuple[str, ...], ...]


def in_order(changes: Sequence[Change], needs: Needs) -> Ordered:
    """Sort changes: what one needs comes before it. `needs` are addresses by address.

    Inside a circle nothing waits for anything.
    """
    if not needs:
        return Ordered(tuple(changes), ())
    by_address = {change.address: change for change in changes}
    graph = {address: set(needs.get(address, ())) for address in sorted(by_address)}
    cycles = _open_cycles(graph)
    return Ordered(
        tuple(
            replace(by_address[address], depends_on=tuple(sorted(graph[address])))
            if graph[address]
            else by_address[address]
            for address in _sorted(graph)
        ),
        cycles,
    )


def _open_cycles(graph: dict[str, set[str]]) -> tuple[tuple[str, ...], ...]:
    """Take out what closes circles, one circle after the other; the circles that were found."""
    found = []
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = set(error.args[1])
            for address in circle:
                graph[address] -= circle
            found.append(tuple(sorted(circle)))
        else:
            return tuple(sorted(found))


def _sorted(graph: Mapping[str, AbstractSet[str]]) -> list[str]:
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    ready: list[str] = []
    order = []
    while sorter.is_active():
        for address in sorter.get_ready():
            heapq.heappush(ready, address)
        order.append(heapq.heappop(ready))
        sorter.done(order[-1])
    return order
