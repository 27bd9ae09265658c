"""Live tasks on paper: nothing wider than the terminal, nothing left out in silence."""

from __future__ import annotations

import json

import pytest

from reconciler.model.run import RunStatus
from reconciler.report.tasks import tasks_json, tasks_lines
from tests.golden.tasks_scenario import NOW, row, rows, run
from tests.unit.plan.builders import task

LONG = row(task("x" * 50, metadata={"owner": "o" * 60}), run("r7k2abc", RunStatus.TIMEOUT, 60 * 23))


@pytest.mark.parametrize("width", range(40, 240))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, tasks_lines([*rows(), LONG], NOW, width))) <= width


@pytest.mark.parametrize("width", [40, 80])
def test_what_has_no_room_in_the_table_stands_below_the_row(width: int) -> None:
    lines = tasks_lines(rows(), NOW, width)
    assert not {"IMAGE", "IDENTITY"} & set(lines[0].split())
    below = " ".join(" ".join(lines[2:]).split())
    for told in ("status: Enabled", "source: https://git", "image: ", "identity: UserAssigned"):
        assert told in below


def test_for_a_file_nothing_is_cut() -> None:
    header, line, *_ = tasks_lines([LONG], NOW, None)
    assert header.split()[-3:] == ["LAST", "RUN", "NEXT"]
    assert "x" * 50 in line
    assert "o" * 60 in line


def test_a_wide_terminal_has_every_column() -> None:
    lines = tasks_lines(rows(), NOW, 240)
    header = "TASK OWNER TRIGGERS STATUS SOURCE IMAGE IDENTITY LAST RUN NEXT"
    assert lines[0].split() == header.split()
    assert "not shown" not in "\n".join(lines)


def test_no_owner_is_said_and_counted() -> None:
    text = "\n".join(tasks_lines(rows(), NOW, 80))
    assert "no owner" in text
    assert "5 tasks, 1 without owner, 1 off, 1 that this version cannot read" in text


def test_a_short_column_is_never_made_wider() -> None:
    (header, *_) = tasks_lines([row(task("abcde"))], NOW, 43)
    assert header.split() == ["TASK", "OWNER", "TRIGGERS", "LAST", "RUN"]


def test_disabled_triggers_wake_nothing() -> None:
    line = next(line for line in tasks_lines(rows(), NOW, 240) if "web-api" in line)
    assert "push, base, 0 3 * * * " in line
    assert "pr" not in line.split("push")[1].split("Enabled")[0]


def test_without_tasks_the_table_says_how_to_make_some() -> None:
    assert tasks_lines([], NOW, 80) == ["no live tasks; make them with: reconciler apply"]


def test_hostile_text_moves_no_cursor() -> None:
    text = "\n".join(tasks_lines(rows(), NOW, 240))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_json_has_what_the_table_leaves_out() -> None:
    found = {one["name"]: one for one in json.loads(json.dumps(tasks_json(rows(), NOW)))["tasks"]}
    web = found["web-api"]
    kinds = [(one["kind"], one["status"]) for one in web["triggers"]]
    assert kinds == [
        ("commit", "Enabled"),
        ("pull_request", "Disabled"),
        ("base_image", "Enabled"),
        ("timer", "Enabled"),
        ("timer", "Disabled"),
    ]
    assert web["identity"]["type"] == "UserAssigned"
    assert web["next_fire"] == {"timer": "nightly", "at": "2026-11-22T03:00:00Z"}
    assert web["last_run"]["id"] == "r7k2abc"
    assert found["from-the-future"]["readable"] is False
    assert found["etl-job"]["step"] == "file"
