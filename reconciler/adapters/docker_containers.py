"""Containers, networks and volumes of runs, through docker-py. Decides nothing about steps."""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.docker import DEFAULT_ADDRESS, Engine, engine_unavailable, explanation
from reconciler.adapters.docker_stream import EngineRefused, Record, Stopped, follow
from reconciler.adapters.unpack import pack, unpack
from reconciler.base.errors import EngineUnavailable
from reconciler.model.container import (
    INSTANCE_LABEL,
    RUN_LABEL,
    WORKSPACE,
    ContainerEnd,
    ContainerRequest,
    PlacedFile,
    Swept,
)

if TYPE_CHECKING:
    from docker import APIClient

# SIGTERM, then so long until SIGKILL: with the rest a canceled step is gone within two seconds.
GRACE_SECONDS = 0.8
# An engine that has not ended a killed container after this is not going to.
_GIVE_UP_SECONDS = 20.0
_CARRIER_IMAGE = "reconciler-workspace"
_CARRIER_TAG = "1"
_SOCKET = "/var/run/docker.sock"
_TRIES = 4


class EngineContainers:
    """What runs have on an engine, all of it labelled with the instance (the state's id)."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self.instance = instance

    # ------------------------------------------------------------ containers
    def run(
        self,
        request: ContainerRequest,
        on_output: Callable[[bytes], None],
        stopping: Callable[[], bool],
        on_started: Callable[[], None],
    ) -> ContainerEnd:
        """Run one container to its end and remove it; see the port."""
        with _talk(self._engine) as client:
            try:
                created = client.create_container(**_creation(client, self._engine, request))
            except _refusals() as error:
                return ContainerEnd(exit_code=125, message=explanation(error))
            identity = str(created["Id"])
            try:
                refused = _place_files(client, identity, request.files)
                if refused is not None:
                    return ContainerEnd(exit_code=125, message=refused)
                return self._watch(client, identity, on_output, stopping, on_started)
            finally:
                _remove_container(client, identity)

    def _watch(
        self,
        client: APIClient,
        identity: str,
        on_output: Callable[[bytes], None],
        stopping: Callable[[], bool],
        on_started: Callable[[], None],
    ) -> ContainerEnd:
        """Attach, start, hand over output, wait."""
        ender = _Ender(client, identity, stopping)
        try:
            for record in follow(self._engine, _attached(identity, on_started), ender):
                if "chunk" in record:
                    on_output(record["chunk"])
                else:
                    return _end(client, identity, record, stopped=ender.asked)
        except EngineRefused as error:
            return ContainerEnd(exit_code=125, message=str(error), stopped=ender.asked)
        except Stopped:
            return ContainerEnd(exit_code=137, stopped=True)
        return ContainerEnd(exit_code=137, stopped=ender.asked)

    # -------------------------------------------------- networks and volumes
    def create_network(
        self, name: str, run: str, *, driver: str | None, ipv6: bool, internal: bool
    ) -> None:
        """Make a network of a run. Raises ValueError with the engine's words if it refuses."""
        with _talk(self._engine) as client, _refusal_as_value_error():
            client.create_network(
                name,
                driver=driver or "bridge",
                labels=self._labels(run),
                enable_ipv6=ipv6,
                internal=internal,
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
            pack(folder, left_out, check) as content,
            _talk(self._engine) as client,
            _refusal_as_value_error(),
        ):
            client.create_volume(name, labels=self._labels(run))
            with self._carrier(client, name, run) as carrier:
                client.put_archive(carrier, WORKSPACE, content)

    def copy_out(self, volume: str, run: str, path: str, folder: Path) -> bool:
        """Copy a folder of a workspace here; links stay links. False if there is none."""
        import docker  # noqa: PLC0415

        with _talk(self._engine) as client, self._carrier(client, volume, run) as carrier:
            try:
                chunks, _ = client.get_archive(carrier, f"{WORKSPACE}/{path}/.")
            except docker.errors.NotFound:
                return False
            unpack(chunks, folder)
            return True

    @contextlib.contextmanager
    def _carrier(self, client: APIClient, volume: str, run: str) -> Iterator[str]:
        """A container that is never started: through it files get in and out of a volume."""
        _provide_carrier_image(client)
        config = client.create_host_config(binds=[f"{volume}:{WORKSPACE}"])
        created = client.create_container(
            f"{_CARRIER_IMAGE}:{_CARRIER_TAG}",
            command=["none"],
            host_config=config,
            labels=self._labels(run),
        )
        identity = str(created["Id"])
        try:
            yield identity
        finally:
            _remove_container(client, identity)

    def _labels(self, run: str) -> dict[str, str]:
        return {INSTANCE_LABEL: self.instance, RUN_LABEL: run}

    # ------------------------------------------------------------ clearing up
    def remove_run(self, run: str) -> list[str]:
        """Remove everything of a run; the names of what would not go."""
        with _talk(self._engine) as client:
            return _remove_all(client, [f"{INSTANCE_LABEL}={self.instance}", f"{RUN_LABEL}={run}"])

    def sweep(self, alive: Callable[[str], bool]) -> Swept:
        """Remove what runs of this instance left that are not alive any more."""
        with _talk(self._engine) as client:
            labels = [f"{INSTANCE_LABEL}={self.instance}"]
            found = _things(client, labels)
            dead = {run for run, _, _ in found if not alive(run)}
            counts = dict.fromkeys(("container", "network", "volume"), 0)
            for run, kind, _ in found:
                counts[kind] += run in dead
            left = [
                name
                for run in dead
                for name in _remove_all(client, [*labels, f"{RUN_LABEL}={run}"])
            ]
            return Swept(
                runs=tuple(sorted(dead)),
                containers=counts["container"],
                networks=counts["network"],
                volumes=counts["volume"],
                left=tuple(sorted(left)),
            )


# ------------------------------------------------------------------ creation
def _creation(client: APIClient, engine: Engine, request: ContainerRequest) -> dict[str, Any]:
    config: dict[str, Any] = {
        "image": request.image,
        "command": list(request.argv) or None,
        "name": request.name,
        "environment": list(request.env),
        "labels": dict(request.labels),
        "host_config": client.create_host_config(**_host(engine, request)),
        "ports": [_exposed(word) for word in (*request.ports, *request.expose)] or None,
        "working_dir": request.working_directory,
        "user": request.user,
        "stdin_open": False,
    }
    if request.entry_point is not None:
        config["entrypoint"] = [request.entry_point] if request.entry_point else [""]
    if request.network and request.aliases:
        # Its type says that it takes one endpoint; it takes them by the name of the network.
        endpoints: Any = {
            request.network: client.create_endpoint_config(aliases=[*request.aliases])
        }
        config["networking_config"] = client.create_networking_config(endpoints)
    return config


def _host(engine: Engine, request: ContainerRequest) -> dict[str, Any]:
    binds = [f"{request.volume}:{WORKSPACE}"] if request.volume else []
    if request.docker_socket:
        scheme, _, path = engine.address.partition("://")
        here = path if scheme == "unix" else DEFAULT_ADDRESS.partition("://")[2]
        binds.append(f"{here}:{_SOCKET}")
    host: dict[str, Any] = {
        "binds": binds,
        # The first process passes signals on and reaps; without it many images ignore SIGTERM.
        "init": True,
        "privileged": request.privileged,
        "auto_remove": False,
    }
    if request.network:
        host["network_mode"] = request.network
    if request.cpus:
        host["nano_cpus"] = int(float(request.cpus) * 1_000_000_000)
    if request.isolation:
        host["isolation"] = request.isolation
    if request.ports:
        host["port_bindings"] = _bindings(request.ports)
    return host


def _bindings(words: Sequence[str]) -> dict[str, list[Any]]:
    """`[address:][host]:container[/protocol]` words as docker-py wants them; ranges spelled out."""
    from docker.utils.ports import build_port_bindings  # noqa: PLC0415

    bindings: dict[str, list[Any]] = build_port_bindings(list(words))
    return bindings


def _exposed(word: str) -> tuple[str, str]:
    inner = word.rpartition(":")[2]
    port, _, protocol = inner.partition("/")
    return port, protocol or "tcp"


def _place_files(client: APIClient, identity: str, files: Sequence[PlacedFile]) -> str | None:
    """Put files into a container that has not started; what the engine says if it refuses."""
    if not files:
        return None
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in files:
            member = tarfile.TarInfo(file.path.lstrip("/"))
            member.size, member.mode = len(file.data), 0o444
            tar.addfile(member, io.BytesIO(file.data))
    try:
        client.put_archive(identity, "/", archive.getvalue())
    except _refusals() as error:
        return explanation(error)
    return None


def _provide_carrier_image(client: Any) -> None:
    import docker  # noqa: PLC0415

    try:
        client.inspect_image(f"{_CARRIER_IMAGE}:{_CARRIER_TAG}")
    except docker.errors.ImageNotFound:
        empty = io.BytesIO()
        tarfile.open(fileobj=empty, mode="w").close()
        client.import_image_from_data(empty.getvalue(), repository=_CARRIER_IMAGE, tag=_CARRIER_TAG)


# ------------------------------------------------------------------ watching
def _attached(
    identity: str, on_started: Callable[[], None]
) -> Callable[[APIClient], Iterator[Record]]:
    def call(client: APIClient) -> Iterator[Record]:
        # Before the start: not one line can be missed.
        chunks = client.attach(identity, stdout=True, stderr=True, stream=True)
        client.start(identity)
        on_started()
        for chunk in chunks:
            yield {"chunk": chunk}
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
        import docker  # noqa: PLC0415

        try:
            self._client.kill(self._identity, name)
        except docker.errors.APIError:
            return False
        return True


def _end(client: APIClient, identity: str, waited: Record, *, stopped: bool) -> ContainerEnd:
    state = client.inspect_container(identity)["State"]
    return ContainerEnd(
        exit_code=int(waited["StatusCode"]),
        stopped=stopped,
        out_of_memory=bool(state.get("OOMKilled")),
    )


# --------------------------------------------------------------- clearing up
def _things(client: APIClient, labels: list[str]) -> list[tuple[str, str, str]]:
    """(run, kind, id or name) of everything that carries the labels; containers first."""
    wanted = {"label": labels}
    containers = client.containers(all=True, filters=wanted)
    networks = client.networks(filters=wanted)
    volumes = client.volumes(filters=wanted).get("Volumes") or []
    return [
        *[(_run_of(item), "container", str(item["Id"])) for item in containers],
        *[(_run_of(item), "network", str(item["Name"])) for item in networks],
        *[(_run_of(item), "volume", str(item["Name"])) for item in volumes],
    ]


def _run_of(item: Any) -> str:
    return str((item.get("Labels") or {}).get(RUN_LABEL, ""))


def _remove_all(client: APIClient, labels: list[str]) -> list[str]:
    """Remove it, trying again a little: a network may have endpoints for a moment longer."""
    left: list[str] = []
    for pause in range(_TRIES):
        left = [
            name for _, kind, name in _things(client, labels) if not _removed(client, kind, name)
        ]
        if not left:
            break
        time.sleep(0.2 * pause)
    return left


def _removed(client: APIClient, kind: str, name: str) -> bool:
    import docker  # noqa: PLC0415

    try:
        if kind == "container":
            client.remove_container(name, force=True, v=True)
        elif kind == "network":
            client.remove_network(name)
        else:
            client.remove_volume(name, force=True)
    except docker.errors.NotFound:
        return True
    except docker.errors.APIError as error:
        return "already in progress" in explanation(error)
    return True


def _remove_container(client: APIClient, identity: str) -> None:
    """Best effort: what stays is removed at the end of the run or swept later."""
    import requests  # noqa: PLC0415

    with contextlib.suppress(requests.exceptions.RequestException, OSError):
        _removed(client, "container", identity)


# -------------------------------------------------------------------- errors
@contextlib.contextmanager
def _talk(engine: Engine) -> Iterator[APIClient]:
    """A connection of its own: steps run in threads. A lost engine is EngineUnavailable."""
    import requests  # noqa: PLC0415
    import urllib3  # noqa: PLC0415

    client = engine.client(timeout=None)
    lost = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ConnectionError)
    try:
        yield client
    except _refusals() as error:
        message = f"the container engine refuses: {explanation(error)}"
        raise EngineUnavailable(message, details=[("engine", engine.address)]) from None
    except lost as error:
        raise engine_unavailable(engine.address, error) from None
    finally:
        client.close()


def _refusals() -> type[Exception]:
    import docker  # noqa: PLC0415

    refusals: type[Exception] = docker.errors.DockerException
    return refusals


@contextlib.contextmanager
def _refusal_as_value_error() -> Iterator[None]:
    try:
        yield
    except _refusals() as error:
        raise ValueError(explanation(error)) from None
