"""What a program prints reaches the log masked, whole, and in few pieces."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.model.run import LogLine
from reconciler.model.step import DockerStep
from reconciler.runner.ledger import Ledger
from reconciler.runner.request import RunRequest
from tests.unit.runner.memory import NOW, Run


@dataclass
class Writes:
    """A log that remembers which lines came together."""

    all: list[list[str]] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)

    def write(self, *lines: LogLine) -> None:
        self.streams += [line.stream for line in lines]
        self.all.append([line.line for line in lines])


def ledger_of(folder: Path, log: Writes) -> Ledger:
    request = RunRequest(
        id="r234567", actor="a", source="app", step=DockerStep(), login_server="r.example"
    )
    return Ledger(request.first_record(NOW), replace(Run(folder).ports(), log=log))


def test_lines_that_come_together_are_written_together(tmp_path: Path) -> None:
    log = Writes()
    with ledger_of(tmp_path, log).output("a") as output:
        output(b"one\ntwo\nthr")
        output(b"ee\n")
        output(b"half")
    assert log.all == [["one", "two"], ["three"], ["half"]]


def test_half_a_line_of_one_stream_is_not_joined_with_the_other(tmp_path: Path) -> None:
    log = Writes()
    with ledger_of(tmp_path, log).output("a") as output:
        output(b"half")
        output(b"wrong\nto", "err")
        output(b" whole\n", "out")
        output(b"o\n", "err")
    assert log.all == [["wrong"], ["half whole"], ["too"]]
    assert log.streams == ["err", "out", "err"]


def test_nothing_is_written_while_no_line_is_whole(tmp_path: Path) -> None:
    log = Writes()
    with ledger_of(tmp_path, log).output("a") as output:
        output(b"ha")
        assert log.all == []


def test_a_note_of_several_lines_is_masked_and_written_at_once(tmp_path: Path) -> None:
    log = Writes()
    ledger = ledger_of(tmp_path, log)
    ledger.hide(["topsecret"])
    ledger.say("a", "one\ntopsecret")
    assert log.all == [["one", "***"]]


def test_the_user_of_a_url_is_neither_kept_nor_told_and_what_programs_print_stays(
    tmp_path: Path,
) -> None:
    log = Writes()
    ledger = ledger_of(tmp_path, log)
    ledger.note(message="no https://u:pw@r.example/a.git#m")
    ledger.say("a", "fetches https://u:pw@r.example/a.git#m")
    with ledger.output("a") as output:
        output(b"https://u@r.example\n")
    assert ledger.record.message == "no https://***@r.example/a.git#m"
    assert log.all == [["fetches https://***@r.example/a.git#m"], ["https://u@r.example"]]
