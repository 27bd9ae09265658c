"""What is forgotten, and when: with a clock, over a real state and real logs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model.event import Decided, Delivery, Source, Verdict
from reconciler.model.run import (
    LogLine,
    OutputImage,
    RunRecord,
    RunStatus,
    StepRecord,
    StepStatus,
)
from reconciler.model.task import Retention
from reconciler.operations.serving.retention import Purge, Purged
from reconciler.store.database import open_database
from reconciler.store.decisions import list_decisions, open_register
from reconciler.store.logs import LogFile, log_path
from reconciler.store.runs import find_runs, insert_run

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
WEB = "contoso/web"


@pytest.fixture(name="purge")
def over_a_state(tmp_path: Path) -> Iterator[Purge]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield Purge(database, tmp_path / "logs")
    database.close()


def days(count: float) -> timedelta:
    return timedelta(days=count)


def add(
    purge: Purge,
    run_id: str,
    age: timedelta,
    task: str | None = WEB,
    status: RunStatus = RunStatus.SUCCEEDED,
) -> RunRecord:
    record = RunRecord(
        id=run_id,
        task=task,
        actor="dev",
        status=status,
        queued=NOW - age,
        steps=(StepRecord(name="build", kind="build", status=StepStatus.SUCCEEDED),),
        overrides={"arg": "a value"},
        wanted={"source": "."},
        outputs=(OutputImage(reference="contoso.example/web:1", digest="sha256:1"),),
    )
    insert_run(purge.database, record, host="here", pid=1, process_started="x")
    log = LogFile(log_path(purge.logs, run_id))
    log.write(LogLine(NOW, "build", "a line"))
    log.close()
    return record


def logs(purge: Purge) -> set[str]:
    return {path.stem for path in purge.logs.iterdir()}


def test_logs_are_kept_as_long_as_their_task_says_and_thirty_days_by_default(purge: Purge) -> None:
    add(purge, "young", days(29))
    add(purge, "old", days(31))
    add(purge, "quick", days(31), task=None)
    add(purge, "short", days(2), task="contoso/short")
    add(purge, "long", days(300), task="contoso/long")
    kept = {
        WEB: Retention(),
        "contoso/short": Retention(logs="1d"),
        "contoso/long": Retention(logs="365d"),
    }
    assert purge.purge(kept, NOW) == Purged(logs=3)
    assert logs(purge) == {"young", "long"}
    assert purge.purge(kept, NOW + days(2)) == Purged(logs=1)
    assert logs(purge) == {"long"}


def test_logs_of_an_archive_of_open_runs_and_of_tasks_that_are_gone_stay(purge: Purge) -> None:
    add(purge, "archived", days(900))
    add(purge, "open", days(900), task="contoso/slow", status=RunStatus.RUNNING)
    add(purge, "gone", days(900), task="contoso/gone")
    (purge.logs / "notes.txt").write_text("not ours")
    kept = {WEB: Retention(logs="1d", archive=True), "contoso/slow": Retention()}
    assert not purge.purge(kept, NOW)
    assert logs(purge) == {"archived", "open", "gone", "notes"}


def test_steps_and_values_go_and_the_run_and_its_digests_stay(purge: Purge) -> None:
    old = add(purge, "old", days(8))
    young = add(purge, "young", days(6))
    going = add(purge, "going", days(8), status=RunStatus.RUNNING)
    other = add(purge, "other", days(8), task="contoso/other")
    kept = {WEB: Retention(runs="7d", archive=True), "contoso/other": Retention(archive=True)}
    assert purge.purge(kept, NOW) == Purged(runs=1)
    bare: dict[str, object] = {"steps": (), "overrides": {}, "wanted": {}}
    assert find_runs(purge.database, "old") == [old.model_copy(update=bare)]
    assert find_runs(purge.database, "old")[0].outputs == old.outputs
    for record in (young, going, other):
        assert find_runs(purge.database, record.id) == [record]
    assert not purge.purge(kept, NOW)
    assert purge.purge(kept, NOW + days(1)) == Purged()
    assert purge.purge(kept, NOW + days(1.1)) == Purged(runs=1)
    assert Purge(purge.database, purge.logs).purge(kept, NOW + days(1.1)) == Purged()


def test_of_very_many_runs_none_is_left_out(purge: Purge) -> None:
    for number in range(1_203):
        # Many of one moment: where a page of them ends nothing may be lost.
        age = days(9) + timedelta(seconds=number // 600)
        record = RunRecord(
            id=f"r{number}", task=WEB, actor="dev", status=RunStatus.FAILED, queued=NOW - age,
            wanted={"source": "."},
        )  # fmt: skip
        insert_run(purge.database, record, host="here", pid=1, process_started="x")
    assert purge.purge({WEB: Retention(runs="7d")}, NOW) == Purged(runs=1_203)


def test_decisions_and_messages_are_kept_for_ninety_days(purge: Purge) -> None:
    for number, age in enumerate([89, 91] + [120] * 1_100):
        message = Delivery(hook="github", id=f"d{number}", event="push", received=NOW - days(age))
        decided = Decided(
            at=NOW - days(age), source=Source.HOOK, subject="x", verdict=Verdict.TAG, task=WEB
        )
        with open_register(purge.database) as register:
            assert register.add_deliveries([message])
            register.note([decided])
    assert purge.purge({}, NOW) == Purged(decisions=1_101)
    (left,) = list_decisions(purge.database)
    assert left.at == NOW - days(89)
    with open_register(purge.database) as register:
        assert not register.add_deliveries([message.model_copy(update={"id": "d0"})])
        assert register.add_deliveries([message.model_copy(update={"id": "d1"})])
