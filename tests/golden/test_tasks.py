"""The printed forms of `tasks`. RECONCILER_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.report.machine import to_text
from reconciler.report.tasks import tasks_json, tasks_lines
from tests.golden.compare import check_golden
from tests.golden.tasks_scenario import NOW, rows

FOLDER = Path(__file__).parent / "tasks"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_looks_as_before(width: int) -> None:
    lines = tasks_lines(rows(), NOW, width)
    assert max(map(len, lines)) <= width
    check_golden(FOLDER / f"tasks-{width}.txt", "\n".join(lines) + "\n")


def test_the_json_looks_as_before() -> None:
    check_golden(FOLDER / "tasks.json", to_text(tasks_json(rows(), NOW)) + "\n")
