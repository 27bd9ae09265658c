"""What is told of engines, of what builds beside them, and of platforms. Asks nobody.

Whether an engine can do what tasks ask is judged by `plan/capable`, as in a plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.base.text import one_line, plural
from reconciler.model.capability import Backend, BackendKind, Capability
from reconciler.model.choice import Needs, choose
from reconciler.model.demand import Demand
from reconciler.model.platform import is_emulated
from reconciler.model.workspace import PlatformEngine, Workspace
from reconciler.operations.doctoring.asking import Answer
from reconciler.operations.doctoring.engines import EngineAnswer
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.doctoring.wanted import Wanted
from reconciler.operations.reading.demands import spell_engine
from reconciler.plan.capable import entry_of, lack_of

Engines = Mapping[PlatformEngine, Answer[EngineAnswer]]


def entries_of(workspace: Workspace, wanted: Wanted) -> list[PlatformEngine]:
    """The engines to ask, each once: those of declared platforms and of those that tasks have.

    Where nothing is declared, the one that a build in any folder would use.
    """
    platforms = [*wanted.platforms, *(demand.platform for demand in wanted.demands)]
    entries = [asked_for(entry_of(workspace, name)) for name in platforms]
    return list(dict.fromkeys(entries)) or [PlatformEngine()]


def asked_for(entry: PlatformEngine) -> PlatformEngine:
    """An entry without what an engine is not asked: which way to build is preferred."""
    return entry.model_copy(update={"backend": "auto"})


def platform_findings(workspace: Workspace, wanted: Wanted, engines: Engines) -> list[Finding]:
    """Engines and builders, then each platform that is declared or asked for."""
    platforms = list(_platforms(workspace, wanted, engines))
    return [*_engines(workspace, platforms, engines), *_builders(engines), *platforms]


# ------------------------------------------------------------------ platforms
def _platforms(workspace: Workspace, wanted: Wanted, engines: Engines) -> Iterator[Finding]:
    asked: dict[str, list[Demand]] = {name: [] for name in wanted.platforms}
    for demand in wanted.demands:
        asked.setdefault(demand.platform, []).append(demand)
    for name, demands in sorted(asked.items()):
        yield _platform(name, demands, workspace, wanted, engines)


def _platform(
    name: str,
    demands: Sequence[Demand],
    workspace: Workspace,
    wanted: Wanted,
    engines: Engines,
) -> Finding:
    entry = entry_of(workspace, name)
    place = wanted.platforms.get(name) or wanted.demands[demands[0]].place
    tasks = sum(wanted.demands[demand].count for demand in demands)
    found = engines[asked_for(entry)]
    if found.value is None:
        told, fix = f"not known: {found.why}", found.fix
        return Finding(Kind.PLATFORM, name, Status.MISSING, told, fix, True, place)
    capability = found.value.capability
    lacks = [
        lack
        for demand in demands or [Demand(name, builds=True)]
        if (lack := lack_of(entry, capability, demand)) is not None
    ]
    lack = min(lacks, key=lambda one: not one.certain, default=None)
    if lack is None or not (lack.certain or demands):
        told = f"{_how(name, entry, capability)}{_used(tasks)}"
        return Finding(Kind.PLATFORM, name, Status.OK, told, None, True, place)
    status = Status.MISSING if lack.certain else Status.WARNING
    told = f"{spell_engine(capability)}: {lack.why}{_used(tasks)}"
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


def _used(tasks: int) -> str:
    return f"; {plural(tasks, 'task')}" if tasks else "; no task has it"


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
