"""What every provider of live tasks does. A new provider joins the parameters of the fixture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.base.canonical import digest_text
from reconciler.providers.base import Provider
from reconciler.providers.embedded import EmbeddedProvider
from reconciler.store.database import open_database
from reconciler.store.locks import LockLost

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture(name="provider", params=["embedded"])
def each_provider(tmp_path: Path) -> Iterator[Provider]:
    database = open_database("sqlite:///state.db", tmp_path)
    yield EmbeddedProvider(database, "lead@contoso.example", lambda: NOW)
    database.close()


def addresses(provider: Provider) -> list[str]:
    return [task.address for task in provider.read_all()]


def test_a_created_task_is_read_back_byte_for_byte(provider: Provider) -> None:
    provider.create("contoso/web-api", '{"ä":"\\u202e"}')
    task = provider.read("contoso/web-api")
    assert task is not None
    assert (task.address, task.document) == ("contoso/web-api", '{"ä":"\\u202e"}')


def test_a_provider_that_tells_who_changed_a_task_does(provider: Provider) -> None:
    provider.create("contoso/web-api", "{}")
    task = provider.read("contoso/web-api")
    assert task is not None
    if provider.capabilities().tells_who_changed:
        assert (task.changed_by, task.changed_at) == ("lead@contoso.example", NOW)


def test_a_task_that_is_not_there_is_none(provider: Provider) -> None:
    assert provider.read("contoso/none") is None
    assert addresses(provider) == []


def test_an_update_replaces_the_document_of_that_task_alone(provider: Provider) -> None:
    provider.create("contoso/a", "1")
    provider.create("contoso/b", "2")
    provider.update("contoso/a", "3")
    assert {task.address: task.document for task in provider.read_all()} == {
        "contoso/a": "3",
        "contoso/b": "2",
    }


def test_a_rename_leaves_nothing_at_the_old_address(provider: Provider) -> None:
    if not provider.capabilities().rename:
        pytest.skip("this provider does not rename")
    provider.create("contoso/old", "1")
    provider.rename("contoso/old", "contoso/new", "2")
    task = provider.read("contoso/new")
    assert task is not None
    assert task.document == "2"
    assert addresses(provider) == ["contoso/new"]


def test_deleting_twice_is_no_error(provider: Provider) -> None:
    provider.create("contoso/a", "1")
    provider.delete("contoso/a")
    provider.delete("contoso/a")
    assert addresses(provider) == []


def test_reading_all_stands_still_while_others_write(provider: Provider) -> None:
    for name in ("a", "b", "c"):
        provider.create(f"contoso/{name}", "1")
    reading = iter(provider.read_all())
    first = next(iter(reading))
    provider.delete("contoso/c")
    rest = [task.address for task in reading]
    assert first.address == "contoso/a"
    assert rest in (["contoso/b", "contoso/c"], ["contoso/b"])


def test_a_fenced_provider_writes_nothing_once_the_lock_is_lost(tmp_path: Path) -> None:
    def lost(_: object) -> None:
        raise LockLost("the lock was lost")

    database = open_database("sqlite:///state.db", tmp_path)
    free = EmbeddedProvider(database, "lead@contoso.example", lambda: NOW)
    fenced = EmbeddedProvider(database, "late@contoso.example", lambda: NOW, lost)
    free.create("contoso/a", "1")
    writes: list[Callable[[], None]] = [
        lambda: fenced.create("contoso/b", "2"),
        lambda: fenced.update("contoso/a", "2"),
        lambda: fenced.rename("contoso/a", "contoso/b", "2"),
        lambda: fenced.delete("contoso/a"),
    ]
    for write in writes:
        with pytest.raises(LockLost):
            write()
    assert [(task.address, task.document) for task in free.read_all()] == [("contoso/a", "1")]
    database.close()


def test_digests_are_those_of_the_documents(provider: Provider) -> None:
    provider.create("contoso/a", '{"a":1}')
    provider.create("contoso/b", '{"b":"ü"}')
    assert provider.read_digests() == {
        task.address: digest_text(task.document) for task in provider.read_all()
    }
    assert len(set(provider.read_digests().values())) == 2
