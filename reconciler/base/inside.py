"""Paths and files inside a folder that others have filled. Follows no link out of it.

`Path.resolve` asks the machine about every link it meets, so content could make us look anywhere.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

# As many as Linux follows.
_MOST_LINKS = 40


# A folder on the way need not be readable, and nobody waits for a pipe.
_ON_THE_WAY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LeadsOutError(OSError):
    """A path, or a link on its way, leads out of its folder."""


class NoFileError(OSError):
    """What stands at a path is no regular file."""


class TooLargeError(OSError):
    """A file has more bytes than it may have."""


def real_path(root: Path, written: str) -> Path:
    """The path without links of `written`, which is relative to `root` and lies inside it.

    It may be absolute, and may leave the folder on its way if it comes back: nothing outside is
    looked at for that. `root` itself holds no link. Raises LeadsOutError; OSError if there is
    nothing, or if it cannot be looked at.
    """
    here, followed = root, 0
    waiting = _words(written)
    if written.startswith("/"):
        here = Path("/")
    while waiting:
        word = waiting.pop()
        here = here.parent if word == ".." else here / word
        if word == ".." or root.is_relative_to(here):
            continue
        if not here.is_relative_to(root):
            raise LeadsOutError(errno.EXDEV, "it leads out of its folder")
        if not stat.S_ISLNK(_state(here).st_mode):
            continue
        followed += 1
        if followed > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = str(here.readlink())
        here = Path("/") if target.startswith("/") else here.parent
        waiting += _words(target)
    if not here.is_relative_to(root):
        raise LeadsOutError(errno.EXDEV, "it leads out of its folder")
    return here


def real_file(root: Path, written: str) -> Path | None:
    """The regular file of a path as `real_path` takes it, None if there is none inside."""
    try:
        found = real_path(root, written)
        return found if stat.S_ISREG(found.lstat().st_mode) else None
    except OSError:
        return None


def read_real(path: Path, most: int) -> bytes:
    """The bytes of a file by a path as `real_path` gives it.

    Whoever puts a link there in the meantime is not followed. Raises NoFileError; TooLargeError if
    it has more than `most` bytes; OSError.
    """
    here = os.open("/", _ON_THE_WAY)
    try:
        for name in path.parts[1:-1]:
            above, here = here, os.open(name, _ON_THE_WAY, dir_fd=here)
            os.close(above)
        handle = os.open(path.name, _READ, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NoFileError(errno.EINVAL, "it is no regular file")
    with os.fdopen(handle, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise TooLargeError(errno.EFBIG, "it is too large")
    return data


def _words(path: str) -> list[str]:
    """The parts of a path, the last one first."""
    return [word for word in reversed(path.split("/")) if word not in {"", "."}]


def _state(path: Path) -> os.stat_result:
    try:
        return path.lstat()
    except ValueError:  # a NUL, or what is no name on this machine
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
