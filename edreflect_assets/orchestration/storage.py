"""Dagster's storage in the platform's Postgres, in a schema of its own."""

from __future__ import annotations

import os
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from dagster._config import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from edreflect_assets.errors import ConfigurationError
from edreflect_assets.settings import DATABASE_URL_VARIABLE

SCHEMA = "dagster"


def storage_url(database_url: str) -> str:
    """Return the SQLAlchemy URL of a Postgres URL, with psycopg2 as its driver and SCHEMA as its search path.

    The driver is named because SQLAlchemy 2.1 changed the default to one that dagster-postgres cannot use.
    """
    parts = urlsplit(database_url)
    options = dict(parse_qsl(parts.query))
    options["options"] = f"{options.get('options', '')} -csearch_path={SCHEMA}".strip()
    return urlunsplit(parts._replace(scheme="postgresql+psycopg2", query=urlencode(options)))


class PostgresStorage(DagsterPostgresStorage):
    """dagster-postgres with its URL taken from EDREFLECT_DATABASE_URL, so that dagster.yaml holds no password."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing is configured in dagster.yaml."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, _config_value: Any) -> Self:
        """Build the storage; raises ConfigurationError when the variable is not set in this process."""
        database_url = os.environ.get(DATABASE_URL_VARIABLE)
        if not database_url:
            raise ConfigurationError(
                f"Dagster's storage was set up for Postgres, but {DATABASE_URL_VARIABLE} is not set in this process; "
                "set it, or prepare the Dagster home again without it."
            )
        return cls(postgres_url=storage_url(database_url), inst_data=inst_data)
