"""What is told of platforms. Asks nobody.

Whether an engine can do what tasks ask is judged by `plan/capable`, as in a plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.base.diagnostics import Location
from reconciler.base.text import plural
from reconciler.model.capability import Backend, Capability
from reconciler.model.choice import Needs, choose
from reconciler.model.demand import Demand, read_demand
from reconciler.model.platform import is_emulated
from reconciler.model.workspace import PlatformEngine, Workspace
from reconciler.operations.doctoring.engine_lines import (
    Engines,
    builder_findings,
    engine_findings,
)
from reconciler.operations.doctoring.engines import EngineAnswer
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.doctoring.wanted import Wanted
from reconciler.operations.reading.demands import Asking, Lacking
from reconciler.operations.reading.platform_problems import spell_engine
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.capable import Lack, entry_of, lack_of


def entries_of(workspace: Workspace, wanted: Wanted) -> list[PlatformEngine]:
    """The engines to ask, each once: those of declared platforms and of those that tasks have.

    Where nothing is declared, the one that a build in any folder would use.
    """
    asked = (read_demand(text).platform for text in wanted.demands.asking)
    platforms = [*wanted.platforms, *asked]
    entries = [asked_for(entry_of(workspace, name)) for name in platforms]
    return list(dict.fromkeys(entries)) or [PlatformEngine()]


def asked_for(entry: PlatformEngine) -> PlatformEngine:
    """An entry without what an engine is not asked: which way to build is preferred."""
    return entry.model_copy(update={"backend": "auto"})


def platform_findings(opened: OpenWorkspace, wanted: Wanted, engines: Engines) -> list[Finding]:
    """Engines and builders, then each platform that is declared or asked for."""
    platforms = list(_platforms(opened, wanted, engines))
    uses: dict[PlatformEngine, list[Finding]] = {entry: [] for entry in engines}
    for one in platforms:
        uses[asked_for(entry_of(opened.workspace, one.subject))].append(one)
    foreign = _foreign(opened.workspace, wanted, engines)
    found = [*engine_findings(uses, engines), *builder_findings(uses, engines)]
    return [*found, *platforms, *foreign]


# ------------------------------------------------------------------ platforms
def _platforms(opened: OpenWorkspace, wanted: Wanted, engines: Engines) -> Iterator[Finding]:
    workspace = opened.workspace

    def capability(platform: str) -> Capability | None:
        found = engines[asked_for(entry_of(workspace, platform))].value
        return found.capability if found else None

    asked: dict[str, list[Asking]] = {name: [] for name in wanted.platforms}
    for text, asking in wanted.demands.asking.items():
        asked.setdefault(read_demand(text).platform, []).append(asking)
    lacking: dict[str, list[Lacking]] = {}
    for one in wanted.demands.lacking(opened, capability):
        lacking.setdefault(one.demand.platform, []).append(one)
    for name, tasks in sorted(asked.items()):
        place = wanted.platforms.get(name) or tasks[0].place
        found = engines[asked_for(entry_of(workspace, name))]
        if found.value is None:
            told = f"not known: {found.why}"
            yield Finding(Kind.PLATFORM, name, Status.MISSING, told, found.fix, True, place)
            continue
        lacks = lacking.get(name, []) if tasks else _of_nobody(name, workspace, found.value)
        yield from _platform(name, workspace, found.value.capability, Demanded(tasks, lacks, place))


def _foreign(workspace: Workspace, wanted: Wanted, engines: Engines) -> Iterator[Finding]:
    """Platforms that build steps name. The engine of their task builds them, none of their own."""
    for (own, demand), use in wanted.foreign.items():
        entry = entry_of(workspace, own)
        found = engines[asked_for(entry)].value
        if found is None:
            continue  # told with the platform of the task
        used = f" in a step; {plural(use.count, 'task')} of {own}"
        lack = lack_of(entry, found.capability, demand)
        if lack is None:
            told, status = f"{_how(demand.platform, entry, found.capability)}{used}", Status.OK
        else:
            told = f"{spell_engine(found.capability)}: {lack.why}{used}"
            status = Status.MISSING if lack.certain else Status.WARNING
        fix = lack.advice if lack else None
        yield Finding(Kind.PLATFORM, demand.platform, status, told, fix, True, use.place)


def _of_nobody(name: str, workspace: Workspace, found: EngineAnswer) -> list[Lacking]:
    """What is lacking for a platform that is declared, and that no task has."""
    demand = Demand(name, builds=True)
    lack = lack_of(entry_of(workspace, name), found.capability, demand)
    return [Lacking(demand, lack, Asking())] if lack is not None and lack.certain else []


@dataclass(frozen=True, slots=True)
class Demanded:
    """What is asked of a platform, and what is lacking for it."""

    tasks: list[Asking]
    lacks: list[Lacking]
    place: Location


def _platform(
    name: str, workspace: Workspace, capability: Capability, demanded: Demanded
) -> Iterator[Finding]:
    """Why it is not done, each reason with its tasks, what is certain first; else how it is."""
    count = sum(one.count for one in demanded.tasks)
    used = f"; {plural(count, 'task')}" if count else "; no task has it"
    lacking: dict[Lack, list[Asking]] = {}
    for one in sorted(demanded.lacks, key=lambda one: not one.lack.certain):
        lacking.setdefault(one.lack, []).append(one.asking)
    for lack, asking in lacking.items():
        place = next((one.place for one in asking if one.first), demanded.place)
        some = sum(one.count for one in asking)
        of = f"; {some:,} of {plural(count, 'task')}" if 0 < some < count else used
        status = Status.MISSING if lack.certain else Status.WARNING
        told = f"{spell_engine(capability)}: {lack.why}{of}"
        yield Finding(Kind.PLATFORM, name, status, told, lack.advice, True, place)
    if not lacking:
        told = f"{_how(name, entry_of(workspace, name), capability)}{used}"
        yield Finding(Kind.PLATFORM, name, Status.OK, told, None, True, demanded.place)


def _how(name: str, entry: PlatformEngine, capability: Capability) -> str:
    """`emulated, built by buildkit`, or `put together by buildah, from COPY and ADD alone`."""
    emulated = (
        "emulated, "
        if name in capability.runs[1:] and is_emulated(name, capability.runs[0])
        else ""
    )
    for runs, words in (
        (True, "built by {}"),
        (False, "put together by {}, from COPY and ADD alone"),
    ):
        built = choose(capability.backends, name, Needs(runs=runs), forced=entry.backend)
        if isinstance(built, Backend):
            return emulated + words.format(built.kind)
    return f"{emulated}runs, and nothing builds for it"
