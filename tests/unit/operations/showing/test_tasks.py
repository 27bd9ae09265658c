"""Which timer of a task comes first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.model.schedule import next_fire
from reconciler.operations.showing.tasks import NextFire, first_fire
from tests.unit.plan.builders import task

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def fire(status: str = "Enabled", **timers: Any) -> NextFire | None:
    value = task(status=status, triggers={"timers": timers})
    return first_fire(value, lambda schedule: next_fire(schedule, NOW))


def test_the_earliest_timer_counts_and_is_named() -> None:
    found = fire(nightly="0 3 * * *", noon="0 12 * * *")
    assert found == NextFire("noon", datetime(2026, 11, 21, 12, 0, tzinfo=UTC))


def test_a_disabled_timer_does_not_count() -> None:
    off = {"schedule": "0 12 * * *", "status": "Disabled"}
    found = fire(nightly="0 3 * * *", noon=off)
    assert found is not None
    assert found.timer == "nightly"
    assert fire(noon=off) is None


def test_a_task_that_is_off_has_no_next() -> None:
    assert fire("Disabled", nightly="0 3 * * *") is None


def test_without_timers_there_is_no_next() -> None:
    assert fire() is None


def test_a_timer_that_never_fires_does_not_hide_the_others() -> None:
    value = task(triggers={"timers": {"a": "0 3 * * *", "b": "0 4 * * *"}})
    at = datetime(2026, 11, 22, tzinfo=UTC)
    found = first_fire(value, lambda schedule: at if schedule == "0 4 * * *" else None)
    assert found == NextFire("b", at)
