"""Which steps can be there at the same time."""

from __future__ import annotations

import pytest

from reconciler.taskfile.steps.egress import side_by_side
from reconciler.taskfile.tasks import BuildStep, CmdStep, Step, TaskFile


def cmd(name: str, *needs: str, detach: bool = False) -> CmdStep:
    return CmdStep(id=name, needs=needs, detach=detach)


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([], False),
        ([cmd("a")], False),
        ([cmd("a", detach=True)], False),
        ([cmd("a"), cmd("b", "a"), cmd("c", "b")], False),
        ([cmd("a"), BuildStep(id="m", needs=("a",)), cmd("c", "m")], False),
        ([cmd("a"), BuildStep(id="m"), BuildStep(id="n")], False),
        ([cmd("a"), cmd("b")], True),
        ([cmd("a"), cmd("b", "a"), cmd("c", "a")], True),
        ([cmd("a", detach=True), cmd("b", "a")], True),
    ],
)
def test_steps_that_wait_for_each_other_are_never_there_together(
    steps: list[Step], found: bool
) -> None:
    assert side_by_side(TaskFile(steps=tuple(steps))) is found
