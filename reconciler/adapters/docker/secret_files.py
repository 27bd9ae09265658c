"""The files of secret volumes: in memory, seen by one container, gone with it. Starts none.

The outer folder is open to us only, so that nobody else on this machine reaches what is inside;
each volume is a folder in it that the container sees read-only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from docker import APIClient
from docker.types import Mount

from reconciler.adapters.files import private_folder, write_private
from reconciler.model.container import SecretFolder

_UNSEEN = "bind source path does not exist"


class SecretsNotWritten(Exception):
    """The files cannot be put into memory; the text says why."""


@contextlib.contextmanager
def secret_binds(folders: Sequence[SecretFolder]) -> Iterator[list[Mount]]:
    """Binds with the files in memory, deleted at the end of the block. SecretsNotWritten."""
    with contextlib.ExitStack() as stack:
        try:
            outer = stack.enter_context(private_folder()) if folders else Path()
            binds = [_bind(outer / str(number), folder) for number, folder in enumerate(folders)]
        except OSError as error:
            why = error.strerror or type(error).__name__
            message = f"the files of its secret volumes cannot be written: {why}"
            raise SecretsNotWritten(message) from None
        yield binds


def _bind(place: Path, folder: SecretFolder) -> Mount:
    place.mkdir(mode=0o700)
    for name, data in folder.files:
        write_private(place / name, data)
        (place / name).chmod(0o400)
    return Mount(folder.path, str(place), type="bind", read_only=True)


def hand_over(client: APIClient, identity: str, binds: Sequence[Mount]) -> None:
    """Give the files to the user that a created container will run as."""
    if not binds:
        return
    user = _user_id(client, identity)
    for place in (Path(bind["Source"]) for bind in binds):
        for path in (place, *place.iterdir()):
            _give(path, user)


def _give(path: Path, user: int | None) -> None:
    # Root in a container reads whatever we own.
    if user in {0, os.getuid()}:
        return
    if user is not None and os.getuid() == 0:
        os.chown(path, user, -1)
    else:
        # We cannot give it away: all inside the container may read it, and still nobody outside.
        path.chmod(0o555 if path.is_dir() else 0o444)


def _user_id(client: APIClient, identity: str) -> int | None:
    """The number of a container's user; None for a name, which only its image knows."""
    config = client.inspect_container(identity)["Config"]
    name = str(config.get("User") or "root").partition(":")[0]
    if name == "root":
        return 0
    return int(name) if name.isdecimal() else None


def explained(message: str) -> str:
    """What the engine says, in our words where it cannot see our memory."""
    if _UNSEEN not in message:
        return message
    return (
        "the engine does not see the memory of this machine, where the files of secret volumes "
        "lie; run on the machine (and in the container) that the engine runs on"
    )
