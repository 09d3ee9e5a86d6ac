"""The Dagster instance of one installation: dagster.yaml rendered into ``Settings.dagster_home``."""

from __future__ import annotations

import os
from pathlib import Path
from string import Template

import dagster as dg

from edreflect_assets.database import connect
from edreflect_assets.files import locked, replace_text
from edreflect_assets.orchestration.pools import SFTP_POOL
from edreflect_assets.orchestration.storage import SCHEMA
from edreflect_assets.settings import Settings

# Each ingest step holds one SFTP connection at a time, so this bounds the connections to any one server, too.
SFTP_LIMIT = 4
# For two cores: an ingest run mostly waits for its server, a dbt run mostly for Postgres.
MAX_CONCURRENT_RUNS = 4
RUNS_PER_HOST = 2

_TEMPLATE = Path(__file__).with_name("dagster.yaml")
_POSTGRES_STORAGE = """\
storage:
  custom:
    module: edreflect_assets.orchestration.storage
    class: PostgresStorage
    config: {}
"""


def render_dagster_yaml(settings: Settings) -> str:
    """Return dagster.yaml: SQLite below the Dagster home, or Postgres when a database URL is set. Holds no secret."""
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        storage=_POSTGRES_STORAGE if settings.database_url else "# storage: SQLite, below this directory\n",
        home=settings.dagster_home,
        max_concurrent_runs=MAX_CONCURRENT_RUNS,
        runs_per_host=RUNS_PER_HOST,
        sftp_limit=SFTP_LIMIT,
    )


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the Dagster home (readable to its owner only) with its dagster.yaml and return it; safe to repeat.

    With a database URL the schema of Dagster's tables is created there.
    Raises ConfigurationError when that database cannot be reached.
    """
    home = settings.dagster_home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    replace_text(home / "dagster.yaml", render_dagster_yaml(settings))
    if settings.database_url:
        _create_schema(settings)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Prepare the Dagster home and return its instance, with the pools' limits set unless an operator has set them."""
    home = prepare_dagster_home(settings)
    # Dagster's storages create their tables when they are opened first, and two processes that do so collide.
    with locked(home / ".start.lock"):
        instance = dg.DagsterInstance.from_config(str(home))
        _set_limits(instance)
    return instance


def _set_limits(instance: dg.DagsterInstance) -> None:
    known = {pool.name for pool in instance.event_log_storage.get_pool_limits()}
    if SFTP_POOL not in known:
        instance.event_log_storage.set_concurrency_slots(SFTP_POOL, SFTP_LIMIT)


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which a Dagster process of this installation runs."""
    given = {**os.environ, "DAGSTER_HOME": str(settings.dagster_home), "EDREFLECT_HOME": str(settings.home)}
    given.setdefault("DAGSTER_EVENT_BATCH_SIZE", "100")
    return given


def _create_schema(settings: Settings) -> None:
    connection = connect(settings, application_name="edreflect dagster storage")
    try:
        with connection, connection.cursor() as cursor:
            # Two services that start together must not both create it.
            cursor.execute("select pg_advisory_xact_lock(hashtext('edreflect dagster schema'))")
            cursor.execute(f"create schema if not exists {SCHEMA}")
    finally:
        connection.close()
