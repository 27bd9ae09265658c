"""A message that nothing puts in its order is built, until looks tell where its ref is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.engine.late_builds import Windows, before_look, late_builds
from reconciler.engine.polling import polled_by, take_moves, together
from reconciler.engine.triggers import listening
from tests.unit.engine.test_order_of_pushes import Street, commit, move
from tests.unit.engine.test_polling import Answer
from tests.unit.engine.test_triggers import task

MAIN = "refs/heads/main"


class Corner(Street):
    """A street with looks at its repository, as the daemon does them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        listens = task(commit={"poll": "10s"})
        self.door.everyone = list(listening("contoso/web", listens))
        (self.one,) = together(polled_by("contoso/web", listens))
        self.windows = Windows()

    def look(self, at: int | None, *meanwhile: tuple[int, int]) -> list[str]:
        """Verdicts of a look that finds main at a commit; messages that come while it is going."""
        newest = before_look(self.door.database)
        for before, after in meanwhile:
            self.tell(move(before, after))
        answer = Answer({MAIN: commit(at)} if at is not None else {})
        taken = take_moves(self.door.database, self.one, answer, self.door.intake.take_all)
        window = self.windows.of(self.one)
        if window is not None:
            for late in late_builds(self.door.database, self.one, answer, window):
                taken.append(self.door.intake.take(late.event, late.everyone))
        self.windows.looked(self.one, newest)
        self.finish()
        return [decided.verdict.value for one in taken for decided in one.decided]


@pytest.fixture(name="corner")
def opened(tmp_path: Path) -> Iterator[Corner]:
    corner = Corner(tmp_path)
    corner.look(1)
    yield corner
    corner.close()


def test_what_a_stray_message_had_built_is_put_right_after_two_looks(corner: Corner) -> None:
    assert corner.look(5) == ["queued"]
    assert corner.tell(move(3, 4)) == "queued"  # neither 1 to 3 nor 4 to 5 is ever told of
    # A host may be behind its messages: the first look might find where it was before.
    assert corner.look(5) == []
    assert corner.look(5) == ["queued"]
    assert corner.built == [5, 4, 5]
    assert corner.look(5) == corner.look(5) == []
    # The looks told that 4 lies before 5, too.
    assert corner.tell(move(1, 3)) == "superseded"


def test_a_host_that_is_behind_its_messages_takes_nothing_back(corner: Corner) -> None:
    corner.look(1)
    assert corner.tell(move(1, 2)) == "queued"
    assert corner.look(1) == []
    assert corner.look(2) == ["same-commit"]
    assert corner.look(2) == corner.look(2) == []
    assert corner.built == [2]


def test_what_comes_while_a_look_is_going_counts_as_newer(corner: Corner) -> None:
    corner.look(5)
    corner.tell(move(3, 4))
    corner.look(5)
    assert corner.look(5, (5, 6)) == []
    assert corner.look(6) == ["same-commit"]
    assert corner.look(6) == corner.look(6) == []
    assert corner.built == [5, 4, 6]


def test_a_ref_that_is_gone_is_left_alone(corner: Corner) -> None:
    corner.look(5)
    corner.tell(move(3, 4))
    corner.look(5)
    assert corner.look(None) == ["deleted"]
    assert corner.look(None) == corner.look(None) == []


def test_only_triggers_that_built_something_else_are_woken(corner: Corner) -> None:
    other = task(commit={"poll": "10s"})
    both = [*polled_by("contoso/web", other), *polled_by("contoso/other", other)]
    (corner.one,) = together(both)
    corner.look(5)
    corner.tell(move(3, 4))  # the hook of the other one is not asked
    corner.look(5)
    assert corner.look(5) == ["queued"]
