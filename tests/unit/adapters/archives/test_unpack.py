"""A tar from a container is hostile: nothing is written outside, or through a link."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from reconciler.adapters.archives.unpack import pack, unpack


def member(name: str, **fields: object) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(found, field, value)
    return found


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> list[bytes]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    data = file.getvalue()
    return [data[at : at + 700] for at in range(0, len(data), 700)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    return place


@pytest.mark.parametrize("name", ["../out", "a/../../out", "./../out"])
def test_a_path_that_leads_out_is_left_out(folder: Path, name: str) -> None:
    unpack(archive((member(name), b"x"), (member("in"), b"y")), folder)
    assert not (folder.parent / "out").exists()
    assert (folder / "in").read_bytes() == b"y"


def test_an_absolute_path_lands_inside(folder: Path) -> None:
    unpack(archive((member("/deep/file"), b"x")), folder)
    assert (folder / "deep" / "file").read_bytes() == b"x"


def test_nothing_is_written_through_a_link(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    link = member("way", type=tarfile.SYMTYPE, linkname=str(outside))
    with pytest.raises(OSError, match="exists"):
        unpack(archive((link, b""), (member("way/file"), b"x")), folder)
    assert list(outside.iterdir()) == []


def test_devices_and_pipes_are_left_out(folder: Path) -> None:
    odd = [member("pipe", type=tarfile.FIFOTYPE), member("disk", type=tarfile.BLKTYPE)]
    unpack(archive(*[(item, b"") for item in odd]), folder)
    assert list(folder.iterdir()) == []


def test_no_file_comes_back_with_a_special_mode(folder: Path) -> None:
    unpack(archive((member("tool", mode=0o6777), b"x")), folder)
    assert (folder / "tool").stat().st_mode & 0o7777 == 0o755


def test_a_damaged_archive_is_an_os_error(folder: Path) -> None:
    with pytest.raises(OSError, match="damaged"):
        unpack([b"no tar at all" * 100], folder)


def test_what_is_packed_follows_no_link_and_leaves_out_what_it_is_told(folder: Path) -> None:
    (folder / "data").write_text("data")
    (folder / "secret").write_text("secret")
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    with (
        pack(folder, lambda path: path == "secret", lambda: None) as packed,
        tarfile.open(fileobj=packed) as tar,
    ):
        found = {item.name: item for item in tar}
    assert sorted(found) == ["data", "link"]
    assert found["link"].issym()
    assert (found["data"].uid, found["data"].gid) == (0, 0)


def test_packing_can_be_broken_off(folder: Path) -> None:
    (folder / "data").write_text("data")

    def check() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(folder, lambda _path: False, check)
