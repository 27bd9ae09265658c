"""One judgement of what an engine can do: by what it runs, what builds beside it, what is asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.model.capability import Backend, BackendKind, Capability, Recorded
from reconciler.model.demand import Demand, read_demand
from reconciler.model.workspace import PlatformEngine, Workspace
from reconciler.plan.capable import capability_of, entry_of, lack_of

AMD, ARM, WINDOWS = "linux/amd64", "linux/arm64", "windows/amd64"
AUTO = PlatformEngine()
BUILDKIT = Backend(
    kind=BackendKind.BUILDKIT, version="20.10", platforms=(AMD,), assembles=(ARM,), secrets=True
)
CLASSIC = Backend(kind=BackendKind.CLASSIC, version="20.10", platforms=(AMD,))
BUILDAH = Backend(
    kind=BackendKind.BUILDAH, version="1.28", platforms=(AMD,), assembles=(ARM, WINDOWS)
)


def engine(*backends: Backend, runs: tuple[str, ...] = (AMD,), **more: str | None) -> Capability:
    values = {"engine": "auto", "version": "20.10", **more}
    when = datetime(2026, 11, 21, tzinfo=UTC)
    return Capability.model_validate({**values, "runs": runs, "backends": backends, "at": when})


@pytest.mark.parametrize(
    ("demand", "capability", "why", "certain"),
    [
        ("linux/amd64 b", engine(CLASSIC), None, True),
        ("linux/amd64 bs", engine(CLASSIC), "the classic builder cannot mount secrets", True),
        ("linux/amd64 bs", engine(CLASSIC, BUILDKIT), None, True),
        ("linux/arm64 b", engine(CLASSIC), "classic cannot build linux/arm64", True),
        ("linux/arm64 b", engine(BUILDKIT), "cannot RUN", False),
        ("windows/amd64 b", engine(BUILDAH), "cannot RUN", False),
        ("linux/arm64 c", engine(BUILDKIT), "the engine runs linux/amd64 only", True),
        ("linux/arm64 c", engine(BUILDKIT, runs=(AMD, ARM)), None, True),
        ("linux/amd64 c", engine(BUILDAH, runs=(), version=None), "no engine answers", True),
        ("linux/amd64 bc", engine(BUILDAH), "is not on an engine", True),
        ("linux/amd64 f", engine(BUILDAH, runs=(), version=None), None, True),
        ("linux/arm64 f", engine(CLASSIC), "classic cannot build linux/arm64", True),
        ("linux/arm64 ", engine(CLASSIC), None, True),
    ],
)
def test_what_is_missing_is_said_with_its_fix(
    demand: str, capability: Capability, why: str | None, certain: bool
) -> None:
    lack = lack_of(AUTO, capability, read_demand(demand))
    assert (lack is None) == (why is None)
    if lack is not None and why is not None:
        assert why in lack.why
        assert lack.certain == certain
        assert lack.fix


def test_a_fix_names_what_stands_in_the_way() -> None:
    classic = lack_of(
        PlatformEngine(backend="classic"), engine(CLASSIC, BUILDKIT), read_demand("linux/amd64 bs")
    )
    assert classic is not None
    assert classic.fix.startswith("remove `backend: classic` from the platform's entry")
    for platform in ("linux/arm/v6", "linux/arm/v7"):
        copying = BUILDKIT.model_copy(update={"assembles": (platform,)})
        lack = lack_of(AUTO, engine(copying), read_demand(f"{platform} b"))
        assert lack is not None
        assert "qemu-user-static" in lack.fix
    windows = lack_of(AUTO, engine(BUILDAH), read_demand("windows/amd64 b"))
    assert windows is not None
    assert "qemu" not in windows.fix


def test_a_backend_that_is_declared_is_the_only_one_that_counts() -> None:
    entry = PlatformEngine(backend="buildctl")
    lack = lack_of(entry, engine(CLASSIC, BUILDKIT), Demand(AMD, builds=True))
    assert lack is not None
    assert lack.why == "buildctl is declared, and is not here"


def test_what_no_entry_names_uses_auto_and_an_answer_is_found_by_engine_and_buildkit() -> None:
    workspace = Workspace.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Workspace",
            "platforms": {"Linux/ARM64/v8": {"engine": "tcp://arm:2376", "buildkit": "tcp://b:1"}},
        }
    )
    plain = Recorded(capability=engine(), by="lead", command="doctor")
    arm = Recorded(
        capability=engine(engine="tcp://arm:2376", buildkit="tcp://b:1"),
        by="lead",
        command="doctor",
    )
    assert capability_of(entry_of(workspace, AMD), (arm, plain)) is plain
    assert capability_of(entry_of(workspace, ARM), (plain, arm)) is arm
    assert capability_of(entry_of(workspace, ARM), (plain,)) is None


def test_a_demand_is_what_its_text_says() -> None:
    for demand in (
        Demand(ARM, builds=True, secrets=True),
        Demand("linux/arm/v7", starts=True),
        Demand(WINDOWS, unread=True),
        Demand(AMD),
    ):
        assert read_demand(str(demand)) == demand
