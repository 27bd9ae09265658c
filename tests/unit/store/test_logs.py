"""Logs: private files, line by line, readable while they grow and after a kill."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.base.errors import StateUnusable
from reconciler.model.run import LogLine
from reconciler.store.logs import LogFile, follow_log, log_path, read_log, to_json

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def line(text: str, *, more: bool = False) -> LogLine:
    return LogLine(NOW, "build", text, more=more)


def note(text: str) -> LogLine:
    return LogLine(NOW, "build", text, stream="note")


def write(path: Path, *lines: LogLine) -> None:
    log = LogFile(path)
    for item in lines:
        log.write(item)
    log.close()


def texts(path: Path) -> list[str]:
    return [item.line for item in read_log(path)]


def test_lines_come_back_as_they_were(tmp_path: Path) -> None:
    lines = [line("one"), line("zwei ü \x1b[31m"), line("\udcff\udc80 raw"), line("x", more=True)]
    write(tmp_path / "r1.jsonl", *lines)
    assert list(read_log(tmp_path / "r1.jsonl")) == lines


def test_bytes_that_are_not_utf8_can_be_got_back(tmp_path: Path) -> None:
    text = b"\xff\xfe\x00ok".decode("utf-8", "surrogateescape")
    write(tmp_path / "r1.jsonl", line(text))
    (found,) = read_log(tmp_path / "r1.jsonl")
    assert found.line.encode("utf-8", "surrogateescape") == b"\xff\xfe\x00ok"


def test_the_stored_form_is_one_json_object_per_line(tmp_path: Path) -> None:
    write(tmp_path / "r1.jsonl", line("a\nb"))
    (stored,) = (tmp_path / "r1.jsonl").read_text("ascii").splitlines()
    assert json.loads(stored) == {
        "t": "2026-11-21T03:00:00Z",
        "step": "build",
        "attempt": 1,
        "stream": "out",
        "line": "a\nb",
    }


def test_lines_written_together_are_stored_as_if_alone(tmp_path: Path) -> None:
    later = datetime(2026, 11, 21, 3, 0, 1, tzinfo=UTC)
    lines = [
        *(line("a"), line('"b"\\'), line("\udcff", more=True), note("c"), line("d")),
        *(
            LogLine(NOW, "push", "e"),
            LogLine(later, "push", "f"),
            LogLine(later, "push", "g", "out", 2),
        ),
    ]
    log = LogFile(tmp_path / "r1.jsonl")
    log.write(*lines)
    log.write()
    log.close()
    write(tmp_path / "r2.jsonl", *lines)
    stored = (tmp_path / "r1.jsonl").read_text("ascii")
    assert stored == (tmp_path / "r2.jsonl").read_text("ascii")
    assert [json.loads(text) for text in stored.splitlines()] == list(map(to_json, lines))


def test_a_full_log_says_so_once_and_keeps_our_own_notes(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "r1.jsonl", largest=1000)
    for number in range(100):
        log.write(line(f"{number:03d}"), line("x" * 20))
    log.write(line("lost"), note("the step failed"))
    log.write(line("lost too"))
    log.close()
    *kept, full, last = texts(tmp_path / "r1.jsonl")
    assert kept == [
        text for number in range(len(kept) // 2) for text in (f"{number:03d}", "x" * 20)
    ]
    assert kept
    assert full == "the log has reached 1,000 bytes: more output is not kept"
    assert last == "the step failed"
    assert (tmp_path / "r1.jsonl").stat().st_size < 1400


def test_a_log_that_goes_on_counts_what_it_has(tmp_path: Path) -> None:
    write(tmp_path / "r1.jsonl", line("x" * 900))
    log = LogFile(tmp_path / "r1.jsonl", largest=1000)
    log.write(line("y" * 200))
    log.close()
    assert texts(tmp_path / "r1.jsonl")[1:] == [
        "the log has reached 1,000 bytes: more output is not kept"
    ]


def test_a_log_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "r1.jsonl", line("a"))
    assert stat.S_IMODE((tmp_path / "logs" / "r1.jsonl").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700


def test_a_log_never_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "r1.jsonl").symlink_to(tmp_path / "target")
    with pytest.raises(StateUnusable):
        LogFile(tmp_path / "r1.jsonl")


def test_a_half_line_of_a_killed_process_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "r1.jsonl", line("whole"))
    with (tmp_path / "r1.jsonl").open("a") as file:
        file.write('{"t": "2026-11')
    assert [item.line for item in read_log(tmp_path / "r1.jsonl")] == ["whole"]


def test_a_broken_line_in_the_middle_hides_only_itself(tmp_path: Path) -> None:
    write(tmp_path / "r1.jsonl", line("a"))
    with (tmp_path / "r1.jsonl").open("a") as file:
        file.write("rubbish\n[]\n{}\n")
    write(tmp_path / "r1.jsonl", line("b"))
    assert [item.line for item in read_log(tmp_path / "r1.jsonl")] == ["a", "b"]


def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert list(read_log(tmp_path / "none.jsonl")) == []


def test_a_growing_log_is_followed_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    steps = iter([line("second"), line("third")])
    done = []

    def sleep(_seconds: float) -> None:
        item = next(steps, None)
        if item is None:
            done.append(True)
        else:
            write(path, item)

    write(path, line("first"))
    found = follow_log(path, finished=lambda: bool(done), sleep=sleep)
    assert [item.line for item in found] == ["first", "second", "third"]


def test_lines_written_just_before_the_end_are_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"

    def finished() -> bool:
        if not path.exists():
            write(path, line("last"))
        return True

    found = follow_log(path, finished=finished, sleep=lambda _seconds: None)
    assert [item.line for item in found] == ["last"]


@pytest.mark.parametrize("run_id", ["../x", "a/b", "", "x" * 65, "a.b"])
def test_an_id_that_could_leave_the_folder_is_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the id is its whole text)
        log_path(tmp_path, run_id)


def test_a_full_disk_is_told_with_what_is_free_and_what_to_do() -> None:
    log = LogFile(Path("/dev/full"))
    with pytest.raises(StateUnusable, match="the disk is full or too small: ") as told:
        log.write(line("text"))
    log.close()
    assert " are free in /dev" in told.value.message
    assert "make room" in str(told.value.hint)
