"""`apply --resume`: the very plan that was interrupted is finished, each write done once."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import utc_now
from reconciler.cli import options
from reconciler.operations.workspace import open_workspace
from tests.flow.project import Project, new_project

NUMBERS = range(20)
# Notes each live write, whoever does it: what a task is replaced by counts as one.
COUNTING = """
CREATE TABLE noted (verb TEXT, address TEXT);
CREATE TRIGGER noted_put AFTER INSERT ON live_tasks
    BEGIN INSERT INTO noted VALUES ('put', new.address); END;
CREATE TRIGGER noted_put_again AFTER UPDATE ON live_tasks
    BEGIN INSERT INTO noted VALUES ('put', new.address); END;
CREATE TRIGGER noted_gone AFTER DELETE ON live_tasks
    BEGIN INSERT INTO noted VALUES ('gone', old.address); END;
"""


@pytest.fixture(name="before", scope="module")
def before_twenty_changes(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A workspace whose next apply has 20 writes: 5 updates, creates, renames and deletes."""
    project = new_project(tmp_path_factory.mktemp("twenty") / "workspace", "stays-as-it-is")
    for number in NUMBERS:
        if number % 4 != 1:
            project.write(name(number, "old" if number % 4 == 2 else "task"))
    assert project.run("apply", "--auto-approve").code == 0
    for number in NUMBERS:
        if number % 4 == 0:
            project.write(name(number), timeout=900)
        elif number % 4 == 1:
            project.write(name(number))
        elif number % 4 == 2:
            former = name(number, "old")
            (project.root / f"specs/{former}.yaml").unlink()
            project.write(name(number), metadata={"movedFrom": [former]})
        else:
            (project.root / f"specs/{name(number)}.yaml").unlink()
    with sqlite3.connect(project.root / ".reconciler/state.db") as connection:
        connection.executescript(COUNTING)
    connection.close()
    assert project.run("plan", "--out", "p.json").code == 0
    return project


def name(number: int, kind: str = "task") -> str:
    return f"{kind}-{number:02d}"


def copied(project: Project, to: Path) -> Project:
    shutil.copytree(project.root, to)
    return Project(to)


@pytest.fixture(name="project")
def own_copy(before: Project, tmp_path: Path) -> Project:
    return copied(before, tmp_path / "workspace")


@pytest.fixture(name="wanted", scope="module")
def applied_in_one_go(
    before: Project, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], Counter[tuple[str, str]]]:
    """What is live, and what was written, where nothing went wrong."""
    project = copied(before, tmp_path_factory.mktemp("whole") / "workspace")
    assert "Applied 20 of 20." in project.run("apply", "p.json").out
    return project.live(), writes(project)


def writes(project: Project) -> Counter[tuple[str, str]]:
    with sqlite3.connect(project.root / ".reconciler/state.db") as connection:
        found = Counter(connection.execute("SELECT verb, address FROM noted").fetchall())
    connection.close()
    return found


def crash(project: Project, position: int, moment: str, *words: str) -> None:
    words = words or ("p.json",)
    outcome = project.finish("apply", *words, "--fault-point", f"{position}:{moment}")
    assert outcome.code == -9


Wanted = tuple[dict[str, str], Counter[tuple[str, str]]]


POINTS = [(n, moment) for n in range(1, 21) for moment in ("written", "settled")]


@pytest.mark.parametrize(("position", "moment"), [(1, "before"), (20, "before"), *POINTS])
def test_killed_at_any_write_and_resumed_gives_the_same_with_each_write_once(
    project: Project, wanted: Wanted, position: int, moment: str
) -> None:
    crash(project, position, moment)
    done = position - 1 if moment == "before" else position
    outcome = project.run("apply", "--resume")
    assert outcome.code == 0, outcome.err
    told = " ".join(outcome.out.split())
    assert f"was interrupted after {done} of 20 writes" in told
    rest = f"Applied {20 - done} of 20" if done < 20 else "has done all 20 writes."
    assert rest in told
    assert (project.live(), writes(project)) == wanted
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_killed_again_and_again_it_still_ends_the_same(project: Project, wanted: Wanted) -> None:
    crash(project, 3, "written")
    crash(project, 9, "before", "--resume")
    crash(project, 9, "written", "--resume")
    crash(project, 17, "settled", "--resume")
    assert project.run("apply", "--resume").code == 0
    assert (project.live(), writes(project)) == wanted


def test_a_plan_in_between_settles_and_the_apply_can_still_be_resumed(
    project: Project, wanted: Wanted
) -> None:
    crash(project, 7, "written")
    assert project.run("plan").code == 0
    project.write("not-in-the-plan")
    assert project.run("apply", "--resume").code == 0
    assert (project.live(), writes(project)) == wanted


def test_the_fault_point_is_not_taken_from_the_environment(project: Project) -> None:
    project.environment["RECONCILER_APPLY_FAULT_POINT"] = "1:before"
    assert project.finish("apply", "p.json").code == 0


def test_a_fault_point_that_is_none_is_wrong_usage(project: Project) -> None:
    assert project.run("apply", "p.json", "--fault-point", "1:never").code == 64


def interrupted(project: Project) -> str:
    """The name of an apply that was killed after its fifth write."""
    crash(project, 5, "settled")
    with sqlite3.connect(project.root / ".reconciler/state.db") as connection:
        query = "SELECT id FROM applies ORDER BY number DESC LIMIT 1"
        found = str(connection.execute(query).fetchone()[0])
    connection.close()
    return found


def test_an_apply_is_resumed_by_name_and_once(project: Project, wanted: Wanted) -> None:
    apply_id = interrupted(project)
    assert project.run("apply", "--resume", "a-unknown").code == 1
    told = " ".join(project.run("apply", "--resume", apply_id).out.split())
    assert "15 of 20, 5 were done before" in told
    assert re.search(r"The plan was made (just now|\d+ s ago|\d+ min ago) \(20\d\d-", told)
    again = project.run("apply", "--resume", apply_id)
    done = f"Nothing left to do: apply {apply_id} has done all 20 writes."
    assert (again.code, again.out) == (0, f"{done}\n")
    assert (project.live(), writes(project)) == wanted


def test_who_resumed_is_noted(project: Project) -> None:
    apply_id = interrupted(project)
    project.actor = "bert@contoso.example"
    project.run("apply", "--resume")
    with sqlite3.connect(project.root / ".reconciler/state.db") as connection:
        (row,) = connection.execute("SELECT kind, actor, subject FROM events").fetchall()
    connection.close()
    assert row[:2] == ("apply-resumed", "bert@contoso.example")
    assert row[2] == f"apply {apply_id} of lead@contoso.example: 15 of 20 changes left"


def refused(project: Project, act: Callable[[], object]) -> tuple[int, str]:
    apply_id = interrupted(project)
    act()
    before = project.live()
    outcome = project.run("apply", "--resume", apply_id)
    assert project.live() == before
    return outcome.code, " ".join(outcome.err.split())


def test_after_a_later_apply_it_is_too_late(project: Project) -> None:
    code, told = refused(project, lambda: project.run("apply", "--auto-approve"))
    assert code == 6
    assert "a later one was made" in told


def test_what_moved_meanwhile_is_refused_and_named(project: Project) -> None:
    code, told = refused(project, lambda: project.change_live(name(12), timeout=7200))
    assert code == 6
    assert f"task contoso/{name(12)} field spec.timeout" in told


def test_a_plan_that_expired_meanwhile_is_not_finished(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(folder: Path, environment: dict[str, str], _: object) -> object:
        return open_workspace(folder, environment, lambda: utc_now() + timedelta(hours=25))

    code, told = refused(project, lambda: monkeypatch.setattr(options, "open_workspace", later))
    assert code == 6
    assert "the plan expired at" in told


def test_a_journal_that_was_edited_is_not_followed(project: Project) -> None:
    def edit() -> None:
        with sqlite3.connect(project.root / ".reconciler/state.db") as connection:
            connection.execute("UPDATE journal SET change = replace(change, '900', '901')")
        connection.close()

    code, told = refused(project, edit)
    assert (code, "is not what was noted" in told) == (1, True)


def test_resume_takes_no_plan_and_needs_an_apply(project: Project, tmp_path: Path) -> None:
    assert project.run("apply", "p.json", "--resume", "a-1").code == 64
    assert project.run("apply", "--resume", "--heal").code == 64
    assert new_project(tmp_path / "empty").run("apply", "--resume").code == 1


def test_what_failed_while_the_rest_went_on_is_done_by_a_resume(
    project: Project, wanted: Wanted
) -> None:
    def database(statement: str) -> None:
        with sqlite3.connect(project.root / ".reconciler/state.db") as connection:
            connection.execute(statement)
        connection.close()

    database(
        "CREATE TRIGGER refused BEFORE INSERT ON live_tasks WHEN new.address = 'contoso/task-09' "
        "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    )
    outcome = project.run("apply", "p.json", "--continue-on-error")
    assert outcome.code == 7
    assert "applied 19 of 20; 1 failed" in outcome.err
    assert "contoso/task-09" in outcome.err
    database("DROP TRIGGER refused")
    assert "Applied 1 of 20, 19 were done before." in project.run("apply", "--resume").out
    assert (project.live(), writes(project)) == wanted
