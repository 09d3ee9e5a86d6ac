"""dbt's Postgres adapter as this platform runs it: its errors hold no values. Importing it imports dbt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.adapters.postgres.impl import PostgresAdapter

from edreflect_assets.warehouse.messages import without_values


class ConnectionManager(PostgresConnectionManager):
    """Hands an error on to dbt, which logs, stores and prints its text, only after the values are taken out of it."""

    @contextmanager
    def exception_handler(self, sql: str) -> Iterator[None]:
        """Do what dbt does with an error of ``sql``, without its values."""
        with super().exception_handler(sql):
            try:
                yield
            except psycopg2.DatabaseError as error:
                raise type(error)(without_values(error)) from None


def install() -> None:
    """Have every dbt run of this process use it."""
    PostgresAdapter.ConnectionManager = ConnectionManager
