"""Files in and out of a volume, through a container that is never started."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from docker import APIClient
from docker.errors import ImageNotFound, NotFound

from reconciler.adapters.archives.unpack import unpack
from reconciler.adapters.docker.removal import remove_container
from reconciler.model.container import WORKSPACE

_IMAGE = "reconciler-workspace"
_TAG = "1"
PACKED_UNDER = f"{WORKSPACE.strip('/')}/"


@contextlib.contextmanager
def carrier(client: APIClient, volume: str, labels: Mapping[str, str]) -> Iterator[str]:
    """The id of a container that is never started and has the volume as its workspace."""
    _provide_image(client)
    created = client.create_container(
        f"{_IMAGE}:{_TAG}",
        command=["none"],
        host_config=client.create_host_config(binds=[f"{volume}:{WORKSPACE}"]),
        labels=dict(labels),
    )
    identity = str(created["Id"])
    try:
        yield identity
    finally:
        remove_container(client, identity)


def make_volume(client: APIClient, name: str, labels: Mapping[str, str], content: BinaryIO) -> None:
    """Make a volume with what a tar has below `PACKED_UNDER`. Raises DockerException.

    The engine refuses a link that leads above the folder that it unpacks into, and nothing leads
    above its root: unpacked there, links come in as they are. They mean what they mean in a step.
    """
    client.create_volume(name, labels=dict(labels))
    with carrier(client, name, labels) as identity:
        client.put_archive(identity, "/", content)


def copy_folder(
    client: APIClient, volume: str, labels: Mapping[str, str], path: str, folder: Path
) -> bool:
    """Copy a folder of a volume here; links stay links. False if there is none. DockerException."""
    with carrier(client, volume, labels) as identity:
        try:
            chunks, _ = client.get_archive(identity, f"{WORKSPACE}/{path}/.")
        except NotFound:
            return False
        # The engine does not remove the container before somebody stops reading from it.
        with contextlib.closing(chunks):
            unpack(chunks, folder)
        return True


def _provide_image(client: Any) -> None:
    try:
        client.inspect_image(f"{_IMAGE}:{_TAG}")
    except ImageNotFound:
        empty = io.BytesIO()
        tarfile.open(fileobj=empty, mode="w").close()
        client.import_image_from_data(empty.getvalue(), repository=_IMAGE, tag=_TAG)
