"""Statements that are run very often: compiled once for each kind of database, then run as text.

SQLAlchemy looks a statement up in its cache at each run, which costs more than SQLite takes to do
it. What is written between two commits of an apply is prepared here; all other statements are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.engine.cursor import CursorResult
from sqlalchemy.sql.compiler import SQLCompiler

Built = sa.Select[Any] | sa.Insert | sa.Update | sa.Delete


class Prepared:
    """A statement whose values are given by the names of its parameters. Types are not converted:
    for texts and whole numbers only."""

    def __init__(self, build: Built | Callable[[Dialect], Built]) -> None:
        self._build = build
        self._compiled: dict[str, SQLCompiler] = {}

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Run it in the transaction of a connection."""
        compiled = self._compiled.get(connection.dialect.name)
        if compiled is None:
            compiled = self._compiled[connection.dialect.name] = self._compile(connection.dialect)
        if compiled.positiontup is not None:
            row = tuple([values[name] for name in compiled.positiontup])
            return connection.exec_driver_sql(compiled.string, row)
        return connection.exec_driver_sql(compiled.string, values)

    def _compile(self, dialect: Dialect) -> SQLCompiler:
        built = self._build(dialect) if callable(self._build) else self._build
        compiled = built.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler):  # pragma: no cover  (these four kinds always are)
            raise TypeError(type(compiled).__name__)
        return compiled


def _insert_of(dialect: Dialect) -> Callable[[sa.Table], Any]:
    """The INSERT that knows ON CONFLICT. Importing PostgreSQL's takes as long as a small plan."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415

        return insert
    from sqlalchemy.dialects.sqlite import insert as insert_or_update  # noqa: PLC0415

    return insert_or_update


def upsert(table: sa.Table) -> Prepared:
    """A whole row of a table, instead of the one with the same key if there is one."""

    def build(dialect: Dialect) -> Built:
        insert = _insert_of(dialect)(table).values(
            {one.name: sa.bindparam(one.name) for one in table.c}
        )
        keys = [one.name for one in table.primary_key]
        rest = {one.name: insert.excluded[one.name] for one in table.c if one.name not in keys}
        put: sa.Insert = insert.on_conflict_do_update(index_elements=keys, set_=rest)
        return put

    return Prepared(build)
