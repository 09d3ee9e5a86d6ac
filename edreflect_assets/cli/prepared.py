"""What every command that needs the database does first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect, ensure_server, migrate
from edreflect_assets.orgs import Org, load_registry, sync_orgs
from edreflect_assets.settings import Settings


@contextmanager
def prepared_database(settings: Settings) -> Iterator[tuple[Connection, dict[str, Org]]]:
    """Give a connection to the migrated database and the org registry it agrees with.

    Starts the embedded server when it is not running; it goes on running. Raises ConfigurationError when the database
    or the registry cannot be used.
    """
    registry = load_registry(settings)
    ensure_server(settings)
    with closing(connect(settings)) as connection:
        migrate(connection)
        # a home without a registry says nothing of the orgs of a database it may share
        if settings.registry.exists():
            sync_orgs(connection, registry)
        yield connection, registry
