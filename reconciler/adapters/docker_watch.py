"""One container from its start to its end: output as it comes, and an end when it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from docker import APIClient
from docker.errors import APIError

from reconciler.adapters.docker import Engine
from reconciler.adapters.docker_stream import EngineRefused, Record, Stopped, follow
from reconciler.model.container import ContainerEnd, TakeOutput

# SIGTERM, then so long until SIGKILL: with the rest a canceled step is gone within two seconds.
GRACE_SECONDS = 0.8
# An engine that has not ended a killed container after this is not going to.
_GIVE_UP_SECONDS = 20.0


def watch(
    engine: Engine,
    client: APIClient,
    identity: str,
    *,
    on_output: TakeOutput,
    stopping: Callable[[], bool],
    on_started: Callable[[], None],
) -> ContainerEnd:
    """Attach, start, hand over output, wait; it is ended when `stopping()` becomes true.

    Raises EngineUnavailable if the engine goes away.
    """
    ender = _Ender(client, identity, stopping)
    try:
        for record in follow(engine, _attached(identity, on_started), ender):
            if "chunks" in record:
                out, err = record["chunks"]
                if out:
                    on_output(out, "out")
                if err:
                    on_output(err, "err")
            else:
                return _end(client, identity, record, stopped=ender.asked)
    except EngineRefused as error:
        return ContainerEnd(exit_code=125, message=str(error), stopped=ender.asked)
    except Stopped:
        return ContainerEnd(exit_code=137, stopped=True)
    return ContainerEnd(exit_code=137, stopped=ender.asked)


def _attached(
    identity: str, on_started: Callable[[], None]
) -> Callable[[APIClient], Iterator[Record]]:
    def call(client: APIClient) -> Iterator[Record]:
        # Before the start: not one line can be missed.
        pairs = client.attach(identity, stdout=True, stderr=True, stream=True, demux=True)
        client.start(identity)
        on_started()
        for pair in pairs:
            yield {"chunks": pair}
        yield dict(client.wait(identity))

    return call


class _Ender:
    """Ends a container once it is asked for: SIGTERM, then SIGKILL. True when it gives up."""

    def __init__(self, client: APIClient, identity: str, stopping: Callable[[], bool]) -> None:
        self._client, self._identity, self._stopping = client, identity, stopping
        self._since: float | None = None
        self._killed = False

    @property
    def asked(self) -> bool:
        """True if the container was told to end."""
        return self._since is not None

    def __call__(self) -> bool:
        if self._since is None:
            if self._stopping():
                self._since = time.monotonic()
                self._signal("SIGTERM")
            return False
        waited = time.monotonic() - self._since
        if waited > GRACE_SECONDS and not self._killed:
            # Not over if it was refused: the container may not have been started yet.
            self._killed = self._signal("SIGKILL")
        return waited > _GIVE_UP_SECONDS

    def _signal(self, name: str) -> bool:
        try:
            self._client.kill(self._identity, name)
        except APIError:
            return False
        return True


def _end(client: APIClient, identity: str, waited: Record, *, stopped: bool) -> ContainerEnd:
    state = client.inspect_container(identity)["State"]
    return ContainerEnd(
        exit_code=int(waited["StatusCode"]),
        stopped=stopped,
        out_of_memory=bool(state.get("OOMKilled")),
    )
