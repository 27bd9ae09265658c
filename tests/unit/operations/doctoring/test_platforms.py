"""Engines and platforms as doctor tells them: by the very judgement that plans are told by."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.base.diagnostics import Location, Severity
from reconciler.base.source import Source
from reconciler.model.capability import Backend, BackendKind, Capability, Recorded
from reconciler.model.demand import Demand
from reconciler.model.platform import PLATFORMS
from reconciler.model.workspace import PlatformEngine, Workspace
from reconciler.operations.doctoring.asking import Answer
from reconciler.operations.doctoring.engines import EngineAnswer
from reconciler.operations.doctoring.finding import Kind, Status
from reconciler.operations.doctoring.platforms import (
    asked_for,
    entries_of,
    platform_findings,
)
from reconciler.operations.doctoring.wanted import Use, Wanted
from reconciler.operations.reading.demands import Demands
from reconciler.operations.workspace import OpenWorkspace, open_workspace
from reconciler.plan.capable import entry_of
from reconciler.store.capabilities import record

AMD, ARM, WINDOWS = "linux/amd64", "linux/arm64", "windows/amd64"
WHEN = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLACE = Location("specs/a.yaml", 6, 3)
BUILDKIT = Backend(
    kind=BackendKind.BUILDKIT, version="20.10", platforms=(AMD,), assembles=(ARM,), secrets=True
)
CLASSIC = Backend(kind=BackendKind.CLASSIC, version="20.10", platforms=(AMD, ARM))
BUILDAH = Backend(
    kind=BackendKind.BUILDAH, version="1.28", platforms=(AMD,), assembles=(WINDOWS,), secrets=True
)


def workspace(**platforms: dict[str, str]) -> Workspace:
    named = {name.replace("_", "/"): entry for name, entry in platforms.items()}
    return Workspace.model_validate(
        {"apiVersion": "reconciler/v1", "kind": "Workspace", "platforms": named}
    )


def answer(
    entry: PlatformEngine, *backends: Backend, runs: tuple[str, ...] = (AMD,)
) -> Answer[EngineAnswer]:
    """What an engine can do; without `runs` no engine answers."""
    found = Capability(
        engine=entry.engine,
        buildkit=entry.buildkit,
        version="20.10.24" if runs else None,
        runs=runs,
        backends=backends,
        at=WHEN,
    )
    return Answer(EngineAnswer(found, why=None if runs else "no engine answers", fix="start it"))


def told(config: Workspace, wanted: Wanted, *backends: Backend, **more: tuple[str, ...]) -> str:
    engines = {one: answer(one, *backends, **more) for one in entries_of(config, wanted)}
    return "\n".join(
        f"{one.status} {one.kind} {one.subject}: {one.text}"
        for one in platform_findings(config, wanted, engines)
    )


def asking(*demands: Demand) -> Wanted:
    return Wanted(demands={one: Use(PLACE) for one in demands})


def test_an_engine_is_told_with_what_it_runs_and_what_builds_on_it() -> None:
    wanted = asking(Demand(AMD, builds=True), Demand(ARM, starts=True))
    runs = (AMD, "linux/386", ARM)
    assert told(workspace(), wanted, BUILDKIT, CLASSIC, runs=runs).splitlines() == [
        "ok engine auto: version 20.10.24, runs linux/amd64, linux/386, linux/arm64 (emulated)",
        "ok builder buildkit: version 20.10, mounts secrets",
        "ok builder classic: version 20.10, mounts no secrets",
        "ok platform linux/amd64: built by buildkit; 1 task",
        "ok platform linux/arm64: emulated, built by classic; 1 task",
    ]


def test_a_platform_that_nobody_does_is_missing_with_its_task_and_fix() -> None:
    entry = PlatformEngine()
    wanted = asking(Demand(ARM, starts=True))
    found = platform_findings(workspace(), wanted, {entry: answer(entry, BUILDKIT)})
    (platform,) = (one for one in found if one.kind is Kind.PLATFORM)
    assert platform.status is Status.MISSING
    assert platform.declared
    assert platform.place == PLACE
    assert "qemu-user-static" in (platform.fix or "")


def test_buildah_alone_needs_no_engine_unless_steps_are_started() -> None:
    builds, starts = asking(Demand(AMD, builds=True)), asking(Demand(AMD, starts=True))
    for wanted, needed in ((builds, False), (starts, True)):
        entry = PlatformEngine()
        found = platform_findings(workspace(), wanted, {entry: answer(entry, BUILDAH, runs=())})
        engine = found[0]
        assert (engine.kind, engine.status) == (Kind.ENGINE, Status.MISSING)
        assert engine.declared is needed


def test_an_engine_with_an_address_is_declared() -> None:
    config = workspace(linux_arm64={"engine": "tcp://arm:2376"})
    wanted = Wanted(platforms={ARM: PLACE})
    (entry,) = entries_of(config, wanted)
    late: Answer[EngineAnswer] = Answer(why="no answer within 12 s", fix="is it up?")
    engine, builder, platform = platform_findings(config, wanted, {entry: late})
    assert (engine.subject, engine.status, engine.declared) == (
        "tcp://arm:2376",
        Status.MISSING,
        True,
    )
    gone = answer(entry, CLASSIC.model_copy(update={"kind": BackendKind.BUILDAH}), runs=())
    assert platform_findings(config, wanted, {entry: gone})[0].declared  # though all is built
    assert builder.status is Status.MISSING
    assert platform.text == "not known: no answer within 12 s"


def test_each_engine_is_asked_once_whatever_way_to_build_is_preferred() -> None:
    config = workspace(linux_arm64={"backend": "classic"}, windows_amd64={"backend": "buildah"})
    wanted = Wanted(platforms={ARM: PLACE, WINDOWS: PLACE})
    assert entries_of(config, wanted) == [PlatformEngine()]
    assert entries_of(config, Wanted()) == [PlatformEngine()]


# ---------------------------------------------------- doctor and plan are agreed
CAPABLE = [
    ((BUILDKIT,), (AMD,)),
    ((BUILDKIT, CLASSIC), (AMD, ARM)),
    ((CLASSIC,), (AMD, "linux/386")),
    ((BUILDAH,), ()),
    ((BUILDKIT, BUILDAH), (AMD,)),
    ((), (AMD,)),
]
ENTRIES: list[dict[str, str]] = [{}, {"backend": "buildah"}, {"engine": "tcp://e:1"}]
STEPS = [(True, False, False, False), (True, True, False, False), (False, False, True, False)]
STEPS += [(True, False, True, False), (False, False, False, True)]


def cases() -> Iterator[tuple[Demand, dict[str, str], tuple[Backend, ...], tuple[str, ...]]]:
    for platform, steps, entry, (backends, runs) in itertools.product(
        PLATFORMS, STEPS, ENTRIES, CAPABLE
    ):
        yield Demand(platform, *steps), entry, backends, runs


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenWorkspace]:
    (tmp_path / "reconciler.yaml").write_text("apiVersion: reconciler/v1\nkind: Workspace\n")
    found = open_workspace(tmp_path, {"RECONCILER_ACTOR": "lead"})
    yield found
    found.close()


def test_doctor_and_plan_agree_on_every_platform(opened: OpenWorkspace) -> None:
    spoken = {Severity.WARNING: Status.MISSING, Severity.NOTE: Status.WARNING}
    seen = set()
    for demand, entry, backends, runs in cases():
        config = workspace(**{demand.platform.replace("/", "_"): entry})
        opened.config = type(opened.config)(config, opened.config.source)
        engine = asked_for(entry_of(config, demand.platform))
        found = answer(engine, *backends, runs=runs)
        assert found.value is not None
        kept = Recorded(capability=found.value.capability, by="lead", command="doctor")
        with opened.database.write() as connection:
            record(connection, kept)
        problems = _plan_says(demand, opened)
        (by_doctor,) = (
            one
            for one in platform_findings(config, asking(demand), {engine: found})
            if one.kind is Kind.PLATFORM
        )
        by_plan = spoken[problems[0]] if problems else Status.OK
        assert by_doctor.status is by_plan, (demand, entry, kept)
        seen.add(by_plan)
    assert seen == {Status.OK, Status.WARNING, Status.MISSING}


def _plan_says(demand: Demand, opened: OpenWorkspace) -> list[Severity]:
    demands = Demands()
    demands.add(str(demand), "contoso/web", lambda: Source("specs/a.yaml", 1, lambda _: PLACE))
    return [one.severity for one in demands.problems(opened)]
