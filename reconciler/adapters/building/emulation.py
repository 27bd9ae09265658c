"""Platforms whose programs this machine emulates: what binfmt_misc has registered. Runs nothing.

For programs that run on this machine, not in containers of an engine.
https://docs.kernel.org/admin-guide/binfmt-misc.html
"""

from __future__ import annotations

from pathlib import Path

_PLACE = Path("/proc/sys/fs/binfmt_misc")
_EMULATORS = {
    "qemu-i386": ("linux/386",),
    "qemu-arm": ("linux/arm/v6", "linux/arm/v7"),
    "qemu-aarch64": ("linux/arm64",),
    "qemu-x86_64": ("linux/amd64",),
}


def emulated_here(place: Path = _PLACE) -> tuple[str, ...]:
    """The platforms that have an emulator which works in a chroot too (flag F)."""
    found = (platforms for name, platforms in _EMULATORS.items() if _works(place / name))
    return tuple(platform for platforms in found for platform in platforms)


def _works(entry: Path) -> bool:
    try:
        lines = entry.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags:")), "")
    return lines[:1] == ["enabled"] and "F" in flags.partition(":")[2]
