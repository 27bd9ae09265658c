"""Removes what dead runs left on container engines. Touches nothing of another state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.base.errors import EngineUnavailable
from reconciler.base.text import plural
from reconciler.model.container import Swept
from reconciler.model.run import RunRecord

if TYPE_CHECKING:  # late: the database and docker-py are slow to import
    from reconciler.adapters.docker.containers import EngineContainers
    from reconciler.operations.running.run_place import RunPlace


def engines_of(place: RunPlace) -> list[str | None]:
    """The addresses of all engines that runs of a place may be on, the usual one (None) first."""
    declared = (item.engine for item in place.platforms.values())
    # `auto` is the usual one, too.
    return list(dict.fromkeys([None, *(None if name == "auto" else name for name in declared)]))


def engine_containers(place: RunPlace, address: str | None) -> EngineContainers:
    """The containers of this state on an engine, as the holder that a place is for.

    Raises EngineUnavailable.
    """
    from reconciler.adapters.docker.containers import EngineContainers  # noqa: PLC0415  (late)
    from reconciler.adapters.docker.engine import open_engine  # noqa: PLC0415  (late)

    engine = open_engine(address, place.environment)
    return EngineContainers(engine, place.database.setting("state_id"), place.fence)


def sweep(place: RunPlace, containers: EngineContainers) -> Swept:
    """Remove everything of runs of this state that are not open any more."""
    from reconciler.store.runs import find_runs  # noqa: PLC0415  (late)

    def alive(run_id: str) -> bool:
        found = [record for record in find_runs(place.database, run_id) if record.id == run_id]
        # A run that is only being written down has no containers yet.
        return bool(found) and not found[0].status.final

    return containers.sweep(alive)


def sweep_after(place: RunPlace, lost: list[RunRecord]) -> list[str]:
    """Sweep the engines of this place after runs were lost: one line for each that had something.

    An engine that does not answer now is swept by a later run.
    """
    if not lost:
        return []
    lines = []
    for address in engines_of(place):
        try:
            swept = sweep(place, engine_containers(place, address))
        except EngineUnavailable:
            continue
        if swept.runs:
            lines.append(swept_text(swept))
    return lines


def swept_text(swept: Swept) -> str:
    """What was removed, in one line."""
    counts = [
        plural(swept.containers, "container") if swept.containers else "",
        plural(swept.networks, "network") if swept.networks else "",
        plural(swept.volumes, "volume") if swept.volumes else "",
    ]
    what = ", ".join(filter(None, counts))
    runs = f"{'run' if len(swept.runs) == 1 else 'runs'} {', '.join(swept.runs)}"
    left = f"; still in use: {', '.join(swept.left)}" if swept.left else ""
    return f"cleared up after {runs}: {what}{left}"
