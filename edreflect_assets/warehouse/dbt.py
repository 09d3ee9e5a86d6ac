"""How dbt is called: its environment, its arguments, its project."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from psycopg2.extensions import parse_dsn

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import ensure_server
from edreflect_assets.settings import Settings

_PROJECT_SUFFIXES = {".sql", ".yml", ".yaml", ".md", ".csv"}
_PROJECT_FOLDERS = ("models", "macros", "tests")


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables that ``dbt_project/profiles.yml`` reads, and the sessions' settings.

    Sessions run at REPEATABLE READ, so that the pending loads, the rows and the applied record of a model see one
    snapshot, and in UTC. Starts the embedded server when it is not running.
    """
    parts = parse_dsn(ensure_server(settings))
    return {
        "EDREFLECT_PG_HOST": parts.get("host", "127.0.0.1"),
        "EDREFLECT_PG_PORT": parts.get("port", "5432"),
        "EDREFLECT_PG_USER": parts.get("user", ""),
        "EDREFLECT_PG_PASSWORD": parts.get("password", ""),
        "EDREFLECT_PG_DATABASE": parts.get("dbname", ""),
        "EDREFLECT_PG_SSLMODE": parts.get("sslmode", "prefer"),
        "PGOPTIONS": " ".join(
            [
                parts.get("options", ""),
                "-c default_transaction_isolation=repeatable\\ read",
                "-c timezone=UTC",
                "-c jit=off",
            ]
        ).strip(),
        "DO_NOT_TRACK": "1",
    }


def dbt_arguments(settings: Settings) -> list[str]:
    """Return the flags that point dbt at the project and keep what it writes below ``EDREFLECT_HOME``."""
    return [
        "--project-dir",
        str(DBT_PROJECT_DIR),
        "--profiles-dir",
        str(DBT_PROJECT_DIR),
        "--target-path",
        str(settings.dbt_target.resolve()),
        "--log-path",
        str(settings.logs.resolve()),
    ]


@lru_cache(maxsize=4)
def project_checksum(project_dir: Path = DBT_PROJECT_DIR) -> str:
    """Return a checksum of everything that decides what dbt builds; read once per process."""
    digest = hashlib.sha256()
    files = [project_dir / "dbt_project.yml"]
    for folder in _PROJECT_FOLDERS:
        files += sorted(path for path in (project_dir / folder).rglob("*") if path.suffix in _PROJECT_SUFFIXES)
    for path in files:
        digest.update(os.fsencode(path.relative_to(project_dir)) + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
