"""What is built when an image moves: which tasks, in which order, on what; why not others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model.event import Verdict
from reconciler.model.rebuild import Rebuild
from reconciler.model.run import RunStatus
from reconciler.store.claims import Claimed
from reconciler.store.retention import purge_decisions
from tests.unit.engine.watching import BASE, HOST, QUIET, Watchtower, digest

APP, PAGE = f"{HOST}/app:1", f"{HOST}/page:1"


@pytest.fixture(name="tower")
def built(tmp_path: Path) -> Iterator[Watchtower]:
    tower = Watchtower(tmp_path)
    tower.serve(BASE, "a")
    yield tower
    tower.database.close()


def family(tower: Watchtower) -> None:
    """app stands on the base, page on what app pushes."""
    tower.serve(APP, "1")
    tower.serve(PAGE, "1")
    tower.add("app", BASE, images=(APP,))
    tower.add("page", APP, images=(PAGE,))
    tower.step()


def one(found: list[Claimed]) -> Claimed:
    (claimed,) = found
    return claimed


def last(tower: Watchtower, name: str) -> tuple[str, str]:
    decided = tower.decided(name)[-1]
    return decided.verdict.value, decided.detail


# ------------------------------------------------------------------ which ones
def test_a_moved_base_rebuilds_who_stands_on_it_on_exactly_its_digest(tower: Watchtower) -> None:
    tower.add("web", BASE)
    tower.add("other", f"{HOST}/other:1")
    tower.step()
    tower.moved()
    (wake,) = tower.wakes()
    assert (wake.task, wake.kind, wake.trigger) == ("contoso/web", "baseImage", "baseImage")
    assert wake.bases == {BASE: digest("b")}
    decided = tower.decided("web")[-1]
    assert (decided.verdict, decided.subject) == (Verdict.QUEUED, BASE)
    assert (decided.previous, decided.version) == (digest("a"), digest("b"))
    assert decided.run_id == tower.runs()[0].id
    tower.wait(3600, 30)
    assert len(tower.runs()) == 1


@pytest.mark.parametrize(
    ("kind", "trigger", "verdict"),
    [
        ("runtime", {}, "queued"),
        ("buildtime", {}, "other-stage"),
        ("buildtime", {"type": "All"}, "queued"),
        ("runtime", {"status": "Disabled"}, "trigger-off"),
    ],
)
def test_which_stages_and_triggers_count(
    tower: Watchtower, kind: str, trigger: dict[str, str], verdict: str
) -> None:
    tower.add("web", (BASE, kind), **trigger)  # type: ignore[arg-type]
    tower.step()
    tower.moved()
    assert last(tower, "web")[0] == verdict
    assert len(tower.runs()) == (verdict == "queued")


def test_a_task_that_is_off_is_not_built(tower: Watchtower) -> None:
    tower.add("web", BASE, enabled=False)
    tower.step()
    tower.moved()
    assert last(tower, "web")[0] == "task-off"
    assert tower.runs() == []


def test_only_the_platform_of_a_task_counts(tower: Watchtower) -> None:
    tower.serve(BASE, "a", linux_amd64="1", linux_arm64="2")
    tower.add("intel", (BASE, "runtime", "linux/amd64"))
    tower.add("arm", (BASE, "runtime", "linux/arm64"))
    tower.step()
    tower.serve(BASE, "b", linux_amd64="1", linux_arm64="3")
    tower.watcher.hurry(BASE, tower.seconds())
    tower.wait(10 + QUIET, 2)
    assert tower.tasks() == ["arm"]
    assert tower.wakes()[0].bases == {BASE: digest("b")}
    assert last(tower, "intel")[0] == "same-digest"


def test_a_platform_that_is_gone_rebuilds_nothing(tower: Watchtower) -> None:
    tower.serve(BASE, "a", linux_amd64="1", linux_arm64="2")
    tower.add("arm", (BASE, "runtime", "linux/arm64"))
    tower.step()
    tower.serve(BASE, "b", linux_amd64="1")
    tower.watcher.hurry(BASE, tower.seconds())
    tower.wait(10 + QUIET, 2)
    assert tower.tasks() == []


# ----------------------------------------------------------------- quiet window
def test_moves_of_one_window_are_one_event(tower: Watchtower) -> None:
    second = f"{HOST}/tools:1"
    tower.serve(second, "a")
    tower.add("web", BASE, second)
    tower.step()
    for number in range(4):
        tower.serve(BASE, f"b{number}")
        tower.serve(second, f"c{number}")
        tower.watcher.hurry(BASE, tower.seconds())
        tower.watcher.hurry(second, tower.seconds())
        tower.wait(100, 5)
        assert tower.tasks() == []
    tower.wait(30, 5)
    (wake,) = tower.wakes()
    assert wake.bases == {BASE: digest("b3"), second: digest("c3")}
    assert last(tower, "web") == ("queued", f"also {second}")


def test_row_40_a_tag_that_flaps_builds_nothing_and_never_waits_for_ever(
    tower: Watchtower,
) -> None:
    tower.add("web", BASE)
    tower.step()
    for name in ("b", "a"):
        tower.serve(BASE, name)
        tower.watcher.hurry(BASE, tower.seconds())
        tower.wait(10)
    tower.wait(QUIET, 5)
    assert last(tower, "web")[0] == "same-digest"
    assert tower.runs() == []
    start = tower.time
    for number in range(200):  # another digest every ten seconds, without an end
        tower.serve(BASE, f"c{number}")
        tower.watcher.hurry(BASE, tower.seconds())
        tower.wait(10)
    assert len(tower.runs()) == 1, "waiting runs of a task are one"
    assert tower.runs()[0].queued <= start + timedelta(minutes=15, seconds=20)


def test_row_40_a_minimum_interval_holds_a_storm_down(tower: Watchtower) -> None:
    tower.add("web", BASE, minInterval="1h")
    tower.step()
    tower.moved()
    tower.end(one(tower.begin()))
    tower.moved(name="c")
    assert last(tower, "web")[1].startswith("not before 3")
    tower.moved(name="d")
    assert last(tower, "web")[0] == "coalesced"
    assert tower.begin() == [], "it waits for its time"
    assert [wake.bases[BASE] for wake in tower.wakes()] == [digest("b"), digest("d")]


# ------------------------------------------------------------------------ waves
def test_a_child_waits_for_its_parent_and_is_built_on_what_it_pushed(tower: Watchtower) -> None:
    family(tower)
    tower.moved()
    assert tower.tasks() == ["app"]
    tower.wait(60, 5)
    assert tower.tasks() == ["app"]
    parent = one(tower.begin())
    # It has pushed, and is not done: a look finds it, and makes no event of it.
    tower.serve(APP, "2")
    tower.watcher.hurry(APP, tower.seconds())
    tower.wait(30)
    tower.end(parent, {APP: "2"})
    tower.wait(5)
    assert tower.tasks() == ["app", "page"]
    assert tower.wakes()[1].bases == {APP: digest("2")}
    tower.end(one(tower.begin()), {PAGE: "2"})
    tower.wait(3600, 5)
    assert tower.tasks() == ["app", "page"], "each is built once"


def test_a_rebuild_that_only_waits_hides_no_push_of_its_image(tower: Watchtower) -> None:
    family(tower)
    tower.add("app", BASE, images=(APP,), minInterval="24h")
    tower.step()
    tower.moved()
    tower.serve(APP, "2")
    tower.end(one(tower.begin()), {APP: "2"})
    tower.wait(5)
    tower.end(one(tower.begin()), {PAGE: "2"})
    tower.moved(name="c")
    assert tower.begin() == [], "app waits for its time"
    tower.moved(APP, "3")  # somebody else has built it
    assert tower.tasks() == ["app", "page", "app", "page"]
    assert tower.wakes()[3].bases == {APP: digest("3")}


def test_what_a_run_pushed_is_its_to_tell_until_it_is_settled(tower: Watchtower) -> None:
    family(tower)
    tower.moved()
    claimed = one(tower.begin())
    tower.serve(APP, "2")
    for ended in (False, True):
        if ended:
            tower.end(claimed, {APP: "2"})
        tower.time += timedelta(seconds=20)
        tower.watcher.hurry(APP, tower.seconds())
        tower.look_around()
    tower.wait(5)
    assert tower.tasks() == ["app", "page"], "the next wave, and no event of its own"
    tower.wait(2 * QUIET, 5)
    assert tower.tasks() == ["app", "page"]
    assert tower.wakes()[1].bases == {APP: digest("2")}


def test_a_child_is_skipped_if_its_parent_failed_and_so_are_its_own(tower: Watchtower) -> None:
    family(tower)
    tower.add("site", PAGE)
    tower.step()
    tower.moved()
    run = one(tower.begin())
    tower.end(run, status=RunStatus.FAILED)
    tower.wait(5)
    assert tower.tasks() == ["app"]
    assert last(tower, "page") == (
        "parent-failed",
        f"contoso/app was not built (run {run.lease.run_id})",
    )
    assert last(tower, "site")[0] == "parent-failed"


def test_a_parent_that_failed_after_its_push_is_an_event_of_its_own(tower: Watchtower) -> None:
    family(tower)
    tower.moved()
    run = one(tower.begin())
    tower.serve(APP, "2")
    tower.end(run, status=RunStatus.FAILED)
    tower.wait(5)
    tower.moved(APP, "2")
    assert tower.tasks() == ["app", "page"]


def test_a_child_is_skipped_if_its_parent_came_out_the_same(tower: Watchtower) -> None:
    family(tower)
    tower.moved()
    run = one(tower.begin())
    tower.end(run, {APP: "1"})
    tower.wait(5)
    assert tower.tasks() == ["app"]
    assert last(tower, "page") == (
        "parent-same",
        f"contoso/app pushed nothing new (run {run.lease.run_id})",
    )


def test_a_child_that_stands_on_the_base_too_is_built_once_and_last(tower: Watchtower) -> None:
    family(tower)
    tower.add("page", APP, BASE)
    tower.moved()
    assert tower.tasks() == ["app"]
    tower.end(one(tower.begin()), {APP: "1"})
    tower.wait(5)
    assert tower.wakes()[1].bases == {BASE: digest("b")}
    tower.wait(3600, 30)
    assert tower.tasks() == ["app", "page"]


def test_waves_go_on_after_a_kill_at_any_moment(tower: Watchtower) -> None:
    family(tower)
    tower.restart()
    tower.serve(BASE, "b")
    tower.watcher.hurry(BASE, tower.seconds())
    for _ in range(int(QUIET) // 5 + 3):
        tower.wait(5)
        tower.restart()
    tower.serve(APP, "2")
    tower.end(one(tower.begin()), {APP: "2"})
    tower.restart()
    tower.wait(5)
    tower.restart()
    tower.end(one(tower.begin()))
    tower.wait(3600, 30)
    assert tower.tasks() == ["app", "page"]


def test_of_one_event_only_some_are_done_at_once(tmp_path: Path) -> None:
    tower = Watchtower(tmp_path, most=2)
    tower.serve(BASE, "a")
    for number in range(5):
        tower.add(f"task-{number}", BASE)
    tower.step()
    tower.moved()
    assert len(tower.runs()) == 5
    first = tower.begin()
    assert len(first) == 2
    tower.end(first[0])
    assert len(tower.begin()) == 1
    tower.database.close()


def test_a_task_that_is_gone_when_its_turn_comes_is_not_built(tower: Watchtower) -> None:
    family(tower)
    tower.moved()
    del tower.book["contoso/page"]
    tower.end(one(tower.begin()), {APP: "2"})
    tower.wait(5)
    assert tower.tasks() == ["app"]
    assert last(tower, "page")[0] in {"trigger-off", "parent-same"}


# ----------------------------------------------------------------------- loops
def test_row_40_tasks_that_stand_on_each_other_are_built_once_each(tower: Watchtower) -> None:
    tower.serve(APP, "1")
    tower.serve(PAGE, "1")
    tower.add("app", BASE, PAGE, images=(APP,))
    tower.add("page", APP, images=(PAGE,))
    tower.step()
    tower.moved()
    version = 1
    for _ in range(2):
        version += 1
        run = one(tower.begin())
        image = APP if run.record.task == "contoso/app" else PAGE
        tower.serve(image, str(version))
        tower.end(run, {image: str(version)})
        tower.wait(5)
    tower.wait(7200, 30)
    assert tower.tasks() == ["app", "page"]
    assert last(tower, "app") == (
        "hop-limit",
        "it was built before contoso/page: they stand on each other",
    )


def test_row_40_a_task_that_stands_on_itself_is_built_once(tower: Watchtower) -> None:
    tower.serve(APP, "1")
    tower.add("app", APP, BASE, images=(APP,))
    tower.step()
    tower.moved()
    tower.serve(APP, "2")
    tower.end(one(tower.begin()), {APP: "2"})
    tower.wait(7200, 30)
    assert tower.tasks() == ["app"]


def test_a_chain_ends_at_the_hop_limit(tower: Watchtower) -> None:
    names = [f"{HOST}/link:{number}" for number in range(14)]
    for number, name in enumerate(names):
        tower.serve(name, "1")
        tower.add(f"link-{number:02}", names[number - 1] if number else BASE, images=(name,))
    tower.wait(10)
    tower.moved()
    for name in names[:11]:
        tower.end(one(tower.begin()), {name: "2"})
        tower.wait(2)
    assert tower.begin() == []
    assert last(tower, "link-11") == ("hop-limit", "more than 10 builds one after the other")


def test_who_is_known_late_to_stand_on_a_parent_is_built_too(tower: Watchtower) -> None:
    family(tower)
    tower.moved()
    tower.add("late", APP)
    tower.end(one(tower.begin()), {APP: "2"})
    tower.wait(5)
    assert sorted(tower.tasks()) == ["app", "late", "page"]


def test_open_runs_of_a_task_are_built_on_all_that_moved(tower: Watchtower) -> None:
    second = f"{HOST}/tools:1"
    tower.serve(second, "a")
    tower.add("web", BASE, second)
    tower.step()
    tower.moved()
    tower.moved(second, "c")
    (wake,) = tower.wakes()
    assert wake.bases == {BASE: digest("b"), second: digest("c")}
    assert last(tower, "web")[0] == "coalesced"


def test_events_that_are_over_are_forgotten_and_open_ones_are_not(tower: Watchtower) -> None:
    family(tower)
    tower.moved()
    later = tower.time + timedelta(days=1)
    purge_decisions(tower.database, later)
    assert tower.tasks() == ["app"]
    tower.serve(APP, "2")
    tower.end(one(tower.begin()), {APP: "2"})
    tower.wait(5)
    assert tower.tasks() == ["app", "page"], "it was not forgotten while it went on"
    tower.end(one(tower.begin()))
    tower.wait(5)
    purge_decisions(tower.database, later)
    with tower.database.read() as connection:
        for table in ("rebuilds", "image_moves", "image_events"):
            assert list(connection.exec_driver_sql(f"SELECT * FROM {table}")) == []  # noqa: S608


# ------------------------------------------------------------------ what is told
def test_runs_name_the_images_that_woke_them_and_so_does_the_log(tower: Watchtower) -> None:
    new = f"{HOST}/new:1"
    tower.add("web", BASE, new)
    tower.step()
    told: list[list[Rebuild]] = []
    tower.rebuilding.tell = lambda queued: told.append(list(queued))
    tower.serve(new, "1")
    tower.watcher.hurry(new, tower.seconds())
    tower.wait(10)
    tower.moved()
    (run,) = tower.runs()
    found = [(one.image, one.previous, one.digest) for one in run.event]
    assert found == [(BASE, digest("a"), digest("b")), (new, None, digest("1"))]
    assert run.model_dump(mode="json", by_alias=True)["event"][0] == {
        "image": BASE,
        "from": digest("a"),
        "to": digest("b"),
    }
    ((item,),) = told
    assert (item.address, item.run_id, set(item.moved)) == ("contoso/web", run.id, {BASE, new})
    tower.moved(name="c")  # into the run that waits
    (run,) = tower.runs()
    assert [one.digest for one in run.event] == [digest("c"), digest("1")]
