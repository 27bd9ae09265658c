"""Polling: when a repository is looked at, and what a look takes; over a real state."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.base.errors import ReconcilerError
from reconciler.engine.intake import Arrival, Intake, Taken
from reconciler.engine.polling import Polled, Poller, polled_by, take_moves, together
from reconciler.model.trigger import CommitTrigger
from reconciler.store.database import Database, open_database
from reconciler.store.decisions import list_decisions
from tests.unit.engine.test_triggers import SOURCE, task

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
MAIN, DEV, TAG = "refs/heads/main", "refs/heads/dev", "refs/tags/v1"
URL = "https://github.com/contoso/web.git"


@dataclass
class Answer:
    """What a host says."""

    refs: dict[str, str]
    default_branch: str | None = "main"


def polled(of: Any = None, address: str = "contoso/web-api", **commit: Any) -> Polled:
    (found,) = polled_by(address, of or task(commit={"poll": "5m"} | commit))
    return found


@dataclass
class Watch:
    """Looks at one repository, with a state."""

    database: Database
    broken: set[str] = field(default_factory=set)

    def look(self, one: Polled, refs: dict[str, str]) -> list[tuple[str, str]]:
        """(ref, verdict) of what was taken."""
        ids = (f"r{number}" for number in itertools.count(1))
        intake = Intake(self.database, lambda: NOW, lambda: f"{next(ids)}x{len(self.stored)}")

        def take(arrivals: Any) -> list[Taken | ReconcilerError]:
            good = [arrival for arrival in arrivals if arrival.event.ref not in self.broken]
            found = iter(intake.take_all(good))
            return [
                next(found) if arrival.event.ref not in self.broken else ReconcilerError("no")
                for arrival in arrivals
            ]

        taken = take_moves(self.database, one, Answer(refs), take)
        return [
            (item.subject.split()[1], item.verdict.value) for each in taken for item in each.decided
        ]

    @property
    def stored(self) -> list[Any]:
        return list_decisions(self.database, limit=1000)


@pytest.fixture(name="watch")
def over_a_state(tmp_path: Path) -> Iterator[Watch]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield Watch(database)
    database.close()


# ------------------------------------------------------------------- what moved
def test_at_the_first_look_nothing_has_moved_and_then_what_has(watch: Watch) -> None:
    one = polled()
    assert watch.look(one, {MAIN: ONE, DEV: ONE}) == []
    assert watch.look(one, {MAIN: ONE, DEV: ONE}) == []
    assert watch.look(one, {MAIN: TWO, DEV: ONE}) == [(MAIN, "queued")]
    assert watch.look(one, {MAIN: TWO, DEV: ONE}) == []
    (stored,) = watch.stored
    assert (stored.source.value, stored.version, stored.previous) == ("poll", TWO, ONE)
    assert (stored.hook, stored.delivery) == (None, None)


def test_new_and_deleted_branches_are_events_too_of_an_empty_repository_as_well(
    watch: Watch,
) -> None:
    one = polled(branch="*")
    assert watch.look(one, {}) == []
    assert watch.look(one, {MAIN: ONE}) == [(MAIN, "queued")]
    assert watch.look(one, {}) == [(MAIN, "deleted")]
    assert watch.look(one, {}) == []


def test_tags_count_from_when_they_are_asked_for(watch: Watch) -> None:
    without, with_tags = polled(), polled(tags=True)
    assert watch.look(without, {MAIN: ONE}) == []
    # Those that were there before anybody asked are not new.
    assert watch.look(with_tags, {MAIN: ONE, TAG: ONE}) == []
    assert watch.look(with_tags, {MAIN: ONE, TAG: ONE}) == []
    new = {MAIN: ONE, TAG: ONE, f"{TAG}.1": TWO}
    assert watch.look(with_tags, new) == [(f"{TAG}.1", "queued")]
    assert watch.look(without, {MAIN: ONE}) == []


def test_what_could_not_be_taken_is_taken_at_the_next_look(watch: Watch) -> None:
    one = polled(branch="*")
    watch.look(one, {MAIN: ONE, DEV: ONE})
    watch.broken = {DEV}
    assert watch.look(one, {MAIN: TWO, DEV: TWO}) == [(MAIN, "queued")]
    watch.broken = set()
    assert watch.look(one, {MAIN: TWO, DEV: TWO}) == [(DEV, "queued")]


def test_what_was_taken_just_before_a_kill_has_no_second_run(watch: Watch) -> None:
    one = polled()
    watch.look(one, {MAIN: ONE})
    arrivals: list[Arrival] = []

    def killed(found: Any) -> Any:
        arrivals.extend(found)
        Intake(watch.database, lambda: NOW).take_all(found)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_moves(watch.database, one, Answer({MAIN: TWO}), killed)
    assert watch.look(one, {MAIN: TWO}) == [(MAIN, "same-commit")]
    assert len(arrivals) == 1


def test_of_very_many_refs_some_are_taken_at_a_look_and_all_in_the_end(watch: Watch) -> None:
    one = polled(branch="none")
    watch.look(one, {})
    many = {f"refs/heads/b{number}": ONE for number in range(450)}
    counts = [len(watch.look(one, many)) for _ in range(4)]
    assert counts == [200, 200, 50, 0]


# ------------------------------------------------------------------ who is asked
def test_only_triggers_that_say_so_are_polled_and_each_url_once() -> None:
    assert list(polled_by("a/b", task(commit={}))) == []
    assert list(polled_by("a/b", task(commit={"poll": "5m", "status": "Disabled"}))) == []
    assert list(polled_by("a/b", task(status="Disabled", commit={"poll": "5m"}))) == []
    slow, fast = polled(poll="1h"), polled(poll="1m", tags=True, address="a/other")
    (both,) = together([slow, fast])
    assert (both.url, both.seconds, both.tags, both.tokens) == (URL, 60, True, ("env:PAT",))
    assert [one.address for one in both.everyone] == ["contoso/web-api", "a/other"]


def test_a_token_goes_to_its_own_repository_and_never_over_another_url() -> None:
    other = "https://github.com/contoso/other.git"
    own = {"poll": "5m", "repository": other, "token": {"secret": "env:OTHER"}}
    assert polled(task(commit=own)).tokens == ("env:OTHER",)
    plain = polled(task("http://github.com/contoso/web.git#main", commit={"poll": "5m"}))
    assert [one.url for one in together([plain, polled()])] == [plain.url, URL]
    same = {"poll": "5m", "repository": SOURCE.replace(".git", "")}
    assert polled(task(commit=same)).tokens == ("env:PAT",)


@pytest.mark.parametrize("poll", ["9s", "often", "0m"])
def test_an_interval_that_is_too_short_is_refused(poll: str) -> None:
    with pytest.raises(ValidationError):
        CommitTrigger.model_validate({"poll": poll})


# ------------------------------------------------------------------------- turns
def test_a_repository_has_its_turn_soon_and_then_after_its_interval_with_jitter() -> None:
    for chance, first, after in ((0.0, 0, 270), (0.5, 5, 300), (0.999, 9.99, 329.94)):
        poller, one = Poller(lambda chance=chance: chance), polled()  # type: ignore[misc]
        poller.follow([one], 0)
        assert poller.begin(first - 0.01) == []
        assert poller.begin(first) == [one]
        poller.looked(one, 0, failed=False)
        assert poller.begin(after - 0.1) == []
        assert poller.begin(after + 0.001) == [one]


def test_one_that_fails_is_asked_later_and_later_and_then_as_before() -> None:
    poller, one = Poller(lambda: 0.5), polled()
    poller.follow([one], 0)
    for wait in (600, 1200, 2400, 3600, 3600):
        poller.looked(one, 0, failed=True)
        assert poller.begin(wait - 1) == []
        assert poller.begin(wait) == [one]
    poller.looked(one, 0, failed=False)
    assert poller.begin(300) == [one]
    rare = polled(poll="1d")
    poller.follow([rare], 0)
    poller.looked(rare, 0, failed=True)
    assert poller.begin(86_399) == []


def test_an_apply_moves_no_turn_of_others() -> None:
    poller, one = Poller(lambda: 0.5), polled()
    poller.follow([one], 0)
    poller.looked(one, 0, failed=False)
    changed = polled(address="contoso/renamed")
    poller.follow([changed], 100)
    assert poller.begin(299) == []
    assert poller.begin(300) == [changed]
    poller.follow([], 0)
    poller.looked(changed, 0, failed=False)
    assert poller.begin(9999) == []


def test_a_changed_interval_is_heard_soon() -> None:
    poller, one = Poller(lambda: 0.5), polled(poll="1h")
    poller.follow([one], 0)
    poller.looked(one, 0, failed=False)
    quick = polled(poll="10s")
    poller.follow([quick], 100)
    assert poller.begin(104.9) == []
    assert poller.begin(105) == [quick]
    poller.looked(quick, 105, failed=False)
    assert poller.begin(115) == [quick]
    # One that fails is not asked more often for it.
    poller.looked(quick, 200, failed=True)
    slow = polled(poll="1h")
    poller.follow([slow], 210)
    assert poller.begin(215) == [slow]
    poller.looked(slow, 215, failed=True)
    assert poller.begin(215 + 3599) == []


def test_another_token_is_tried_soon_however_often_the_former_failed() -> None:
    poller, one = Poller(lambda: 0.5), polled()
    poller.follow([one], 0)
    for _ in range(9):
        poller.looked(one, 0, failed=True)
    mended = polled(token={"secret": "env:MENDED"})
    poller.follow([mended], 100)
    assert poller.begin(105) == [mended]
    poller.looked(mended, 105, failed=True)
    assert poller.begin(105 + 600) == [mended]


def at_hosts(*urls: str) -> list[Polled]:
    sources = (f"https://{url}.git" for url in urls)
    return [polled(task(f"{source}#main", commit={"poll": "5m"})) for source in sources]


def test_one_host_has_two_looks_at_once_and_the_others_theirs() -> None:
    poller = Poller(lambda: 0.0)
    slow = at_hosts("slow.example/a", "slow.example/b", "slow.example/c")
    (good,) = at_hosts("good.example/a")
    poller.follow([*slow, good], 0)
    assert poller.begin(0) == [good, slow[0], slow[1]]
    # While the slow host thinks, the good one is looked at again and again.
    for moment in (300, 600, 900):
        poller.looked(good, moment - 300, failed=False)
        assert poller.begin(moment - 300) == []
        assert poller.begin(moment) == [good]
    poller.looked(slow[0], 950, failed=True)
    assert poller.begin(950) == [slow[2]]


def test_hosts_that_failed_have_no_more_than_half_of_the_room() -> None:
    poller = Poller(lambda: 0.0, most=4)
    bad = at_hosts(*(f"bad{number}.example/a" for number in range(6)))
    poller.follow(bad, 0)
    for one in [*poller.begin(0), *bad[4:]]:
        poller.looked(one, 0, failed=True)
    good = at_hosts(*(f"good{number}.example/a" for number in range(6)))
    poller.follow([*bad, *good], 9000)
    begun = poller.begin(9000)
    assert len([one for one in begun if one in bad]) == 2
    assert len([one for one in begun if one in good]) == 2
    poller.looked(begun[-1], 9000, failed=False)
    assert poller.begin(9000)[0] in good
