"""One container from its start to its end: output as it comes, and an end when it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from docker import APIClient
from docker.errors import APIError

from reconciler.adapters.docker.engine import Engine
from reconciler.adapters.docker.stream import EngineRefused, Record, Stopped, follow
from reconciler.model.container import ContainerEnd, TakeOutput, is_remote

# SIGTERM, then so long until SIGKILL. Only who catches the first one is waited for: the engine's
# init passes it on, and it ends whatever does not.
GRACE_SECONDS = 5.0
# Before it is set up, a first process loses the signals it gets.
_SET_UP_SECONDS = 0.3
_AGAIN_SECONDS = 0.1
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
    ender, here = _Ender(client, identity, stopping), not is_remote(engine.address)

    def started() -> None:
        ender.started = time.monotonic()
        on_started()

    try:
        for record in follow(engine, _attached(identity, started), ender):
            if "chunks" in record:
                out, err = record["chunks"]
                if out:
                    on_output(out, "out")
                if err:
                    on_output(err, "err")
            else:
                state = client.inspect_container(identity)["State"]
                return _end(record, state, stopped=ender.ended_it(state, here))
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
        self.started: float | None = None
        self._wanted: float | None = None
        self._tried = self._since = 0.0
        self._sent: datetime | None = None
        self._killed = False

    @property
    def asked(self) -> bool:
        """True if the container was told to end."""
        return self._sent is not None

    def ended_it(self, state: Record, here: bool) -> bool:
        """True if it ended because it was told to, and not by itself just before.

        The engine takes a signal for a container that has ended for as long as it has not noticed.
        Its clock tells, if it is the one of this machine (`here`).
        """
        if self._sent is None or not here:
            return self.asked
        return not ended_before(str(state["FinishedAt"]), self._sent)

    def __call__(self) -> bool:
        now = time.monotonic()
        if self._wanted is None:
            if not self._stopping():
                return False
            self._wanted = now
        if self._sent is None:
            self._ask(now)
        elif now - self._since > GRACE_SECONDS and not self._killed:
            self._killed = self._signal("SIGKILL")
        return now - self._wanted > GRACE_SECONDS + _GIVE_UP_SECONDS

    def _ask(self, now: float) -> None:
        """Send SIGTERM, once the container has started; refused if it has ended."""
        if self.started is None or now - self.started < _SET_UP_SECONDS:
            return
        if now - self._tried < _AGAIN_SECONDS:
            return
        self._tried, at = now, datetime.now(UTC)
        if self._signal("SIGTERM"):
            self._sent, self._since = at, now

    def _signal(self, name: str) -> bool:
        try:
            self._client.kill(self._identity, name)
        except APIError:
            return False
        return True


def ended_before(finished: str, moment: datetime) -> bool:
    """True if a container's `FinishedAt` (RFC 3339, up to nanoseconds) lies before a moment."""
    return datetime.fromisoformat(finished) < moment


def _end(waited: Record, state: Record, *, stopped: bool) -> ContainerEnd:
    return ContainerEnd(
        exit_code=int(waited["StatusCode"]),
        stopped=stopped,
        out_of_memory=bool(state.get("OOMKilled")),
    )
