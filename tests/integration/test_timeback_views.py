"""What the TimeBack views show, worked out by hand (timeback_examples.py), and under which organizations readers see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import expand_grants
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.roster_tables import Row, insert_org, insert_rosters, seen, uid
from tests.integration.scope_world import Login, logins
from tests.integration.timeback_examples import EXAMPLES, session, student, watched
from tests.integration.timeback_tables import CATALOGUE, OPEN_VIEWS, insert_records, timeback_database

SHOWN = [(name, *looked_at) for name, example in EXAMPLES.items() for looked_at in example.shows]
names: dict[str, tuple[str, str]] = {}


def own(example: str, row: Row, uuids: set[str]) -> dict[str, Any]:
    """Return a row with its ids made the example's own."""
    mine = dict(row)
    for column, value in row.items():
        if value is not None and (column in {"id", "identifier"} | uuids or column.endswith("_id")):
            mine[column] = f"{example} {value}"
            names[mine[column]] = names[uid(mine[column])] = (example, value)
    return mine


def fill(connection: Connection) -> None:
    contracts = load_feeds()["timeback"].tables
    for name, example in EXAMPLES.items():
        for org in {*example.records, *example.rosters}:
            insert_org(connection, f"{name} {org}", name)
        for org, records in example.records.items():
            for table, rows in records.items():
                uuids = {column.name for column in contracts[table].columns if column.data_type == "uuid"}
                insert_records(connection, f"{name} {org}", {table: [own(name, row, uuids) for row in rows]})
        for org, rosters in example.rosters.items():
            for table, rows in rosters.items():
                insert_rosters(connection, f"{name} {org}", {table: [own(name, row, set()) for row in rows]})
    fill_scopes(connection)


def fill_scopes(connection: Connection) -> None:
    """Insert a student of two schools, one of none, and a session that two people are said to have been watched in."""
    insert_org(connection, "scopes")
    schools = [{"id": name, "name": name, "type": "school"} for name in ("left", "right", "elsewhere")]
    roles = [*student("zoe", "left", "right"), *student("yan", "right")]
    insert_rosters(connection, "scopes", {"organization": schools, "role": roles})
    first, second = sorted(("watched of zoe", "watched of yan"), key=uid)
    person = {"watched of zoe": "zoe", "watched of yan": "yan"}
    insert_records(
        connection,
        "scopes",
        {
            "caliper_session": [
                session("of two schools", "10:00:00", "10:00:10", "zoe"),
                session("of no school", "10:00:00", "10:00:10", "xaver"),
                session("of nobody", "10:00:00", "10:00:10", None),
            ],
            "insights_type": [
                {
                    "id": "scopes idling",
                    "slug": "i",
                    "category": "Engagement",
                    "visibility": "external",
                    "is_waste": True,
                }
            ],
            "insights_session": [watched(name, "disputed", person[name]) for name in (first, second)],
            "insights_insight": [
                {
                    "id": f"idle in {name}",
                    "insights_session_id": name,
                    "insight_type_id": "scopes idling",
                    "started_at_time": "2026-01-05 10:00+00",
                    "ended_at_time": "2026-01-05 10:01+00",
                    "reason": "idle",
                    "is_visible": True,
                }
                for name in (first, second)
            ],
        },
    )


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with timeback_database(postgres_server, template_database, tmp_path_factory.mktemp("views"), fill) as made:
        yield made


@pytest.fixture(scope="module")
def owner(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings)) as connection:
        expand_grants(connection)
        yield connection


@pytest.fixture(scope="module")
def login(owner: Connection, settings: Settings) -> Iterator[Login]:
    with logins(owner, settings) as login:
        yield login


@pytest.fixture(scope="module")
def unrestricted(login: Login) -> Connection:
    return login("*")


@pytest.mark.parametrize(("name", "view", "columns"), [(name, view, columns) for name, view, *columns in SHOWN])
def test_a_view_shows_what_the_rules_say(unrestricted: Connection, name: str, view: str, columns: list[str]) -> None:
    """Of an example's own rows: of those that have an id of its own."""
    shown = []
    for row in seen(unrestricted, view, "*"):
        known = {column: names.get(str(value)) for column, value in row.items()}
        if name in {found[0] for found in known.values() if found}:
            shown.append(tuple(found[1] if (found := known[column]) else row[column] for column in columns))
    assert Counter(shown) == Counter(EXAMPLES[name].shows[view, *columns])


@pytest.mark.parametrize("view", CATALOGUE)
def test_a_view_has_the_columns_and_types_of_the_catalogue(owner: Connection, view: str) -> None:
    types = {"timestamptz": "timestamp with time zone"}
    with owner, owner.cursor() as cursor:
        cursor.execute(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 order by attnum",
            [f"analytics.{view}"],
        )
        assert cursor.fetchall() == [
            (name, types.get(data_type.removesuffix(" not null"), data_type.removesuffix(" not null")))
            for name, data_type in CATALOGUE[view]["columns"].items()
        ]


@pytest.mark.parametrize("view", CATALOGUE)
def test_never_null_columns_are_never_null(unrestricted: Connection, view: str) -> None:
    promised = [name for name, data_type in CATALOGUE[view]["columns"].items() if data_type.endswith(" not null")]
    assert not [row for row in seen(unrestricted, view, "*") if any(row[name] is None for name in promised)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_view_leaves_out_is_listed_by_view_and_reason(owner: Connection, name: str) -> None:
    with owner, owner.cursor() as cursor:
        cursor.execute("select view_name, reason, org_id from marts.timeback_left_out where tenant = %s", [name])
        found = cursor.fetchall()
    assert Counter((view, reason) for view, reason, _ in found) == Counter(EXAMPLES[name].left_out)
    assert all(org.startswith(f"{name} ") for *_, org in found)


def test_data_tests_count_what_is_left_out_and_what_dangles_and_fail_nothing(settings: Settings) -> None:
    report = run_dbt(settings, ["test", "--select", "marts.timeback", "--exclude-resource-type", "unit_test"])
    assert report.failures == ()
    warned = {warning.split(":")[0] for warning in report.warnings}
    left_out = {view for example in EXAMPLES.values() for view, _ in example.left_out}
    assert {f"{view}_shows_everything" for view in left_out} <= warned
    assert {"session_of_an_attempt_is_known", "attempted_resource_is_known", "relation_leads_somewhere"} <= warned
    assert not [name for name in warned if name.startswith(("unique_together", "not_null", "accepted_values"))]


def test_unit_tests_of_the_reference_marts_pass(settings: Settings) -> None:
    report = run_dbt(settings, ["test", "--select", "marts.timeback.reference", "--resource-type", "unit_test"])
    assert report.failures == ()
    assert report.nodes


def test_org_ids_are_those_of_the_person_within_the_scope(login: Login, unrestricted: Connection) -> None:
    reader = login("scopes")
    left, right = uid("left"), uid("right")
    for asked, expected in (
        ([left], [left]),
        ([right], [right]),
        ([left, right, uid("elsewhere")], sorted((left, right))),
    ):
        assert [(row["id"], row["org_ids"]) for row in seen(reader, "sessions", ",".join(asked))] == [
            ("of two schools", expected)
        ]
    assert seen(reader, "sessions", uid("elsewhere")) == []
    everyone = {row["id"]: row["org_ids"] for row in seen(unrestricted, "sessions", "*")}
    assert everyone["of two schools"] == sorted((left, right))
    assert everyone["of no school"] == everyone["of nobody"] == []


def test_a_session_that_people_disagree_about_is_of_the_lowest_id(login: Login) -> None:
    """For all of its insights, and for the total."""
    first = min("watched of zoe", "watched of yan", key=uid)
    reader = login("scopes")
    for view, rows in (("waste_insights", 2), ("sessions_waste", 1)):
        seen_left = [row for row in seen(reader, view, uid("left")) if row["session_id"] == "disputed"]
        seen_right = [row for row in seen(reader, view, uid("right")) if row["session_id"] == "disputed"]
        assert len(seen_right) == rows
        assert len(seen_left) == (rows if first == "watched of zoe" else 0)


def test_an_unrestricted_reader_has_to_ask_for_everything(unrestricted: Connection) -> None:
    assert seen(unrestricted, "sessions", None) == []
    assert seen(unrestricted, "sessions", "*")
    assert seen(unrestricted, "sessions", uid("left"))


@pytest.mark.parametrize("view", OPEN_VIEWS)
def test_open_views_read_no_scope(login: Login, unrestricted: Connection, view: str) -> None:
    def sorted_rows(session: Connection, scope: str | None) -> list[str]:
        return sorted(map(str, seen(session, view, scope)))

    assert sorted_rows(login(), None) == sorted_rows(unrestricted, "*")
