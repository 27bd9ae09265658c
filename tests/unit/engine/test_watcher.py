"""When tags are looked at, and which of them moved."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from reconciler.base.errors import RegistryBusy
from reconciler.store.images import list_images
from tests.unit.engine.watching import (
    BASE,
    HOST,
    INTERVAL,
    QUIET,
    START,
    Watchtower,
    digest,
    refused,
)

OTHER = "ghcr.io/team/base:1"


@pytest.fixture(name="tower")
def built(tmp_path: Path) -> Iterator[Watchtower]:
    tower = Watchtower(tmp_path)
    yield tower
    tower.database.close()


def times(tower: Watchtower, reference: str = BASE) -> list[float]:
    return [at - START.timestamp() for at, asked in tower.asked if asked == reference]


def test_a_tag_is_looked_at_in_each_interval_once_for_all_its_tasks(tower: Watchtower) -> None:
    tower.serve(BASE, "a")
    for number in range(5):
        tower.add(f"task-{number}", BASE)
    tower.wait(2 * INTERVAL + 5, 5)
    assert times(tower) == [5, 905, 1805]


def test_the_interval_is_jittered(tower: Watchtower) -> None:
    tower.serve(BASE, "a")
    tower.add("web", BASE)
    for chance, expected in ((0.0, 0.8), (1.0, 1.2)):
        tower.watcher.chance = partial(float, chance)
        tower.watcher.hurry(BASE, tower.seconds())
        tower.wait(10)
        (image,) = list_images(tower.database)
        assert image.checked_at is not None
        assert image.next_at - image.checked_at == pytest.approx(INTERVAL * expected)


def test_the_first_sight_is_only_noted(tower: Watchtower) -> None:
    tower.serve(BASE, "a")
    tower.add("web", BASE)
    tower.wait(2000, 10)
    assert tower.runs() == []
    (one,) = tower.decided()
    assert (one.verdict.value, one.subject, one.version) == ("first-sight", BASE, digest("a"))


def test_what_nobody_stands_on_any_more_is_not_looked_at(tower: Watchtower) -> None:
    tower.serve(BASE, "a")
    tower.add("web", BASE)
    tower.step()
    tower.watcher.keep({}, {}, tower.seconds())
    tower.wait(2 * INTERVAL, 60)
    assert len(tower.asked) == 1
    assert not tower.watcher.hurry(BASE, tower.seconds())


def test_a_hint_brings_a_look_at_once_but_not_one_for_each(tower: Watchtower) -> None:
    tower.serve(BASE, "a")
    tower.add("web", BASE)
    tower.step()
    for _ in range(50):
        assert tower.watcher.hurry(BASE, tower.seconds())
        tower.wait(0.5, 0.5)
    assert times(tower) == [0, 5, 10, 15, 20, 25]


def test_a_registry_is_asked_at_most_twice_a_second(tower: Watchtower) -> None:
    for number in range(30):
        tower.serve(f"{HOST}/base:{number}", "a")
        tower.add(f"task-{number}", f"{HOST}/base:{number}")
    tower.wait(12, 0.25)
    at = [moment for moment, _ in tower.asked]
    assert len(at) in {26, 27, 28}
    assert all(later - sooner >= 2.0 for sooner, later in zip(at[4:], at[9:], strict=False))


def test_a_thousand_tags_cost_fewer_than_two_requests_a_second(tower: Watchtower) -> None:
    references = [f"{HOST}/base:{number}" for number in range(1000)]
    for reference in references:
        tower.serve(reference, "a")
    tower.watcher.keep(dict.fromkeys(references, ()), {}, tower.seconds())
    tower.wait(600)
    tower.asked.clear()
    tower.wait(INTERVAL)
    assert len(tower.asked) / INTERVAL <= 2
    assert len({reference for _, reference in tower.asked}) == 1000


# ------------------------------------------------------------------------ 429
def test_a_registry_that_wants_to_be_left_alone_is_and_others_are_not(tower: Watchtower) -> None:
    tower.served[BASE] = RegistryBusy("429", seconds=600)
    tower.serve(OTHER, "a")
    tower.add("web", BASE, OTHER)
    tower.wait(590, 10)
    assert len(times(tower)) == 1
    assert len(times(tower, OTHER)) == 1
    tower.serve(BASE, "a")
    tower.wait(30, 10)
    assert len(times(tower)) == 2
    assert tower.told[0]["again_in"] == "600 s"


def test_a_storm_of_429_is_answered_by_longer_and_longer_pauses(tower: Watchtower) -> None:
    for number in range(20):
        tower.served[f"{HOST}/base:{number}"] = RegistryBusy("429")
        tower.add(f"task-{number}", f"{HOST}/base:{number}")
    tower.wait(3600, 5)
    assert len(tower.asked) <= 8  # 30 s, 1, 2, 4, 8, 16 min ...: not 20 tags, again and again
    gaps = [b - a for (a, _), (b, _) in zip(tower.asked, tower.asked[1:], strict=False)]
    assert gaps == sorted(gaps)
    for number in range(20):
        tower.serve(f"{HOST}/base:{number}", "a")
    tower.asked.clear()
    tower.wait(2000, 0.5)
    first = tower.asked[0][0]
    assert len([at for at, _ in tower.asked if at < first + 2]) <= 6, "all at once after a pause"
    assert len({reference for _, reference in tower.asked}) == 20


def test_a_tag_that_is_not_there_is_asked_for_less_and_less(tower: Watchtower) -> None:
    tower.add("web", BASE)
    tower.wait(86_400, 60)
    assert len(tower.asked) <= 9
    assert tower.told == [{"image": BASE, "error": "the registry has no such tag"}]
    tower.serve(BASE, "a")
    tower.watcher.hurry(BASE, tower.seconds())
    tower.wait(10)
    (image,) = list_images(tower.database)
    assert (image.failures, image.message) == (0, None)


def test_a_tag_that_is_refused_is_asked_for_at_least_once_an_hour(tower: Watchtower) -> None:
    tower.watcher.chance = lambda: 1.0
    tower.served[BASE] = refused()
    tower.add("web", BASE)
    tower.wait(86_400, 60)
    at = times(tower)
    gaps = [later - sooner for sooner, later in itertools.pairwise(at)]
    assert gaps == sorted(gaps)
    assert 3600 <= gaps[-1] <= 1.2 * 3600 + 60


def test_what_failed_is_tried_again_soon_once_it_may_be_mended(tower: Watchtower) -> None:
    """A registry that is left alone stays so, and what is not there is no failure."""
    paused, gone = f"{OTHER}-paused", f"{HOST}/gone:1"
    names = [f"{HOST}/base:{number}" for number in range(30)]
    for name in names:
        tower.served[name] = refused()
    tower.add("web", *names, gone)
    tower.wait(40_000, 200)
    tower.served[paused] = RegistryBusy("429", seconds=7200)
    tower.add("other", paused)
    tower.wait(10)
    tower.asked.clear()
    for name in names:
        tower.serve(name, "a")
    chances = itertools.cycle([0.0, 0.3, 0.6, 0.9])
    tower.watcher.chance = lambda: next(chances)
    assert tower.watcher.retry(tower.seconds()) == 30
    tower.wait(60, 0.5)
    asked = [reference for _, reference in tower.asked]
    assert sorted(asked) == sorted(names)
    assert max(Counter(int(at) for at, _ in tower.asked).values()) <= 5 + 2, "the rate holds"
    assert [one.reference for one in list_images(tower.database) if one.message] == [gone]
    assert tower.watcher.retry(tower.seconds()) == 0


def test_what_is_tried_again_and_again_is_not_asked_each_time(tower: Watchtower) -> None:
    tower.served[BASE] = refused()
    tower.add("web", BASE)
    tower.watcher.chance = lambda: 0.0
    for _ in range(40):
        tower.watcher.retry(tower.seconds())
        tower.wait(0.5, 0.5)
    assert len(tower.asked) <= 5


def test_what_a_registry_refuses_is_told_once(tower: Watchtower) -> None:
    tower.served[BASE] = refused("log in first")
    tower.add("web", BASE)
    tower.wait(3 * INTERVAL, 60)
    assert tower.told == [{"image": BASE, "error": "log in first"}]
    assert list_images(tower.database)[0].message == "log in first"


# ---------------------------------------------------------------------- clock
def test_a_clock_that_was_set_back_stops_no_watch(tower: Watchtower) -> None:
    tower.serve(BASE, "a")
    tower.add("web", BASE)
    tower.step()
    tower.time -= timedelta(days=30)
    tower.wait(20, 1)
    assert len(tower.asked) == 2
    tower.serve(BASE, "b")
    tower.watcher.hurry(BASE, tower.seconds())
    tower.wait(10 + QUIET, 5)
    assert tower.tasks() == ["web"]


def test_a_killed_watch_forgets_nothing_between_two_looks(tower: Watchtower) -> None:
    tower.serve(BASE, "a")
    tower.add("web", BASE)
    tower.step()
    tower.restart()
    tower.serve(BASE, "b")
    tower.watcher.hurry(BASE, tower.seconds())
    tower.restart()
    tower.wait(10)
    tower.restart()
    tower.wait(QUIET, 5)
    assert tower.tasks() == ["web"]


# -------------------------------------------------------------------- restarts
def test_a_registry_is_left_alone_over_a_restart(tower: Watchtower) -> None:
    tower.served[BASE] = RegistryBusy("429", seconds=3600)
    tower.add("web", BASE)
    tower.step()
    tower.wait(600, 60)
    tower.restart()
    tower.wait(2980, 10)
    assert times(tower) == [0]
    tower.wait(30, 10)
    assert len(times(tower)) == 2
    told = [(one["registry"], one["error"], one["again_in"]) for one in tower.told]
    # Once by each daemon, and at the second refusal.
    assert told == [(HOST, "429", "3600 s"), (HOST, "429", "3000 s"), (HOST, "429", "3600 s")]
    tower.serve(BASE, "a")
    tower.wait(3610, 10)
    tower.restart()
    assert tower.watcher.hurry(BASE, tower.seconds())
    tower.wait(10)
    assert len(times(tower)) == 4, "it answered: nobody waits any more"
    assert len(tower.told) == 3


def test_why_nothing_is_seen_is_decided_once_for_each_reason(tower: Watchtower) -> None:
    tower.add("web", BASE, OTHER)
    tower.served[OTHER] = RegistryBusy("the registry ghcr.io answers 503")
    for text in ("log in", "log in", "it sends a page", "log in"):
        tower.served[BASE] = refused(text)
        tower.watcher.hurry(BASE, tower.seconds())
        tower.wait(10, 5)
    found = [(one.verdict.value, one.subject, one.detail) for one in tower.decided()]
    assert sorted(found[:2]) == [
        ("look-failed", BASE, "log in"),
        ("look-failed", "ghcr.io", "the registry ghcr.io answers 503"),
    ]
    assert [detail for _, _, detail in found[2:]] == ["it sends a page", "log in"]


def test_after_a_restart_what_cannot_be_seen_is_told_again_once(tower: Watchtower) -> None:
    for number in range(25):
        tower.served[f"{HOST}/base:{number}"] = refused("log in first")
    tower.add("web", *(f"{HOST}/base:{number}" for number in range(25)))
    tower.wait(30)
    assert len(tower.told) == 25
    tower.restart()
    tower.wait(2 * INTERVAL, 10)
    told = tower.told[25:]
    assert [one["error"] for one in told[:20]] == ["log in first"] * 20
    assert told[20:] == [{"error": "5 more images could not be looked at"}]


def test_how_each_look_ended_is_counted(tower: Watchtower) -> None:
    counted: list[str] = []
    tower.watcher.count = counted.append
    tower.add("web", BASE)
    answers: list[str | Exception | None] = [
        None,
        refused(),
        "a",
        "a",
        RegistryBusy("429"),
    ]
    for answer in answers:
        if isinstance(answer, Exception):
            tower.served[BASE] = answer
        elif answer:
            tower.serve(BASE, answer)
        tower.watcher.hurry(BASE, tower.seconds())
        tower.wait(6)
    assert counted == ["absent", "failed", "moved", "same", "busy"]


def test_when_a_tag_was_last_seen_is_kept(tower: Watchtower) -> None:
    tower.serve(BASE, "a")
    tower.add("web", BASE)
    tower.step()
    tower.served[BASE] = refused()
    tower.wait(INTERVAL + 10, 10)
    (image,) = list_images(tower.database)
    assert image.seen_at == START.timestamp()
    assert (image.checked_at or 0) > START.timestamp()
