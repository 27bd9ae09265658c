"""Which files of a folder are read, in which order, and what is told about the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.base.encoding import MAX_BYTES, YamlError
from reconciler.loader.files import WorkspaceFiles, list_folders
from reconciler.loader.workspace import find_root


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a: 1\n")


def test_folders_come_from_the_top_down_and_sorted(tmp_path: Path) -> None:
    make(
        tmp_path, "specs/b.yaml", "specs/a.yml", "specs/z/y.yaml.j2", "specs/c/d/e.yml.j2", "x.yaml"
    )
    found = [(folder.name, folder.files) for folder in list_folders(tmp_path, "specs")]
    assert found == [
        ("specs", ["specs/a.yml", "specs/b.yaml"]),
        ("specs/c", []),
        ("specs/c/d", ["specs/c/d/e.yml.j2"]),
        ("specs/z", ["specs/z/y.yaml.j2"]),
    ]


def test_hidden_and_other_files_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "s/.a.yaml", "s/.git/a.yaml", "s/a.json", "s/readme.md", "s/a.yaml~", "s/a.yaml")
    assert [file for folder in list_folders(tmp_path, "s") for file in folder.files] == ["s/a.yaml"]


def test_a_folder_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert list(list_folders(tmp_path, "specs")) == []


def test_a_file_in_place_of_a_folder_is_told(tmp_path: Path) -> None:
    make(tmp_path, "specs")
    (found,) = list_folders(tmp_path, "specs")
    assert "cannot read the folder" in found.problems[0].message


def test_folders_as_deep_as_the_disk_allows_are_listed(tmp_path: Path) -> None:
    deep = "specs" + "/d" * 900
    make(tmp_path, f"{deep}/a.yaml")
    assert [file for folder in list_folders(tmp_path, "specs") for file in folder.files]


def test_a_file_that_is_too_big_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(MAX_BYTES * 1000)
    with pytest.raises(YamlError, match="at most"):
        WorkspaceFiles(tmp_path).read("a.yaml")


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"#" * MAX_BYTES)
    assert len(WorkspaceFiles(tmp_path).text("a.yaml")) == MAX_BYTES


def test_a_place_in_a_file_that_is_gone_is_its_first_line(tmp_path: Path) -> None:
    place, exact = WorkspaceFiles(tmp_path).locate("gone.yaml", 0, ("a",))
    assert (str(place), exact) == ("gone.yaml:1:1", False)


def test_the_nearest_workspace_above_is_found(tmp_path: Path) -> None:
    make(tmp_path, "reconciler.yaml", "inner/reconciler.yaml", "inner/specs/a.yaml", "other/x")
    assert find_root(tmp_path / "inner/specs") == tmp_path / "inner"
    assert find_root(tmp_path / "other") == tmp_path
