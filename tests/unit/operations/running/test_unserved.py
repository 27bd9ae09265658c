"""When a pool counts as served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.operations.running.unserved import is_served

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "served"), [(0, True), (59, True), (60, False)])
def test_a_worker_counts_for_a_minute(seconds: int, served: bool) -> None:
    last = {"gpu": NOW - timedelta(seconds=seconds)}
    assert is_served("gpu", last, NOW) is served
    assert not is_served("default", last, NOW)
