"""Which images a task minds, and why not the others."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.standing import Standing
from reconciler.model.event import Verdict
from reconciler.model.tracked import BaseKind
from tests.unit.plan.builders import task


@pytest.mark.parametrize(
    ("trigger", "kind", "why"),
    [
        ({}, "runtime", None),
        ({}, "buildtime", Verdict.OTHER_STAGE),
        ({"type": "All"}, "buildtime", None),
        ({"status": "Disabled"}, "runtime", Verdict.TRIGGER_OFF),
    ],
)
def test_the_trigger_says_what_a_task_minds(
    trigger: dict[str, Any], kind: BaseKind, why: Verdict | None
) -> None:
    assert standing(triggers={"baseImage": trigger}).minds(kind) == why


def test_a_task_that_is_off_minds_nothing() -> None:
    off = standing(triggers={"baseImage": {}}, status="Disabled")
    assert off.minds("runtime") is Verdict.TASK_OFF


def standing(**spec: Any) -> Standing:
    found = task(**spec)
    trigger = found.spec.triggers.base_image
    assert trigger is not None
    return Standing.of(found, trigger)
