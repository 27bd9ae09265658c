"""What the steps of a task may not ask for if nothing of it may reach out. Looks at no machine.

Source: what Docker's networks hold and what they do not, measured; see docs/reference/egress.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.taskfile.steps.limits import Limit
from reconciler.taskfile.tasks import CmdStep, Network, TaskFile

NO_NETWORK = "none"
SOCKET = Limit(
    "dockerSocket: true hands every step the engine, and with it any network",
    "dockerSocket: true",
    "remove dockerSocket, or write network: {egress: any}",
)
# What a network between containers does not keep in.
BESIDE = (
    "steps that run side by side share a bridge: what they send by broadcast or multicast may be "
    "heard on the machine of the engine"
)
COPY_IT = (
    "put the file into the context, and COPY it (of a path with a variable write ./ before it)"
)
# These have a Dockerfile read by a program from an image, beside the network of the build.
HONOUR_FRONTENDS = frozenset(("buildkit", "buildctl"))
FRONTEND_ARGUMENT = "BUILDKIT_SYNTAX"
FRONTEND = "has a program from an image read the Dockerfile, and that program has a network"
_ANY = "write network: {egress: any}"


@dataclass(frozen=True, slots=True)
class WayOut:
    """A step (None: a network) that asks for a way out, its line, and where it is in the file."""

    step: str | None
    line: int
    place: tuple[str, int]
    limit: Limit


def ways_out(task: TaskFile) -> Iterator[WayOut]:
    """What a run that may not reach out refuses."""
    for index, network in enumerate(task.networks):
        limit = _of_network(network)
        if limit is not None:
            yield WayOut(None, 1, ("networks", index), limit)
    made = {network.name for network in task.networks if network.create}
    for index, step in enumerate(task.steps):
        place = "steps", index
        if not isinstance(step, CmdStep):
            continue
        if step.privileged:
            message = "is privileged, and can give itself any network"
            found = "privileged: true"
            yield WayOut(step.id, step.line, place, Limit(message, found, f"remove it, or {_ANY}"))
        if step.network not in {*made, None, NO_NETWORK}:
            message = f"has the network {step.network}, which leads out"
            limit = Limit(message, str(step.network), "remove network")
            yield WayOut(step.id, step.line, place, limit)


def _of_network(network: Network) -> Limit | None:
    name = f"the network {network.name}"
    if not network.create:
        found = "skipCreation: true"
        return Limit(f"{name} exists already, and may lead out", found, "remove skipCreation")
    if network.ipv6:
        return Limit(f"{name} with IPv6 reaches the engine's machine", "ipv6: true", "remove ipv6")
    if network.driver not in {None, "", "bridge"}:
        return Limit(f"{name} may lead out", f"driver: {network.driver}", "remove driver")
    return None


def side_by_side(task: TaskFile) -> bool:
    """True if containers of two steps can be there at the same time."""
    steps = {step.id: step for step in task.steps}
    containers = [step for step in task.steps if isinstance(step, CmdStep)]
    if len(containers) > 1 and any(step.detach for step in containers):
        return True
    before = _all_before({name: step.needs for name, step in steps.items()})
    return any(
        one.id not in before[other.id] and other.id not in before[one.id]
        for number, one in enumerate(containers)
        for other in containers[number + 1 :]
    )


def _all_before(needs: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """Everything a step waits for, and what that waits for. Steps wait for earlier ones only."""
    found: dict[str, frozenset[str]] = {}
    for name, direct in needs.items():
        found[name] = frozenset(direct).union(*(found.get(one, frozenset()) for one in direct))
    return found
