"""Paths inside a folder that others filled: where they lead, and that nothing outside is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.base.inside import (
    LeadsOutError,
    NoFileError,
    TooLargeError,
    read_real,
    real_file,
    real_path,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "file").write_text("x")
    return root


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (None, "a/b/file"),
        (None, "./a//b/../b/file"),
        (None, "../root/a/b/file"),
        ("a/b", "link/file"),
        ("a/b", "link/../b/file"),
        ("../root/a/b", "link/file"),
        ("ROOT/a/b", "link/file"),
    ],
)
def test_a_path_is_told_without_its_links(root: Path, target: str | None, written: str) -> None:
    if target is not None:
        (root / "link").symlink_to(target.replace("ROOT", str(root)))
    assert real_path(root, written) == root / "a" / "b" / "file"
    assert real_file(root, written) == root / "a" / "b" / "file"


def test_an_absolute_path_may_lie_inside(root: Path) -> None:
    assert real_path(root, f"{root}/a") == root / "a"


@pytest.mark.parametrize("target", ["/proc/1/root", "/etc", "..", "../outside", "a/../../outside"])
@pytest.mark.parametrize("written", ["link", "link/x", "a/../link/x/y"])
def test_a_link_out_is_not_followed(root: Path, target: str, written: str) -> None:
    (root / "link").symlink_to(target)
    with pytest.raises(LeadsOutError):
        real_path(root, written)
    assert real_file(root, written) is None


def test_nothing_outside_is_looked_at(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "link").symlink_to("../outside/deep")
    asked: list[Path] = []
    real = Path.lstat

    def lstat(path: Path) -> object:
        asked.append(path)
        return real(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    with pytest.raises(LeadsOutError):
        real_path(root, "link/x")
    assert asked == [root / "link"]


@pytest.mark.parametrize("written", ["none", "a/b/file/x", "nul\0", "a" * 300])
def test_what_is_not_there_is_an_error_of_the_system(root: Path, written: str) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011  (any of the system's)
        real_path(root, written)
    assert not isinstance(caught.value, LeadsOutError)


def test_links_in_a_circle_end(root: Path) -> None:
    (root / "x").symlink_to("y")
    (root / "y").symlink_to("x")
    with pytest.raises(OSError, match="Too many levels"):
        real_path(root, "x")


def test_a_folder_is_no_file(root: Path) -> None:
    assert real_file(root, "a") is None


def test_a_file_is_read_up_to_its_bound(root: Path) -> None:
    (root / "a" / "b" / "file").write_bytes(b"\xff" * 5)
    assert read_real(root / "a" / "b" / "file", 5) == b"\xff" * 5
    with pytest.raises(TooLargeError):
        read_real(root / "a" / "b" / "file", 4)


@pytest.mark.parametrize("name", ["a", "a/b", "a/b/file"])
def test_a_link_that_came_after_the_look_is_not_followed(root: Path, name: str) -> None:
    found = real_path(root, "a/b/file")
    moved = root.parent / "moved"
    (root / name).rename(moved)
    (root / name).symlink_to(moved)
    assert found.read_text() == "x"
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        read_real(found, 10)


def test_what_is_no_file_is_not_read_and_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    for name in ("pipe", "a"):
        with pytest.raises(NoFileError):
            read_real(root / name, 10)
    with pytest.raises(FileNotFoundError):
        read_real(root / "none", 10)
