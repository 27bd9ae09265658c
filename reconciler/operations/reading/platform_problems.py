"""What recorded engines cannot do of what tasks ask, as diagnostics. Asks no engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from reconciler.base.clock import to_iso
from reconciler.base.diagnostics import Diagnostic, Severity
from reconciler.base.text import one_line
from reconciler.model.capability import Capability, Recorded, read_recorded
from reconciler.operations.reading.demands import Asking, Demands, Lacking
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.capable import capability_of, entry_of, lack_of, spell_platforms

if TYPE_CHECKING:
    from reconciler.operations.reading.step_demands import WithSteps

# Of tasks that ask for the same so many are named.
_NAMED = 5


def platform_problems(demands: Demands, opened: OpenWorkspace) -> list[Diagnostic]:
    """What engines that somebody has asked cannot do. Of others nothing is said.

    Reads the state, and never asks an engine: the machine that plans need not be the one that runs.
    """
    known = recorded_capabilities(opened) if demands.asking else ()
    if not known:
        return []

    def recorded(platform: str) -> Recorded | None:
        return capability_of(entry_of(opened.workspace, platform), known)

    def capability(platform: str) -> Capability | None:
        found = recorded(platform)
        return found.capability if found else None

    from reconciler.operations.reading.step_demands import with_steps  # noqa: PLC0415  (late: slow)

    steps = with_steps(demands, opened)
    lacking = steps.demands.lacking(opened, capability)
    told = [(one, recorded(one.demand.platform)) for one in lacking]
    told += [(one, recorded(own)) for own, one in _foreign(steps, opened, capability)]
    return [_diagnostic(one, found) for one, found in told if found is not None]


def _foreign(
    steps: WithSteps, opened: OpenWorkspace, capability: Callable[[str], Capability | None]
) -> Iterator[tuple[str, Lacking]]:
    """What is lacking for platforms that build steps name, with the platform of their task."""
    for (own, demand), asking in steps.foreign.items():
        known = capability(own)
        lack = known and lack_of(entry_of(opened.workspace, own), known, demand)
        if lack:
            yield own, Lacking(demand, lack, asking)


def _diagnostic(one: Lacking, found: Recorded) -> Diagnostic:
    lack, asking, platform = one.lack, one.asking, one.demand.platform
    verb = "cannot do" if lack.certain else "may not be able to do"
    return Diagnostic(
        f"the engine {spell_engine(found.capability)} {verb} {platform}: {lack.why}"
        f"{_others(asking)}",
        asking.place,
        Severity.WARNING if lack.certain else Severity.NOTE,
        code="platform",
        task=asking.first[0].address,
        found=f"{_spell(found.capability)}; recorded by {found.command} of "
        f"{one_line(found.by, 60)}, {to_iso(found.capability.at)}",
        fix=f"{lack.advice}; then: reconciler doctor",
    )


def _others(asking: Asking) -> str:
    """` (asked for by contoso/b at specs/b.yaml:8:3, 12 more too)`, where there are others."""
    if asking.count == 1:
        return ""
    named = [f"{one.address} at {asking.place_of(one)}" for one in asking.first[1:_NAMED]]
    more = asking.count - 1 - len(named)
    named += [f"{more:,} more"] if more else []
    return f" (asked for by {', '.join(named)} too)"


def spell_engine(capability: Capability) -> str:
    """`auto`, or `tcp://host:2376 with buildkit tcp://host:1234`."""
    beside = f" with buildkit {one_line(capability.buildkit, 80)}" if capability.buildkit else ""
    return f"{one_line(capability.engine, 80)}{beside}"


def _spell(capability: Capability) -> str:
    if capability.version is None:
        return "no engine"
    return f"engine {one_line(capability.version, 40)}, runs {spell_platforms(capability.runs)}"


def recorded_capabilities(opened: OpenWorkspace) -> tuple[Recorded, ...]:
    """What the state has of engines. A state that is not open is not opened for it.

    Then it is looked for in an SQLite file alone: `validate` waits for no server, and makes no
    state. Raises StateUnusable.
    """
    if (database := opened.opened_database) is not None:
        from reconciler.store.capabilities import recorded  # noqa: PLC0415  (late: SQLAlchemy)

        with database.read() as connection:
            return recorded(connection)
    from reconciler.store.sqlite_file import sqlite_path, texts_of  # noqa: PLC0415  (late: rare)

    path = sqlite_path(opened.workspace.state, opened.root)
    if path is None or not path.is_file():
        return ()
    return read_recorded(texts_of(path, "capabilities", "document"))
