"""`lock list` and `lock break`: what is known of a holder, and who may be thrown out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import Locked, WrongUsage
from reconciler.operations.applying.locks import Life, break_lock, list_locks
from reconciler.operations.workspace import OpenWorkspace, open_workspace
from reconciler.store.locks import LEASE, SILENCE, Holder, StateLock, acquire
from tests.flow.project import new_project
from tests.unit.plan.builders import NOW

ELSEWHERE = Holder("anne@contoso.example", "build-9", 311, "boot:1", "apply p-1")


@pytest.fixture(name="opened")
def fresh(tmp_path: Path) -> Iterator[OpenWorkspace]:
    new_project(tmp_path)
    opened = open_workspace(tmp_path, {"RECONCILER_ACTOR": "bert@contoso.example"}, lambda: NOW)
    yield opened
    opened.close()


def take(opened: OpenWorkspace, holder: Holder, at: datetime = NOW) -> StateLock:
    return acquire(opened.database, holder, "token", lambda: at, lambda *_: True)[0]


def only_life(opened: OpenWorkspace) -> Life:
    (row,) = list_locks(opened).rows
    return row.life


def test_a_lock_is_listed_with_its_holder_its_heartbeat_and_its_end(opened: OpenWorkspace) -> None:
    lock = take(opened, ELSEWHERE)
    (row,) = list_locks(opened).rows
    assert (row.held.holder, row.held.acquired) == (ELSEWHERE, NOW)
    assert (row.held.renewed, row.held.expires) == (NOW, NOW + LEASE)
    lock.release()
    assert list_locks(opened).rows == ()


@pytest.mark.parametrize(
    ("age", "life"),
    [
        (timedelta(0), Life.ALIVE),
        (SILENCE, Life.ALIVE),
        (SILENCE + timedelta(seconds=1), Life.SILENT),
        (LEASE, Life.EXPIRED),
    ],
)
def test_of_another_host_the_heartbeat_decides(
    opened: OpenWorkspace, age: timedelta, life: Life
) -> None:
    lock = take(opened, ELSEWHERE, NOW - age)
    assert only_life(opened) is life
    lock.release()


@pytest.mark.parametrize(("started", "life"), [(None, Life.ALIVE), ("boot:0", Life.DEAD)])
def test_of_this_host_the_process_decides(
    opened: OpenWorkspace, started: str | None, life: Life
) -> None:
    own = opened.holder("apply p-2")
    lock = take(opened, replace(own, started=started or own.started), NOW - LEASE)
    assert only_life(opened) is life
    lock.release()


def test_a_silent_holder_is_thrown_out_and_the_reason_is_kept(opened: OpenWorkspace) -> None:
    lock = take(opened, ELSEWHERE, NOW - SILENCE - timedelta(seconds=1))
    row = break_lock(opened, " the agent was stopped ")
    assert row is not None
    assert not lock.is_held()
    found = list_locks(opened)
    assert found.rows == ()
    (event,) = found.broken
    assert (event.actor, event.reason, event.at) == (
        "bert@contoso.example",
        "the agent was stopped",
        NOW,
    )
    assert event.subject == "anne@contoso.example (host build-9, pid 311) for apply p-1"
    lock.release()


def test_one_who_lives_is_thrown_out_only_by_force(opened: OpenWorkspace) -> None:
    lock = take(opened, ELSEWHERE)
    with pytest.raises(Locked, match="the holder of the lock is alive") as caught:
        break_lock(opened, "in a hurry")
    assert ("renewed", "just now") in caught.value.details
    assert lock.is_held()
    assert list_locks(opened).broken == ()
    assert break_lock(opened, "in a hurry", force=True) is not None
    assert not lock.is_held()
    lock.release()


def test_without_a_reason_nothing_is_broken(opened: OpenWorkspace) -> None:
    lock = take(opened, ELSEWHERE, NOW - LEASE)
    with pytest.raises(WrongUsage):
        break_lock(opened, "  ")
    assert lock.is_held()
    lock.release()


def test_where_there_is_no_lock_nothing_is_broken_and_nothing_noted(opened: OpenWorkspace) -> None:
    assert break_lock(opened, "just to be sure") is None
    assert list_locks(opened).broken == ()
