"""Asks an engine which platforms its containers can have: it starts a tiny program of each.

Reading /proc/sys/fs/binfmt_misc would tell of the machine this runs on, which need not be the
engine's, and not whether a container finds the interpreter. Judges nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from docker import APIClient
from docker.errors import DockerException
from docker.types import HostConfig

from reconciler.adapters.docker.connection import LOST
from reconciler.adapters.docker.engine import Engine, engine_unavailable
from reconciler.adapters.docker.tiny_programs import (
    EXIT_CODE,
    NAME,
    TRIED,
    add_file,
    as_layer,
    tiny_program,
)
from reconciler.base.clock import to_iso, utc_now
from reconciler.base.errors import EngineUnavailable
from reconciler.base.ids import new_id

LABEL = "io.reconciler.trial"
_SECONDS = 8
_LEFT_SECONDS = 600  # what is older belongs to a trial that was killed
_ERRORS = (DockerException, *LOST)


def runnable_platforms(engine: Engine, platforms: Sequence[str]) -> tuple[str, ...]:
    """Those of some platforms whose programs the engine really runs, in their order.

    There are programs of `TRIED` only: no other platform is among the answer. All are tried at the
    same time. Each trial is a container without network or rights, from an image of one file; both
    are removed afterwards, and what a trial left that was killed. Raises EngineUnavailable.
    """
    with (
        contextlib.closing(engine.client(timeout=_SECONDS)) as client,
        contextlib.suppress(*_ERRORS),
    ):
        _clear_left(client)
    tried = [name for name in platforms if name in TRIED]
    answers: dict[str, bool | EngineUnavailable] = {}

    def try_one(name: str) -> None:
        try:
            with contextlib.closing(engine.client(timeout=_SECONDS)) as client:
                answers[name] = _runs(client, name)
        except LOST as error:
            answers[name] = engine_unavailable(engine.address, error)
        except EngineUnavailable as error:
            answers[name] = error

    # An engine that hangs holds up whoever waits here, and not the end of the program.
    threads = [threading.Thread(target=try_one, args=(name,), daemon=True) for name in tried]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers.values():
        if isinstance(answer, EngineUnavailable):
            raise answer
    return tuple(name for name in tried if answers[name])


def _runs(client: APIClient, platform: str) -> bool:
    """True if the program ended as it does. A lost engine is no answer, and raised."""
    try:
        with _image(client, platform) as image, _container(client, image) as container:
            client.start(container)
            return bool(client.wait(container, timeout=_SECONDS)["StatusCode"] == EXIT_CODE)
    except DockerException:
        return False  # what the engine refuses to load, create or start cannot be run


@contextlib.contextmanager
def _image(client: APIClient, platform: str) -> Iterator[str]:
    identity, archive = _archive(platform)
    for _ in client.load_image(archive):  # type: ignore[no-untyped-call]
        pass  # its words: a failure shows when the container is made
    try:
        yield identity
    finally:
        with contextlib.suppress(*_ERRORS):
            client.remove_image(identity, force=True)


@contextlib.contextmanager
def _container(client: APIClient, image: str) -> Iterator[str]:
    made = client.create_container(
        image,
        [f"/{NAME}"],
        name=new_id("reconciler-trial-", 8),
        labels={LABEL: "container"},
        user="65534",
        host_config=HostConfig(
            version=client.api_version, network_mode="none", cap_drop=["ALL"], read_only=True
        ),
    )
    try:
        yield str(made["Id"])
    finally:
        with contextlib.suppress(*_ERRORS):
            client.remove_container(made["Id"], force=True)


def _archive(platform: str) -> tuple[str, bytes]:
    """(id, archive as `docker load` takes it) of an image that is nobody else's."""
    layer = as_layer(tiny_program(platform))
    system, architecture, *variant = platform.split("/")
    config = json.dumps(
        {
            "os": system,
            "architecture": architecture,
            **({"variant": variant[0]} if variant else {}),
            "created": to_iso(utc_now()),
            "config": {"Labels": {LABEL: new_id("t-", 12)}},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
        }
    ).encode()
    name = f"{_digest(config)}.json"
    manifest = [{"Config": name, "RepoTags": None, "Layers": ["layer.tar"]}]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        add_file(tar, name, config)
        add_file(tar, "layer.tar", layer)
        add_file(tar, "manifest.json", json.dumps(manifest).encode())
    return f"sha256:{_digest(config)}", packed.getvalue()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _clear_left(client: APIClient) -> None:
    """Remove what trials left that were killed; not of one that goes on beside this one."""
    wanted = {"label": [LABEL]}
    for item in client.containers(all=True, filters=wanted):
        if _is_left(item):
            client.remove_container(item["Id"], force=True)
    for item in client.images(filters=wanted):
        if _is_left(item):
            client.remove_image(item["Id"], force=True)


def _is_left(item: Any) -> bool:
    return float(item["Created"]) < time.time() - _LEFT_SECONDS
