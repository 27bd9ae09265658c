"""Containers, networks and volumes of runs, through docker-py. Decides nothing about steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from docker.errors import DockerException
from docker.types import Mount

from reconciler.adapters.archives.unpack import pack
from reconciler.adapters.docker.carrier import PACKED_UNDER, copy_folder, make_volume
from reconciler.adapters.docker.connection import connected, refusal_as_value_error
from reconciler.adapters.docker.creation import creation
from reconciler.adapters.docker.engine import Engine, explanation
from reconciler.adapters.docker.removal import remove_all, remove_container, things
from reconciler.adapters.docker.secret_files import (
    SecretsNotWritten,
    explained,
    hand_over,
    secret_binds,
)
from reconciler.adapters.docker.watch import watch
from reconciler.model.container import (
    FENCE_LABEL,
    INSTANCE_LABEL,
    RUN_LABEL,
    ContainerEnd,
    ContainerRequest,
    Swept,
    TakeOutput,
    is_remote,
)

# Without it the engine's machine has an address in an internal network, and listens there too.
_CLOSED = {"com.docker.network.bridge.inhibit_ipv4": "true"}


class EngineContainers:
    """What runs have on an engine, all of it labelled with the instance (the state's id).

    `fence`: which holder of its run this is. What a later one made is never touched.
    """

    def __init__(self, engine: Engine, instance: str, fence: int = 1) -> None:
        self._engine = engine
        self.instance = instance
        self._fence = fence

    @property
    def engine(self) -> Engine:
        """The engine that they are on."""
        return self._engine

    @property
    def remote(self) -> bool:
        """True unless the engine is on this machine."""
        return is_remote(self._engine.address)

    def run(
        self,
        request: ContainerRequest,
        on_output: TakeOutput,
        stopping: Callable[[], bool],
        on_started: Callable[[], None],
    ) -> ContainerEnd:
        """Run one container to its end and remove it; see the port."""
        try:
            with secret_binds(request.secrets) as binds:
                return self._run(request, binds, on_output, stopping, on_started)
        except SecretsNotWritten as error:
            return ContainerEnd(exit_code=125, message=str(error))

    def _run(
        self,
        request: ContainerRequest,
        binds: list[Mount],
        on_output: TakeOutput,
        stopping: Callable[[], bool],
        on_started: Callable[[], None],
    ) -> ContainerEnd:
        with connected(self._engine) as client:
            try:
                created = client.create_container(**creation(client, self._engine, request, binds))
            except DockerException as error:
                return ContainerEnd(exit_code=125, message=explained(explanation(error)))
            identity = str(created["Id"])
            try:
                hand_over(client, identity, binds)
                return watch(
                    self._engine,
                    client,
                    identity,
                    on_output=on_output,
                    stopping=stopping,
                    on_started=on_started,
                )
            finally:
                if not request.keep:
                    remove_container(client, identity)

    def create_network(
        self, name: str, run: str, *, driver: str | None, ipv6: bool, internal: bool
    ) -> None:
        """Make a network of a run. Raises ValueError with the engine's words if it refuses."""
        with connected(self._engine) as client, refusal_as_value_error():
            client.create_network(
                name,
                driver=driver or "bridge",
                labels=self._labels(run),
                enable_ipv6=ipv6,
                internal=internal,
                options=_CLOSED if internal else None,
                check_duplicate=True,
            )

    def create_workspace(
        self,
        name: str,
        run: str,
        folder: Path,
        left_out: Callable[[str], bool],
        check: Callable[[], None],
    ) -> None:
        """Make a volume of a run and copy a folder into it. ValueError if refused, OSError."""
        with (
            pack(folder, left_out, check, under=PACKED_UNDER) as content,
            connected(self._engine) as client,
            refusal_as_value_error(),
        ):
            make_volume(client, name, self._labels(run), content)

    def copy_out(self, volume: str, run: str, path: str, folder: Path) -> bool:
        """Copy a folder of a workspace here; links stay links. False if there is none."""
        with connected(self._engine) as client:
            return copy_folder(client, volume, self._labels(run), path, folder)

    def _labels(self, run: str) -> dict[str, str]:
        return {
            INSTANCE_LABEL: self.instance,
            RUN_LABEL: run,
            FENCE_LABEL: str(self._fence),
        }

    # ------------------------------------------------------------ clearing up
    def remove_run(self, run: str) -> list[str]:
        """Remove what this holder of a run and those before made; what would not go."""
        labels = [f"{INSTANCE_LABEL}={self.instance}", f"{RUN_LABEL}={run}"]
        with connected(self._engine) as client:
            return remove_all(client, labels, lambda thing: thing.fence <= self._fence)

    def sweep(self, alive: Callable[[str], bool]) -> Swept:
        """Remove what runs of this instance left that are not alive any more."""
        with connected(self._engine) as client:
            labels = [f"{INSTANCE_LABEL}={self.instance}"]
            found = [thing for thing in things(client, labels) if not alive(thing.run)]
            counts = Counter(thing.kind for thing in found)
            dead = {thing.run for thing in found}
            left = [
                name for run in dead for name in remove_all(client, [*labels, f"{RUN_LABEL}={run}"])
            ]
            return Swept(
                runs=tuple(sorted(dead)),
                containers=counts["container"],
                networks=counts["network"],
                volumes=counts["volume"],
                left=tuple(sorted(left)),
            )
