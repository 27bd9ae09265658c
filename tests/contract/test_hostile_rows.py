"""The forty hostile cases that have to be survived: each has its test with the real thing.

Rows 1 to 20 are messages, 21 to 30 Git, 31 to 37 registries and downloads, 38 to 40 what stands in
files. A row that loses its tests is red here. Of row 19 (Azure DevOps) nothing is there yet.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
HOSTILE = TESTS / "live" / "hostile"
# Row: what it is, and how many tests it has at least.
ROWS = {
    21: ("ext::, file://, paths, git:// and ssh:// addresses", 3),
    22: ("options in address, ref and subfolder", 3),
    23: ("variables in an address", 2),
    24: ("credentials in an address", 2),
    25: ("a token to a submodule's host or after a redirect", 5),
    26: ("linked subfolder and Dockerfile", 3),
    27: ("submodules: -u, file, recursion, a thousand", 8),
    28: (".git/config, fsmonitor, hooks, filters in a context", 4),
    29: ("endless and trickling servers, huge repositories, many refs", 8),
    30: ("a commit that is on no branch", 4),
    32: ("bytes of another digest or size", 2),
    34: ("private addresses in every spelling, rebinding, redirects", 8),
    35: ("what a tar may hold", 8),
    36: ("bombs of archives and of Git, many files, broken and other archives", 16),
}

FLOW, LIVE, UNIT = "flow/serving/test_hooks.py", "live/test_base_images.py", "unit/adapters/web"
# Row: what it is, where its tests are, and how they begin.
ELSEWHERE = {
    **{row: ("a message to the daemon", FLOW, f"test_row_{row}_") for row in (*range(1, 19),)},
    20: ("a forged event of a registry", LIVE, "test_row_20_"),
    31: ("a digest that depends on who asks", LIVE, "test_row_31_"),
    33: ("a hostile realm, a redirect", f"{UNIT}/test_registry_look.py", "test_row_33_"),
    37: ("odd indexes, a storm of 429", f"{UNIT}/test_registry_look.py", "test_row_37_"),
    38: ("YAML", "flow/test_validate.py", "test_a_file_that_is_no_good_yaml_is_refused"),
    39: ("cron", "unit/model/test_schedule.py", "test_what_the_dialect_does_not_know"),
    40: ("circles", "flow/test_rebuild_circles.py", "test_row_40_"),
}


def names_of(row: int) -> list[str]:
    found: list[str] = []
    for file in HOSTILE.glob(f"test_row_{row}_*.py"):
        found += functions_of(file)
    return found


def functions_of(file: Path) -> list[str]:
    nodes = ast.parse(file.read_text()).body
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
    return [name for name in names if name.startswith("test_")]


@pytest.mark.parametrize("row", ELSEWHERE)
def test_each_row_of_the_daemon_has_its_tests(row: int) -> None:
    what, file, beginning = ELSEWHERE[row]
    assert [name for name in functions_of(TESTS / file) if name.startswith(beginning)], what


def test_no_row_is_forgotten() -> None:
    assert {*ROWS, *ELSEWHERE} == set(range(1, 41)) - {19}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_its_tests(row: int) -> None:
    assert len(names_of(row)) >= ROWS[row][1], ROWS[row][0]


def test_no_row_is_without_a_place_in_this_list() -> None:
    files = {int(path.name.split("_")[2]) for path in HOSTILE.glob("test_row_*.py")}
    assert files == set(ROWS)
