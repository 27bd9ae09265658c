"""Prepared statements say the same to both kinds of database, and a row is put in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reconciler.store.database import open_database
from reconciler.store.prepared import Prepared, upsert
from reconciler.store.schema import live_tasks

ROW = {"address": "contoso/a", "document": "{}", "changed_at": "x", "changed_by": "dev"}


def test_both_dialects_put_a_row_with_one_statement() -> None:
    kinds: list[tuple[Any, str]] = [(sqlite, "?"), (postgresql, "%(address)s")]
    for kind, place in kinds:
        dialect = kind.dialect()
        text = upsert(live_tasks)._compile(dialect).string
        assert place in text
        assert "ON CONFLICT (address) DO UPDATE SET document = excluded.document" in text
        assert "address = excluded.address" not in text


def test_a_row_is_put_and_put_again_and_found(tmp_path: Path) -> None:
    database = open_database("sqlite:///state.db", tmp_path)
    put = upsert(live_tasks)
    find = Prepared(sa.select(live_tasks).where(live_tasks.c.address == sa.bindparam("key")))
    with database.write() as connection:
        put.run(connection, **ROW)
        put.run(connection, **{**ROW, "document": "[]"})
        (row,) = find.run(connection, key="contoso/a")
        assert (row.document, row.changed_by) == ("[]", "dev")
        assert find.run(connection, key="contoso/b").first() is None
    database.close()
