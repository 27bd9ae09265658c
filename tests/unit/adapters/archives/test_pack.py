"""A tar as we write it, read by the library's reader and by tar itself."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from reconciler.adapters.archives.pack import by_path, by_rules, packed
from reconciler.taskfile.dockerfile.ignore import parse_ignore


def whole(folder: Path, rules: str = "", extra: dict[str, bytes] | None = None) -> bytes:
    return b"".join(packed(folder, by_rules(parse_ignore(rules)), lambda: None, extra))


def names(data: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return set(tar.getnames())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    deep = place / ("long-" * 20) / ("name-" * 20)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(bytes(range(256)) * 5000)
    (place / "tool").write_text("#!/bin/sh\n")
    (place / "tool").chmod(0o755)
    (place / "empty").touch()
    (place / "old").touch()
    os.utime(place / "old", (-86_400, -86_400))
    (place / "exact").write_bytes(bytes(512))
    (place / os.fsdecode(b"not-\xff-text")).write_text("x")
    (place / "link").symlink_to("tool")
    (place / "far").symlink_to("x" * 300)
    return place


def test_tar_itself_finds_no_difference(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "our.tar"
    file.write_bytes(whole(folder))
    words = ["tar", "--compare", "--file", str(file), "--directory", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if "id differs" not in line]
    assert (told, done.stderr) == ([], "")


def test_the_library_reads_the_same(folder: Path, tmp_path: Path) -> None:
    data = whole(folder)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {member.name: member for member in tar}
        assert {member.uid for member in found.values()} == {0}
        assert found["tool"].mode == 0o755
        assert found["old"].mtime == -86_400
        assert found["far"].linkname == "x" * 300
        (large,) = (member for name, member in found.items() if name.endswith("/file"))
        content = tar.extractfile(large)
        assert content is not None
        assert content.read() == bytes(range(256)) * 5000
    assert len(data) % 512 == 0


def test_a_large_file_has_its_size(tmp_path: Path) -> None:
    """Of more than 8 GiB; it is read no further than its header."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(9 << 30)
    piece = next(packed(tmp_path, by_path(lambda _path: False), lambda: None))
    assert tarfile.TarInfo.frombuf(piece[:512], "utf-8", "strict").size == 9 << 30


def test_what_is_left_out_comes_back_by_an_exception(tmp_path: Path) -> None:
    for name in ("a/b/keep", "a/b/drop", "c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names(whole(tmp_path, "*\n!a/b/keep")) == {"a/b/keep"}
    assert names(whole(tmp_path, "a")) == {"c"}


def test_what_is_added_stands_in_the_place_of_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM one\n")
    data = whole(tmp_path, extra={"Dockerfile": b"FROM two\n", "more": b""})
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        content = tar.extractfile("Dockerfile")
        assert content is not None
        assert content.read() == b"FROM two\n"
        assert tar.getnames().count("Dockerfile") == 1


def test_a_pipe_is_left_out_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "data").touch()
    assert names(whole(tmp_path)) == {"data"}


def test_a_file_that_becomes_shorter_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(bytes(5 << 20))
    pieces = packed(tmp_path, by_path(lambda _path: False), lambda: None)
    next(pieces)
    (tmp_path / "log").write_bytes(b"")
    with pytest.raises(OSError, match="became shorter"):
        list(pieces)


def test_names_can_stand_below_a_folder_and_links_stay_as_they_are(folder: Path) -> None:
    pieces = packed(
        folder, by_path(lambda _path: False), lambda: None, {"more": b"x"}, under="a/b/"
    )
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        found = {member.name: member for member in tar}
    assert set(found) == {f"a/b/{name}" for name in names(whole(folder, extra={"more": b"x"}))}
    assert found["a/b/link"].linkname == "tool"
