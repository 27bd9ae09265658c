"""What live tests stand on: an engine, registries of their own, a base image; judges nothing.

Everything here is shared by a session (with pytest-xdist: by one worker). Live tests name their
repositories uniquely, so that they can share a registry.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import docker
import docker.errors
import pytest

from tests.live.workshop import Workshop

# Read at import: the environment is cleaned of RECONCILER_* before each test.
REQUIRED = os.environ.get("RECONCILER_REQUIRE_LIVE") == "1"
BASE_IMAGE = os.environ.get("RECONCILER_BASE_IMAGE", "reconciler-base:busybox")
HERE = Path(__file__).parent
ENGINE_SCRIPT = HERE.parents[1] / ".ci" / "engine.py"

USERNAME, PASSWORD = "builder", "only-for-tests"
# bcrypt of the password above: the registry takes no other kind, and the standard library has none.
HTPASSWD = "builder:$2b$04$hgofsJfy/wjign6jD79XK.k.eSSGuBym8wBB22X0s5O/ZSlqOUx22\n"


@dataclass(frozen=True)
class SecuredRegistry:
    """A registry that lets nobody in without this name and password."""

    address: str
    username: str
    password: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is live, said once."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.live)


def unavailable(what: str) -> NoReturn:
    """Skip, or fail where live tests are demanded (RECONCILER_REQUIRE_LIVE=1)."""
    if REQUIRED:
        pytest.fail(f"RECONCILER_REQUIRE_LIVE=1, but {what}", pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of the engine that answers."""
    client = engine_that_answers()
    if client is None:
        unavailable("no container engine answers")
    yield client
    client.close()


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address ("127.0.0.1:port") of an empty registry without login; deleting is allowed."""
    with running_registry(tmp_path_factory.mktemp("registry"), auth="") as address:
        yield address


@pytest.fixture(scope="session")
def registry_htpasswd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredRegistry]:
    """A registry that wants a user name and a password."""
    folder = tmp_path_factory.mktemp("registry-htpasswd")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = f'auth: {{htpasswd: {{realm: tests, path: "{folder}/htpasswd"}}}}\n'
    with running_registry(folder, auth=auth) as address:
        yield SecuredRegistry(address, USERNAME, PASSWORD)


@pytest.fixture(scope="session")
def base_image(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a local image made from scratch that holds a static busybox, and /bin/sh with it."""
    with one_at_a_time(tmp_path_factory):
        if not has_image(engine, BASE_IMAGE):
            import_busybox(BASE_IMAGE)
    return BASE_IMAGE


def engine_that_answers() -> docker.DockerClient | None:
    """A client of the engine of this environment, or None."""
    try:
        client = docker.from_env()
        client.ping()
    except (docker.errors.DockerException, OSError):
        return None
    return client


@contextmanager
def running_registry(folder: Path, auth: str) -> Iterator[str]:
    """Debian's docker-registry on a free loopback port, with our own configuration."""
    program = shutil.which("docker-registry")
    if program is None:
        unavailable("docker-registry is not installed")
    address = f"127.0.0.1:{free_port()}"
    (folder / "config.yml").write_text(configuration(folder, address) + auth)
    with (folder / "log").open("wb") as log:
        command = [program, "serve", str(folder / "config.yml")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until_it_answers(process, address, folder / "log")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def configuration(folder: Path, address: str) -> str:
    """The registry's own file; upload state and data lie in the given folder."""
    return (
        "version: 0.1\n"
        "log: {level: warn, accesslog: {disabled: true}}\n"
        f'storage: {{filesystem: {{rootdirectory: "{folder}/data"}}, delete: {{enabled: true}}}}\n'
        f"http: {{addr: {address}}}\n"
    )


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait at most ten seconds for /v2/; a login being demanded is an answer."""
    for _ in range(200):
        if process.poll() is not None:
            break
        if answers(address):
            return
        time.sleep(0.05)
    pytest.fail(f"docker-registry did not start: {log.read_text()}", pytrace=False)


def answers(address: str) -> bool:
    """Whether a registry answers at the address."""
    try:
        with urllib.request.urlopen(f"http://{address}/v2/", timeout=5):
            return True
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code == 401
    except OSError:
        return False


def has_image(engine: docker.DockerClient, name: str) -> bool:
    """Whether the engine has the image."""
    try:
        engine.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def import_busybox(name: str) -> None:
    """Make the image the way .ci/services does, by the same script."""
    busybox = shutil.which("busybox")
    if busybox is None:
        unavailable(f"there is neither the image {name} nor busybox-static to make it from")
    place = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    command = [sys.executable, str(ENGINE_SCRIPT), "import-busybox", place, name, busybox]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@contextmanager
def one_at_a_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Only one xdist worker at a time; they share the parent of their temporary folders."""
    shared = tmp_path_factory.getbasetemp().parent / "reconciler-base.lock"
    with shared.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def workshop(
    tmp_path: Path, registry: str, base_image: str, engine: docker.DockerClient
) -> Iterator[Workshop]:
    (tmp_path / "reconciler.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Workspace\nregistries:\n"
        f'  - {{name: contoso, loginServer: "{registry}"}}\n'
    )
    yield Workshop(tmp_path, registry, base_image)
    # Listed without a look at each: another worker may take an image away in between.
    for image in engine.api.images(filters={"label": "io.reconciler.run"}):
        if any(str(tag).startswith(registry) for tag in image.get("RepoTags") or ()):
            with suppress(docker.errors.APIError):
                engine.images.remove(str(image["Id"]), force=True)
