"""Rosters, TimeBack records and programs put where a build would have put them, for tests of the 43 views on top.

Facts are made of all rows once: whoever fills the tables does so before the marts are built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import DBT_PROJECT_DIR, load_feeds
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.roster_tables import TODAY, Row, uid
from tests.model.database import fresh_database

CATALOGUE: dict[str, dict[str, Any]] = yaml.safe_load((DBT_PROJECT_DIR / "catalogue.yml").read_text(encoding="utf-8"))[
    "views"
]
# Scoped by the org of the registry whose rows they are, not by a person's organizations.
COHORT_VIEWS = ("cohorts", "student_cohorts")
SCOPED_VIEWS = tuple(
    view
    for view, entry in CATALOGUE.items()
    if view not in COHORT_VIEWS and (entry["scoped"] or view in {"class_enrollments", "course_enrollments"})
)
OPEN_VIEWS = tuple(view for view in CATALOGUE if view not in {*SCOPED_VIEWS, *COHORT_VIEWS})
RECORDS = tuple(
    f"{layer}.{feed}" for layer in ("staging", "reconciled") for feed in ("oneroster", "timeback", "infinite_campus")
)
VIEWS = (
    "oneroster__one_roster_class_subject",
    "oneroster__one_roster_class_grade",
    "marts.roster",
    "marts.timeback",
    "marts.infinite_campus",
    "analytics.roster",
    "analytics.timeback",
    "analytics.infinite_campus",
)

Records = Mapping[str, Sequence[Row]]


def insert_records(connection: Connection, org: str, records: Records, feed: str = "timeback") -> None:
    """Insert an org's rows by table of a feed, in the connection's transaction.

    A column left out is null, the day of delivery 2026-01-01. Names in columns of uuids become ids, texts stay.
    """
    contracts = load_feeds()[feed].tables
    for table, rows in records.items():
        uuids = {column.name for column in contracts[table].columns if column.data_type == "uuid"}
        for row in rows:
            complete = {"org_id": org, "_day": "2026-01-01"} | {
                name: uid(value) if name in uuids and value is not None else value for name, value in row.items()
            }
            statement = sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(feed, table),
                sql.SQL(", ").join(map(sql.Identifier, complete)),
                sql.SQL(", ").join(map(sql.Literal, complete.values())),
            )
            with connection.cursor() as cursor:
                cursor.execute(statement)


@contextmanager
def timeback_database(
    server: Settings, template: str, home: Path, fill: Callable[[Connection], None]
) -> Iterator[Settings]:
    """Yield a database of its own with all views published over what ``fill`` inserts. Today is pinned."""
    with fresh_database(server, template, home) as settings:
        with closing(connect(settings)) as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute("update ops.clock set today = %s, pinned = true", [TODAY])
            run_models(settings, *RECORDS)
            with connection:
                fill(connection)
        run_models(settings, *VIEWS)
        yield settings


def run_models(settings: Settings, *select: str) -> None:
    """Run a selection of models; fails with dbt's sentences."""
    report = run_dbt(settings, ["run", "--select", *select])
    assert report.failures == (), report.failures
