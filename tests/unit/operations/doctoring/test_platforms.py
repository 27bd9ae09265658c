"""Engines and platforms as doctor tells them: by the very judgement that plans are told by."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.source import Located
from reconciler.model.capability import Backend, BackendKind, Capability, Recorded
from reconciler.model.demand import Demand, demand_of
from reconciler.model.platform import PLATFORMS
from reconciler.model.task import Task
from reconciler.model.workspace import PlatformEngine, Workspace
from reconciler.operations.doctoring.asking import Answer
from reconciler.operations.doctoring.engines import EngineAnswer
from reconciler.operations.doctoring.finding import Finding, Kind, Status
from reconciler.operations.doctoring.platforms import (
    asked_for,
    entries_of,
    platform_findings,
)
from reconciler.operations.doctoring.wanted import Wanted
from reconciler.operations.reading.demands import Asker, Demands
from reconciler.operations.reading.platform_problems import platform_problems
from reconciler.operations.reading.step_demands import steps_before_run
from reconciler.operations.workspace import OpenWorkspace, open_workspace
from reconciler.plan.capable import entry_of
from reconciler.store.capabilities import record
from tests.unit.plan.builders import located, task

AMD, ARM, WINDOWS = "linux/amd64", "linux/arm64", "windows/amd64"
WHEN = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLACE = Location("specs/web-api.yaml", 9, 3)
FETCHED = located(task())  # what is built is not here: it may have RUN or not
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


def told(
    opened: OpenWorkspace, wanted: Wanted, *backends: Backend, **more: tuple[str, ...]
) -> list[str]:
    entries = entries_of(opened.workspace, wanted)
    engines = {one: answer(one, *backends, **more) for one in entries}
    found = platform_findings(opened, wanted, engines)
    return [f"{one.status} {one.kind} {one.subject}: {one.text}" for one in found]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenWorkspace]:
    (tmp_path / "reconciler.yaml").write_text("apiVersion: reconciler/v1\nkind: Workspace\n")
    found = open_workspace(tmp_path, {"RECONCILER_ACTOR": "lead"})
    yield found
    found.close()


def declare(opened: OpenWorkspace, config: Workspace) -> None:
    opened.config = Located(config, opened.config.source)


def asker(one: Located[Task]) -> Asker:
    return Asker(one.value.address, lambda: one.source, lambda: one)


def asking(*demands: Demand) -> Wanted:
    wanted = Wanted()
    for one in demands:
        wanted.demands.add(str(one), asker(FETCHED))
    return wanted


def test_an_engine_is_told_with_what_it_runs_and_what_builds_on_it(opened: OpenWorkspace) -> None:
    wanted = asking(Demand(AMD, builds=True), Demand(ARM, starts=True))
    runs = (AMD, "linux/386", ARM)
    assert told(opened, wanted, BUILDKIT, CLASSIC, runs=runs) == [
        "ok engine auto: version 20.10.24, runs linux/amd64, linux/386, linux/arm64 (emulated)",
        "ok builder buildkit: version 20.10, mounts secrets",
        "ok builder classic: version 20.10, mounts no secrets",
        "ok platform linux/amd64: built by buildkit; 1 task",
        "ok platform linux/arm64: emulated, built by classic; 1 task",
    ]


def test_a_platform_that_nobody_does_is_missing_with_its_task_and_fix(
    opened: OpenWorkspace,
) -> None:
    entry = PlatformEngine()
    wanted = asking(Demand(ARM, starts=True))
    found = platform_findings(opened, wanted, {entry: answer(entry, BUILDKIT)})
    (platform,) = (one for one in found if one.kind is Kind.PLATFORM)
    assert platform.status is Status.MISSING
    assert platform.declared
    assert platform.place == PLACE
    assert "qemu-user-static" in (platform.fix or "")


def test_buildah_alone_needs_no_engine_unless_steps_are_started(opened: OpenWorkspace) -> None:
    builds, starts = asking(Demand(AMD, builds=True)), asking(Demand(AMD, starts=True))
    for wanted, needed in ((builds, False), (starts, True)):
        entry = PlatformEngine()
        found = platform_findings(opened, wanted, {entry: answer(entry, BUILDAH, runs=())})
        engine = found[0]
        assert (engine.kind, engine.status) == (Kind.ENGINE, Status.MISSING)
        assert engine.declared is needed


def test_a_declared_buildkitd_that_builds_nothing_is_missing_and_its_engine_told_once(
    opened: OpenWorkspace,
) -> None:
    declare(opened, workspace(linux_arm64={"buildkit": "tcp://127.0.0.1:9"}))
    wanted = asking(Demand(AMD, builds=True))
    wanted.platforms = {ARM: PLACE}
    amd, arm = entries = entries_of(opened.workspace, wanted)[::-1]
    engines = {one: answer(one, BUILDKIT, CLASSIC) for one in entries}
    (engine,) = kept(opened, wanted, engines, Kind.ENGINE)
    assert (engine.subject, engine.status) == ("auto", Status.OK)
    *_, lacking = kept(opened, wanted, engines, Kind.BUILDER)
    assert (lacking.status, lacking.declared, lacking.place) == (Status.MISSING, True, PLACE)
    assert lacking.text == "tcp://127.0.0.1:9: not asked: its client buildctl is not here"
    here = engines[arm].value
    assert here is not None
    engines[arm] = Answer(replace(here, has_buildctl=True))
    assert kept(opened, wanted, engines, Kind.BUILDER)[-1].text.endswith(": no buildkitd answers")
    engines[arm] = answer(arm, runs=())
    *_, lacking = kept(opened, wanted, engines, Kind.BUILDER)
    assert "handed to the engine, which does not answer" in lacking.text
    found = Backend(kind=BackendKind.BUILDCTL, version="0.23", platforms=(ARM,), secrets=True)
    engines[arm] = answer(arm, found)
    assert all(one.status is Status.OK for one in kept(opened, wanted, engines, Kind.BUILDER))
    assert amd.buildkit is None


def kept(
    opened: OpenWorkspace,
    wanted: Wanted,
    engines: dict[PlatformEngine, Answer[EngineAnswer]],
    kind: Kind,
) -> list[Finding]:
    return [one for one in platform_findings(opened, wanted, engines) if one.kind is kind]


def test_an_engine_with_an_address_is_declared(opened: OpenWorkspace) -> None:
    config = workspace(linux_arm64={"engine": "tcp://arm:2376"})
    declare(opened, config)
    wanted = Wanted(platforms={ARM: PLACE})
    (entry,) = entries_of(config, wanted)
    late: Answer[EngineAnswer] = Answer(why="no answer within 12 s", fix="is it up?")
    engine, builder, platform = platform_findings(opened, wanted, {entry: late})
    assert (engine.subject, engine.status, engine.declared) == (
        "tcp://arm:2376",
        Status.MISSING,
        True,
    )
    gone = answer(entry, CLASSIC.model_copy(update={"kind": BackendKind.BUILDAH}), runs=())
    assert platform_findings(opened, wanted, {entry: gone})[0].declared  # though all is built
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


def test_doctor_and_plan_agree_on_every_platform(opened: OpenWorkspace) -> None:
    spoken = {Severity.WARNING: Status.MISSING, Severity.NOTE: Status.WARNING}
    seen = set()
    for demand, entry, backends, runs in cases():
        config = workspace(**{demand.platform.replace("/", "_"): entry})
        declare(opened, config)
        engine = asked_for(entry_of(config, demand.platform))
        found = answer(engine, *backends, runs=runs)
        assert found.value is not None
        kept = Recorded(capability=found.value.capability, by="lead", command="doctor")
        with opened.database.write() as connection:
            record(connection, kept)
        problems = _plan_says(demand, opened)
        (by_doctor,) = (
            one
            for one in platform_findings(opened, asking(demand), {engine: found})
            if one.kind is Kind.PLATFORM
        )
        by_plan = spoken[problems[0]] if problems else Status.OK
        assert by_doctor.status is by_plan, (demand, entry, kept)
        seen.add(by_plan)
    assert seen == {Status.OK, Status.WARNING, Status.MISSING}


def _plan_says(demand: Demand, opened: OpenWorkspace) -> list[Severity]:
    return [one.severity for one in platform_problems(asking(demand).demands, opened)]


@pytest.mark.parametrize(
    ("lines", "status", "severities"),
    [
        (["FROM scratch", "COPY app.exe /"], Status.OK, []),
        (["FROM scratch", "RUN true"], Status.MISSING, [Severity.WARNING]),
        (["FROM", "RUN true"], Status.WARNING, [Severity.NOTE]),  # told by the build
        (None, Status.WARNING, [Severity.NOTE]),
    ],
)
def test_a_dockerfile_in_the_workspace_says_whether_it_has_run(
    opened: OpenWorkspace,
    lines: list[str] | None,
    status: Status,
    severities: list[Severity],
) -> None:
    (opened.root / "web").mkdir()
    if lines is not None:
        (opened.root / "web" / "Dockerfile").write_text("\n".join(lines))
    found = answer(PlatformEngine(), BUILDAH)
    assert found.value is not None
    with opened.database.write() as connection:
        kept = Recorded(capability=found.value.capability, by="lead", command="doctor")
        record(connection, kept)
    wanted = Wanted()
    here = located(task(platform=WINDOWS, context={"source": "web"}))
    wanted.demands.add(str(demand_of(here.value.spec)), asker(here))
    (platform,) = (
        one
        for one in platform_findings(opened, wanted, {PlatformEngine(): found})
        if one.kind is Kind.PLATFORM
    )
    assert platform.status is status
    assert [one.severity for one in platform_problems(wanted.demands, opened)] == severities


def test_of_very_many_tasks_no_dockerfile_is_read(opened: OpenWorkspace) -> None:
    def read() -> Located[Task]:
        raise AssertionError("it was read")

    wanted = Wanted()
    for _ in range(51):
        wanted.demands.add("windows/amd64 b", Asker("contoso/web", lambda: FETCHED.source, read))
    (_, _, platform) = told(opened, wanted, BUILDAH)
    assert platform.startswith("warning platform windows/amd64: auto: buildah puts")
    assert platform.endswith("; 51 tasks")


def test_each_reason_is_told_with_its_tasks_and_no_run_is_removed_that_nobody_knows(
    opened: OpenWorkspace,
) -> None:
    for folder, lines in {"copies": "COPY a /", "runs": "RUN true"}.items():
        (opened.root / folder).mkdir()
        (opened.root / folder / "Dockerfile").write_text(f"FROM scratch\n{lines}\n")
    remote = {"source": "https://git.contoso.example/web.git"}
    tasks = [
        of_file("runs", WINDOWS),
        located(task(platform=WINDOWS, context=remote, name="fetched")),
    ]
    tasks += [
        located(task(platform=WINDOWS, context={"source": folder}, name=f"task-{folder}"))
        for folder in ("copies", "runs")
    ]
    by_doctor, by_plan = said(opened, tasks, (BUILDAH,), (AMD,))
    lead, puts = "windows/amd64 together from COPY and ADD, and cannot RUN there", "buildah puts"
    fix = "remove RUN, or declare an engine for platforms.windows/amd64"
    assert [(one.status, one.text, one.fix) for one in by_doctor] == [
        (
            Status.MISSING,
            f"auto: {puts} {lead}; 1 of 4 tasks",
            fix,
        ),
        (
            Status.MISSING,
            "auto: the engine runs linux/amd64 only; 1 of 4 tasks",
            "declare an engine that runs it: platforms.windows/amd64.engine",
        ),
        (
            Status.WARNING,
            f"auto: {puts} {lead}; 1 of 4 tasks",
            f"if its Dockerfile has RUN: {fix}",
        ),
    ]
    assert {one.fix for one in by_plan} == {
        f"{one.fix}; then: reconciler doctor" for one in by_doctor
    }
    assert len(by_plan) == len(by_doctor)


# ------------------------------------------- task files: read alike by doctor and plan
FILES = {
    "runs": "steps:\n  - cmd: busybox true\n",
    "builds": "steps:\n  - build: -t a:1 .\n",
    "both": "steps:\n  - build: -t a:1 .\n  - cmd: a:1 true\n",
    "foreign": "steps:\n  - build: -t a:1 --platform linux/arm64 .\n",
    "foreign-windows": "steps:\n  - build: -t a:1 --platform windows/amd64 .\n",
}


def of_file(name: str, platform: str) -> Located[Task]:
    step = {"file": {"path": f"{name}.yaml"}}
    return located(task(platform=platform, context={"source": "."}, step=step, name=f"task-{name}"))


def said(
    opened: OpenWorkspace,
    tasks: list[Located[Task]],
    backends: tuple[Backend, ...],
    runs: tuple[str, ...],
) -> tuple[list[Finding], list[Diagnostic]]:
    """What doctor says of platforms, and what plans say by what it recorded."""
    for name, text in FILES.items():
        (opened.root / f"{name}.yaml").write_text(f"version: v1.1.0\n{text}")
    wanted, demands = Wanted(), Demands()
    for one in tasks:
        wanted.add(one, {}, steps_before_run(opened, one.value))
        demands.add(str(demand_of(one.value.spec)), asker(one))  # as the pass over all specs
    engines = {
        entry: answer(entry, *backends, runs=runs) for entry in entries_of(opened.workspace, wanted)
    }
    with opened.database.write() as connection:
        for found in engines.values():
            assert found.value is not None
            kept = Recorded(capability=found.value.capability, by="lead", command="doctor")
            record(connection, kept)
    told = platform_findings(opened, wanted, engines)
    return (
        [one for one in told if one.kind is Kind.PLATFORM],
        platform_problems(demands, opened),
    )


def test_doctor_and_plan_agree_on_the_steps_of_task_files(opened: OpenWorkspace) -> None:
    spoken = {Severity.WARNING: Status.MISSING, Severity.NOTE: Status.WARNING}
    seen = set()
    for platform, name, entry, (backends, runs) in itertools.product(
        PLATFORMS, FILES, ENTRIES, CAPABLE
    ):
        declare(opened, workspace(**{platform.replace("/", "_"): entry}))
        by_doctor, by_plan = said(opened, [of_file(name, platform)], backends, runs)
        lacking = {(one.status, one.fix) for one in by_doctor if one.status is not Status.OK}
        problems = {
            (spoken[one.severity], (one.fix or "").removesuffix("; then: reconciler doctor"))
            for one in by_plan
        }
        assert lacking == problems, (platform, name, entry, backends, runs)
        seen |= {status for status, _ in problems}
    assert seen == {Status.WARNING, Status.MISSING}


def test_a_declared_engine_that_does_not_answer_is_missed_by_the_steps_that_it_would_start(
    opened: OpenWorkspace,
) -> None:
    declare(opened, workspace(linux_amd64={"engine": "tcp://127.0.0.1:9"}))
    tasks = [of_file("runs", AMD), of_file("builds", AMD), of_file("both", AMD)]
    (by_doctor,), by_plan = said(opened, tasks, (BUILDAH,), ())
    assert by_doctor.status is Status.MISSING
    why = "no engine answers, and its steps start containers"
    assert by_doctor.text == f"tcp://127.0.0.1:9: {why}; 2 of 3 tasks"
    told = f"the engine tcp://127.0.0.1:9 cannot do {AMD}: {why}"
    assert [(one.task, one.message) for one in by_plan] == [
        ("contoso/task-both", told),
        ("contoso/task-runs", told),
    ]


def test_steps_of_windows_that_only_start_containers_are_told_alike(opened: OpenWorkspace) -> None:
    (by_doctor,), (by_plan,) = said(opened, [of_file("runs", WINDOWS)], (BUILDKIT, BUILDAH), (AMD,))
    why = "the engine runs linux/amd64 only"
    assert by_doctor.text == f"auto: {why}; 1 task"
    assert by_plan.message == f"the engine auto cannot do {WINDOWS}: {why}"
    assert by_plan.severity is Severity.WARNING
    assert by_doctor.fix == "declare an engine that runs it: platforms.windows/amd64.engine"
    assert by_plan.fix == f"{by_doctor.fix}; then: reconciler doctor"
