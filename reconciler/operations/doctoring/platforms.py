"""What is told of engines, of what builds beside them, and of platforms. Asks nobody.

Whether an engine can do what tasks ask is judged by `plan/capable`, as in a plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.base.diagnostics import Location
from reconciler.base.text import one_line, plural
from reconciler.model.capability import Backend, BackendKind, Capability
from reconciler.model.choice import Needs, choose
from reconciler.model.demand import Demand, read_demand
from reconciler.model.platform import is_emulated
from reconciler.model.workspace import PlatformEngine, Workspace
from reconciler.operations.doctoring.asking import Answer
from reconciler.operations.doctoring.engines import EngineAnswer
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.doctoring.wanted import Wanted
from reconciler.operations.reading.demands import Asking, Lacking
from reconciler.operations.reading.platform_problems import spell_engine
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.capable import entry_of, lack_of

Engines = Mapping[PlatformEngine, Answer[EngineAnswer]]


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
    foreign = _foreign(opened.workspace, wanted, engines)
    found = [*_engines(opened.workspace, platforms, engines), *_builders(engines)]
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
        yield _platform(name, workspace, found.value.capability, Demanded(tasks, lacks, place))


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
        fix = lack.fix if lack else None
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
) -> Finding:
    place, count = demanded.place, sum(one.count for one in demanded.tasks)
    used = f"; {plural(count, 'task')}" if count else "; no task has it"
    worst = min(demanded.lacks, key=lambda one: not one.lack.certain, default=None)
    if worst is None:
        told = f"{_how(name, entry_of(workspace, name), capability)}{used}"
        return Finding(Kind.PLATFORM, name, Status.OK, told, None, True, place)
    lack = worst.lack
    if worst.asking.first:
        place = worst.asking.place
    status = Status.MISSING if lack.certain else Status.WARNING
    told = f"{spell_engine(capability)}: {lack.why}{used}"
    return Finding(Kind.PLATFORM, name, status, told, lack.fix, True, place)


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


# ------------------------------------------------------- engines and builders
def _engines(
    workspace: Workspace, platforms: Sequence[Finding], engines: Engines
) -> Iterator[Finding]:
    """An engine with an address is declared. `auto` is needed where a platform is missing for
    want of it: buildah needs none."""
    for entry, answer in engines.items():
        own = [one for one in platforms if asked_for(entry_of(workspace, one.subject)) == entry]
        needed = entry.engine != "auto" or any(one.status is Status.MISSING for one in own)
        place = next((one.place for one in own), None)
        yield replace(_engine(entry, answer, needed=needed), place=place)


def _engine(entry: PlatformEngine, answer: Answer[EngineAnswer], *, needed: bool) -> Finding:
    name, found = one_line(entry.engine, 80), answer.value
    if found is None:
        return Finding(Kind.ENGINE, name, Status.MISSING, answer.why or "", answer.fix, needed)
    if found.why is not None:
        return Finding(Kind.ENGINE, name, Status.MISSING, found.why, found.fix, needed)
    capability = found.capability
    told = f"version {one_line(capability.version or '', 40)}"
    if not found.starts:
        told += "; it answers, and starts no container"
        fix = "look into its log: a container of a program of its own platform did not run"
        return Finding(Kind.ENGINE, name, Status.MISSING, told, fix, needed)
    runs = [_spell_run(one, capability.runs[0]) for one in capability.runs]
    return Finding(Kind.ENGINE, name, Status.OK, f"{told}, runs {', '.join(runs)}")


def _spell_run(platform: str, own: str) -> str:
    return f"{platform} (emulated)" if is_emulated(platform, own) else platform


def _builders(engines: Engines) -> Iterator[Finding]:
    """What builds on each engine; buildah is of this machine, and told once."""
    told = set()
    for entry, answer in engines.items():
        if answer.value is None:
            continue
        found = answer.value.capability.backends
        on = f" on {one_line(entry.engine, 80)}" if len(engines) > 1 else ""
        for backend in found:
            where = "" if backend.kind is BackendKind.BUILDAH else on
            version = one_line(backend.version, 40)
            told.add((backend.kind, f"version {version}{where}, {_abilities(backend)}"))
    for kind, text in sorted(told, key=lambda one: (list(BackendKind).index(one[0]), one[1])):
        yield Finding(Kind.BUILDER, kind, Status.OK, text)
    if not told:
        fix = "start a container engine, or install buildah"
        yield Finding(Kind.BUILDER, "builder", Status.MISSING, "nothing here builds images", fix)


def _abilities(backend: Backend) -> str:
    secrets = "mounts secrets" if backend.secrets else "mounts no secrets"
    return secrets + (f", {backend.cache} layer cache" if backend.cache != "none" else "")
