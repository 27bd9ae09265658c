"""Row 36: archives that are small to send and large to have, broken ones, and what is none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.fetch_fault import MEBIBYTE, Limits
from reconciler.adapters.web.resolve import Guard
from reconciler.operations.running.downloads import Downloads
from reconciler.runner.failure import Failure
from tests.live.hostile.places import Door, page, serving
from tests.live.hostile.tars import archive, member, packed

ZEROS = bytes(MEBIBYTE)
SMALL = packed({"Dockerfile": b"FROM scratch\n"})


def bomb(pack: Callable[[], Any], mebibytes: int) -> bytes:
    """A packed tar of one file that is nothing but zeros."""
    packer = pack()
    head = member("zeros", size=mebibytes * MEBIBYTE).tobuf()
    pieces = [packer.compress(head), *(packer.compress(ZEROS) for _ in range(mebibytes))]
    return b"".join([*pieces, packer.compress(bytes(1024)), packer.flush()])


PACKERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.compressobj(9, wbits=31),
    "bzip2": bz2.BZ2Compressor,
    "xz": lzma.LZMACompressor,
}


def refused(door: Door, data: bytes, limits: Limits | None = None) -> str:
    with serving(lambda _path: page(data)) as server:
        door.declared.add(server.host)
        if limits is None:
            return door.refuse(f"{server.url}/x")
        downloads = Downloads(door.place, Guard(door.declared), lambda _host: None, limits)
        with pytest.raises(Failure) as caught:
            downloads.archive(f"{server.url}/x", None, lambda: False)
        assert not list(door.place.rglob("*"))
        return caught.value.message


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_stops_after_64_mebibytes(name: str, door: Door) -> None:
    data = bomb(PACKERS[name], 300)
    assert len(data) < MEBIBYTE
    assert "more than 200 times its size" in refused(door, data)


def test_a_bomb_writes_no_more_than_its_limit(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    remove = shutil.rmtree

    def look(path: Path, *, ignore_errors: bool = False) -> None:
        files = (file for file in Path(path).rglob("*") if file.name == "zeros")
        written.append(sum(file.stat().st_size for file in files))
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", look)
    refused(door, bomb(PACKERS["gzip"], 300))
    assert 60 * MEBIBYTE < max(written) <= 66 * MEBIBYTE


def test_more_than_it_may_unpack_to_is_refused(door: Door) -> None:
    limits = replace(Limits(), unpacked=3 * MEBIBYTE)
    data = gzip.compress(archive((member("a"), ZEROS * 4)))
    assert "more than 3 MiB" in refused(door, data, limits)


def test_many_tiny_files_are_refused(door: Door) -> None:
    limits = replace(Limits(), entries=1000)
    data = gzip.compress(archive(*((member(f"d/{number}"), b"") for number in range(1001))))
    assert "more than 1,000 files and folders" in refused(door, data, limits)


def test_folders_that_no_entry_names_count_as_well(door: Door) -> None:
    limits = replace(Limits(), entries=1000)
    names = ("/".join([str(number), *"abcdefghij", "x"]) for number in range(100))
    data = archive(*((member(name), b"") for name in names))
    assert "more than 1,000 files and folders" in refused(door, data, limits)


def test_a_large_download_is_refused_by_what_it_says_and_by_what_it_sends(door: Door) -> None:
    limits = replace(Limits(), packed=MEBIBYTE)
    assert "has more than 1 MiB" in refused(door, archive((member("a"), ZEROS * 2)), limits)

    def endless(_path: str) -> tuple[int, dict[str, str], Iterator[bytes]]:
        return 200, {}, iter(lambda: ZEROS, None)

    with serving(endless) as server:
        door.declared.add(server.host)
        downloads = Downloads(door.place, Guard(door.declared), lambda _host: None, limits)
        with pytest.raises(Failure, match="has more than 1 MiB"):
            downloads.archive(f"{server.url}/x", None, lambda: False)


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, bz2.compress, lzma.compress])
def test_a_truncated_archive_is_refused(pack: Callable[[bytes], bytes], door: Door) -> None:
    whole = pack(archive((member("a"), bytes(range(256)) * 40)))
    said = refused(door, whole[: len(whole) // 2])
    assert "ends too early" in said


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, bz2.compress, lzma.compress])
def test_what_follows_the_end_is_refused(pack: Callable[[bytes], bytes], door: Door) -> None:
    assert "follows its end" in refused(door, pack(SMALL) + b"#!/bin/sh\nrm -rf /\n" * 40)


def test_a_second_archive_behind_the_end_is_refused(door: Door) -> None:
    assert "follows its end" in refused(door, gzip.compress(SMALL) + gzip.compress(SMALL))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_pieces_packed_one_after_the_other_and_zeros_are_one_archive(
    pack: Callable[[bytes], bytes], door: Door
) -> None:
    data = pack(SMALL[:700]) + pack(SMALL[700:]) + bytes(600)
    with serving(lambda _path: page(data)) as server:
        door.declared.add(server.host)
        found = door.fetch(f"{server.url}/x")
    assert (found.folder / "Dockerfile").read_bytes() == b"FROM scratch\n"


def test_damage_is_told(door: Door) -> None:
    data = bytearray(gzip.compress(archive((member("a"), bytes(range(256)) * 40))))
    data[60] ^= 0xFF
    assert "it is damaged" in refused(door, bytes(data))


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as found:
        found.writestr("Dockerfile", "FROM scratch\n")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(), "it is a zip archive"),
        (gzip.compress(zipped()), "it is no tar"),
        (b"\n <!DOCTYPE html><title>Sign in</title>", "it is a web page"),
        (b"FROM scratch\n", "it is no tar"),
        (b"", "it is no tar"),
        (b"\x28\xb5\x2f\xfd" + bytes(100), "packed with zstd"),
        (bytes(1024), ""),
    ],
    ids=["zip", "zip in gzip", "page", "text", "nothing", "zstd", "an empty tar"],
)
def test_what_is_no_tar_is_told_by_what_it_is(data: bytes, said: str, door: Door) -> None:
    with serving(lambda _path: page(data)) as server:
        door.declared.add(server.host)
        if said:
            assert said in door.refuse(f"{server.url}/x.tar.gz")
        else:
            assert list(door.fetch(f"{server.url}/x").folder.iterdir()) == []


def test_a_file_with_holes_is_refused(door: Door) -> None:
    record = b"22 GNU.sparse.major=1\n"
    header = member("x", type=tarfile.XHDTYPE, size=len(record)).tobuf()
    whole = header + record + bytes(-len(record) % 512) + archive((member("y"), b"x"))
    assert "a file with holes" in refused(door, whole)
