"""Where `poll` and a hook work together: messages that come late take nothing back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.trail import Step, newest_known
from reconciler.engine.triggers import listening
from tests.unit.engine.test_order_of_pushes import Street, move
from tests.unit.engine.test_triggers import task


class Crossing(Street):
    """A street whose repository is polled, too."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.door.everyone = list(listening("contoso/web", task(commit={"poll": "10s"})))


@pytest.fixture(name="crossing")
def opened(tmp_path: Path) -> Iterator[Crossing]:
    crossing = Crossing(tmp_path)
    yield crossing
    crossing.close()


def test_a_message_that_comes_after_a_look_takes_nothing_back(crossing: Crossing) -> None:
    assert crossing.see(move(1, 3)) == "queued"
    assert crossing.tell(move(1, 2)) == "superseded"
    assert crossing.tell(move(2, 3)) == "same-commit"
    assert crossing.built == [3]


def test_several_messages_that_come_after_several_looks(crossing: Crossing) -> None:
    assert crossing.see(move(1, 4)) == "queued"
    assert crossing.see(move(4, 6)) == "queued"
    assert crossing.tell(move(1, 2)) == "superseded"
    assert crossing.tell(move(4, 5)) == "superseded"
    assert crossing.tell(move(2, 3)) == "superseded"
    assert crossing.tell(move(3, 4)) == "superseded"
    assert crossing.tell(move(5, 6)) == "same-commit"
    assert crossing.built == [4, 6]


def test_what_a_look_found_is_no_news_to_what_was_built_since(crossing: Crossing) -> None:
    assert crossing.see(move(1, 2)) == "queued"
    assert crossing.tell(move(4, 5)) == "queued"  # what leads to it is told of later
    assert crossing.tell(move(1, 2)) == "superseded"
    assert crossing.tell(move(2, 3)) == "queued"
    assert crossing.tell(move(3, 4)) == "queued"
    assert crossing.built == [2, 5, 3, 5]


def test_what_is_newer_than_the_look_is_built(crossing: Crossing) -> None:
    crossing.see(move(1, 3))
    assert crossing.tell(move(3, 4)) == "queued"
    assert crossing.tell(move(1, 2)) == "superseded"
    assert crossing.built == [3, 4]


def test_a_look_that_is_taken_late_takes_nothing_back_either(crossing: Crossing) -> None:
    crossing.tell(move(1, 2))
    crossing.tell(move(2, 3))
    assert crossing.see(move(1, 2)) == "superseded"
    assert crossing.tell(move(3, 4)) == "queued"
    assert crossing.see(move(1, 4)) == "same-commit"
    assert crossing.built == [2, 3, 4]


def test_a_look_that_finds_a_branch_set_back_has_it_built_there(crossing: Crossing) -> None:
    for push in (move(None, 1), move(1, 2), move(2, 3)):
        crossing.tell(push)
    assert crossing.see(move(3, 1)) == "queued"
    # What led to where it is now, and away from it, is told of once more.
    assert crossing.tell(move(None, 1)) == "same-commit"
    assert crossing.tell(move(0, 1)) == "same-commit"
    assert crossing.tell(move(7, 0)) == "superseded"
    assert crossing.built == [1, 2, 3, 1]


def test_a_ref_that_was_gone_in_between_is_built(crossing: Crossing) -> None:
    crossing.see(move(1, 2))
    assert crossing.see(move(2, None)) == "deleted"
    assert crossing.see(move(None, 1)) == "queued"
    assert crossing.built == [2, 1]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # The way from 1 is known up to 2, so 5 comes after that; 4 leads to 5 whatever is between.
        ([("1", "5", True), ("4", "5", False), ("1", "2", False)], "5"),
        # Two looks that both found 5, and what was pushed on it.
        ([("1", "5", True), ("5", "6", False), ("3", "5", True), ("1", "2", False)], "6"),
        # There is no one way from 1: the look left it all the same.
        ([("1", "2", False), ("2", "1", False), ("1", "5", True), ("0", "1", False)], "5"),
    ],
)
def test_what_a_look_jumped_over_lies_before_what_it_found(
    steps: list[tuple[str, str, bool]], expected: str
) -> None:
    found = [Step(previous, version, polled=polled) for previous, version, polled in steps]
    assert newest_known(found, expected) == expected


# -------------------------------------------------------------------- properties
@st.composite
def happenings(draw: st.DrawFn) -> tuple[int, bool, list[tuple[int, int | None]]]:
    """(number of pushes, whether looks may be taken late, what is taken in its order).

    (before, after) of looks, as it was at their moments; (place, None) of messages, none before its
    push.
    """
    count = draw(st.integers(2, 7))
    delays = draw(st.lists(st.integers(0, 12), min_size=count, max_size=count))
    looks = sorted(draw(st.lists(st.integers(0, count + 3), max_size=5)))
    lagging = draw(st.booleans())
    lags = [draw(st.integers(0, 1)) if lagging else 0 for _ in looks]
    taken: list[tuple[float, int, tuple[int, int | None]]] = []
    for number, delay in enumerate(delays, 1):  # pushed at the moment of its number
        taken.append((number + delay + 0.1, draw(st.integers(0, 9)), (number, None)))
    known, last = 0, 0.0
    for moment, lag in zip(looks, lags, strict=True):
        found = min(moment, count)
        # Looks at one repository do not overtake each other.
        last = max(last, moment + lag + 0.5)
        if found != known:
            taken.append((last, 0, (known, found)))
        known = found
    return count, lagging, [what for *_, what in sorted(taken)]


@settings(max_examples=60, deadline=None)
@given(happenings(), st.booleans())
def test_in_every_order_with_looks_in_between_the_newest_is_built_last(
    found: tuple[int, bool, list[tuple[int, int | None]]], done: bool
) -> None:
    count, lagging, taken = found
    with tempfile.TemporaryDirectory() as folder:
        crossing = Crossing(Path(folder))
        for before, after in taken:
            if after is None:
                crossing.tell(move(before - 1, before), done=done)
            else:
                crossing.see(move(before, after), done=done)
        built = crossing.built
        crossing.close()
    assert built[-1] == count
    # What was built once is not built again in the place of a newer one.
    again = [(built[place - 1], it) for place, it in enumerate(built) if it in built[:place]]
    assert lagging or all(before < it for before, it in again)
