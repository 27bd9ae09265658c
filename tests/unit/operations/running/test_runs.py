"""Which runs are listed, and which lines of a log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import WrongUsage
from reconciler.model.run import LogLine, OutputImage, RunRecord, RunStatus, TriggerKind
from reconciler.operations.running.run_place import RunPlace
from reconciler.operations.running.run_requests import UnknownTask
from reconciler.operations.running.runs import LogGone, RunFilter, get_run, list_runs, run_log
from reconciler.store.database import open_database
from reconciler.store.logs import LogFile, log_path
from reconciler.store.runs import insert_run
from reconciler.store.tasks import put_live

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[RunPlace]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield RunPlace(database, tmp_path / "logs", {}, lambda: NOW, "dev")
    database.close()


def add(
    place: RunPlace,
    run_id: str,
    minute: int = 0,
    *,
    image: str = "",
    trigger: TriggerKind = TriggerKind.MANUAL,
) -> None:
    outputs = (OutputImage(reference=image),) if image else ()
    record = RunRecord(
        id=run_id, actor="dev", status=RunStatus.SUCCEEDED, trigger=trigger, outputs=outputs,
        queued=NOW + timedelta(minutes=minute),
    )  # fmt: skip
    insert_run(place.database, record, host="here", pid=1, process_started="x")


def listed(place: RunPlace, wanted: RunFilter) -> list[str]:
    return [record.id for record in list_runs(place, wanted)]


@pytest.mark.parametrize(
    "glob", ["team/web", "team/web:1", "r.example:5000/team/web:1", "*web*", "team/web:*", "r.*"]
)
def test_a_run_is_found_by_its_image_with_or_without_registry_and_tag(
    place: RunPlace, glob: str
) -> None:
    add(place, "rother", image="r2.example/api:1")
    add(place, "rnone")
    add(place, "rfound", image="r.example:5000/team/web:1")
    assert listed(place, RunFilter(image=glob)) == ["rfound"]


@pytest.mark.parametrize("glob", ["web", "TEAM/web", "team/web:2", ""])
def test_an_image_of_another_name_is_not_found(place: RunPlace, glob: str) -> None:
    add(place, "rfound", image="r.example:5000/team/web:1")
    assert listed(place, RunFilter(image=glob)) == []


def test_runs_are_found_by_their_trigger(place: RunPlace) -> None:
    add(place, "rman")
    add(place, "rtimer", trigger=TriggerKind.TIMER)
    assert listed(place, RunFilter(trigger=TriggerKind.TIMER)) == ["rtimer"]


def test_the_limit_counts_what_was_found_and_the_newest_come_first(place: RunPlace) -> None:
    for minute in range(6):
        kind = TriggerKind.TIMER if minute % 2 else TriggerKind.MANUAL
        add(place, f"r{minute}", minute, trigger=kind)
    assert listed(place, RunFilter(trigger=TriggerKind.TIMER, limit=2)) == ["r5", "r3"]


@pytest.fixture
def log(place: RunPlace) -> RunPlace:
    add(place, "rlogged")
    file = LogFile(log_path(place.logs, "rlogged"))
    for step in ("build", "push", "build"):
        file.write(LogLine(NOW, step, f"of {step}"))
    file.close()
    return place


@pytest.mark.parametrize("follow", [False, True])
def test_lines_of_one_step_are_shown_alone(log: RunPlace, follow: bool) -> None:
    lines = run_log(log, get_run(log, "rlogged"), follow=follow, step="build")
    assert [line.line for line in lines] == ["of build", "of build"]


def test_a_step_that_never_was_is_told_with_the_nearest(log: RunPlace) -> None:
    with pytest.raises(WrongUsage, match="no step biuld") as caught:
        list(run_log(log, get_run(log, "rlogged"), follow=False, step="biuld"))
    assert caught.value.hint == "did you mean build?"


def test_runs_of_a_task_that_nobody_knows_are_an_error_with_the_nearest_name(
    place: RunPlace,
) -> None:
    with place.database.write() as connection:
        put_live(connection, "contoso/web-api", "{}", by="dev", at=NOW)
    assert listed(place, RunFilter(task="web-api")) == []
    assert listed(place, RunFilter(task="contoso/web-api")) == []
    with pytest.raises(UnknownTask, match="no task is called web-apy") as told:
        list_runs(place, RunFilter(task="web-apy"))
    assert told.value.hint == "did you mean web-api?"


def test_a_log_that_was_forgotten_is_no_empty_one(place: RunPlace) -> None:
    record = RunRecord(id="rgone", actor="dev", status=RunStatus.SUCCEEDED, queued=NOW)
    record = record.model_copy(update={"started": NOW, "finished": NOW})
    insert_run(place.database, record, host="here", pid=1, process_started="x")
    with pytest.raises(LogGone, match="is not there any more: it ended 2026-11-21T03:00:00"):
        list(run_log(place, get_run(place, "rgone"), follow=False))


def test_a_run_that_never_began_has_an_empty_log(place: RunPlace) -> None:
    add(place, "rnever")
    assert list(run_log(place, get_run(place, "rnever"), follow=False)) == []
