"""In which order tasks are built anew when an image moves. Pure.

A task waits for every other one of the same event that it stands on. Each is built once: what
closes a circle waits for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from reconciler.model.tracked import BaseKind
from reconciler.model.trigger import BaseImageTrigger

BuiltOn = Mapping[str, AbstractSet[str]]


def in_waves(needs: BuiltOn) -> tuple[tuple[str, ...], ...]:
    """Addresses wave by wave, sorted in each; `needs` are those that one stands on, for every one.

    The first wave stands on none of the others.
    """
    waiting = {
        address: {one for one in above if one in needs and one != address}
        for address, above in needs.items()
    }
    waves = []
    while waiting:
        ready = sorted(address for address, above in waiting.items() if not above)
        wave = tuple(ready or [min(waiting)])
        waves.append(wave)
        for address in wave:
            del waiting[address]
        for above in waiting.values():
            above.difference_update(wave)
    return tuple(waves)


def circles_in(needs: BuiltOn) -> tuple[tuple[str, ...], ...]:
    """The groups in which everyone stands on everyone, through others or itself; each sorted."""
    left = _between_circles(needs)
    below: dict[str, set[str]] = {address: set() for address in left}
    for address, above in left.items():
        for one in above:
            below[one].add(address)
    found, seen = [], set[str]()
    for address in sorted(left):
        if address not in seen:
            circle = _reached(left, address) & _reached(below, address)
            seen |= circle or {address}
            found += [tuple(sorted(circle))] if circle else []
    return tuple(found)


def _between_circles(needs: BuiltOn) -> dict[str, set[str]]:
    """What is left once those are gone, again and again, that stand on nobody of the others."""
    left = {address: {one for one in above if one in needs} for address, above in needs.items()}
    below: dict[str, list[str]] = {}
    for address, above in left.items():
        for one in above:
            below.setdefault(one, []).append(address)
    ready = [address for address, above in left.items() if not above]
    while ready:
        gone = ready.pop()
        del left[gone]
        for address in below.get(gone, ()):
            left[address].discard(gone)
            if not left[address]:
                ready.append(address)
    return left


def _reached(edges: BuiltOn, start: str) -> set[str]:
    found, waiting = set[str](), [start]
    while waiting:
        for one in edges[waiting.pop()]:
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def looks_at(trigger: BaseImageTrigger, kind: BaseKind) -> bool:
    """True if a trigger minds an image of this kind.

    `Runtime` looks at the last stage's base, `All` at those of every stage (ACR Tasks 5.3).
    """
    return kind == "runtime" or trigger.type == "All"
