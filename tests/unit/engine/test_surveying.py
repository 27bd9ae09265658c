"""Whose files are looked at next: the newest first, and later and later what failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.engine.surveying import LONGEST_WAIT, SHORTEST_WAIT, Turns, Wanted

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def wanted(address: str, minutes: int = 0, *, here: bool = False) -> Wanted:
    return Wanted(address, NOON + timedelta(minutes=minutes), here)


def taken(turns: Turns, now: float = 0.0) -> list[str]:
    """All whose turn it is at one moment, in their order; each fails."""
    found = []
    while (one := turns.next(now)) is not None:
        found.append(one.address)
        turns.failed(one, now)
    return found


def test_first_what_is_here_then_the_newest() -> None:
    turns = Turns()
    here = wanted("here", -5, here=True)
    turns.follow([wanted("a", 1), wanted("c", 2), wanted("b", 2), here, wanted("old", -9)])
    assert taken(turns) == ["here", "b", "c", "a", "old"]


def test_what_failed_waits_longer_and_longer_and_not_for_ever() -> None:
    turns, now, waits = Turns(), 1000.0, []
    turns.follow([wanted("a")])
    for _ in range(9):
        one = turns.next(now)
        assert one is not None
        turns.failed(one, now)
        before = now
        while turns.next(now) is None:
            now += 1
        waits.append(now - before)
    assert waits[:3] == [SHORTEST_WAIT, SHORTEST_WAIT * 2, SHORTEST_WAIT * 4]
    assert waits[-3:] == [LONGEST_WAIT] * 3
    assert waits == sorted(waits)


def test_files_that_do_not_tell_are_in_no_hurry() -> None:
    turns, one = Turns(), wanted("a")
    turns.follow([one])
    turns.failed(one, 0.0, lasting=True)
    assert turns.next(LONGEST_WAIT - 1) is None
    assert turns.next(LONGEST_WAIT) == one


def test_a_new_apply_is_looked_at_at_once_and_nothing_is_held_against_it() -> None:
    turns = Turns()
    turns.follow([wanted("a"), wanted("b")])
    assert taken(turns) == ["a", "b"]
    turns.follow([wanted("a", 1), wanted("b")])
    assert taken(turns) == ["a"]
    assert turns.next(SHORTEST_WAIT) is not None, "its first failure again"


def test_a_new_one_is_looked_at_before_those_that_failed() -> None:
    turns = Turns()
    turns.follow([wanted("a", 5)])
    assert taken(turns) == ["a"]
    turns.follow([wanted("a", 5), wanted("late", -60)])
    assert taken(turns, LONGEST_WAIT) == ["late", "a"]


def test_who_is_known_or_gone_has_no_turn() -> None:
    turns, one, other = Turns(), wanted("a", 1), wanted("b")
    turns.follow([one, other])
    turns.known(one)
    assert turns.next(0.0) == other
    turns.follow([])
    assert turns.next(0.0) is None


def test_all_are_tried_again_at_once_when_something_may_be_mended() -> None:
    turns = Turns()
    turns.follow([wanted("a"), wanted("b")])
    assert taken(turns) == ["a", "b"]
    assert taken(turns) == []
    turns.hurry()
    assert taken(turns) == ["a", "b"]
