"""What is told of a run while it goes on: a row for each running step."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.run import BaseImage, RunRecord, RunStatus, StepRecord, StepStatus
from reconciler.report.run_progress import progress_lines, running_rows
from tests.unit.report.test_runs import DIGEST, NOW, record, step

LATER = NOW + timedelta(seconds=12.7)


def running(name: str) -> StepRecord:
    return StepRecord(name=name, kind="cmd", status=StepStatus.RUNNING, started=NOW)


def with_steps(*steps: StepRecord) -> RunRecord:
    return record(steps=steps)


def test_every_running_step_has_a_row_with_whole_seconds() -> None:
    waiting = step("push", StepStatus.SKIPPED)
    now = with_steps(step("a", StepStatus.SUCCEEDED, 3), running("b"), running("c"), waiting)
    assert running_rows(now, LATER, 80) == [
        "b        > running 12 s  (1 of 4 steps done)",
        "c        > running 12 s",
    ]


def test_between_steps_the_run_prepares() -> None:
    assert running_rows(record(), NOW + timedelta(seconds=3.2), 80) == ["run      > preparing 3 s"]


def test_nothing_is_told_before_and_after_a_run() -> None:
    assert running_rows(None, NOW, 80) == []
    assert running_rows(record(RunStatus.SUCCEEDED, finished=NOW), NOW, 80) == []


def test_eight_rows_at_most_and_none_wider_than_the_terminal() -> None:
    rows = running_rows(with_steps(*[running(f"step-{n}" * 9) for n in range(10)]), NOW, 40)
    assert len(rows) == 8
    assert rows[-1].strip() == "> and 3 more"
    assert max(map(len, rows)) <= 40


def test_a_clock_that_goes_back_and_a_name_with_escapes_do_no_harm() -> None:
    rows = running_rows(with_steps(running("a\x1b[2J")), NOW - timedelta(seconds=9), 80)
    assert rows == ["a\\x1b[2J > running 0 s  (0 of 1 step done)"]


def test_images_are_told_when_they_are_known_and_once() -> None:
    base = BaseImage(reference="base:1", role="runtime", digest=DIGEST)
    tool = BaseImage(reference="tool:1", role="step", image_id=DIGEST)
    other = BaseImage(reference="other:1", role="step", digest=DIGEST)
    first, second = record(bases=(base, tool)), record(bases=(base, tool, other))
    assert progress_lines(record(), first, 80) == [
        "bases    base:1@sha256:c0dec0dec0de",
        "images   tool:1  (local image sha256:c0dec0dec0de)",
    ]
    assert progress_lines(first, second, 80) == ["images   other:1@sha256:c0dec0dec0de"]
    assert progress_lines(second, second, 80) == []
