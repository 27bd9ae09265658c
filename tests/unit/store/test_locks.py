"""The lock of a state: one holder, named; taken over when that one is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from reconciler.base.errors import Locked
from reconciler.store import locks
from reconciler.store.database import Database, open_database
from reconciler.store.locks import LEASE, Holder, LockLost, StateLock, acquire
from reconciler.store.schema import locks as table

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ANNE = Holder("anne@contoso.example", "build-1", 311, "boot:1", "apply p-1")
BERT = Holder("bert@contoso.example", "build-2", 42, "boot:9", "apply p-2")


@pytest.fixture(name="database")
def new_database(tmp_path: Path) -> Iterator[Database]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield database
    database.close()


def take(
    database: Database, holder: Holder, *, at: datetime = NOW, alive: bool = True
) -> tuple[StateLock, Holder | None]:
    return acquire(database, holder, holder.name, lambda: at, lambda *_: alive)


def test_the_second_is_told_who_holds_it_since_when_and_for_what(database: Database) -> None:
    lock, _ = take(database, ANNE)
    with pytest.raises(Locked) as caught:
        take(database, BERT, at=NOW + timedelta(seconds=2))
    assert caught.value.exit_code == 5
    told = dict(caught.value.details)
    assert told["holder"] == "anne@contoso.example, host build-1, pid 311"
    assert told["since"] == "2026-11-21T09:00:00Z (2 s ago)"
    assert told["purpose"] == "apply p-1"
    lock.release()


def test_a_released_lock_is_free(database: Database) -> None:
    take(database, ANNE)[0].release()
    lock, former = take(database, BERT)
    assert former is None
    lock.release()


def test_a_dead_holder_of_this_host_is_replaced_at_once(database: Database) -> None:
    take(database, ANNE)
    here = Holder("bert", "build-1", 42, "boot:9", "apply p-2")
    lock, former = take(database, here, alive=False)
    assert former == ANNE
    lock.release()


def test_of_another_host_nobody_knows_who_is_dead(database: Database) -> None:
    take(database, ANNE)
    with pytest.raises(Locked):
        take(database, BERT, alive=False)


def test_a_lease_that_is_over_is_taken_over(database: Database) -> None:
    first, _ = take(database, ANNE)
    second, former = take(database, BERT, at=NOW + LEASE)
    assert former == ANNE
    assert not first.is_held()
    assert second.is_held()


def test_releasing_a_lock_that_was_taken_over_leaves_the_new_one(database: Database) -> None:
    first, _ = take(database, ANNE)
    second, _ = take(database, BERT, at=NOW + LEASE)
    first.release()
    assert second.is_held()


def _expiry(database: Database) -> str:
    with database.read() as connection:
        return str(connection.execute(sa.select(table.c.expires_at)).scalar_one())


def test_the_heartbeat_moves_the_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_HEARTBEAT_SECONDS", 0.01)
    moments = iter([NOW, NOW, NOW])
    lock, _ = acquire(
        database, ANNE, "t", lambda: next(moments, NOW + timedelta(hours=1)), lambda *_: True
    )
    for _ in range(500):
        if _expiry(database) == "2026-11-21T10:01:00Z":
            break
        lock.lost.wait(0.01)
    assert _expiry(database) == "2026-11-21T10:01:00Z"
    lock.release()


def test_the_heartbeat_notices_that_the_lock_is_gone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_HEARTBEAT_SECONDS", 0.01)
    lock, _ = take(database, ANNE)
    with database.write() as connection:
        connection.execute(sa.delete(table))
    assert lock.lost.wait(10)
    assert not lock.is_held()
    lock.release()


def test_a_write_behind_the_back_of_a_new_holder_is_refused(database: Database) -> None:
    first, _ = take(database, ANNE)
    second, _ = take(database, BERT, at=NOW + LEASE)
    with pytest.raises(LockLost) as caught, database.write() as connection:
        first.fence(connection)
    assert caught.value.exit_code == 6
    with database.write() as connection:
        second.fence(connection)
    first.release()
    second.release()
