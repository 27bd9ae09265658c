"""The hostile cases that contexts have to survive: each has its test with a real server.

Rows 21 to 30 are of Git, 34 to 36 of downloads. A row that loses its tests is red here.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parents[1] / "live" / "hostile"
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
    34: ("private addresses in every spelling, rebinding, redirects", 8),
    35: ("what a tar may hold", 8),
    36: ("bombs of archives and of Git, many files, broken and other archives", 16),
}


def names_of(row: int) -> list[str]:
    found: list[str] = []
    for file in HOSTILE.glob(f"test_row_{row}_*.py"):
        nodes = ast.parse(file.read_text()).body
        found += [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
    return [name for name in found if name.startswith("test_")]


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_its_tests(row: int) -> None:
    assert len(names_of(row)) >= ROWS[row][1], ROWS[row][0]


def test_no_row_is_without_a_place_in_this_list() -> None:
    files = {int(path.name.split("_")[2]) for path in HOSTILE.glob("test_row_*.py")}
    assert files == set(ROWS)
