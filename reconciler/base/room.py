"""A full disk as people are told of it: where, how much is free, what to do. Makes no room."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

FIX = "make room there and start again; what was done is kept"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# With less than this SQLite cannot even open the files beside its database.
_ENOUGH = 256 * 1024


def is_full(error: OSError) -> bool:
    """True if an error says that a disk, or a person's share of it, is full."""
    return error.errno in _FULL


def has_room(folder: Path) -> bool:
    """False if next to nothing can be written into an existing folder. Raises OSError."""
    return shutil.disk_usage(folder).free >= _ENOUGH


def full_disk(folder: Path) -> str:
    """`the disk is full or too small: 0.1 MB of 2.0 MB are free in FOLDER`."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return f"the disk is full or too small: no room in {folder}"
    free, total = found.free / 1e6, found.total / 1e6
    return f"the disk is full or too small: {free:.1f} MB of {total:.1f} MB are free in {folder}"
