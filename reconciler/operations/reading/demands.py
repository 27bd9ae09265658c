"""What declared tasks ask of engines, held against what engines were found able to do.

Tasks that ask for the same are judged together, and told together: one look for each platform,
however many tasks there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.base.clock import to_iso
from reconciler.base.diagnostics import Diagnostic, Severity
from reconciler.base.text import one_line
from reconciler.loader.crosscheck import Find
from reconciler.model.capability import Capability, Recorded, read_recorded
from reconciler.model.demand import read_demand
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.capable import Lack, capability_of, entry_of, lack_of, spell_platforms

# Of tasks that ask for the same so many are named.
_NAMED = 5


@dataclass(slots=True)
class Asking:
    """The tasks that ask for the same: how many, and the first of them with their sources."""

    count: int = 0
    first: list[tuple[str, Find]] = field(default_factory=list)


@dataclass(slots=True)
class Demands:
    """Is shown every task once; tells at the end what recorded engines cannot do."""

    asking: dict[str, Asking] = field(default_factory=dict)

    def add(self, demand: str, address: str, source: Find) -> None:
        """A task and what it asks for."""
        found = self.asking.get(demand)
        if found is None:
            found = self.asking[demand] = Asking()
        found.count += 1
        if len(found.first) < _NAMED:
            found.first.append((address, source))

    def problems(self, opened: OpenWorkspace) -> list[Diagnostic]:
        """What engines that somebody has asked cannot do. Of others nothing is said.

        Reads the state, and never asks an engine: the machine that plans need not be the one that
        runs.
        """
        known = recorded_capabilities(opened) if self.asking else ()
        return list(self._judged(opened, known)) if known else []

    def _judged(self, opened: OpenWorkspace, known: tuple[Recorded, ...]) -> Iterator[Diagnostic]:
        for text, asking in sorted(self.asking.items()):
            demand = read_demand(text)
            entry = entry_of(opened.workspace, demand.platform)
            found = capability_of(entry, known)
            if found is None:
                continue
            lack = lack_of(entry, found.capability, demand)
            if lack is not None:
                yield _diagnostic(demand.platform, lack, found, asking)


def _diagnostic(platform: str, lack: Lack, found: Recorded, asking: Asking) -> Diagnostic:
    address, source = asking.first[0]
    verb = "cannot do" if lack.certain else "may not be able to do"
    return Diagnostic(
        f"the engine {spell_engine(found.capability)} {verb} {platform}: {lack.why}"
        f"{_others(asking)}",
        source().locate(("spec", "platform")),
        Severity.WARNING if lack.certain else Severity.NOTE,
        code="platform",
        task=address,
        found=f"{_spell(found.capability)}; recorded by {found.command} of "
        f"{one_line(found.by, 60)}, {to_iso(found.capability.at)}",
        fix=f"{lack.fix}; then: reconciler doctor",
    )


def _others(asking: Asking) -> str:
    """` (asked for by contoso/b at specs/b.yaml:8:3, 12 more too)`, where there are others."""
    if asking.count == 1:
        return ""
    named = [
        f"{address} at {source().locate(('spec', 'platform'))}"
        for address, source in asking.first[1:]
    ]
    more = asking.count - len(asking.first)
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
