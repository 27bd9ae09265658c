"""Can the engine of a platform do what tasks ask: one judgement, for plans and for doctor. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.capability import Capability, Recorded
from reconciler.model.choice import Needs, NoBackend, choose
from reconciler.model.demand import Demand
from reconciler.model.workspace import PlatformEngine, Workspace

_START = "start the engine"
_EMULATOR = "install qemu-user-static (binfmt) beside the engine"


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing for a demand, and what helps.

    Not `certain`: it is missing only if the Dockerfile has a RUN instruction.
    """

    why: str
    fix: str
    certain: bool = True

    @property
    def advice(self) -> str:
        """What helps; where no RUN is known, as what it is: nothing to do for who has none."""
        return self.fix if self.certain else f"if its Dockerfile has RUN: {self.fix}"


def entry_of(workspace: Workspace, platform: str) -> PlatformEngine:
    """The entry of reconciler.yaml for a platform; what none names has the engine `auto`."""
    return workspace.platforms.get(platform, PlatformEngine())


def capability_of(entry: PlatformEngine, known: Iterable[Recorded]) -> Recorded | None:
    """What is known of the engine of an entry."""
    wanted = (entry.engine, entry.buildkit)
    return next(
        (one for one in known if (one.capability.engine, one.capability.buildkit) == wanted), None
    )


def lack_of(entry: PlatformEngine, capability: Capability, demand: Demand) -> Lack | None:
    """What an engine and the ways to build beside it lack for a demand; None: nothing."""
    runs = demand.platform in capability.runs
    if demand.starts and not runs:
        if capability.version is None:
            return Lack("no engine answers, and its steps start containers", _START)
        return cannot_start(capability.runs, demand.platform)
    if demand.builds or (demand.unread and not runs):
        return _lack_of_builder(entry, capability, demand)
    return None


def _lack_of_builder(entry: PlatformEngine, capability: Capability, demand: Demand) -> Lack | None:
    def asked(*, runs: bool) -> NoBackend | None:
        needs = Needs(secrets=demand.secrets, runs=runs, engine=demand.starts)
        found = choose(capability.backends, demand.platform, needs, forced=entry.backend)
        return found if isinstance(found, NoBackend) else None

    # What a Dockerfile has is not known here: it may have no RUN.
    refused = asked(runs=True)
    if refused is None:
        return None
    certain = asked(runs=False) is not None
    if capability.version is None and capability.engine != "auto":
        return Lack(f"no engine answers, and {refused.why}", f"{_START}, or {refused.fix}", certain)
    return Lack(refused.why, refused.fix, certain)


def cannot_start(runs: Iterable[str], platform: str) -> Lack:
    """What an engine lacks whose containers have other platforms, `runs`."""
    declare = f"declare an engine that runs it: platforms.{platform}.engine"
    fix = declare if platform.startswith("windows/") else f"{_EMULATOR}, or {declare}"
    return Lack(f"the engine runs {spell_platforms(runs)} only", fix)


def spell_platforms(platforms: Iterable[str]) -> str:
    """`linux/amd64, linux/386`, or `nothing`."""
    return ", ".join(platforms) or "nothing"
