"""The paths that make a context large are those that a person would leave out."""

from __future__ import annotations

from reconciler.runner.largest import Largest


def paths(files: dict[str, int]) -> list[tuple[str, int]]:
    largest = Largest()
    for path, size in files.items():
        largest.add(path, size)
    return largest.paths()


def test_folders_and_files_at_the_top_are_compared() -> None:
    files = {"b.iso": 50, "a/x": 30, "a/y": 31, "c": 1, "d": 2, "e": 3, "f": 4}
    assert paths(files) == [("a/", 61), ("b.iso", 50), ("f", 4), ("e", 3), ("d", 2)]


def test_a_folder_that_is_nearly_one_of_its_parts_is_told_as_that_part() -> None:
    files = {"src/web/node_modules/a": 60, "src/web/node_modules/b": 60, "src/main": 2, "z": 1}
    assert paths(files)[0] == ("src/web/node_modules/", 120)
    assert paths({"data/raw/big.bin": 99, "data/raw/small": 1})[0] == ("data/raw/big.bin", 99)


def test_many_small_files_are_their_folder() -> None:
    files = {f"cache/{number}": 10 for number in range(1000)}
    assert paths({**files, "one": 500}) == [("cache/", 10_000), ("one", 500)]


def test_nothing_is_nothing() -> None:
    assert paths({}) == []
