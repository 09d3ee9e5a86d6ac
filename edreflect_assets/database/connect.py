"""Connections to the platform's database."""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database.binaries import MINIMUM_VERSION
from edreflect_assets.database.server import database_url
from edreflect_assets.errors import ConfigurationError
from edreflect_assets.settings import Settings


def connect(settings: Settings, *, application_name: str = "edreflect") -> Connection:
    """Return a new connection, in no transaction, not autocommitting, time zone UTC; starts no server.

    Raises ConfigurationError when the server cannot be reached or is older than PostgreSQL 16.
    """
    url = database_url(settings)
    try:
        # For the embedded server: another program that took its port must not be handed the password in plain text.
        safeguards: dict[str, Any] = {} if settings.database_url else {"require_auth": "scram-sha-256"}
        connection: Connection = psycopg2.connect(
            url, application_name=application_name, connect_timeout=10, **safeguards
        )
    except psycopg2.Error as error:
        remedy = "check EDREFLECT_DATABASE_URL" if settings.database_url else "start it with `edreflect up`"
        raise ConfigurationError(f"The database cannot be reached; {remedy}: {_reason(error)}") from None
    if connection.server_version < MINIMUM_VERSION * 10_000:
        version = connection.info.parameter_status("server_version")
        connection.close()
        raise ConfigurationError(f"The database is PostgreSQL {version}; version {MINIMUM_VERSION} or newer is needed.")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("set timezone to 'UTC'")
    connection.autocommit = False
    return connection


def _reason(error: psycopg2.Error) -> str:
    """Return why there is no connection, without any part of the URL but the server's own words about it.

    A password with an @, / or % that is not percent-encoded makes the driver take parts of it for a host or a port, and
    quote them.
    """
    text = " ".join(str(error).split())
    answer = text.rpartition("FATAL: ")[2].strip() if "FATAL: " in text else ""
    known = (
        "Connection refused",
        "timeout expired",
        "No route to host",
        "Network is unreachable",
        "server closed the connection unexpectedly",
        "certificate verify failed",
        "authentication method requirement",
        "server does not support SSL",
    )
    return answer or next(
        (phrase for phrase in known if phrase in text),
        "the URL leads to no server; special characters in its user and password must be percent-encoded",
    )
