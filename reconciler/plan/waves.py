"""In which order tasks are built anew when an image moves. Pure.

A task waits for every other one of the same event that it stands on. Each is built once: what
closes a circle waits for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Literal

from reconciler.model.task import Task
from reconciler.model.tracked import BaseKind
from reconciler.model.trigger import BaseImageTrigger

BuiltOn = Mapping[str, AbstractSet[str]]
Answer = Literal["rebuilds", "no trigger", "not its kind"]


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


def answer(task: Task, kind: BaseKind) -> Answer:
    """What a task does when an image moves that it stands on.

    `Runtime` looks at the last stage's base, `All` at those of every stage (ACR Tasks 5.3).
    """
    trigger = task.spec.triggers.base_image
    if task.spec.status != "Enabled" or trigger is None or trigger.status != "Enabled":
        return "no trigger"
    return "rebuilds" if looks_at(trigger, kind) else "not its kind"


def looks_at(trigger: BaseImageTrigger, kind: BaseKind) -> bool:
    """True if a trigger minds an image of this kind."""
    return kind == "runtime" or trigger.type == "All"
