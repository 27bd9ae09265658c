"""What a container's end says: whether it came before it was asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.adapters.docker.watch import ended_before

ASKED = datetime(2026, 11, 21, 3, 0, 7, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("finished", "before"),
    [
        ("2026-11-21T03:00:07.499999999Z", True),
        ("2026-11-21T03:00:07.4Z", True),
        ("2026-11-21T03:00:07Z", True),
        ("2026-11-21T03:00:07.500000001Z", False),
        ("2026-11-21T03:00:08Z", False),
        ("2026-11-21T04:00:07.6+01:00", False),
    ],
)
def test_an_end_is_compared_to_the_moment_it_was_asked_for(finished: str, before: bool) -> None:
    assert ended_before(finished, ASKED) is before
