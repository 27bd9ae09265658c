"""The smallest Linux program of each platform: it ends with `EXIT_CODE` and does nothing else.

A header and a handful of instructions (System V ABI, ELF; the calls of each kernel). Pure.
"""

from __future__ import annotations

import io
import struct
import tarfile

EXIT_CODE = 42
NAME = "trial"

_ADDRESS = 0x10000
# What each executes: exit(42). arm/v7 says it with `movw`, which an ARMv6 does not know.
_CODE = {
    "linux/amd64": "bf2a000000b83c0000000f05",
    "linux/386": "bb2a000000b801000000cd80",
    "linux/arm64": "400580d2a80b80d2010000d4",
    "linux/arm/v7": "2a0000e30170a0e3000000ef",
    "linux/arm/v6": "2a00a0e30170a0e3000000ef",
}
_MACHINES = {"amd64": 62, "386": 3, "arm64": 183, "arm": 40}
_ARM_EABI5 = 0x0500_0000
_WIDE = ("amd64", "arm64")

TRIED = tuple(_CODE)


def tiny_program(platform: str) -> bytes:
    """The executable of a platform of `TRIED`. Raises KeyError."""
    code, architecture = bytes.fromhex(_CODE[platform]), platform.split("/")[1]
    wide = architecture in _WIDE
    words, before = ("QQQ", 64 + 56) if wide else ("III", 52 + 32)
    size = before + len(code)
    identity = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    flags = _ARM_EABI5 if architecture == "arm" else 0
    sizes = (64, 56, 1, 0, 0, 0) if wide else (52, 32, 1, 0, 0, 0)
    places = (_ADDRESS + before, sizes[0], 0)
    header = struct.pack("<HHI" + words, 2, _MACHINES[architecture], 1, *places)
    header += struct.pack("<I6H", flags, *sizes)
    segment = (
        struct.pack("<II6Q", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, 0x1000)
        if wide
        else struct.pack("<8I", 1, 0, _ADDRESS, _ADDRESS, size, size, 5, 0x1000)
    )
    return identity + header + segment + code


def as_layer(program: bytes) -> bytes:
    """A layer with nothing but a program, at `/NAME`; the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        add_file(tar, NAME, program, 0o755)
    return packed.getvalue()


def add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Put a file into an archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
