"""Very many rows by one statement: straight to the driver. Judges nothing.

SQLAlchemy looks at each row several times, which costs more than to write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert, Update


def execute_many(
    connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Execute a statement for each row: texts and numbers by the names of its parameters.

    Every row has all of them. The statement is one that lives as long as the program.
    """
    if not rows:
        return
    compiled = _compiled(statement, connection.dialect, tuple(rows[0]))
    names = compiled.positiontup
    if names is None:
        connection.exec_driver_sql(str(compiled), [dict(row) for row in rows])
    else:
        values = [tuple([row[name] for name in names]) for row in rows]
        connection.exec_driver_sql(str(compiled), values)


@cache
def _compiled(statement: Insert | Update, dialect: Dialect, names: tuple[str, ...]) -> SQLCompiler:
    keys = list(names) if isinstance(statement, Insert) else None
    return statement.compile(dialect=dialect, column_keys=keys)
