"""A tag is looked at for the first time: what tasks were last built on says whether it moved."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.run import BaseImage, RunRecord, RunStatus, TriggerKind
from reconciler.store.last_built import last_known
from reconciler.store.runs import insert_run
from tests.unit.engine.watching import BASE, HOST, QUIET, Watchtower, digest, refused

ARM, INTEL = "linux/arm64", "linux/amd64"
_IDS = (f"h{number:05}" for number in itertools.count(1))


@pytest.fixture(name="tower")
def built(tmp_path: Path) -> Iterator[Watchtower]:
    tower = Watchtower(tmp_path)
    yield tower
    tower.database.close()


def ran(tower: Watchtower, name: str, *on: str | None, **more: Any) -> None:
    """A run that nobody watched: built on digests of the base, None where it does not tell."""
    tower.time += timedelta(seconds=1)
    bases = tuple(
        BaseImage(reference=BASE, role="runtime", digest=one and digest(one)) for one in on
    )
    words: dict[str, Any] = {"status": RunStatus.SUCCEEDED, "queued": tower.time, "bases": bases}
    record = RunRecord(id=next(_IDS), task=f"contoso/{name}", actor="dev", **(words | more))
    insert_run(tower.database, record, host="h", pid=1, process_started="s")


def verdicts(tower: Watchtower, name: str) -> list[str]:
    return [one.verdict.value for one in tower.decided(name)]


def settle(tower: Watchtower) -> None:
    tower.keep()
    tower.wait(QUIET + 20, 5)


def test_a_tag_that_moved_before_the_first_look_rebuilds_who_was_built_before(
    tower: Watchtower,
) -> None:
    for name in ("old", "new", "never"):
        tower.add(name, BASE)
    ran(tower, "old", "a")
    ran(tower, "new", "a")
    ran(tower, "new", "b")
    tower.serve(BASE, "b")
    settle(tower)
    (wake,) = tower.wakes()
    assert (wake.task, wake.bases) == ("contoso/old", {BASE: digest("b")})
    (run,) = [one for one in tower.runs() if one.trigger is TriggerKind.BASE_IMAGE]
    assert [(one.image, one.previous, one.digest) for one in run.event] == [
        (BASE, digest("a"), digest("b"))
    ]
    found = {name: verdicts(tower, name) for name in ("old", "new", "never")}
    assert found == {"old": ["queued"], "new": ["same-digest"], "never": ["first-sight"]}
    (first,) = [one for one in tower.decided() if one.task is None]
    assert first.verdict.value == "first-sight"
    assert first.detail == "seen for the first time: 1 task was built on something else"
    assert tower.told == [{"image": BASE, "from": digest("a"), "to": digest("b")}]
    tower.wait(7200, 60)
    assert len(tower.wakes()) == 1, "once"


def test_a_trigger_that_was_off_while_its_base_moved_makes_it_good(tower: Watchtower) -> None:
    tower.serve(BASE, "b")
    tower.add("web", BASE)
    ran(tower, "web", "b")
    settle(tower)
    tower.watcher.keep({}, {}, tower.seconds())  # off
    tower.serve(BASE, "c")
    tower.wait(60, 5)
    settle(tower)  # and on
    assert [wake.bases for wake in tower.wakes()] == [{BASE: digest("c")}]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], "first-sight"),
        ([{"on": "a", "status": RunStatus.FAILED}], "first-sight"),
        ([{"on": None}], "first-sight"),
        ([{"on": "a"}, {"on": "b", "status": RunStatus.FAILED}], "queued"),
        ([{"on": "a"}, {"on": "b", "trigger": TriggerKind.PULL_REQUEST}], "queued"),
        ([{"on": "a"}, {"on": "b", "overrides": {"--no-push": ""}}], "queued"),
        ([{"on": "a"}, {"on": "b", "rerun_of": "r1"}], "same-digest"),
        ([{"on": "b"}, {"on": "a"}], "queued"),
    ],
)
def test_the_newest_run_that_built_the_task_as_it_is_counts(
    tower: Watchtower, runs: list[dict[str, Any]], expected: str
) -> None:
    tower.add("web", BASE)
    tower.add("old", BASE)
    ran(tower, "old", "a")  # so that there is an event
    for run in runs:
        ran(tower, "web", run["on"], **{key: run[key] for key in run if key != "on"})
    tower.serve(BASE, "b")
    settle(tower)
    assert verdicts(tower, "web") == [expected]


def test_only_the_platform_of_a_task_counts(tower: Watchtower) -> None:
    """Some engines tell the digest of the index, others that of the one image."""
    tower.serve(BASE, "index", linux_amd64="1", linux_arm64="2")
    for name, platform, on in (
        ("by-index", ARM, "index"),
        ("by-image", ARM, "2"),
        ("older", ARM, "9"),
        ("of-another", INTEL, "2"),
    ):
        tower.add(name, (BASE, "runtime", platform))
        ran(tower, name, on, platform=platform)
    settle(tower)
    assert sorted(tower.tasks()) == ["of-another", "older"]


def test_a_platform_that_is_not_served_any_more_rebuilds_nothing(tower: Watchtower) -> None:
    tower.serve(BASE, "index", linux_amd64="1")
    tower.add("web", (BASE, "runtime", ARM))
    ran(tower, "web", "2", platform=ARM)
    settle(tower)
    assert tower.tasks() == []


def test_one_stage_that_was_built_on_something_else_is_enough(tower: Watchtower) -> None:
    tower.serve(BASE, "index", linux_amd64="1", linux_arm64="2")
    tower.add("web", (BASE, "runtime", ARM), (BASE, "runtime", INTEL), (BASE, "runtime", ARM))
    one = {"reference": BASE, "role": "runtime"}
    bases = (
        BaseImage(**one, digest=digest("index"), platform=ARM),
        BaseImage(**one, digest=digest("old"), platform=INTEL),
    )
    ran(tower, "web", bases=bases)
    settle(tower)
    assert tower.tasks() == ["web"]


def test_each_stage_is_compared_for_its_own_platform(tower: Watchtower) -> None:
    tower.serve(BASE, "index", linux_amd64="1", linux_arm64="2")
    tower.add("web", (BASE, "runtime", ARM), (BASE, "buildtime", INTEL), type="All")
    tower.add("other", BASE)
    ran(tower, "other", "old")  # so that there is an event
    bases = tuple(
        BaseImage(reference=BASE, role=role, digest=digest(name), platform=platform)
        for role, name, platform in (("runtime", "2", None), ("buildtime", "1", INTEL))
    )
    ran(tower, "web", bases=bases, platform=ARM)
    settle(tower)
    assert verdicts(tower, "web") == ["same-digest"]


def test_who_minds_no_base_makes_no_event(tower: Watchtower) -> None:
    tower.add("web", BASE)
    tower.add("off", BASE)
    ran(tower, "off", "a")
    tower.serve(BASE, "b")
    tower.watcher.keep({BASE: {"contoso/web"}}, {}, tower.seconds())
    tower.wait(QUIET + 20, 5)
    (one,) = tower.decided()
    assert (one.task, one.verdict.value) == (None, "first-sight")


def test_it_counts_also_if_the_first_looks_failed(tower: Watchtower) -> None:
    tower.served[BASE] = refused()
    tower.add("web", BASE)
    ran(tower, "web", "a")
    settle(tower)
    tower.serve(BASE, "b")
    tower.watcher.hurry(BASE, tower.seconds())
    tower.restart()
    settle(tower)
    assert tower.tasks() == ["web"]


def test_who_is_built_on_it_meanwhile_is_not_built_again(tower: Watchtower) -> None:
    tower.add("web", BASE)
    ran(tower, "web", "a")
    tower.serve(BASE, "b")
    tower.step()
    ran(tower, "web", "b")
    settle(tower)
    assert verdicts(tower, "web") == ["same-digest"]
    assert tower.wakes() == []


def test_those_who_stand_on_what_is_built_then_come_after_it(tower: Watchtower) -> None:
    app = f"{HOST}/app:1"
    tower.serve(app, "1")
    tower.serve(BASE, "b")
    tower.add("app", BASE, images=(app,))
    tower.add("page", app)
    ran(tower, "app", "a")
    settle(tower)
    (claimed,) = tower.begin()
    tower.serve(app, "2")
    tower.end(claimed, {app: "2"})
    tower.wait(5)
    assert [wake.bases for wake in tower.wakes()] == [{BASE: digest("b")}, {app: digest("2")}]


def test_what_a_tag_is_known_to_have_is_what_was_seen_or_taken_later(tower: Watchtower) -> None:
    def known(name: str = "web", platform: str = INTEL) -> str | None:
        return last_known(tower.database, f"contoso/{name}", BASE, platform)

    tower.add("web", BASE)
    assert known() is None
    ran(tower, "web", "x")
    tower.serve(BASE, "a")
    settle(tower)
    seen = tower.time
    assert known() == digest("a")  # what was taken before that look is older
    ran(tower, "web", "c", status=RunStatus.FAILED)
    ran(tower, "web", "c", trigger=TriggerKind.PULL_REQUEST)
    ran(tower, "web", None)
    assert known() == digest("a")
    ran(tower, "web", "b")
    assert tower.time > seen
    assert (known(), known("api"), known(platform=ARM)) == (digest("b"), *[digest("a")] * 2)
