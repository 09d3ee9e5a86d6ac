"""The few things that every part of the report asks the database in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

# How many keys or ids are named of each finding: enough to look into it.
SAMPLES = 10
_WITHHELD = "(looks like an e-mail address)"


def query(connection: Connection, statement: str | sql.Composable, **parameters: Any) -> list[tuple[Any, ...]]:
    """Return all rows of a statement, in the connection's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def columns_of(connection: Connection, schema: str, relation: str) -> tuple[str, ...]:
    """Return the columns of a table or view in order; none where it does not exist, as before the first build."""
    rows = query(
        connection,
        """
        select attname from pg_attribute
        where attrelid = to_regclass(format('%%I.%%I', %(schema)s, %(relation)s)) and attnum > 0 and not attisdropped
        order by attnum
        """,
        schema=schema,
        relation=relation,
    )
    return tuple(name for (name,) in rows)


def identifiers(names: Iterable[str], relation: str | None = None) -> sql.Composable:
    """Return columns, of a relation if it is named, separated by commas."""
    return sql.SQL(", ").join(sql.Identifier(*([relation] if relation else []), name) for name in names)


def shown_id(value: str) -> str:
    """Return an id as it may stand in a report: a source that uses e-mail addresses as ids is not quoted."""
    return _WITHHELD if "@" in value else value


def shown_ids(values: Iterable[str | None] | None) -> tuple[str, ...]:
    """Return ids as they may stand in a report."""
    return tuple(shown_id(value) for value in values or () if value is not None)


def shown_key(values: Iterable[str | None]) -> tuple[str | None, ...]:
    """Return the columns of a key as they may stand in a report; None is an empty one."""
    return tuple(None if value is None else shown_id(value) for value in values)
