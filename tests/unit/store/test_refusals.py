"""Refused messages: kept to be read, and never so many that they fill the state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.model.event import Decided, Source, Verdict
from reconciler.store.database import Database, open_database
from reconciler.store.decisions import list_decisions, open_register
from reconciler.store.refusals import list_refusals, note_refusals

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database("sqlite:///state.db", tmp_path)
    yield opened
    opened.close()


def refused(hook: str, number: int) -> Decided:
    return Decided(
        at=NOW,
        source=Source.HOOK,
        subject="",
        verdict=Verdict.BAD_SIGNATURE,
        hook=hook,
        delivery=f"d{number}",
    )


def test_of_each_hook_only_the_newest_refusals_are_kept(database: Database) -> None:
    note_refusals(database, [refused("other", 0)], kept=3)
    for start in (0, 2, 4):
        everyone = [refused("github", start), refused("github", start + 1)]
        note_refusals(database, everyone, kept=3)
    assert [item.delivery for item in list_refusals(database, "github")] == ["d5", "d4", "d3"]
    assert [item.delivery for item in list_refusals(database, "other")] == ["d0"]


def test_what_was_taken_is_never_forgotten_for_a_refusal(database: Database) -> None:
    taken = refused("github", 0).model_copy(update={"task": "contoso/web", "trigger": "commit"})
    image = refused("github", 1).model_copy(update={"source": Source.IMAGE})
    with open_register(database) as register:
        register.note([taken, image])
    note_refusals(database, [refused("github", number) for number in range(2, 9)], kept=1)
    assert len(list_decisions(database)) == 3
    assert [item.delivery for item in list_refusals(database, "github")] == ["d8"]
