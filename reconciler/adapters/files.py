"""Files that are private or must be whole. Decides nothing about what stands in them."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.adapters.processes.owner import owner_lives, owner_of_this_process
from reconciler.adapters.processes.process import capture

_DELETE_SECONDS = 60
_PREFIX = "reconciler-private-"
_MEMORY = Path("/dev/shm")  # noqa: S108  (memory, not disk; the folder inside is 0700)


def memory_folder() -> Path:
    """A place in memory where the system has one, else the folder for temporary files."""
    usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    return _MEMORY if usable else Path(tempfile.gettempdir())


@contextlib.contextmanager
def private_folder(parent: Path | None = None) -> Iterator[Path]:
    """An empty folder that only we can read, deleted at the end of the block.

    It is in memory, or in `parent` (made if missing) for what is too large for that. Its name says
    which process it belongs to, so that a later one can clear up after a kill.
    """
    parent = parent or memory_folder()
    parent.mkdir(parents=True, exist_ok=True)
    sweep_private_folders(parent)
    owner = owner_of_this_process()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{owner}-", dir=parent))
    try:
        yield folder
    finally:
        _delete(folder)


def sweep_private_folders(parent: Path) -> None:
    """Delete private folders of ours whose process is gone."""
    for folder in parent.glob(_PREFIX + "*"):
        if _belongs_to_us(folder) and not _owner_lives(folder):
            _delete(folder)


def _delete(folder: Path) -> None:
    """Delete a folder with all that is in it, as far as we may.

    What a user builds without being root belongs to his subordinate ids: only in a user namespace
    that has them he may delete it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if os.geteuid() != 0 and folder.exists():
        with contextlib.suppress(OSError):
            words = ["unshare", "--map-root-user", "--map-auto", "rm", "-rf", "--", str(folder)]
            capture(words, environment={"PATH": os.defpath}, timeout=_DELETE_SECONDS)


def _belongs_to_us(folder: Path) -> bool:
    try:
        state = folder.lstat()
    except OSError:
        return False
    return state.st_uid == os.getuid() and not folder.is_symlink()


def _owner_lives(folder: Path) -> bool:
    return owner_lives(folder.name.removeprefix(_PREFIX).rpartition("-")[0])


def write_private(path: Path, data: bytes) -> None:
    """Write a new file with mode 0600. Raises FileExistsError rather than follow anything."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)


def write_whole(path: Path, data: bytes | Iterable[bytes], mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old one or the new one, never half. OSError.

    `data` may come in pieces.
    """
    path = path.resolve()  # a link stays a link: what it points to is written
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    with _beside(path, data, mode) as whole:
        whole.replace(path)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file that is not there yet, whole or not at all. FileExistsError, other OSError.

    Missing folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, data, mode) as whole:
        os.link(whole, path)


@contextlib.contextmanager
def _beside(path: Path, data: bytes | Iterable[bytes], mode: int) -> Iterator[Path]:
    """A file that is wholly on disk, beside `path`; gone at the end if still there."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
