"""Several tokens for one repository: who is asked with which, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.engine.poll_logins import Asking, Logins, remember
from reconciler.engine.polling import Polled, Refs, together
from reconciler.store.database import Database, open_database
from reconciler.store.decisions import list_decisions
from reconciler.store.polled_looks import (
    RepositoryLook,
    count_failing,
    keep_looks,
    read_look,
    troubled_looks,
)
from tests.unit.engine.test_polling import URL, Answer, polled

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
BAD, GOOD = "env:BAD", "env:GOOD"


def polled_with(*tokens: str) -> Polled:
    found = (polled(token={"secret": token}, address=f"a/{token[4:]}") for token in tokens)
    (one,) = together(found)
    return one


class Host:
    """Lets some tokens in, and knows who was tried."""

    def __init__(self, *good: str | None) -> None:
        self.good, self.tried = set(good), list[str | None]()

    def ask(self, token: str | None) -> Refs | str:
        self.tried.append(token)
        return Answer({}) if token in self.good else f"no to {token}"

    def look(self, logins: Logins, one: Polled, refused: list[str], now: float) -> Asking:
        self.tried.clear()
        asking = logins.asking(one, refused, now)
        asking.ask(self.ask)
        logins.asked(one, asking, now)
        return asking


def test_a_token_that_is_refused_keeps_no_other_one_from_being_tried() -> None:
    host, logins, one = Host(GOOD), Logins(), polled_with(GOOD, BAD)
    assert one.tokens == (BAD, GOOD)
    asking = host.look(logins, one, [], 0)
    assert host.tried == [BAD, GOOD]
    assert (asking.accepted, asking.refused) == ({GOOD}, {BAD: f"no to {BAD}"})
    # From now on the one that was let in comes first, and is enough.
    host.look(logins, one, [BAD], 10)
    assert host.tried == [GOOD]


def test_a_token_that_was_refused_is_tried_again_after_an_hour_and_by_the_next_daemon() -> None:
    host, logins, one = Host(GOOD), Logins(), polled_with(GOOD, BAD)
    host.look(logins, one, [], 0)
    host.look(logins, one, [BAD], 3599)
    assert host.tried == [GOOD]
    host.good.add(BAD)
    asking = host.look(logins, one, [BAD], 3600)
    assert (host.tried, asking.accepted) == ([GOOD, BAD], {GOOD, BAD})
    host.look(logins, one, [], 3610)
    assert host.tried == [GOOD]
    logins = Logins()
    assert logins.asking(one, [GOOD], 5).again == {GOOD}


def test_a_repository_that_all_may_read_is_asked_without_a_token_at_last() -> None:
    host, logins = Host(None), Logins()
    one = polled_with(BAD)
    both = Polled(one.repository, one.url, (BAD, None), 60, False, one.everyone)
    asking = host.look(logins, both, [], 0)
    assert (host.tried, asking.accepted) == ([BAD, None], {""})
    host.look(logins, both, [BAD], 10)
    assert host.tried == [None]


def test_who_is_not_let_in_at_all_is_told_each_by_its_name() -> None:
    host, logins = Host(), Logins()
    asking = host.look(logins, polled_with(BAD, GOOD), [], 0)
    assert asking.why == "env:BAD: no to env:BAD; env:GOOD: no to env:GOOD"
    assert host.look(logins, polled_with(BAD), [], 0).why == "no to env:BAD"


def test_what_is_no_refusal_is_not_tried_with_another_token() -> None:
    tried: list[str | None] = []

    def silent(token: str | None) -> Refs | str:
        tried.append(token)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        Logins().asking(polled_with(BAD, GOOD), [], 0).ask(silent)
    assert tried == [BAD]


# ----------------------------------------------------------------- what is kept
@pytest.fixture(name="database")
def opened(tmp_path: Path) -> Iterator[Database]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield database
    database.close()


def asked(accepted: str | None = None, **refused: str) -> Asking:
    named = {f"env:{name}": why for name, why in refused.items()}
    return Asking((), accepted={accepted} if accepted is not None else set(), refused=named)


def kept(database: Database) -> RepositoryLook:
    with database.read() as connection:
        found = read_look(connection, URL)
    assert found is not None
    return found


def told(database: Database) -> list[str]:
    found = list_decisions(database, limit=100)
    assert {(one.source.value, one.verdict.value) for one in found} <= {("poll", "look-failed")}
    assert {one.subject for one in found} <= {"github.com/contoso/web"}
    return [one.detail for one in reversed(found)]


def test_each_new_reason_of_a_failed_look_is_a_decision(database: Database) -> None:
    one = polled_with(BAD)
    remember(database, one, asked(GOOD), None, NOW)
    for minutes, why in ((1, "gone"), (2, "gone"), (3, "slow"), (4, "gone")):
        remember(database, one, asked(), why, NOW + timedelta(minutes=minutes))
    assert told(database) == ["gone", "slow", "gone"]
    look = kept(database)
    assert (look.seen_at, look.message) == (NOW.timestamp(), "gone")
    assert look.looked_at == (NOW + timedelta(minutes=4)).timestamp()
    with database.read() as connection:
        assert (count_failing(connection), troubled_looks(connection)) == (1, [look])
    remember(database, one, asked(BAD), None, NOW + timedelta(minutes=5))
    with database.read() as connection:
        assert (count_failing(connection), troubled_looks(connection)) == (0, [])


def test_a_token_that_is_refused_while_another_one_is_not_is_kept_with_since_when(
    database: Database,
) -> None:
    one, later = polled_with(BAD, GOOD), NOW + timedelta(hours=2)
    remember(database, one, asked(GOOD, BAD="no"), None, NOW)
    remember(database, one, asked(GOOD, BAD="no"), None, NOW + timedelta(hours=1))
    remember(database, one, asked(GOOD, BAD="never"), None, later)
    remember(database, one, asked(GOOD), None, later)
    assert told(database) == ["env:BAD: no", "env:BAD: never"]
    refusal = kept(database).refused[BAD]
    assert (refusal.since, refusal.message) == (NOW.timestamp(), "never")
    with database.read() as connection:
        assert [look.message for look in troubled_looks(connection)] == [None]
    # It is mended.
    remember(database, one, Asking((), accepted={GOOD, BAD}), None, later)
    assert kept(database).refused == {}
    # It is refused again, and its task has another one now.
    remember(database, one, asked(GOOD, BAD="no"), None, later)
    remember(database, polled_with(GOOD), asked(GOOD), None, later)
    assert kept(database).refused == {}


def test_good_looks_that_follow_each_other_are_not_written_each(database: Database) -> None:
    one = polled_with(GOOD)
    for seconds, expected in ((0, 0), (59, 0), (60, 60), (30, 30), (89, 30)):
        remember(database, one, asked(GOOD), None, NOW + timedelta(seconds=seconds))
        assert kept(database).seen_at == NOW.timestamp() + expected


def test_what_is_polled_no_more_is_forgotten(database: Database) -> None:
    one = polled_with(GOOD, BAD)
    remember(database, one, asked(GOOD, BAD="no"), None, NOW)
    keep_looks(database, {URL})
    assert kept(database).refused
    keep_looks(database, set())
    with database.read() as connection:
        assert read_look(connection, URL) is None
    remember(database, one, asked(GOOD), None, NOW)
    assert kept(database).refused == {}
