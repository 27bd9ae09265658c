"""What is known of the parts of a daemon, and what is told of them."""

from __future__ import annotations

import errno
import threading

from reconciler.base.errors import StateUnusable
from reconciler.operations.serving.health import Health

FULL, BUSY = StateUnusable("the disk is full"), StateUnusable("the state is busy")


def made() -> tuple[Health, list[tuple[str, dict[str, str]]]]:
    told: list[tuple[str, dict[str, str]]] = []
    return Health(lambda *line: told.append(line)), told


def test_a_complaint_is_told_once_and_holds_until_that_part_is_well() -> None:
    health, told = made()
    health.complain("upkeep", FULL)
    health.well("timers")
    health.complain("upkeep", FULL)
    assert health.trouble() == "the disk is full"
    assert told == [("upkeep", {"error": "the disk is full"})]
    health.complain("upkeep", BUSY)
    health.well("upkeep")
    assert health.trouble() is None
    health.complain("upkeep", FULL)
    assert [facts["error"] for _, facts in told] == [str(FULL), str(BUSY), str(FULL)]


def test_what_breaks_off_is_told_with_its_place_and_without_its_words() -> None:
    health, told = made()

    def work(_stopping: threading.Event) -> None:
        raise KeyError("planted-secret")

    health.watched("polls", work)(threading.Event())
    assert health.broken == {"polls": "KeyError"}
    ((part, facts),) = told
    assert part == "polls"
    assert facts["error"] == "this part broke off: KeyError; the daemon stops"
    assert facts["at"].startswith("serving/test_health.py:")
    assert "planted" not in str(told)


def test_of_an_error_of_the_system_its_own_words_are_told() -> None:
    health, told = made()
    health.break_off("http", OSError(errno.ENOSPC, "No space left on device", "/a/b"))
    assert "OSError (No space left on device); the daemon stops" in told[0][1]["error"]


def test_a_part_that_ends_is_missed_unless_it_was_told_to() -> None:
    health, _ = made()
    stopping = threading.Event()
    health.watched("images", lambda _stopping: None)(stopping)
    assert health.broken == {"images": "it ended"}
    stopping.set()
    health.watched("upkeep", lambda _stopping: None)(stopping)
    assert set(health.broken) == {"images"}
