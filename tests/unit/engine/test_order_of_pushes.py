"""In whatever order pushes are told of: once all are, the newest commit is built last."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.engine.intake import Arrival
from reconciler.engine.triggers import listening
from reconciler.model.event import Push
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.store.runs import list_runs, update_run
from tests.unit.engine.test_intake import Door, pushed
from tests.unit.engine.test_triggers import task


def commit(number: int) -> str:
    return f"{number:040x}"


def move(before: int | None, after: int | None, **other: Any) -> Push:
    """A push; `before` None is a ref that is new."""
    found = pushed(commit(after or 0), before=commit(before or 0), **other)
    words = {
        "before": commit(before) if before is not None else None,
        "after": commit(after) if after is not None else None,
        "created": before is None,
    }
    return found.model_copy(update=words)


LINE = [move(None, 1), move(1, 2), move(2, 3), move(3, 4)]


class Street:
    """A door whose runs are done, or wait; ids are given in their order."""

    def __init__(self, folder: Path) -> None:
        self.door = Door(folder)
        self.messages = (f"m{number}" for number in itertools.count(1))
        numbers = itertools.count(1)
        self.door.intake = type(self.door.intake)(
            self.door.database, self.door.intake.clock, lambda: f"r{next(numbers):04}"
        )

    def tell(self, push: Push, message: str | None = None, *, done: bool = True) -> str:
        return self._take(push, message or next(self.messages), done=done)

    def see(self, push: Push, *, done: bool = True) -> str:
        """As a look finds it, without a message."""
        return self._take(push, None, done=done)

    def _take(self, push: Push, message: str | None, *, done: bool) -> str:
        ((verdict, _),) = self.door.verdicts(push, message)
        if done:
            self.finish()
        return verdict

    def finish(self) -> None:
        for record in list_runs(self.door.database, limit=1000):
            if record.status is RunStatus.QUEUED:
                self.end(record, RunStatus.SUCCEEDED)

    def end(self, record: RunRecord, status: RunStatus, reason: Reason | None = None) -> None:
        ended = record.model_copy(update={"status": status, "reason": reason})
        assert update_run(self.door.database, ended)
        with self.door.database.write() as connection:
            connection.exec_driver_sql("DELETE FROM queue WHERE run_id = ?", (record.id,))

    @property
    def built(self) -> list[int]:
        """Commits of the runs, oldest first."""
        found = sorted(list_runs(self.door.database, limit=1000), key=lambda record: record.id)
        return [int(str(record.commit), 16) for record in found]

    def close(self) -> None:
        self.door.database.close()


@pytest.fixture(name="street")
def opened(tmp_path: Path) -> Iterator[Street]:
    street = Street(tmp_path)
    yield street
    street.close()


def orders() -> list[tuple[int, ...]]:
    three = [tuple(order) for order in itertools.permutations(range(3))]
    return three + [tuple(order) for order in itertools.permutations(range(4))]


def name(order: Sequence[int]) -> str:
    return "".join("ABCD"[place] for place in order)


@pytest.mark.parametrize("done", ["each", "none", "first"])
@pytest.mark.parametrize("order", orders(), ids=name)
def test_in_every_order_the_newest_is_built_last(
    street: Street, order: tuple[int, ...], done: str
) -> None:
    for place, number in enumerate(order):
        street.tell(
            LINE[number], f"d{number}", done=done == "each" or (done == "first" and place == 0)
        )
    assert street.built[-1] == len(order)
    # Told once more, by other messages: nothing is done anew.
    runs = len(street.built)
    for number in order:
        assert street.tell(LINE[number], f"again{number}") in {"superseded", "same-commit"}
    assert len(street.built) == runs


@pytest.mark.parametrize("order", orders(), ids=name)
def test_in_every_order_in_one_commit_too(street: Street, order: tuple[int, ...]) -> None:
    door = street.door
    taken = door.intake.take_all([Arrival(LINE[one], tuple(door.everyone)) for one in order])
    assert not any(isinstance(one, ReconcilerError) for one in taken)
    assert street.built == [len(order)]


@pytest.mark.parametrize("order", orders(), ids=name)
def test_what_is_filtered_puts_others_in_order_all_the_same(
    street: Street, order: tuple[int, ...]
) -> None:
    street.door.everyone = list(
        listening("contoso/web", task(commit={"paths": {"include": ["web/**"]}}))
    )
    files = {0: ("web/a",), 1: ("docs/a",), 2: ("web/a",), 3: ("docs/b",)}
    for number in order:
        street.tell(LINE[number].model_copy(update={"files": files[number]}), f"d{number}")
    assert street.built[-1] == 3


def test_a_push_that_comes_late_names_what_is_built_in_its_place(street: Street) -> None:
    assert [street.tell(LINE[number]) for number in (2, 0)] == ["queued", "queued"]
    assert street.tell(LINE[1]) == "queued"
    assert street.built == [3, 1, 3]
    (decided,) = street.door.take(LINE[1]).decided
    assert decided.verdict == "superseded"


def test_a_push_that_comes_very_late_is_still_known_to_be_old(street: Street) -> None:
    for number in range(1, 60):
        assert street.tell(move(number, number + 1)) == "queued"
    assert street.tell(move(99, 1)) == "superseded"
    assert street.tell(move(30, 31), "again") == "superseded"
    assert street.built[-1] == 60


def test_a_branch_that_is_set_back_is_built_there(street: Street) -> None:
    for push in LINE[:3]:
        assert street.tell(push) == "queued"
    assert street.tell(move(3, 1), "reset") == "queued"
    # And forward again, by the same step as before, and back.
    assert street.tell(move(1, 2), "forward") == "queued"
    assert street.tell(move(2, 1), "back") == "queued"
    assert street.tell(move(1, 2), "forth") == "queued"
    assert street.built == [1, 2, 3, 1, 2, 1, 2]


def test_a_push_that_a_reset_overtook_takes_nothing_back(street: Street) -> None:
    assert street.tell(move(None, 1)) == "queued"
    assert street.tell(move(2, 1)) == "same-commit"
    assert street.tell(move(1, 2)) == "superseded"
    assert street.built == [1]


def test_where_a_push_began_is_not_known_it_is_built(street: Street) -> None:
    street.tell(move(1, 2))
    unknown = move(None, 1).model_copy(update={"created": False})
    assert street.tell(unknown) == "queued"
    assert street.tell(unknown) == "same-commit"
    assert street.tell(move(8, 2)) == "queued"
    assert street.built == [2, 1, 2]


def test_a_branch_that_was_deleted_and_made_again_is_built(street: Street) -> None:
    street.tell(move(None, 1))
    street.tell(move(1, 2))
    assert street.tell(move(2, None)) == "deleted"
    assert street.tell(move(None, 1)) == "queued"
    assert street.built == [1, 2, 1]


def test_a_late_push_has_the_lost_run_of_a_newer_one_done_again(street: Street) -> None:
    street.tell(move(1, 2), done=False)
    street.tell(move(2, 3), done=False)
    (record,) = list_runs(street.door.database)
    street.end(record, RunStatus.FAILED, Reason.LOST)
    assert street.tell(move(0, 1)) == "queued"
    assert street.built == [3, 3]
