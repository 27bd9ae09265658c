"""Who made what of a run on an engine: names and labels of its holders."""

from __future__ import annotations

import pytest

from reconciler.model.container import FENCE_LABEL, fence_of, run_name


def test_no_two_holders_of_a_run_share_a_name() -> None:
    assert run_name("r234567") == run_name("r234567", 1) == "rt-r234567"
    names = [run_name("r234567", fence) for fence in range(1, 30)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("labels", "fence"),
    [
        ({FENCE_LABEL: "1"}, 1),
        ({FENCE_LABEL: "12"}, 12),
        ({FENCE_LABEL: "-1"}, 0),
        ({FENCE_LABEL: "²"}, 0),
        ({FENCE_LABEL: ""}, 0),
        ({}, 0),
        (None, 0),
    ],
)
def test_what_does_not_say_its_holder_is_older_than_any(
    labels: dict[str, str] | None, fence: int
) -> None:
    assert fence_of(labels) == fence
