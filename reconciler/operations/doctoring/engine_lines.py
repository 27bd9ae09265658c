"""What is told of engines, and of what builds beside them. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.base.text import one_line
from reconciler.model.capability import Backend, BackendKind
from reconciler.model.platform import is_emulated
from reconciler.model.workspace import PlatformEngine
from reconciler.operations.doctoring.asking import Answer
from reconciler.operations.doctoring.engines import EngineAnswer
from reconciler.operations.doctoring.finding import Finding, Kind, Status

Engines = Mapping[PlatformEngine, Answer[EngineAnswer]]
# What was found of the platforms that have an entry.
Uses = Mapping[PlatformEngine, Sequence[Finding]]


def engine_findings(uses: Uses, engines: Engines) -> Iterator[Finding]:
    """Each engine once, however many entries name it.

    One with an address is declared. `auto` is needed where a platform is missing for want of it:
    buildah needs none.
    """
    for name in dict.fromkeys(entry.engine for entry in engines):
        same = [entry for entry in engines if entry.engine == name]
        own = [one for entry in same for one in uses[entry]]
        needed = name != "auto" or any(one.status is Status.MISSING for one in own)
        place = next((one.place for one in own), None)
        yield replace(_engine(same[0], engines[same[0]], needed=needed), place=place)


def builder_findings(uses: Uses, engines: Engines) -> Iterator[Finding]:
    """What builds on each engine; buildah is of this machine, and told once. Then each buildkitd
    that is declared and does not build.
    """
    yield from _builders(engines)
    for entry, answer in engines.items():
        if entry.buildkit is None or answer.value is None:
            continue
        if any(one.kind is BackendKind.BUILDCTL for one in answer.value.capability.backends):
            continue
        why, fix = _why_no_buildkitd(answer.value)
        told = f"{one_line(entry.buildkit, 80)}: {why}"
        place = next((one.place for one in uses[entry]), None)
        yield Finding(Kind.BUILDER, BackendKind.BUILDCTL, Status.MISSING, told, fix, True, place)


def _why_no_buildkitd(answer: EngineAnswer) -> tuple[str, str]:
    """(why, fix)."""
    if answer.why is not None:
        why = "not asked: what it builds is handed to the engine, which does not answer"
        return why, "start the engine first"
    if not answer.has_buildctl:
        return "not asked: its client buildctl is not here", "install buildctl"
    fix = "start it, see that this machine reaches it, or remove `buildkit` from the entry"
    return "no buildkitd answers", fix


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
    told, several = set(), len({entry.engine for entry in engines}) > 1
    for entry, answer in engines.items():
        if answer.value is None:
            continue
        found = answer.value.capability.backends
        on = f" on {one_line(entry.engine, 80)}" if several else ""
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
