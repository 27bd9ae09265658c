"""Private folders vanish with their process; files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from reconciler.adapters import files
from reconciler.adapters.files import (
    private_folder,
    sweep_private_folders,
    write_private,
    write_whole,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_folder_is_ours_alone_and_gone_afterwards() -> None:
    with private_folder() as folder:
        assert mode(folder) == 0o700
        write_private(folder / "a", b"value")
        assert mode(folder / "a") == 0o600
    assert not folder.exists()


def test_a_private_folder_is_gone_after_an_error_too() -> None:
    with pytest.raises(RuntimeError), private_folder() as folder:
        raise RuntimeError
    assert not folder.exists()


def test_folders_of_dead_processes_are_swept_and_those_of_living_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "memory_folder", lambda: tmp_path)
    dead = tmp_path / "reconciler-private-4194305-1-x"
    reused = tmp_path / f"reconciler-private-{os.getpid()}-1-x"
    foreign = tmp_path / "something-else"
    for folder in (dead, reused, foreign):
        folder.mkdir()
    with private_folder() as ours, private_folder():
        assert (dead.exists(), reused.exists()) == (False, False)
        assert foreign.exists()
        assert ours.exists()


def test_a_private_file_never_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "a", b"value")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    write_whole(path, b"new", 0o640)
    assert (path.read_bytes(), mode(path)) == (b"new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="not a regular file"):
        write_whole(folder, b"new")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_device_or_pipe_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        write_whole(pipe, b"new")
    assert pipe.is_fifo()


def test_what_a_link_points_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_whole(link, b"new")
    assert (target.read_text(), link.is_symlink()) == ("new", True)


def test_a_write_that_breaks_off_leaves_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "out").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "out", b"new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_folders_of_others_and_links_are_left_alone(tmp_path: Path) -> None:
    others = tmp_path / "reconciler-private-4194305-1-a"
    link = tmp_path / "reconciler-private-4194305-1-b"
    target = tmp_path / "target"
    others.mkdir()
    os.chown(others, 12345, 12345)
    target.mkdir()
    link.symlink_to(target)
    sweep_private_folders(tmp_path)
    assert others.exists()
    assert link.is_symlink()
    assert target.exists()
