"""kill -9 at every write of an apply, before and after it: told, and nothing lost or done twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flow.project import Project, new_project

FIRST, SECOND = "anne@contoso.example", "bert@contoso.example"
# In the order of the writes.
ADDRESSES = ("contoso/a-changed", "contoso/b-created", "contoso/c-renamed", "contoso/d-deleted")


@pytest.fixture(name="project")
def before_the_crash(tmp_path: Path) -> Project:
    """A workspace whose next apply updates, creates, renames and deletes."""
    project = new_project(tmp_path / "workspace", "a-changed", "c-former", "d-deleted", "e-same")
    project.actor = "setup@contoso.example"
    assert project.run("apply", "--auto-approve").code == 0
    project.write("a-changed", timeout=900)
    project.write("b-created")
    for name in ("c-former", "d-deleted"):
        (project.root / f"specs/{name}.yaml").unlink()
    project.write("c-renamed", metadata={"movedFrom": ["c-former"]})
    return project


def crash(project: Project, position: int, when: str) -> None:
    project.actor = FIRST
    assert (
        project.finish("apply", "--auto-approve", "--fault-point", f"{position}:{when}").code == -9
    )
    project.actor = SECOND


def writers(project: Project) -> dict[str, str | None]:
    with project.opened() as opened:
        return {task.address: task.changed_by for task in opened.provider.read_all()}


def journal_states(project: Project) -> list[tuple[str, str]]:
    query = "SELECT address, state FROM journal ORDER BY intended_at, position"
    with project.opened() as opened, opened.database.read() as connection:
        return [(row[0], row[1]) for row in connection.exec_driver_sql(query)][4:]


POINTS = [(n, when) for n in (1, 2, 3, 4) for when in ("before", "written", "settled")]


@pytest.mark.parametrize(("position", "when"), POINTS)
def test_the_next_plan_says_what_happened_and_apply_goes_on(
    project: Project, position: int, when: str
) -> None:
    crash(project, position, when)
    done = position - 1 if when == "before" else position
    told = " ".join(project.run("plan").out.split())
    assert f"by {FIRST} was interrupted after {done} of 4 writes" in told
    assert f"took over the lock of {FIRST}" in told
    assert ("Not done: " + ", ".join(ADDRESSES[done:]) in told) == (done < 4)
    assert project.run("apply", "--auto-approve").code == 0
    assert project.run("plan", "--detailed-exitcode").code == 0
    # What the first had done was not done again, what it had not was done by the second.
    found = writers(project)
    for number, address in enumerate(ADDRESSES[:3]):
        assert found[address] == (FIRST if number < done else SECOND)
    assert set(found) == {*ADDRESSES[:3], "contoso/e-same"}


@pytest.mark.parametrize(("position", "when"), [(2, "written"), (3, "before")])
def test_an_apply_at_once_says_so_too(project: Project, position: int, when: str) -> None:
    crash(project, position, when)
    outcome = project.run("apply", "--auto-approve")
    assert outcome.code == 0
    assert "was interrupted after 2 of 4 writes" in " ".join(outcome.out.split())
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_the_journal_tells_recovered_from_done_and_not_done(project: Project) -> None:
    crash(project, 2, "written")
    project.run("plan")
    states = dict(journal_states(project)[:4])
    assert [states[address] for address in ADDRESSES] == [
        "done",
        "recovered",
        "not-done",
        "not-done",
    ]


def test_a_crash_is_told_once_and_in_json_too(project: Project) -> None:
    crash(project, 1, "written")
    (recovered,) = json.loads(project.run("plan", "-o", "json").out)["recovered"]
    assert (recovered["actor"], recovered["done"], recovered["total"]) == (FIRST, 1, 4)
    assert json.loads(project.run("plan", "-o", "json").out)["recovered"] == []


def test_a_live_change_after_the_crash_is_not_taken_for_our_write(project: Project) -> None:
    crash(project, 1, "written")
    project.change_live("a-changed", timeout=7200)
    told = " ".join(project.run("plan").out.split())
    assert "interrupted after 0 of 4 writes" in told
    assert "Live tasks moved since: make a new plan" in told
    assert "--resume" not in told
    assert project.run("apply", "--auto-approve").code == 0
    assert json.loads(project.live()["contoso/a-changed"])["spec"]["timeout"] == 900


def test_a_plan_saved_before_the_crash_is_refused_where_it_was_done(project: Project) -> None:
    project.run("plan", "--out", "p.json")
    crash(project, 1, "written")
    outcome = project.run("apply", "p.json")
    assert outcome.code == 6
    assert "contoso/a-changed" in outcome.err
