"""A log that nobody can fill."""

from __future__ import annotations

from reconciler.server.seldom import Seldom


def test_trouble_is_told_once_a_minute_with_its_count() -> None:
    now = 0.0
    told: list[dict[str, str]] = []
    log = Seldom(lambda _part, facts: told.append(facts), lambda: now)
    for _ in range(1000):
        log.note("full", "http", {"message": "full"})
    log.note("other", "http", {"message": "other"})
    assert told == [{"message": "full"}, {"message": "other"}]
    now = 61.0
    log.note("full", "http", {"message": "full"})
    assert told[2:] == [{"message": "full", "times": "1000"}]


def test_kinds_of_trouble_are_not_kept_for_ever() -> None:
    told: list[dict[str, str]] = []
    log = Seldom(lambda _part, facts: told.append(facts), lambda: 0.0)
    for number in range(1000):
        log.note(str(number), "http", {})
    log.note("0", "http", {})
    assert len(told) == 1001
