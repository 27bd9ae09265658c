"""The container engine, through docker-py: images, versions, whether it answers. Builds nothing.

docker-py is slow to import: whoever wants `docker*` imports it in the function that needs it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import requests
from docker.utils import kwargs_from_env

from reconciler.base.errors import EngineUnavailable
from reconciler.model.build import LocalImage

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
_SHORT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """What an engine says about itself."""

    version: str
    os: str
    architecture: str


class Engine:
    """A container engine at an address. Every method raises EngineUnavailable if it is gone."""

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        self.address = address
        self._environment = environment
        self._api_version = "auto"
        self._client = self.client(timeout=_SHORT_SECONDS)
        # Asked once: a step has several connections, and each would ask again.
        self._api_version = self._client.api_version

    def client(self, timeout: float | None) -> docker.APIClient:
        """A new connection. `timeout` is the silence in seconds that is borne, None: any."""
        settings = {**self._environment, "DOCKER_HOST": self.address}
        try:
            _knock(self.address)
            # types-docker knows only whole seconds; docker-py takes what requests takes.
            options: dict[str, Any] = {**kwargs_from_env(settings), "timeout": timeout}
            return docker.APIClient(version=self._api_version, **options)
        except (docker.errors.DockerException, OSError) as error:
            raise engine_unavailable(self.address, error) from None

    def version(self) -> EngineVersion:
        """Version, operating system and architecture of the engine."""
        found = self._ask(lambda client: client.version())
        return EngineVersion(found["Version"], found["Os"], found["Arch"])

    def now(self) -> str:
        """The time of the engine's machine, in ISO 8601."""
        return str(self._ask(lambda client: client.info())["SystemTime"])

    def answers(self) -> bool:
        """True if the engine answers now."""
        try:
            return bool(self._ask(lambda client: client.ping()))
        except EngineUnavailable:
            return False

    def image(self, reference: str) -> LocalImage | None:
        """The local image of a name or id, or None."""
        found = self._ask(lambda client: client.inspect_image(reference))
        if found is None:
            return None
        triggers = (found.get("Config") or {}).get("OnBuild") or ()
        parts = [found.get(name) for name in ("Os", "Architecture", "Variant")]
        platform = "/".join(filter(None, parts)) if all(parts[:2]) else None
        digests = tuple(found.get("RepoDigests") or ())
        return LocalImage(found["Id"], digests, tuple(triggers), platform)

    def traces(self, reference: str) -> str:
        """Everything that stays readable in an image beside its files: settings and history."""
        found = self._ask(lambda client: client.inspect_image(reference))
        history = self._ask(lambda client: client.history(reference))
        return json.dumps([found, history], ensure_ascii=False)

    def tag(self, image_id: str, name: str) -> None:
        """Give an image a name `repository:tag`."""
        repository, tag = split_tag(name)
        self._ask(lambda client: client.tag(image_id, repository, tag, force=True))

    def load(self, archive: Path) -> None:
        """Take the images of a `docker save` file."""
        with archive.open("rb") as data:
            self._ask(lambda client: list(client.load_image(data)))

    def remove_image(self, reference: str) -> None:
        """Take a name away, and the image with its last name. Nothing if there is none."""
        self._ask(lambda client: client.remove_image(reference, noprune=False))

    def close(self) -> None:
        """Give back the connection."""
        self._client.close()

    def _ask(self, question: Any) -> Any:
        try:
            return question(self._client)
        except (docker.errors.ImageNotFound, docker.errors.NotFound):
            return None
        except docker.errors.APIError as error:
            message = f"the container engine refuses: {explanation(error)}"
            raise EngineUnavailable(message, details=[("engine", self.address)]) from None
        except (requests.exceptions.RequestException, OSError) as error:
            raise engine_unavailable(self.address, error) from None


def open_engine(address: str | None, environment: Mapping[str, str]) -> Engine:
    """The engine at an address; None or `auto`: of DOCKER_HOST, else the default socket.

    Raises EngineUnavailable with the fix.
    """
    if address in {None, "auto"}:
        address = environment.get("DOCKER_HOST") or DEFAULT_ADDRESS
    return Engine(str(address), environment)


def _knock(address: str) -> None:
    """Try a unix socket before docker-py does, which leaves it open when nobody answers."""
    scheme, _, path = address.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
            knock.settimeout(_SHORT_SECONDS)
            knock.connect(path)


def split_tag(name: str) -> tuple[str, str]:
    """(`registry/repository`, tag) of a name; the tag is `latest` where none is written."""
    head, slash, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    return head + slash + repository, tag or "latest"


def explanation(error: Any) -> str:
    """What the engine said, without the URL and the status line around it."""
    return str(getattr(error, "explanation", None) or error).strip()


def engine_unavailable(address: str, error: BaseException) -> EngineUnavailable:
    """The error for an engine that does not answer, with what to do."""
    text = str(error)
    if "Permission denied" in text or isinstance(error, PermissionError):
        return EngineUnavailable(
            f"no right to use the container engine at {address}",
            hint="run as a user in the group docker (or root), or set DOCKER_HOST to your engine",
        )
    return EngineUnavailable(
        f"no container engine answers at {address}",
        hint="start it (systemctl start docker, or dockerd &), or set DOCKER_HOST to one that runs",
    )
