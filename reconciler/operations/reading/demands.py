"""What declared tasks ask of engines, held against what engines can do: for plans and for doctor.

Tasks that ask for the same are judged together: one look for each platform, however many tasks
there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path as Folder

from reconciler.base.diagnostics import Location
from reconciler.base.source import Located, Path
from reconciler.loader.crosscheck import Find
from reconciler.model.capability import Capability
from reconciler.model.demand import Demand, read_demand
from reconciler.model.task import Task
from reconciler.operations.reading.local_builds import runs_commands
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.capable import Lack, entry_of, lack_of

# Of so many the Dockerfiles are looked into, where that decides.
_LOOKED_INTO = 50


@dataclass(frozen=True, slots=True)
class Asker:
    """A task that asks: its source, and the task itself, each read when it is called for."""

    address: str
    source: Find
    task: Callable[[], Located[Task]]


@dataclass(slots=True)
class Asking:
    """The tasks that ask for the same: how many, and the first of them."""

    count: int = 0
    first: list[Asker] = field(default_factory=list)
    path: Path = ("spec", "platform")

    @property
    def place(self) -> Location:
        """Where the first one names its platform, or the steps that do."""
        return self.place_of(self.first[0])

    def place_of(self, asker: Asker) -> Location:
        """Where one of them does."""
        return asker.source().locate(self.path)

    def add(self, asker: Asker) -> None:
        """One more that asks for it."""
        self.count += 1
        if self.count <= _LOOKED_INTO:
            self.first.append(asker)


@dataclass(frozen=True, slots=True)
class Lacking:
    """What an engine lacks for tasks that ask for the same."""

    demand: Demand
    lack: Lack
    asking: Asking


@dataclass(slots=True)
class Demands:
    """Is shown every task once; tells at the end what engines cannot do of what they ask."""

    asking: dict[str, Asking] = field(default_factory=dict)

    def add(self, demand: str, asker: Asker) -> None:
        """A task and what it asks for."""
        found = self.asking.get(demand)
        if found is None:
            found = self.asking[demand] = Asking()
        found.add(asker)

    def lacking(
        self, opened: OpenWorkspace, capability: Callable[[str], Capability | None]
    ) -> Iterator[Lacking]:
        """What is lacking, by what is known of the engine of a platform; of others nothing."""
        for text, asking in sorted(self.asking.items()):
            demand = read_demand(text)
            known = capability(demand.platform)
            if known is None:
                continue
            lack = lack_of(entry_of(opened.workspace, demand.platform), known, demand)
            if lack is not None:
                yield from _settled(Lacking(demand, lack, asking), known, opened.root)


def _settled(found: Lacking, known: Capability, root: Folder) -> Iterator[Lacking]:
    """What depends on the Dockerfiles of few tasks is looked up there, as far as they are here."""
    asking = found.asking
    if found.lack.certain or asking.count > len(asking.first):
        yield found
        return
    able = (*known.runs, *(name for one in known.backends for name in one.platforms))
    own = next(iter(able), found.demand.platform)
    runs = {one: runs_commands(root, one.task().value, own) for one in asking.first}
    for answer, certain in ((True, True), (None, False)):
        some = [one for one in asking.first if runs[one] is answer]
        if some:
            lack = replace(found.lack, certain=certain)
            yield Lacking(found.demand, lack, Asking(len(some), some))
