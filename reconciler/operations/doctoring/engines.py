"""Asks an engine, and what builds beside it, what they can do. Judges nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.adapters.docker.tiny_programs import TRIED
from reconciler.base.clock import Clock, from_iso
from reconciler.base.errors import EngineUnavailable
from reconciler.model.capability import Capability
from reconciler.model.platform import PLATFORMS
from reconciler.model.workspace import PlatformEngine

if TYPE_CHECKING:
    from reconciler.adapters.docker.engine import Engine

_FRACTION = re.compile(r"\.\d+")


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """What was found. `why` and `fix` say so where no engine answers; `address` is where it is.

    `starts`: it ran a container of its own platform. `has_buildctl`: the client of a buildkitd is
    here. `ahead` is its clock less ours, in seconds.
    """

    capability: Capability
    address: str | None = None
    why: str | None = None
    fix: str | None = None
    starts: bool = True
    has_buildctl: bool = False
    ahead: float | None = None


def ask_engine(entry: PlatformEngine, environment: Mapping[str, str], clock: Clock) -> EngineAnswer:
    """What the engine of a platform entry can do now. That there is none is an answer, too.

    Raises EngineUnavailable if it goes away while it is asked: then nothing is known of it.
    """
    from reconciler.adapters.building.backends import probe_backends  # noqa: PLC0415  (late)
    from reconciler.adapters.building.buildctl import BUILDCTL  # noqa: PLC0415  (late)
    from reconciler.adapters.docker.engine import open_engine  # noqa: PLC0415  (late: docker-py)
    from reconciler.adapters.processes.programs import find_program  # noqa: PLC0415  (late)

    try:
        engine = open_engine(entry.engine, environment)
        version = engine.version()
    except EngineUnavailable as error:
        found = _capability(entry, clock, backends=probe_backends(None, environment))
        return EngineAnswer(found, why=error.message, fix=error.hint)
    ahead, own = _ahead(engine.now(), clock), f"{version.os}/{version.architecture}"
    runs = _runs(engine, own)
    backends = probe_backends(engine, environment, buildkit=entry.buildkit, runs=runs)
    found = _capability(entry, clock, version=version.version, runs=runs, backends=backends)
    return EngineAnswer(
        found,
        engine.address,
        starts=own in runs or own not in TRIED,
        has_buildctl=find_program(BUILDCTL, environment) is not None,
        ahead=ahead,
    )


def _capability(entry: PlatformEngine, clock: Clock, **found: Any) -> Capability:
    at = clock().replace(microsecond=0)
    return Capability(engine=entry.engine, buildkit=entry.buildkit, at=at, **found)


def _runs(engine: Engine, own: str) -> tuple[str, ...]:
    """The platforms of its containers. What cannot be tried, as on Windows, is believed."""
    from reconciler.adapters.docker.trial import runnable_platforms  # noqa: PLC0415  (late)

    if own not in TRIED:
        return (own,) if own in PLATFORMS else ()
    return runnable_platforms(engine, (own, *(name for name in TRIED if name != own)))


def _ahead(told: str, clock: Clock) -> float | None:
    # Nanoseconds are more than Python reads.
    try:
        return (from_iso(_FRACTION.sub("", told)) - clock()).total_seconds()
    except ValueError:
        return None
