"""A district on Infinite Campus with an ODS: its files are loaded and built, or its reconciled rows are given as they are."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from psycopg2.extras import execute_values

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.edfi.client import OdsClient, Retries
from edreflect_assets.edfi.decisions import Mode
from edreflect_assets.edfi.publish import Publication, publish
from edreflect_assets.fake_ods import FAKE_KEY, FAKE_SECRET, FakeOds
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.orgs import Org, load_registry, sync_orgs
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.landed_deliveries import deliver
from tests.model.database import fresh_database

FEED = load_feeds()["infinite_campus"]
ORG, DISTRICT, YEAR = "springfield", 255901, 2026
DAY = date(2026, 9, 1)
MODELS = "staging.infinite_campus reconciled.infinite_campus edfi"
ALL_ON = {"cohorts": True, "studentCohortAssociations": True, "staffCohortAssociations": True}
MAPPED = {"Cohort": ("District", "Other", True), "Cohort: Cohort": (None, "Other", True)}
# Names of what a program is by default, in the order of programs.csv.
PROGRAM = {
    "program_name": "Band",
    "program_category": "Cohort",
    "description": "Plays",
    "district_number": str(DISTRICT),
    "school_year": YEAR,
}
ENVIRONMENT = {"FAKE_ODS_KEY": FAKE_KEY, "FAKE_ODS_SECRET": FAKE_SECRET}
NO_PAUSES = Retries(attempts=3, first_pause=0.0, longest_pause=0.0, longest_asked=0.0)
Record = Mapping[str, Any]


@dataclass
class Campus:
    """What an org's Infinite Campus holds; programs, participations and staff by id."""

    programs: dict[str, Record] = field(default_factory=dict)
    students: dict[str, Record] = field(default_factory=dict)
    staff: dict[str, Record] = field(default_factory=dict)
    preferences: dict[str, tuple[str | None, str | None, bool]] = field(default_factory=lambda: dict(MAPPED))
    toggles: dict[str, bool] = field(default_factory=lambda: dict(ALL_ON))

    def program(self, program_id: str, **words: Any) -> None:
        """Add or change a program; what is not said stays, or is as in ``PROGRAM``."""
        self.programs[program_id] = {**PROGRAM, **self.programs.get(program_id, {}), **words}

    def student(self, participation_id: str, program_id: str, student: str = "s1", **words: Any) -> None:
        """Let a student take part in a program."""
        record = {"program_id": program_id, "student_unique_id": student, "begin_date": "2026-09-01", "end_date": None}
        self.students[participation_id] = record | words

    def lead(self, program_staff_id: str, program_id: str, staff: str = "t1", **words: Any) -> None:
        """Let a member of staff lead a program."""
        record = {"program_id": program_id, "staff_unique_id": staff, "begin_date": "2026-09-01", "end_date": None}
        self.staff[program_staff_id] = record | words

    def tables(self) -> dict[str, list[Record]]:
        """Return the rows of each of the five files, by table."""
        return {
            "programs": [{"program_id": key, **words} for key, words in self.programs.items()],
            "program_participation": [{"participation_id": key, **words} for key, words in self.students.items()],
            "program_staff": [{"program_staff_id": key, **words} for key, words in self.staff.items()],
            "resource_preferences": [
                {"program_category": key, "cohort_scope_code": scope, "cohort_type_code": kind, "mapped": mapped}
                for key, (scope, kind, mapped) in self.preferences.items()
            ],
            "resource_toggles": [{"resource": key, "enabled": enabled} for key, enabled in self.toggles.items()],
        }

    def files(self) -> dict[str, bytes]:
        """Return the five files, with headers."""
        return {FEED.tables[table].file: _csv(table, rows) for table, rows in self.tables().items()}


@dataclass
class EdfiWorld:
    """The installation, the org's registry entry and its ODS."""

    settings: Settings
    ods: FakeOds
    day: date = DAY - timedelta(1)

    @property
    def org(self) -> Org:
        """The org as registered."""
        return load_registry(self.settings)[ORG]

    def load(self, campus: Campus, *, again: bool = False, **changed: bytes) -> None:
        """Load the files of the next day (``again``: of the same) and apply them; ``changed`` are whole files, by table."""
        self.day += timedelta(0 if again else 1)
        files = campus.files() | {FEED.tables[table].file: content for table, content in changed.items()}
        landed = deliver(self.settings, files, org_id=ORG, day=self.day, feed=FEED.name)
        with closing(connect(self.settings)) as connection:
            load_delivery(connection, FEED, landed)
        self.build()

    def build(self) -> None:
        """Build the models that a publication reads."""
        report = run_dbt(self.settings, ["build", "--select", *MODELS.split()])
        assert not report.failures, report.failures

    def reconcile(self, campus: Campus) -> None:
        """Make the reconciled rows what a load and a build of ``campus`` would make them."""
        with closing(connect(self.settings)) as connection, connection, connection.cursor() as cursor:
            for table, rows in campus.tables().items():
                self._say_that_it_came(cursor, FEED.tables[table].file)
                cursor.execute(f"delete from infinite_campus.{table} where org_id = %s", [ORG])
                columns = [column.name for column in FEED.tables[table].columns]
                values = [[ORG, *(row[column] for column in columns), DAY] for row in rows]
                names = ", ".join(["org_id", *columns, "_day"])
                if not values:
                    continue
                execute_values(cursor, f"insert into infinite_campus.{table} ({names}) values %s", values)

    def _say_that_it_came(self, cursor: Any, file: str) -> None:
        cursor.execute(
            """
            insert into ops.load_log (feed, org_id, day, file, rows, status)
            select %(feed)s, %(org)s, %(day)s, %(file)s, 1, 'current'
            where not exists (
                select from ops.load_log where feed = %(feed)s and org_id = %(org)s and file = %(file)s and status = 'current'
            )
            """,
            {"feed": FEED.name, "org": ORG, "day": DAY - timedelta(2), "file": file},
        )

    def publish(self, mode: Mode = "change", year: int = YEAR, **options: Any) -> Publication:
        """Publish without pauses between attempts."""
        options.setdefault("open_client", partial(OdsClient, retries=NO_PAUSES, sleep=lambda _: None))
        with mock.patch.dict(os.environ, ENVIRONMENT):
            return publish(self.settings, self.org, year, mode, **options)

    def empty(self) -> None:
        """Let nothing be there but the org's entry: in the ODS, the map, and what is reconciled."""
        self.ods.fault = None
        register(self.settings, self.ods)
        for resource in reversed(ALL_ON):
            for year in (YEAR, YEAR + 1):
                for ods_id in self.ods.resources(year, resource):
                    self.ods.delete_directly(year, resource, ods_id)
        for table in ("edfi.identity_map", "edfi.runs", "edfi.failed_calls", "ops.quarantine"):
            self.query(f"delete from {table} returning 1")
        self.reconcile(Campus(preferences={}, toggles={}))
        self.ods.reset_calls()

    def query(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(connect(self.settings)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def cohorts(self, year: int = YEAR) -> dict[str, str | None]:
        """Return the description of each cohort in the ODS by its identifier."""
        held = self.ods.resources(year, "cohorts").values()
        return {each["cohortIdentifier"]: each.get("cohortDescription") for each in held}

    def mapped(self, resource: str = "cohorts", year: int = YEAR) -> dict[str, str]:
        """Return ODS ids by campus key, as the identity map has them."""
        return dict(
            self.query(
                "select campus_key, ods_id from edfi.identity_map where resource = %s and school_year = %s",
                resource,
                year,
            )
        )


def world_of_a_module() -> Any:
    """Make the fixture of a world that the tests of one module share, in a database of its own; see ``EdfiWorld.empty``.

    The org is registered with a fake ODS, the models are built and empty.
    """

    @pytest.fixture(scope="module")
    def made(
        postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[EdfiWorld]:
        home = tmp_path_factory.mktemp("edfi")
        with fresh_database(postgres_server, template_database, home) as settings, FakeOds() as ods:
            register(settings, ods)
            world = EdfiWorld(settings, ods)
            world.build()
            yield world

    return made


def register(
    settings: Settings, ods: FakeOds, orgs: Sequence[str] = (ORG,), standard: str = "5.0", **fields: Any
) -> None:
    """Write a registry in which each org reports to ``ods``."""
    lines = ["orgs:"]
    entry = {"url": ods.url, "data_standard": f'"{standard}"', "districts": f"[{DISTRICT}]"}
    entry |= {"key_env": "FAKE_ODS_KEY", "secret_env": "FAKE_ODS_SECRET", **fields}
    for org in orgs:
        lines += [f"  {org}:", "    edfi:", *(f"      {name}: {value}" for name, value in entry.items())]
    settings.home.mkdir(parents=True, exist_ok=True)
    Path(settings.registry).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with closing(connect(settings)) as connection:
        sync_orgs(connection, load_registry(settings))


def _csv(table: str, rows: Sequence[Record]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in FEED.tables[table].columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
