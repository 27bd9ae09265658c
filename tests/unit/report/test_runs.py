"""Runs on paper: what is shown while one goes on, at its end, and in a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.model.run import (
    BaseImage,
    LogLine,
    OutputImage,
    Reason,
    RunRecord,
    RunStatus,
    StepRecord,
    StepStatus,
)
from reconciler.report.run_progress import progress_lines
from reconciler.report.runs import (
    end_lines,
    log_bytes,
    log_text,
    lost_lines,
    runs_json,
    runs_lines,
    spell_bytes,
)

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DIGEST = "sha256:" + "c0de" * 16


def step(name: str, status: StepStatus, seconds: float | None = None) -> StepRecord:
    started = NOW if seconds is not None else None
    finished = NOW + timedelta(seconds=seconds) if seconds is not None else None
    return StepRecord(name=name, kind=name, status=status, started=started, finished=finished)


def record(status: RunStatus = RunStatus.RUNNING, **fields: Any) -> RunRecord:
    base = RunRecord(
        id="r7k2", actor="dev@contoso.example", status=status, queued=NOW, task="contoso/web-api"
    )
    return base.model_copy(update={"registry": "r.example", "started": NOW, **fields})


def test_the_first_state_gives_the_header() -> None:
    assert progress_lines(None, record(), 100) == [
        "run r7k2  contoso/web-api  manual by dev@contoso.example  linux/amd64  timeout 1 h"
    ]


def test_the_context_and_the_bases_are_told_once() -> None:
    bases = (
        BaseImage(reference="python:3.12", role="runtime", digest=DIGEST),
        BaseImage(reference="local", role="buildtime", image_id=DIGEST),
    )
    now = record(
        source="app", commit="4be02d1ffff", dirty=True, context_bytes=214_000, context_files=3,
        context_seconds=0.31, bases=bases,
    )  # fmt: skip
    assert progress_lines(record(), now, 100) == [
        "context  app at 4be02d1 with changes   3 files, 214 kB in 0.3 s",
        "bases    python:3.12@sha256:c0dec0dec0de",
        "         local  (local image sha256:c0dec0dec0de)",
    ]
    assert progress_lines(now, now, 100) == []


def test_a_success_names_steps_and_images() -> None:
    done = record(
        RunStatus.SUCCEEDED,
        finished=NOW + timedelta(seconds=17.4),
        outputs=(OutputImage(reference="r.example/web:r7k2", digest=DIGEST),),
        steps=(
            step("build", StepStatus.SUCCEEDED, 12.1),
            step("push", StepStatus.SUCCEEDED, 0.8),
        ),
    )
    assert end_lines(done, 80) == [
        "  build  succeeded  12 s       push  succeeded  0.8 s",
        "run r7k2 succeeded in 17 s: web:r7k2@sha256:c0dec0dec0de",
    ]


def test_a_success_without_a_name_says_that_nothing_was_pushed() -> None:
    done = record(RunStatus.SUCCEEDED, finished=NOW)
    assert "nothing was pushed" in end_lines(done, 80)[-1]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"file": {"path": "task.yaml"}, "compat": "strict"}, "task file task.yaml"),
        ({"inline": {"steps": []}, "compat": "strict"}, "command"),
        ({"file": "Dockerfile"}, "quick build"),
    ],
)
def test_a_run_without_a_task_says_what_it_is(request_: dict[str, object], said: str) -> None:
    now = record(task=None, request=request_)
    assert f"  {said}  " in " ".join(progress_lines(None, now, 200))


def test_a_task_file_that_makes_no_image_is_not_asked_for_a_name() -> None:
    now = record(RunStatus.SUCCEEDED, outputs=(), request={"compat": "strict"})
    assert not any("pushed" in line for line in end_lines(now, 80))


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (StepStatus.FAILED, 9, "FAILED (9)"),
        (StepStatus.FAILED, 0, "FAILED (0)"),
        (StepStatus.IGNORED, 9, "failed-ignored (9)"),
        (StepStatus.IGNORED, None, "failed-ignored (timeout)"),
        (StepStatus.EXITED, 9, "detached-exited (9)"),
        (StepStatus.EXITED, 0, "detached-exited (0)"),
        (StepStatus.SUCCEEDED, 3, "succeeded (3)"),
        (StepStatus.SUCCEEDED, 0, "succeeded"),
        (StepStatus.CANCELED, None, "canceled"),
    ],
)
def test_a_step_tells_the_code_or_the_reason_that_its_word_does_not(
    status: StepStatus, code: int | None, word: str
) -> None:
    ended = {"exit_code": code, "reason": None if code is not None else Reason.TIMEOUT}
    one = step("a", status, 1.0).model_copy(update=ended)
    done = record(RunStatus.SUCCEEDED, finished=NOW + timedelta(seconds=2), steps=(one,))
    assert end_lines(done, 80)[0] == f"  a  {word}  1.0 s"


def test_a_failure_says_why_where_to_read_on_and_what_was_not_run() -> None:
    done = record(
        RunStatus.FAILED,
        finished=NOW + timedelta(seconds=9.8),
        reason=Reason.STEP,
        message='step "build" exited with 1',
        steps=(step("build", StepStatus.FAILED, 9.1), step("push", StepStatus.SKIPPED)),
    )
    assert end_lines(done, 80) == [
        "  build  FAILED  9.1 s",
        'run r7k2 failed in 9.8 s: step "build" exited with 1 (reason: step)',
        "  last lines above; all of it: reconciler logs r7k2 --step build",
        "  not run: push",
    ]


def test_the_step_that_ended_the_run_is_the_one_to_read_on_in() -> None:
    done = record(
        RunStatus.FAILED,
        finished=NOW + timedelta(seconds=9),
        message='step "b" exited with 6',
        steps=(
            step("a", StepStatus.IGNORED, 1),
            step("later", StepStatus.FAILED, 4),
            step("b", StepStatus.FAILED, 3),
            step("c", StepStatus.CANCELED, 5),
        ),
    )
    hints = [line for line in end_lines(done, 80) if "--step" in line]
    assert hints == ["  last lines above; all of it: reconciler logs r7k2 --step b"]


@pytest.mark.parametrize("status", [status for status in RunStatus if status.final])
def test_nothing_is_wider_than_forty_columns(status: RunStatus) -> None:
    done = record(
        status, finished=NOW, message="word " * 30, source="a/" * 40, context_bytes=1,
        outputs=(OutputImage(reference="r.example/" + "x" * 70, digest=DIGEST),),
        steps=(step("build", StepStatus.FAILED, 1),),
    )  # fmt: skip
    lines = [*progress_lines(None, done, 40), *end_lines(done, 40), *runs_lines([done], NOW, 40)]
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "build    | plain"),
        ("\x1b[31mred\x1b[0m", "build    | red"),
        ("\x1b]0;title\x07x", "build    | x"),
        ("a\x1bZb\u202e", "build    | a\\x1bZb\\x202e"),
        ("\udcff", "build    | \ufffd"),
        ("", "build    |"),
    ],
)
def test_a_line_of_output_cannot_move_the_cursor(raw: str, shown: str) -> None:
    assert log_text(LogLine(NOW, "build", raw)) == shown


def test_for_a_pipe_bytes_that_are_no_text_stay_and_escapes_do_not() -> None:
    line = LogLine(NOW, "build", "é\udcff\x1b[31mred\x1b[0m\x07\udc80\t.")
    assert log_bytes(line) == "build    | é".encode() + b"\xffred\\x07\x80    ."
    assert log_bytes(LogLine(NOW, "build", "")) == b"build    |"


def test_the_table_has_one_line_a_run() -> None:
    failed = record(RunStatus.FAILED, finished=NOW, reason=Reason.BASE_PULL)
    assert runs_lines([failed], NOW + timedelta(minutes=4), 100) == [
        "RUN   TASK             STATUS            STARTED    TOOK   RESULT",
        "r7k2  contoso/web-api  Failed base-pull  4 min ago  0.0 s  -",
    ]
    assert runs_lines([], NOW, 80) == ["no runs"]


def test_a_table_for_a_file_is_not_cut() -> None:
    long = "contoso/" + "x" * 200
    [_, row] = runs_lines([record(task=long)], NOW, None)
    assert long in row


def test_json_has_a_version_and_every_field() -> None:
    found = runs_json([record()])
    assert found["format_version"] == 1
    assert found["runs"][0]["queued"] == "2026-11-21T03:00:00Z"
    assert "contextBytes" in found["runs"][0]


def test_a_lost_run_is_a_warning() -> None:
    lost = record(RunStatus.FAILED, reason=Reason.LOST, message="the process is gone")
    assert lost_lines([lost], 100) == [
        "warning: run r7k2 (contoso/web-api) is lost: the process is gone"
    ]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (812, "812 B"), (1200, "1.2 kB"), (5_300_000_000, "5.3 GB")]
)
def test_sizes_are_short(count: int, text: str) -> None:
    assert spell_bytes(count) == text
