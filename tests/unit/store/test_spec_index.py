"""The index of specs: what is kept comes back, and nothing wrong with it is ever an error."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from reconciler.store.spec_index import SpecIndex, cache_folder

KEYS = [number.to_bytes(32, "big") for number in range(1_200)]


def filled(folder: Path, keys: list[bytes], text: str = "entry") -> None:
    index = SpecIndex(folder, "a")
    index.get(keys)
    for key in keys:
        index.put(key, text)
    index.close()


def kept(folder: Path, keys: list[bytes], name: str = "a") -> dict[bytes, str]:
    index = SpecIndex(folder, name)
    try:
        return index.get(keys)
    finally:
        index.close()


def test_what_is_put_is_got_again_also_very_many(tmp_path: Path) -> None:
    filled(tmp_path, KEYS)
    assert kept(tmp_path, KEYS) == dict.fromkeys(KEYS, "entry")
    assert kept(tmp_path, KEYS, "b") == {}


def test_an_entry_is_written_over(tmp_path: Path) -> None:
    filled(tmp_path, KEYS[:2])
    filled(tmp_path, KEYS[:1], "other")
    assert kept(tmp_path, KEYS[:2]) == {KEYS[0]: "other", KEYS[1]: "entry"}


def test_what_nobody_asks_for_is_forgotten_once_it_is_most_of_it(tmp_path: Path) -> None:
    filled(tmp_path, KEYS[:10])
    filled(tmp_path, KEYS[10:13])  # 13 of which 3 are used: more than four times
    assert kept(tmp_path, KEYS) == dict.fromkeys(KEYS[10:13], "entry")
    filled(tmp_path, KEYS[20:23])
    assert len(kept(tmp_path, KEYS)) == 6


def test_only_the_user_can_read_and_write_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "specs"
    filled(folder, KEYS[:1])
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "a.db").stat().st_mode & 0o077 == 0


def test_a_folder_that_others_can_write_to_is_not_believed(tmp_path: Path) -> None:
    filled(tmp_path, KEYS[:1])
    tmp_path.chmod(0o777)
    assert kept(tmp_path, KEYS[:1]) == {}
    filled(tmp_path, KEYS[:1])
    tmp_path.chmod(0o700)
    assert kept(tmp_path, KEYS[:1]) == dict.fromkeys(KEYS[:1], "entry")


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.db"
    elsewhere.write_text("precious")
    folder = tmp_path / "specs"
    folder.mkdir(mode=0o700)
    (folder / "a.db").symlink_to(elsewhere)
    filled(folder, KEYS[:1])
    assert kept(folder, KEYS[:1]) == {}
    assert elsewhere.read_text() == "precious"


@pytest.mark.parametrize(
    "content", [b"no database at all" * 99, b"SQLite format 3\0" + b"\7" * 999]
)
def test_a_damaged_file_is_an_empty_one_and_made_anew(tmp_path: Path, content: bytes) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "a.db").write_bytes(content)
    assert kept(tmp_path, KEYS[:1]) == {}
    filled(tmp_path, KEYS[:1])
    assert kept(tmp_path, KEYS[:1]) == dict.fromkeys(KEYS[:1], "entry")


def test_a_busy_one_costs_no_error_and_little_time(tmp_path: Path) -> None:
    filled(tmp_path, KEYS[:1])
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    filled(tmp_path, KEYS[1:2])
    other.execute("ROLLBACK")
    other.close()
    assert kept(tmp_path, KEYS[:2]) == dict.fromkeys(KEYS[:1], "entry")


def test_a_place_where_no_folder_can_be_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    filled(tmp_path / "file" / "specs", KEYS[:1])
    assert kept(tmp_path / "file" / "specs", KEYS[:1]) == {}


def test_indexes_of_another_time_are_cleared_when_a_new_one_is_made(tmp_path: Path) -> None:
    filled(tmp_path, KEYS[:1])
    os.utime(tmp_path / "a.db", (1, 1))
    assert kept(tmp_path, KEYS[:1], "b") == {}
    assert [path.name for path in tmp_path.iterdir()] == ["b.db"]


def test_the_folder_is_the_users_and_never_one_of_the_workspace() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/reconciler")
    assert cache_folder({"XDG_CACHE_HOME": "cache"}) is None  # relative: it would be in there
    assert cache_folder({}) == Path.home() / ".cache" / "reconciler"


def damaged(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "a.db") as connection:
        connection.execute(statement)
    connection.close()


def test_an_entry_that_is_no_text_any_more_is_none(tmp_path: Path) -> None:
    filled(tmp_path, KEYS[:3])
    damaged(tmp_path, "UPDATE entries SET entry = cast(entry AS blob)")
    assert kept(tmp_path, KEYS[:3]) == {}
    filled(tmp_path, KEYS[:3])
    assert len(kept(tmp_path, KEYS[:3])) == 3


def test_damage_inside_is_mended_by_starting_anew(tmp_path: Path) -> None:
    filled(tmp_path, KEYS, "entry" * 40)
    data = bytearray((tmp_path / "a.db").read_bytes())
    data[8192:12288] = b"\xff" * 4096
    (tmp_path / "a.db").write_bytes(data)
    assert len(kept(tmp_path, KEYS)) < len(KEYS)
    filled(tmp_path, KEYS)
    assert kept(tmp_path, KEYS) == dict.fromkeys(KEYS, "entry")
