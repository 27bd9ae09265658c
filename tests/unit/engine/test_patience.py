"""Which registries are asked together: one that is slow, or silent, keeps no other one waiting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import RegistryBusy
from reconciler.engine.patience import MOST_AT_ONCE
from reconciler.engine.watcher import GAP, host_of
from reconciler.model.watched import Looked, Served, WatchedImage
from reconciler.store.images import list_images
from tests.unit.engine.watching import BASE, Watchtower, digest, refused

SILENT = RegistryBusy("it does not answer")


@pytest.fixture(name="tower")
def built(tmp_path: Path) -> Iterator[Watchtower]:
    tower = Watchtower(tmp_path)
    yield tower
    tower.database.close()


def watch(tower: Watchtower, *references: str) -> None:
    tower.watcher.keep(dict.fromkeys(references, ()), {}, tower.seconds())


def begun(tower: Watchtower) -> list[WatchedImage]:
    """All looks that may begin now."""
    found = []
    while (image := tower.watcher.begin(tower.seconds())) is not None:
        found.append(image)
        assert len(found) <= 2 * MOST_AT_ONCE, "without an end"
    return found


def seen(name: str = "a") -> Looked:
    return Looked(Served(digest(name)))


def known(tower: Watchtower, *references: str, seconds: float = 0.1) -> None:
    """Registries that have been asked, and how long that took."""
    watch(tower, *references)
    for _ in references:
        image = tower.watcher.begin(tower.seconds())
        assert image is not None
        tower.watcher.end(image, seen(), tower.seconds(), seconds)
    for reference in references:
        tower.watcher.hurry(reference, tower.seconds())
    tower.time += timedelta(seconds=GAP)


def hosts(images: list[WatchedImage]) -> list[str]:
    return sorted(host_of(image.reference) for image in images)


def test_of_one_registry_one_tag_is_asked_for_at_a_time(tower: Watchtower) -> None:
    watch(tower, "a.example/x:1", "a.example/x:2", "b.example/x:1")
    first = begun(tower)
    assert hosts(first) == ["a.example", "b.example"]
    for image in first:
        tower.watcher.end(image, seen(), tower.seconds())
    (last,) = begun(tower)
    assert {image.reference for image in (*first, last)} == {
        "a.example/x:1",
        "a.example/x:2",
        "b.example/x:1",
    }


def test_those_that_were_quick_have_all_of_the_room(tower: Watchtower) -> None:
    references = [f"{number:02}.example/x:1" for number in range(20)]
    known(tower, *references)
    assert len(begun(tower)) == MOST_AT_ONCE
    assert len({image.reference for image in begun(tower)}) == 0


@pytest.mark.parametrize("kind", ["new", "slow", "silent"])
def test_those_that_are_not_known_to_be_quick_have_half_of_it(tower: Watchtower, kind: str) -> None:
    others = [f"other-{number:02}.example/x:1" for number in range(20)]
    good = [f"good-{number:02}.example/x:1" for number in range(6)]
    if kind != "new":
        known(tower, *others, seconds=12.0 if kind == "slow" else 0.1)
    if kind == "silent":
        while images := begun(tower):
            for image in images:
                tower.watcher.end(image, SILENT, tower.seconds(), 15.0)
        tower.time += timedelta(seconds=40)
    known(tower, *good)
    watch(tower, *others, *good)
    with tower.database.write() as connection:
        connection.exec_driver_sql("UPDATE images SET next_at = reference NOT LIKE 'other%'")
    found = hosts(begun(tower))
    assert [host[:4] for host in found] == ["good"] * 4 + ["othe"] * 4


def test_a_push_is_seen_at_once_however_many_registries_are_silent(tower: Watchtower) -> None:
    """For a while each of thirty takes 15 s to say nothing; pushes to the good one are timed."""
    silent = [f"silent-{number:02}.example/x:1" for number in range(30)]
    known(tower, BASE)
    watch(tower, BASE, *silent)
    going: list[tuple[float, WatchedImage]] = []
    hurried, waited = tower.seconds(), list[float]()
    for second in range(1, 900):
        tower.time += timedelta(seconds=1)
        now = tower.seconds()
        if second % 60 == 30:
            tower.watcher.hurry(BASE, now)
            hurried = now
        for until, image in [one for one in going if one[0] <= now]:
            going.remove((until, image))
            tower.watcher.end(image, SILENT, now, 15.0)
        for image in begun(tower):
            if image.reference == BASE:
                waited.append(now - hurried)
                tower.watcher.end(image, seen(), now, 0.1)
            else:
                going.append((now + 15.0, image))
        assert len(going) <= MOST_AT_ONCE // 2
    assert len(waited) == 1 + 15
    assert max(waited[1:]) == 0
    assert len({image.reference for image in list_images(tower.database)}) == 31


def test_who_is_refused_quickly_is_not_slow(tower: Watchtower) -> None:
    references = [f"{number:02}.example/x:1" for number in range(MOST_AT_ONCE)]
    known(tower, *references)
    for image in begun(tower):
        tower.watcher.end(image, refused(), tower.seconds(), 0.1)
    tower.watcher.chance = lambda: 0.0
    tower.watcher.retry(tower.seconds())
    tower.time += timedelta(seconds=GAP)
    assert len(begun(tower)) == MOST_AT_ONCE


# ----------------------------------------------------------------------- hints
def test_a_hint_that_comes_while_a_tag_is_looked_at_is_not_lost(tower: Watchtower) -> None:
    """The registry has answered what it served before, and that takes its time."""
    known(tower, BASE)
    (image,) = begun(tower)
    assert tower.watcher.hurry(BASE, tower.seconds())
    tower.time += timedelta(seconds=12)
    tower.watcher.end(image, seen(), tower.seconds(), 12.0)
    assert begun(tower) == [], "not at once"
    tower.time += timedelta(seconds=GAP)
    (image,) = begun(tower)
    tower.watcher.end(image, seen("b"), tower.seconds(), 0.1)
    tower.time += timedelta(seconds=60)
    assert begun(tower) == [], "and once"


def test_nor_is_one_by_which_a_failure_may_be_mended(tower: Watchtower) -> None:
    known(tower, BASE)
    for _ in range(2):
        (image,) = begun(tower)
        tower.watcher.retry(tower.seconds())
        tower.watcher.end(image, refused(), tower.seconds(), 0.1)
        tower.watcher.hurry(BASE, tower.seconds())
        tower.time += timedelta(seconds=GAP)
    (image,) = begun(tower)
    assert tower.watcher.retry(tower.seconds()) == 1
    tower.watcher.end(image, refused(), tower.seconds(), 0.1)
    tower.time += timedelta(seconds=GAP)
    assert len(begun(tower)) == 1
