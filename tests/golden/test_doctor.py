"""The printed forms of `doctor`. RECONCILER_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from reconciler import __version__
from reconciler.base.diagnostics import Location
from reconciler.model.capability import Backend, BackendKind, Capability
from reconciler.operations.doctoring.finding import Diagnosis, Finding, Kind, Status
from reconciler.report.doctor import doctor_json, doctor_lines
from reconciler.report.machine import to_text
from reconciler.report.published import published_schema
from tests.golden.compare import check_golden

FOLDER = Path(__file__).parent / "doctor"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AMD, ARM = "linux/amd64", "linux/arm64"
ENGINE = Capability(
    engine="tcp://builder:pl4nted@arm.contoso.example:2376",
    buildkit="tcp://arm.contoso.example:1234",
    version="28.1.0",
    runs=(AMD, "linux/386", ARM),
    backends=(
        Backend(
            kind=BackendKind.BUILDCTL,
            version="0.23.0",
            platforms=(AMD, ARM),
            assembles=("linux/386",),
            secrets=True,
            cache="registry",
        ),
        Backend(kind=BackendKind.CLASSIC, version="28.1.0", platforms=(AMD,)),
    ),
    at=NOW,
)
SPEC = Location("specs/team-web/shop/a-service-with-a-long-name.yaml", 14, 9)


def found() -> Diagnosis:
    """One of each status and kind; hostile words, and a password where none should be."""
    engine = ENGINE.engine
    return Diagnosis(
        at=NOW,
        workspace="/srv/tasks",
        recorded=True,
        engines=(ENGINE, Capability(engine="auto", at=NOW)),
        findings=(
            Finding(Kind.SPECS, "specs", Status.WARNING, "2 errors", "see them: validate"),
            Finding(Kind.ENGINE, engine, Status.OK, "version 28.1.0, runs linux/amd64"),
            Finding(
                Kind.ENGINE, "auto", Status.MISSING, "no container engine answers", "start it", True
            ),
            Finding(Kind.BUILDER, "buildctl", Status.OK, "version 0.23.0, mounts secrets"),
            Finding(Kind.PLATFORM, AMD, Status.OK, "built by buildctl; 1,240 tasks", None, True),
            Finding(
                Kind.PLATFORM,
                "linux/arm/v7",
                Status.MISSING,
                "auto: the engine runs linux/amd64, linux/386, linux/arm64 only; 1 task",
                "install qemu-user-static (binfmt) beside the engine",
                True,
                SPEC,
            ),
            Finding(
                Kind.REGISTRY,
                "registry.contoso.example",
                Status.MISSING,
                "does not answer: \x1b[31m https://user:pl4nted@proxy.example \x1b[0m",
                "is the registry up?",
                True,
                Location("reconciler.yaml", 4, 5),
            ),
            Finding(Kind.GIT, "git", Status.OK, "version 2.39.5; 5 tasks from Git"),
            Finding(Kind.SECRET, "secret", Status.NOT_NEEDED, "no task names any"),
            Finding(Kind.TOKEN, "env:GIT_PAT", Status.OK, "classic, no expiry is declared"),
            Finding(Kind.STATE, "state", Status.OK, ".reconciler/state.db, schema 4, serial 188"),
            Finding(Kind.CLOCK, "clock", Status.OK, "agrees with 2 others, within 60 s"),
        ),
    )


@pytest.mark.parametrize("width", [40, 80])
def test_the_lines_look_as_before(width: int) -> None:
    lines = doctor_lines(found(), width)
    assert max(map(len, lines)) <= width
    assert "pl4nted" not in "\n".join(lines)
    check_golden(FOLDER / f"doctor-{width}.txt", "\n".join(lines) + "\n")


def test_the_json_looks_as_before_and_keeps_to_its_schema() -> None:
    content = doctor_json(found())
    assert content["tool_version"] == __version__
    jsonschema.Draft202012Validator(published_schema("doctor")).validate(content)
    text = to_text({**content, "tool_version": "VERSION"})
    assert json.loads(text)["complete"] is False
    assert "pl4nted" not in text
    check_golden(FOLDER / "doctor.json", text + "\n")
