"""What the roster views show, worked out by hand: one derivation per test, read by an unrestricted role.

Every test has an org and a tenant of its own, so that they share a database. Today is 2026-03-10.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import psycopg2
import pytest
import yaml
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import grant_scope
from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build
from edreflect_assets.warehouse.build import run_dbt
from edreflect_assets.warehouse.lock import build_session
from tests.integration.roster_tables import (
    MODELS,
    OPEN_VIEWS,
    SCOPED_VIEWS,
    Row,
    insert_org,
    insert_rosters,
    rebuild_bridges,
    roster_database,
    seen,
    uid,
)

CATALOGUE: dict[str, dict[str, Any]] = yaml.safe_load((DBT_PROJECT_DIR / "catalogue.yml").read_text(encoding="utf-8"))[
    "views"
]
# Marts that are not built here refer to those of the rosters.
OWN_TESTS = ("--indirect-selection", "cautious")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with roster_database(postgres_server, template_database, tmp_path_factory.mktemp("views")) as made:
        yield made


@pytest.fixture(scope="module")
def owner(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings)) as connection:
        yield connection


@pytest.fixture(scope="module")
def reader(settings: Settings, owner: Connection) -> Iterator[Connection]:
    """A session that sees everything."""
    role, password = f"engineer_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    with owner, owner.cursor() as cursor:
        cursor.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(role), sql.Literal(password)))
    grant_scope(owner, role, ["*"])
    with closing(psycopg2.connect(settings.database_url, user=role, password=password)) as session:
        session.autocommit = True
        yield session
    with owner, owner.cursor() as cursor:
        cursor.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))


class World:
    """One tenant's rosters and what is published of them; ids carry the tenant's name, which texts leave out again."""

    def __init__(self, owner: Connection, reader: Connection, settings: Settings) -> None:
        self.owner, self.reader, self.settings = owner, reader, settings
        self.tenant = f"t{next(_numbers)}"
        self.names: dict[str, str] = {}

    def org(self, name: str = "a") -> str:
        org = f"{self.tenant}{name}"
        with self.owner:
            insert_org(self.owner, org, self.tenant)
        return org

    def add(self, org: str, table: str, *rows: Row) -> None:
        """Insert rows; ids are names within this tenant."""
        prefixed = []
        for number, row in enumerate(rows):
            named = {"id": f"{table} {number}"} | dict(row)
            for column, value in named.items():
                if (column == "id" or column.endswith("_id")) and value:
                    named[column] = f"{self.tenant} {value}"
                    self.names[uid(f"{self.tenant} {value}")] = value
            prefixed.append(named)
        with self.owner:
            insert_rosters(self.owner, org, {table: prefixed})

    def shown(self, view: str, *columns: str) -> list[tuple[Any, ...]]:
        """Return the tenant's rows of a view, sorted, ids as their names."""
        if view in {"students", "guides", "student_start_dates", "schools"}:
            rebuild_bridges(self.settings)
        rows = [self._named(row) for row in seen(self.reader, view, "*")]
        ours = [row for row in rows if any(value in self.names.values() for value in self._flat(row))]
        return sorted((tuple(row[column] for column in columns) for row in ours), key=repr)

    def _named(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            column: [self.names.get(item, item) for item in value]
            if isinstance(value, list)
            else self.names.get(str(value), value)
            for column, value in row.items()
        }

    @staticmethod
    def _flat(row: dict[str, Any]) -> list[Any]:
        return [item for value in row.values() for item in (value if isinstance(value, list) else [value])]


@pytest.fixture
def world(owner: Connection, reader: Connection, settings: Settings) -> World:
    return World(owner, reader, settings)


def person(name: str, given: str | None = "A", family: str | None = "B", **more: Any) -> Row:
    return {"id": name, "given_name": given, "family_name": family} | more


def role(name: str, place: str, kind: str = "student", **more: Any) -> Row:
    return {"id": f"{name} {kind} {place} {more}", "user_id": name, "organization_id": place, "role": kind} | (
        {"role_type": "primary"} | more
    )


ENDED = {"begin_date": "2025-08-01", "end_date": "2026-03-01", "status": "tobedeleted"}
SCHOOL = {"id": "school", "name": "School", "type": "school"}


def test_students_are_people_with_a_student_role_today(world: World) -> None:
    org = world.org()
    names = [
        "current",
        "inactive",
        "begins_today",
        "ended",
        "ends_today",
        "begins_tomorrow",
        "left",
        "teacher",
        "none",
        "aide",
    ]
    world.add(org, "user", *(person(n, family=n, status="tobedeleted" if n == "left" else "active") for n in names))
    world.add(
        org,
        "role",
        role("current", "school", begin_date="2025-08-01", end_date="2026-03-11"),
        role("inactive", "school", status="inactive"),
        role("begins_today", "school", begin_date="2026-03-10"),
        role("ended", "school", **ENDED),
        role("ends_today", "school", end_date="2026-03-10"),
        role("begins_tomorrow", "school", begin_date="2026-03-11"),
        role("left", "school", **ENDED),
        role("teacher", "school", "teacher"),
        role("teacher", "other", "principal"),
        role("aide", "school", "aide"),
    )
    assert world.shown("students", "id") == [("begins_today",), ("current",), ("inactive",)]
    assert world.shown("guides", "id", "name") == [("teacher", "A teacher")]


def test_names_are_trimmed_and_joined_and_people_without_any_are_left_out(world: World) -> None:
    org = world.org()
    people = {
        "both": (" Ada ", "Lovelace\t"),
        "given": ("Ada", "   "),
        "family": (None, "van  Dyk"),
        "blank": (" ", "\u00a0"),
        "nothing": (None, None),
    }
    world.add(org, "user", *(person(name, *parts) for name, parts in people.items()))
    world.add(org, "role", *(role(name, "school") for name in people))
    assert world.shown("students", "id", "name") == [
        ("both", "Ada Lovelace"),
        ("family", "van  Dyk"),
        ("given", "Ada"),
    ]
    # dates are not about names
    assert len(world.shown("student_start_dates", "student_id")) == len(people)


def test_a_missing_email_stays_null_and_is_counted(world: World, settings: Settings) -> None:
    org = world.org()
    world.add(org, "user", person("p1", email=" Ada@X.org "), person("p2"))
    world.add(org, "role", role("p1", "school"), role("p2", "school"))
    assert world.shown("students", "id", "email") == [("p1", " Ada@X.org "), ("p2", None)]
    report = run_dbt(settings, ["test", "--select", "marts__students", *OWN_TESTS])
    assert report.failures == ()
    assert any("students_have_an_email: Got" in warning for warning in report.warnings)


def test_people_of_two_orgs_of_a_tenant_are_one_and_their_roles_united(world: World, settings: Settings) -> None:
    older, newer = world.org("old"), world.org("new")
    world.add(older, "user", person("p", family="old") | {"_valid_from": "2026-01-01"})
    world.add(newer, "user", person("p", family="new") | {"_valid_from": "2026-02-01"})
    world.add(older, "role", role("p", "s1"))
    world.add(newer, "role", role("p", "s2"))
    rebuild_bridges(settings)
    [(name, orgs)] = world.shown("students", "name", "org_ids")
    assert name == "A new"
    assert sorted(orgs) == ["s1", "s2"]


def test_schools_are_of_type_school_whatever_their_status_and_count_students_once(world: World) -> None:
    org = world.org()
    world.add(
        org,
        "organization",
        {"id": "district", "name": "District", "type": "district"},
        {"id": "s1", "name": "One", "type": "school", "identifier": "S1", "parent_id": "district"},
        {"id": "s2", "name": "Two", "type": "school", "parent_id": "nowhere", "status": "tobedeleted"},
        {"id": "s3", "name": None, "type": "school"},
    )
    world.add(org, "user", person("left", status="tobedeleted"))
    world.add(org, "class", {"id": "c1", "title": "C", "school_id": "s1"}, {"id": "c2", "school_id": "s2"})
    world.add(
        org,
        "role",
        role("p1", "s1"),
        role("p1", "s1", role_type="secondary"),
        role("p2", "s1", **ENDED),
        role("left", "s1", **ENDED),
        role("teacher", "s1", "teacher"),
        role("p1", "district"),
    )
    enrollment = {"class_id": "c1", "role": "student"}
    world.add(
        org,
        "enrollment",
        enrollment | {"user_id": "p1"},
        enrollment | {"user_id": "p3", "end_date": "2026-06-30"},
        enrollment | {"user_id": "p4", "end_date": "2026-03-10"},
        enrollment | {"user_id": "p5", "status": "tobedeleted", "end_date": "2026-06-30"},
        enrollment | {"user_id": "left"},
        enrollment | {"user_id": "teacher", "role": "teacher"},
        enrollment | {"user_id": "p1", "class_id": "c2"},
        enrollment | {"user_id": "p6", "class_id": "unknown"},
    )
    columns = ("id", "name", "identifier", "parent_name", "status", "student_count")
    assert world.shown("schools", *columns) == [
        ("s1", "One", "S1", "District", "active", 2),
        ("s2", "Two", None, None, "tobedeleted", 1),
    ]


def test_student_schools_has_a_row_per_attachment_and_period(world: World) -> None:
    org = world.org()
    world.add(org, "organization", SCHOOL, {"id": "district", "name": "District", "type": "district"})
    world.add(org, "class", {"id": "c1", "title": "C", "school_id": "school"}, {"id": "c2", "school_id": "school"})
    world.add(org, "user", person("left", status="tobedeleted"))
    world.add(
        org,
        "role",
        role("p", "school"),
        role("p", "school", role_type="secondary", **ENDED),
        role("p", "district"),
        role("gone", "school", status="tobedeleted"),
        role("left", "school", begin_date="2025-01-01", end_date="2026-03-01", status="tobedeleted"),
        role("left", "school", begin_date="2024-01-01", end_date="2025-01-01"),
        role("teacher", "school", "teacher"),
    )
    year = {"role": "student", "user_id": "p", "begin_date": "2025-08-01"}
    world.add(
        org,
        "enrollment",
        year | {"class_id": "c1"},
        year | {"class_id": "c2"},
        year | {"class_id": "c2", "end_date": "2026-01-31"},
        year | {"class_id": "c2", "status": "tobedeleted"},
    )
    columns = ("student_id", "school_id", "school_name", "link_kind", "begin_date", "end_date")
    assert world.shown("student_schools", *columns) == [
        ("left", "school", "School", "primary_role", "2024-01-01", "2025-01-01"),
        ("left", "school", "School", "primary_role", "2025-01-01", "2026-03-01"),
        ("p", "school", "School", "enrollment", "2025-08-01", "2026-01-31"),
        ("p", "school", "School", "enrollment", "2025-08-01", None),
        ("p", "school", "School", "primary_role", None, None),
        ("p", "school", "School", "secondary_role", "2025-08-01", "2026-03-01"),
    ]


def test_students_enrollments_names_organizations_of_any_type_once(world: World) -> None:
    org = world.org()
    world.add(
        org,
        "organization",
        {"id": "o1", "name": "Same", "type": "school"},
        {"id": "o2", "name": "Same", "type": "department"},
        {"id": "o3", "name": "Other", "type": "district", "status": "tobedeleted"},
        {"id": "o4", "name": "Past", "type": "school"},
    )
    world.add(
        org,
        "role",
        *(role("p", place) for place in ("o1", "o2", "o3", "unknown")),
        role("p", "o4", **ENDED),
        role("teacher", "o1", "teacher"),
    )
    assert world.shown("students_enrollments", "student_id", "organization_name") == [("p", "Other"), ("p", "Same")]


def test_start_dates_prefer_primary_roles_at_schools(world: World) -> None:
    org = world.org()
    world.add(org, "organization", SCHOOL, {"id": "district", "name": "District", "type": "district"})
    people = ("both", "secondary", "district", "open", "past")
    world.add(org, "user", *(person(name) for name in people))
    world.add(
        org,
        "role",
        role("both", "school", begin_date="2025-09-01"),
        role("both", "school", begin_date="2025-08-01", end_date="2025-08-31", status="tobedeleted"),
        role("both", "school", role_type="secondary", begin_date="2020-01-01"),
        role("both", "district", begin_date="2019-01-01"),
        role("both", "school", "teacher", begin_date="2018-01-01"),
        role("secondary", "school"),
        role("secondary", "school", role_type="secondary", begin_date="2020-01-01"),
        role("district", "district", begin_date="2019-01-01"),
        role("open", "school"),
        role("past", "school", **ENDED),
    )
    world.add(
        org,
        "enrollment",
        {"user_id": "both", "class_id": "c", "role": "student", "begin_date": "2025-08-20"},
        {"user_id": "both", "class_id": "d", "role": "student", "begin_date": "2024-08-20", "status": "tobedeleted"},
        {"user_id": "both", "class_id": "e", "role": "teacher", "begin_date": "2001-01-01"},
        {"user_id": "open", "class_id": "c", "role": "student"},
    )
    columns = ("student_id", "admission_date", "earliest_enrollment_date", "earliest_map_date")
    assert world.shown("student_start_dates", *columns) == [
        ("both", "2025-08-01", "2024-08-20", None),
        ("district", None, None, None),
        ("open", None, None, None),
        ("secondary", "2020-01-01", None, None),
    ]


def test_student_guides_are_teachers_and_principals_of_those_who_hold_or_held_a_student_role(world: World) -> None:
    org = world.org()
    world.add(
        org,
        "user",
        *(person(name, name, None) for name in ("now", "once", "never", "teacher", "principal", "mother")),
        person("nameless", None, None),
    )
    world.add(org, "role", role("now", "school"), role("once", "school", **ENDED), role("never", "school", "aide"))
    relation = {"date_created": "2026-01-05", "date_last_modified": "2026-02-05"}
    world.add(
        org,
        "user_agent",
        *(
            relation
            | {"source_user_id": student, "agent_user_id": agent, "relationship_type": kind, "begin_date": begin}
            for student, agent, kind, begin in (
                ("now", "teacher", "teacher", None),
                ("now", "mother", "parent", None),
                ("now", "nameless", "teacher", None),
                ("now", "unknown", "teacher", None),
                ("once", "principal", "principal", "2026-01-05"),
                ("never", "teacher", "teacher", None),
            )
        ),
    )
    columns = (
        "student_id",
        "student_name",
        "guide_id",
        "guide_name",
        "relationship_type",
        "begin_date",
        "assigned_date",
    )
    assert [row[:-1] for row in world.shown("student_guides", *columns)] == [
        ("now", "now", "teacher", "teacher", "teacher", None),
        ("once", "once", "principal", "principal", "principal", "2026-01-05"),
    ]
    [(assigned, modified), _] = world.shown("student_guides", "assigned_date", "last_modified_date")
    assert (assigned[:10], modified[:10]) == ("2026-01-05", "2026-02-05")


def test_classes_know_course_and_school_whatever_their_status(world: World) -> None:
    org = world.org()
    world.add(org, "organization", SCHOOL)
    world.add(org, "course", {"id": "course", "title": "Course"})
    world.add(
        org,
        "class",
        {"id": "c1", "title": "C", "class_code": "X", "class_type": "homeroom", "course_id": "course"}
        | {"school_id": "school", "status": "tobedeleted"},
        {"id": "c2"},
    )
    columns = ("id", "title", "class_code", "class_type", "course_title", "school_name", "status")
    assert world.shown("classes", *columns, "subject_ids", "grade_ids") == [
        ("c1", "C", "X", "homeroom", "Course", "School", "tobedeleted", [], []),
        ("c2", None, None, None, None, None, "active", [], []),
    ]


def test_class_enrollments_are_the_students_in_titled_classes(world: World) -> None:
    org = world.org()
    world.add(org, "organization", SCHOOL, {"id": "annex", "name": "Annex", "type": "school"})
    world.add(org, "class", {"id": "c", "title": "C", "school_id": "school"}, {"id": "untitled"})
    student = {"user_id": "p", "class_id": "c", "role": "student"}
    world.add(
        org,
        "enrollment",
        student | {"id": "e1", "primary": True, "school_id": "annex"},
        student | {"id": "e2", "status": "tobedeleted", "end_date": "2026-01-01"},
        student | {"id": "e3", "class_id": "untitled"},
        student | {"id": "e4", "class_id": "unknown"},
        student | {"id": "e5", "role": "teacher"},
    )
    columns = ("enrollment_id", "student_id", "class_title", "course_id", "school_name", "role", "is_primary", "status")
    assert world.shown("class_enrollments", *columns, "end_date") == [
        ("e1", "p", "C", None, "School", "student", True, "active", None),
        ("e2", "p", "C", None, "School", "student", False, "tobedeleted", "2026-01-01"),
    ]


def test_course_enrollments_roll_up_sections(world: World) -> None:
    org = world.org()
    world.add(org, "organization", SCHOOL, {"id": "annex", "name": "Annex", "type": "school"})
    world.add(org, "course", {"id": "k1", "title": "One"}, {"id": "k2"})
    world.add(
        org,
        "class",
        {"id": "a", "title": "A", "course_id": "k1", "school_id": "school"},
        {"id": "b", "title": "B", "course_id": "k1", "school_id": "annex"},
        {"id": "c", "title": "C", "course_id": "k2"},
        {"id": "d", "title": "D"},
    )
    p = {"user_id": "p", "role": "student"}
    world.add(
        org,
        "enrollment",
        p | {"class_id": "a", "begin_date": "2025-08-01", "end_date": "2026-01-31", "primary": False},
        p | {"class_id": "b", "end_date": "2026-06-30"},
        p | {"class_id": "b", "begin_date": "2025-07-01", "end_date": "2026-05-30", "primary": True},
        p | {"class_id": "a", "begin_date": "2001-01-01", "status": "tobedeleted"},
        p | {"class_id": "c", "begin_date": "2025-08-01"},
        p | {"class_id": "c", "end_date": "2026-01-31"},
        p | {"class_id": "d"},
        {"user_id": "q", "role": "student", "class_id": "a", "primary": False},
    )
    columns = ("student_id", "course_id", "course_title", "begin_date", "end_date", "has_primary", "class_count")
    assert world.shown("course_enrollments", *columns) == [
        ("p", "k1", "One", "2025-07-01", "2026-06-30", True, 2),
        ("p", "k2", None, "2025-08-01", None, None, 1),
        ("q", "k1", "One", None, None, False, 1),
    ]
    schools = world.shown("course_enrollments", "student_id", "course_id", "school_ids")
    assert [(*key, sorted(ids)) for *key, ids in schools] == [
        ("p", "k1", ["annex", "school"]),
        ("p", "k2", []),
        ("q", "k1", ["school"]),
    ]


def test_the_database_has_the_columns_of_the_catalogue(owner: Connection) -> None:
    with owner, owner.cursor() as cursor:
        for view in (*SCOPED_VIEWS, *OPEN_VIEWS):
            cursor.execute(
                "select attname::text, case format_type(atttypid, atttypmod) when 'timestamp with time zone'"
                " then 'timestamptz' else format_type(atttypid, atttypmod) end from pg_attribute"
                " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
                [f"analytics.{view}"],
            )
            assert cursor.fetchall() == [
                (name, data_type.removesuffix(" not null")) for name, data_type in CATALOGUE[view]["columns"].items()
            ]


def test_never_null_columns_are_never_null(reader: Connection, world: World) -> None:
    """Whatever the other tests left behind."""
    for view in (*SCOPED_VIEWS, *OPEN_VIEWS):
        promised = [name for name, data_type in CATALOGUE[view]["columns"].items() if data_type.endswith(" not null")]
        rows = seen(reader, view, "*")
        assert rows, view
        assert not [row for row in rows if any(row[name] is None for name in promised)], view


def test_what_is_left_out_is_counted_and_fails_nothing(world: World, settings: Settings) -> None:
    org = world.org()
    world.add(org, "user", person("nameless", None, None))
    world.add(org, "role", role("nameless", "unknown"))
    world.add(org, "organization", SCHOOL | {"name": None})
    world.add(org, "enrollment", {"user_id": "nameless", "class_id": "unknown", "role": "student"})
    world.add(org, "user_agent", {"source_user_id": "nameless", "agent_user_id": "x", "relationship_type": "principal"})
    report = run_dbt(settings, ["test", "--select", "marts.roster", "--exclude-resource-type", "unit_test", *OWN_TESTS])
    assert report.failures == ()
    warned = {warning.split(":")[0] for warning in report.warnings}
    assert {
        f"{view}_shows_everything" for view in ("students", "schools", "student_schools", "class_enrollments")
    } <= warned
    assert "student_guides_shows_everything" in warned
    assert not [name for name in warned if name.startswith(("unique_together", "not_null"))]


def test_unit_tests_of_the_roster_marts_pass(settings: Settings) -> None:
    report = run_dbt(settings, ["test", "--select", "marts.roster", "--resource-type", "unit_test"])
    assert report.failures == ()
    assert report.nodes


# -- the stored organizations of people --------------------------------------------------------------------------------


def stored(owner: Connection, world: World) -> set[tuple[str, str]]:
    with owner, owner.cursor() as cursor:
        cursor.execute("select xmin::text, person_id::text from marts.person_orgs where tenant = %s", [world.tenant])
        return {(xmin, world.names[person]) for xmin, person in cursor.fetchall()}


def test_a_new_date_ends_and_begins_roles_and_rewrites_nothing_else(
    world: World, owner: Connection, settings: Settings
) -> None:
    org = world.org()
    world.add(
        org,
        "role",
        role("stays", "school"),
        role("ends", "school", end_date="2026-04-01"),
        role("begins", "school", begin_date="2026-04-01"),
    )
    rebuild_bridges(settings)
    before = stored(owner, world)
    assert {name for _, name in before} == {"stays", "ends"}
    rebuild_bridges(settings)
    assert stored(owner, world) == before
    with owner, owner.cursor() as cursor:
        cursor.execute("update ops.clock set today = '2026-04-01'")
    rebuild_bridges(settings)
    after = stored(owner, world)
    with owner, owner.cursor() as cursor:
        cursor.execute("update ops.clock set today = '2026-03-10'")
    assert {name for _, name in after} == {"stays", "begins"}
    assert {row for row in after if row[1] == "stays"} == {row for row in before if row[1] == "stays"}


def test_a_build_as_of_another_day_and_of_other_tenants_works_them_out_anew(
    world: World, owner: Connection, settings: Settings
) -> None:
    org = world.org()
    world.add(org, "role", role("ends", "school", end_date="2026-04-01"))
    assert build(settings, as_of=date(2026, 3, 10), everything=True).not_built == ()
    assert {name for _, name in stored(owner, world)} == {"ends"}
    report = build(settings, as_of=date(2026, 4, 1))
    assert report.not_built == ()
    assert stored(owner, world) == set()
    assert "marts__person_orgs" in report.models
    assert build(settings, as_of=date(2026, 4, 1)).models == {}
    with owner, owner.cursor() as cursor:
        cursor.execute("update ops.orgs set tenant = tenant || ' new' where org_id = %s", [org])
    assert "marts__person_orgs" in build(settings, as_of=date(2026, 3, 10)).models
    world.tenant += " new"
    assert {name for _, name in stored(owner, world)} == {"ends"}


def test_a_school_that_comes_with_a_build_is_seen_at_once_by_those_granted_its_org(
    world: World, owner: Connection, settings: Settings
) -> None:
    org = world.org()
    role_name, password = f"reader_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    with owner, owner.cursor() as cursor:
        cursor.execute(
            sql.SQL("create role {} login password {}").format(sql.Identifier(role_name), sql.Literal(password))
        )
    grant_scope(owner, role_name, [org], default=True)
    with build_session(settings):
        world.add(org, "organization", SCHOOL)
        world.add(org, "user", person("p"))
        world.add(org, "role", role("p", "school"))
        rebuild_bridges(settings)
    own = psycopg2.connect(settings.database_url, user=role_name, password=password)
    with closing(own) as session, session.cursor() as cursor:
        cursor.execute("select count(*) from analytics.students")
        assert cursor.fetchone() == (1,)
    with owner, owner.cursor() as cursor:
        cursor.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role_name)))


@pytest.mark.parametrize("arguments", [[], ["--full-refresh"]], ids=["again", "full refresh"])
def test_a_rebuild_keeps_the_views_and_the_stored_rows(
    owner: Connection, settings: Settings, arguments: list[str]
) -> None:
    def facts() -> list[tuple[Any, ...]]:
        with owner, owner.cursor() as cursor:
            cursor.execute(
                "select oid::bigint, relname, reloptions, relacl::text from pg_class"
                " where relnamespace in ('analytics'::regnamespace, 'marts'::regnamespace) order by oid"
            )
            return cursor.fetchall()

    before = facts()
    assert run_dbt(settings, ["run", "--select", *MODELS, *arguments]).failures == ()
    assert facts() == before
