"""``edreflect up | down | db-url``: the database server."""

from __future__ import annotations

import click

from edreflect_assets.cli.output import say
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.database import ensure_server, server_status, stop_server
from edreflect_assets.database.server import ServerStatus
from edreflect_assets.settings import Settings


@click.command()
def up() -> None:
    """Start the embedded Postgres and prepare the database.

    With EDREFLECT_DATABASE_URL nothing is started; that database is prepared.
    """
    settings = Settings.from_environment()
    with prepared_database(settings):
        pass
    say(f"{server_line(server_status(settings))} Ready; `edreflect db-url` shows the URL.")


@click.command()
def down() -> None:
    """Stop the embedded Postgres.

    The data stay in EDREFLECT_HOME, and the next command that needs the database starts it again.
    """
    settings = Settings.from_environment()
    if settings.database_url is not None:
        say("The database is named by EDREFLECT_DATABASE_URL and was not started here; nothing to stop.")
    elif stop_server(settings):
        say("The embedded Postgres is stopped.")
    else:
        say("The embedded Postgres was not running.")


@click.command("db-url")
def db_url() -> None:
    """Print the database's URL, password included, and nothing else.

    It is the URL of the platform's owner; starts the embedded Postgres when it is not running.
    """
    say(ensure_server(Settings.from_environment()))


def server_line(status: ServerStatus) -> str:
    """Return a sentence on the server, without any password."""
    if not status.running:
        return "The database is not running."
    version = (status.version or "?").split()[0]
    where = f"embedded, 127.0.0.1:{status.port}" if status.embedded else "named by EDREFLECT_DATABASE_URL"
    return f"PostgreSQL {version} ({where})."
