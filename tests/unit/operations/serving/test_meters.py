"""The meters: read back with the parser of the library, over a real state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.engine.waking import run_of
from reconciler.model.event import Wake
from reconciler.model.lease import Settled, Waiting
from reconciler.model.run import Reason, RunStatus
from reconciler.model.watched import RegistryPause
from reconciler.operations.serving.leases import StoredQueue
from reconciler.operations.serving.meters import Meters
from reconciler.store.database import open_database
from reconciler.store.images import keep_images, list_images, save_image
from reconciler.store.leases import save
from reconciler.store.pauses import put_pause
from reconciler.store.polled_looks import Refusal, RepositoryLook, save_look
from reconciler.store.queue import enqueue

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture(name="meters")
def over_a_state(tmp_path: Path) -> Iterator[Meters]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield Meters(database, lambda: NOW)
    database.close()


def told(meters: Meters) -> dict[str, float]:
    families = text_string_to_metric_families(meters.text().decode())
    return {
        "/".join(
            [
                sample.name.removeprefix("reconciler_"),
                *(value for _, value in sorted(sample.labels.items())),
            ]
        ): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }


def wait(meters: Meters, run_id: str, seconds: float, pool: str = "default") -> None:
    wake = Wake(task="contoso/web", kind="commit", trigger="commit", actor="dev")
    record = run_of(wake, run_id, NOW - timedelta(seconds=seconds))
    with meters.database.write() as connection:
        enqueue(connection, Waiting(record, pool))


def test_the_queue_is_told_as_it_is_when_asked(meters: Meters) -> None:
    assert told(meters) == {
        "images_unseen": 0,
        "repositories_unseen": 0,
        "timer_lateness_seconds_count": 0,
        "timer_lateness_seconds_sum": 0,
    }
    wait(meters, "r1", 60)
    wait(meters, "r2", 90)
    wait(meters, "r3", 5, "big")
    queue = StoredQueue(meters.database, "a", 60, lambda: NOW, began=meters.began)
    queue.claim({"big": 1})
    found = told(meters)
    assert found["queue_waiting_runs/default"] == 2
    assert found["queue_oldest_seconds/default"] == 90
    assert found["queue_running_runs/big"] == 1
    assert found["queue_oldest_seconds/big"] == 0
    assert found["trigger_lag_seconds_sum/commit"] == 5
    queue.claim({"default": 2})
    assert told(meters)["queue_waiting_runs/default"] == 0


def test_a_run_is_counted_once_whatever_is_lost_on_the_way(meters: Meters) -> None:
    wait(meters, "r1", 7)
    queue = StoredQueue(
        meters.database, "a", 60, lambda: NOW, began=meters.began, ended=meters.ended
    )
    for _ in range(2):
        (lease,) = queue.claim({"default": 1})
        assert told(meters)["queue_running_runs/default"] == 1
        assert queue.settle(lease) is Settled.WAITING
    (lease,) = queue.claim({"default": 1})
    wake = Wake(task="contoso/web", kind="commit", trigger="commit", actor="dev")
    record = run_of(wake, "r1", NOW)
    end = {"status": RunStatus.FAILED, "reason": Reason.STEP, "finished": NOW}
    save(meters.database, lease, record.model_copy(update=end))
    assert queue.settle(lease) is Settled.ENDED
    found = told(meters)
    ended = {key: value for key, value in found.items() if key.startswith("runs_ended")}
    assert ended == {"runs_ended_total/step/Failed": 1}
    assert "queue_waiting_runs/default" not in found
    assert found["trigger_lag_seconds_count/commit"] == 1
    assert found["trigger_lag_seconds_sum/commit"] == 7


def test_messages_polls_and_timers_are_counted(meters: Meters) -> None:
    meters.delivered("github", "queued")
    meters.delivered("", "unknown-hook")
    meters.polled("failed")
    meters.late(2.5)
    meters.late(-1)  # a clock that went back
    found = told(meters)
    assert found["deliveries_total/github/queued"] == 1
    assert found["deliveries_total//unknown-hook"] == 1
    assert found["polls_total/failed"] == 1
    assert found["timer_lateness_seconds_sum"] == 2.5


def test_looks_at_images_are_counted_and_what_is_not_seen_is_told(meters: Meters) -> None:
    now = NOW.timestamp()
    meters.looked("same")
    meters.looked("same")
    meters.looked("busy")
    keep_images(meters.database, ["a.example/x:1", "a.example/y:1"], now)
    (image, _) = list_images(meters.database)
    with meters.database.write() as connection:
        save_image(connection, replace(image, message="log in"), image)
        put_pause(connection, RegistryPause("a.example", now - 10, 60, 1, "429"))
        put_pause(connection, RegistryPause("b.example", now - 100, 60, 1, "429"))
    found = told(meters)
    assert (found["image_looks_total/same"], found["image_looks_total/busy"]) == (2, 1)
    assert found["images_unseen"] == 1
    assert found["registry_paused_seconds/a.example"] == 50
    assert found["registry_paused_seconds/b.example"] == 0


def test_repositories_that_did_not_answer_are_counted(meters: Meters) -> None:
    looks = [
        RepositoryLook("https://a.example/x.git", "a.example/x", 5.0, None, "gone"),
        RepositoryLook(
            "https://a.example/y.git",
            "a.example/y",
            5.0,
            5.0,
            None,
            {"env:PAT": Refusal(5.0, "no")},
        ),
    ]
    with meters.database.write() as connection:
        for look in looks:
            save_look(connection, look)
    assert told(meters)["repositories_unseen"] == 1
