"""A tag that nobody served before is pushed: who stands on it is built, whatever comes first."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.engine.watcher import GAP
from reconciler.model.run import RunStatus
from tests.unit.engine.watching import BASE, HOST, QUIET, Watchtower, digest

# When a child's base is looked at: before its parent's run begins, before that pushes, before it
# ends, before its end is settled.
LOOKS = [
    looks
    for count in range(5)
    for looks in itertools.combinations(("queued", "begun", "pushed", "ended"), count)
]


@pytest.fixture(name="tower")
def built(tmp_path: Path) -> Iterator[Watchtower]:
    tower = Watchtower(tmp_path, most=100)
    tower.serve(BASE, "a")
    yield tower
    tower.database.close()


def look(tower: Watchtower, when: str) -> None:
    """The children that are looked at now; one that never was is applied only now."""
    for number, looks in enumerate(LOOKS):
        if when in looks:
            add_child(tower, number)
            tower.watcher.hurry(f"{HOST}/app-{number}:1", tower.seconds())
    for _ in range(40):  # as slowly as a registry is asked
        tower.time += timedelta(seconds=1)
        tower.look_around()


def add_child(tower: Watchtower, number: int) -> None:
    if f"contoso/page-{number}" not in tower.book:
        tower.add(f"page-{number}", f"{HOST}/app-{number}:1")


@pytest.mark.parametrize("known", [True, False])
def test_a_first_push_of_a_parent_builds_its_child_in_every_order(
    tower: Watchtower, known: bool
) -> None:
    """`known`: what the parents push can be told before they run."""
    for number in range(len(LOOKS)):
        images = (f"{HOST}/app-{number}:1",) if known else ()
        tower.add(f"app-{number}", BASE, images=images)
    tower.step()
    tower.moved()
    look(tower, "queued")
    runs = tower.begin()
    assert len(runs) == len(LOOKS)
    look(tower, "begun")
    pushed = {}
    for claimed in runs:
        name = str(claimed.record.task).removeprefix("contoso/")
        pushed[claimed.lease.run_id] = f"{HOST}/{name}:1"
        tower.serve(f"{HOST}/{name}:1", "1")
    look(tower, "pushed")
    for claimed in runs:
        tower.end(claimed, {pushed[claimed.lease.run_id]: "1"})
    look(tower, "ended")
    for number in range(len(LOOKS)):
        add_child(tower, number)
    tower.wait(QUIET + 120, 5)
    tower.wait(7200, 300)
    found = Counter(tower.tasks())
    missed = [LOOKS[number] for number in range(len(LOOKS)) if not found[f"page-{number}"]]
    assert missed == [], "these were never built"
    assert set(found.values()) == {1}
    for wake in tower.wakes()[len(LOOKS) :]:
        assert set(wake.bases.values()) == {digest("1")}


def test_a_tag_that_was_not_there_and_is_pushed_by_somebody_else_has_moved(
    tower: Watchtower,
) -> None:
    new = f"{HOST}/new:1"
    tower.add("web", new)
    tower.step()
    tower.restart()
    tower.moved(new, "1")
    assert tower.tasks() == ["web"]
    decided = tower.decided("web")[-1]
    assert (decided.previous, decided.version) == (None, digest("1"))
    assert [one.verdict.value for one in tower.decided()] == ["no-such-tag", "queued"]
    assert tower.told[-1] == {"image": new, "from": "nothing", "to": digest("1")}


@pytest.mark.parametrize(("platform", "built"), [("amd64", ["web"]), ("arm64", [])])
def test_of_a_new_index_the_platform_of_a_task_counts(
    tower: Watchtower, platform: str, built: list[str]
) -> None:
    new = f"{HOST}/new:1"
    tower.add("web", (new, "runtime", f"linux/{platform}"))
    tower.step()
    tower.serve(new, "1", linux_amd64="2")
    tower.watcher.hurry(new, tower.seconds())
    tower.wait(GAP + 5)
    tower.wait(QUIET, 10)
    assert tower.tasks() == built


def test_a_tag_that_was_gone_and_is_back_has_not_moved(tower: Watchtower) -> None:
    tower.add("web", BASE)
    tower.step()
    del tower.served[BASE]
    tower.watcher.hurry(BASE, tower.seconds())
    tower.wait(10)
    tower.moved(name="a")
    assert tower.tasks() == []
    tower.moved(name="b")
    assert tower.wakes()[0].bases == {BASE: digest("b")}


def test_a_run_that_failed_after_a_first_push_leaves_an_event_of_its_own(
    tower: Watchtower,
) -> None:
    app = f"{HOST}/app:1"
    tower.add("app", BASE, images=(app,))
    tower.add("page", app)
    tower.step()
    tower.moved()
    (run,) = tower.begin()
    tower.serve(app, "1")
    tower.watcher.hurry(app, tower.seconds())
    tower.wait(10)
    tower.end(run, status=RunStatus.FAILED)
    tower.wait(QUIET + 30, 5)
    assert tower.tasks() == ["app", "page"]
