"""What a reader of the published views sees, as a real login, and what it does not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
import yaml
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import connect
from edreflect_assets.dbt_docs import docs_blocks
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.published import ORGS, UNKNOWN_ORG, VIEWS, insert, publish, published_database, uuids

Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def published(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with published_database(postgres_server, template_database, tmp_path_factory.mktemp("published")) as settings:
        yield settings


@pytest.fixture(scope="module")
def owner(published: Settings) -> Iterator[Connection]:
    with closing(connect(published)) as connection:
        connection.autocommit = True
        yield connection


@contextmanager
def login(owner: Connection, settings: Settings, group: str, *orgs: str) -> Iterator[Connection]:
    """Yield a session of a new login role in a group of readers, granted orgs."""
    role, password = f"reader_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    with owner.cursor() as cursor:
        cursor.execute(
            sql.SQL("create role {} login password {} in role {}").format(
                sql.Identifier(role), sql.Literal(password), sql.Identifier(group)
            )
        )
        for org in orgs:
            cursor.execute("insert into access.org_grants (role_name, org_id) values (%s, %s)", [role, ORGS[org][0]])
        session = psycopg2.connect(settings.database_url, user=role, password=password)
        session.autocommit = True
        yield session
        session.close()
        cursor.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))


@pytest.fixture(scope="module")
def reader(owner: Connection, published: Settings) -> Iterator[Connection]:
    """A reader of the evaluation views, granted north and west."""
    with login(owner, published, "evaluation_read", "north", "west") as session:
        yield session


def seen(session: Connection, view: str, scope: str | None) -> list[dict[str, Any]]:
    with session.cursor() as cursor:
        cursor.execute("reset app.allowed_org_ids")
        if scope is not None:
            cursor.execute("set app.allowed_org_ids = %s", [scope])
        cursor.execute(sql.SQL("select to_jsonb(seen) from {} as seen").format(sql.Identifier("analytics", view)))
        return [row for (row,) in cursor.fetchall()]


@pytest.mark.parametrize("view", VIEWS)
class TestScope:
    @pytest.mark.parametrize("scope", [None, "", "  ", "{}"], ids=["unset", "empty", "blank", "braces"])
    def test_without_a_scope_nothing_is_seen(self, reader: Connection, view: str, scope: str | None) -> None:
        assert seen(reader, view, scope) == []

    @pytest.mark.parametrize("scope", ["north", "1", "*", f"{ORGS['north'][0]};drop", "' or true --"])
    def test_a_malformed_scope_is_an_error(self, reader: Connection, view: str, scope: str) -> None:
        with pytest.raises((errors.InvalidParameterValue, errors.InsufficientPrivilege)) as caught:
            seen(reader, view, scope)
        assert "drop" not in str(caught.value)

    @pytest.mark.parametrize("scope", [uuids("south"), UNKNOWN_ORG], ids=["not granted", "unknown"])
    def test_a_foreign_org_shows_nothing(self, reader: Connection, view: str, scope: str) -> None:
        assert seen(reader, view, scope) == []

    @pytest.mark.parametrize("asked", [["north"], ["west"], ["north", "west"]], ids=" and ".join)
    def test_own_orgs_show_their_rows_and_nothing_else(self, reader: Connection, view: str, asked: list[str]) -> None:
        rows = seen(reader, view, f"{uuids(*asked)}, {uuids('south')}, {UNKNOWN_ORG}")
        assert {row["org_id"] for row in rows} == set(asked)
        assert all(row["org_ids"] == [ORGS[row["org_id"]][0]] for row in rows)
        for row in rows:
            others = set(ORGS) - {row["org_id"]}
            assert not [org for org in others if org in json.dumps(row)], f"{view} mixes orgs."

    def test_a_cheap_function_in_the_query_sees_no_foreign_row(
        self, owner: Connection, reader: Connection, view: str
    ) -> None:
        """A function cheaper than the scope is only called for rows that passed it: that is the security barrier."""
        with owner.cursor() as cursor:
            cursor.execute(
                "create schema if not exists tools; grant usage on schema tools to evaluation_read;"
                " create or replace function tools.tell(text) returns boolean language plpgsql cost 0.0000001 as"
                " $$ begin raise notice 'told %', $1; return true; end $$"
            )
        reader.notices.clear()
        with reader.cursor() as cursor:
            cursor.execute("set app.allowed_org_ids = %s", [uuids("north")])
            cursor.execute(
                sql.SQL("select count(*) from {} where tools.tell(org_id)").format(sql.Identifier("analytics", view))
            )
        told = {notice.split("told ")[1].split()[0] for notice in reader.notices if "told " in notice}
        assert told == {"north"}

    def test_other_readers_may_not_read_it(self, owner: Connection, published: Settings, view: str) -> None:
        with login(owner, published, "analyst_read", "north") as analyst, pytest.raises(errors.InsufficientPrivilege):
            seen(analyst, view, uuids("north"))

    def test_it_has_a_security_barrier_and_one_reader(self, owner: Connection, view: str) -> None:
        assert facts(owner, view)[1:] == (["security_barrier=true"], [("evaluation_read", "SELECT")])


def facts(owner: Connection, view: str) -> tuple[int, list[str], list[tuple[str, str]]]:
    """Return the view's oid, its options, and who but its owner holds what on it."""
    with owner.cursor() as cursor:
        name = f"analytics.{view}"
        cursor.execute("select oid::bigint, reloptions from pg_class where oid = %s::regclass", [name])
        oid, options = cursor.fetchall()[0]
        cursor.execute(
            "select coalesce(rolname, 'public'), privilege_type from pg_class as c, aclexplode(c.relacl) as a"
            " left join pg_roles as r on r.oid = a.grantee where c.oid = %s and a.grantee <> c.relowner",
            [oid],
        )
        return oid, options, cursor.fetchall()


def test_deleted_observations_are_in_no_view(reader: Connection) -> None:
    for view in ("observations", "observation_ratings", "observation_feedback", "feedback_turnaround"):
        assert {row["observation_group_id"] for row in seen(reader, view, uuids("north"))} == {"o1"}


def test_names_come_from_the_row_s_own_org(reader: Connection) -> None:
    for rating in seen(reader, "observation_ratings", uuids("north", "west")):
        names = {rating[name] for name in ("step_name", "rubric_name", "indicator_name", "level_name")}
        assert names == {rating["org_id"]}


def add_to_roster(owner: Connection, org: str, number: int, **person: str) -> str:
    """Put a teacher into an org's roster and return the id."""
    identity = f"00000000-0000-4000-9000-{number:012}"
    with owner.cursor() as cursor:
        for table, values in (
            ("one_roster_user", {"id": identity, **person}),
            ("one_roster_role", {"id": identity, "user_id": identity, "role": "teacher"}),
        ):
            row = {"org_id": org, "status": "active", "_valid_from": "2026-01-01", **values}
            cursor.execute(
                sql.SQL("insert into oneroster_log.{} ({}) values ({})").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, row)),
                    sql.SQL(", ").join(map(sql.Literal, row.values())),
                )
            )
    return identity


def test_educators_are_found_in_the_rosters_of_their_org_and_then_of_their_tenant(
    owner: Connection, reader: Connection, published: Settings
) -> None:
    """north and west are one tenant, south is another; employee numbers repeat everywhere."""

    def found(session: Connection, org: str, employee_id: str) -> tuple[str | None, str]:
        [row] = [row for row in seen(session, "educators", uuids(org)) if row["employee_id"] == employee_id]
        return row["guide_id"], row["guide_matched_by"]

    assert found(reader, "north", "e1") == (None, "none")
    in_south = add_to_roster(owner, "south", 1, identifier="e1")
    assert found(reader, "north", "e1") == (None, "none")
    in_west = add_to_roster(owner, "west", 2, identifier="e1")
    assert found(reader, "north", "e1") == found(reader, "west", "e1") == (in_west, "identifier")
    in_north = add_to_roster(owner, "north", 3, identifier="e1")
    assert found(reader, "north", "e1") == (in_north, "identifier")
    assert found(reader, "west", "e1") == (in_west, "identifier")
    add_to_roster(owner, "north", 4, identifier="e1")
    assert found(reader, "north", "e1") == (None, "ambiguous")
    with login(owner, published, "evaluation_read", "south") as southerner:
        assert found(southerner, "south", "e1") == (in_south, "identifier")


@pytest.mark.parametrize("relation", ["marts.educators", "edreflect.observations", "raw_edreflect.observations"])
def test_only_the_published_views_can_be_read(reader: Connection, relation: str) -> None:
    with reader.cursor() as cursor, pytest.raises(errors.InsufficientPrivilege):
        cursor.execute(f"select count(*) from {relation}")


@pytest.mark.parametrize("relation", ["ops.orgs", "ops.loads", "access.org_grants"])
def test_the_platform_s_own_records_cannot_be_read(reader: Connection, relation: str) -> None:
    with reader.cursor() as cursor, pytest.raises(errors.InsufficientPrivilege):
        cursor.execute(f"select count(*) from {relation}")


def test_every_relation_in_analytics_is_a_view_with_a_barrier(owner: Connection) -> None:
    with owner.cursor() as cursor:
        cursor.execute(
            "select relname, relkind, reloptions from pg_class where relnamespace = 'analytics'::regnamespace"
        )
        relations = cursor.fetchall()
    assert {name for name, *_ in relations} >= set(VIEWS)
    assert {(kind, *options) for _, kind, options in relations} == {("v", "security_barrier=true")}


def test_the_catalogue_is_in_the_database_for_every_published_column(owner: Connection) -> None:
    with owner.cursor() as cursor:
        cursor.execute(
            "select c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')"
            " from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0"
            " where c.relnamespace = 'analytics'::regnamespace"
        )
        rows = cursor.fetchall()
    assert rows
    assert not [f"{view}.{column}" for view, column, text, _ in rows if not text]
    assert not {view for view, _, _, text in rows if not text or "Grain: " not in text}


def test_the_comments_are_the_catalogue_s_own_words(owner: Connection) -> None:
    path = DBT_PROJECT_DIR / "models/analytics/edreflect/analytics__observations.yml"
    model = yaml.safe_load(path.read_text(encoding="utf-8"))["models"][0]
    texts = {column["name"]: column["description"] for column in model["columns"]}
    texts["org_id"] = docs_blocks(DBT_PROJECT_DIR / "models")["published_org_id"].strip()
    with owner.cursor() as cursor:
        cursor.execute(
            "select attname::text, col_description(attrelid, attnum) from pg_attribute"
            " where attrelid = 'analytics.observations'::regclass and attnum > 0"
        )
        comments = dict(cursor.fetchall())
    assert list(comments) == list(texts)
    assert comments["org_id"] == texts["org_id"]
    assert comments["observation_type"] == texts["observation_type"]


def test_the_scope_reaches_the_key_indexes(owner: Connection, published: Settings) -> None:
    """One org of 300: no view reads the other orgs' observations, ratings or accounts."""
    with owner.cursor() as cursor:
        cursor.execute(
            "insert into ops.orgs (org_id, org_uuid, tenant) select 'x' || n, gen_random_uuid(), 'x' || n"
            " from generate_series(1, 300) as n;"
            " insert into edreflect.observations (org_id, observation_group_id) select 'x' || n, 'o' || m"
            " from generate_series(1, 300) as n, generate_series(1, 100) as m;"
            " insert into edreflect.ratings (org_id, observation_group_id) select 'x' || n, 'o' || m"
            " from generate_series(1, 300) as n, generate_series(1, 100) as m, generate_series(1, 3);"
            " insert into edreflect.observation_steps (org_id, step_id, observation_group_id) select 'x' || n, 't' || m,"
            " 'o' || m from generate_series(1, 300) as n, generate_series(1, 100) as m;"
            " insert into offboarding.deliveries (org_id, day, is_complete, is_current, missing_groups, missing_tables,"
            " unlisted_files) select 'x' || n, '2026-02-01', true, true, '{}', '{}', '{}' from generate_series(1, 300) as n;"
            " insert into offboarding_log.assignments (org_id, _hash, _id) select 'x' || n, 1, 's' || m"
            " from generate_series(1, 300) as n, generate_series(1, 100) as m;"
            " insert into offboarding_log.assignments__learners (org_id, _hash, _id, user_id) select 'x' || n, 1, 's' || m,"
            " 'u' || m from generate_series(1, 300) as n, generate_series(1, 100) as m;"
            " insert into offboarding_log.observations (org_id, _hash, _id) select 'x' || n, 1, 'p' || m"
            " from generate_series(1, 300) as n, generate_series(1, 100) as m;"
            " insert into marts.snapshot_people (org_id, user_id, employee_id, known_by) select 'x' || n, 'u' || m, 'e' || m,"
            " 'snapshot' from generate_series(1, 300) as n, generate_series(1, 100) as m;"
            " insert into edreflect.observation_feedback (org_id, observation_group_id) select 'x' || n, 'o' || m"
            " from generate_series(1, 300) as n, generate_series(1, 100) as m;"
            " insert into edreflect.user_accounts (org_id, employee_id) select 'x' || n, 'e' || m"
            " from generate_series(1, 300) as n, generate_series(1, 100) as m;"
            " update edreflect.observations set _day = '2026-01-01'; update edreflect.ratings set _day = '2026-01-01';"
            " analyze"
        )
    with login(owner, published, "evaluation_read", "north") as session, session.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", [uuids("north")])
        for view in (
            "educators",
            "observations",
            "observation_ratings",
            "observation_feedback",
            "observer_ratings",
            "rater_agreement",
            "observation_completion",
            "feedback_turnaround",
            "feedback_turnaround_by_observer",
        ):
            cursor.execute(f"explain (analyze, format json) select * from analytics.{view}")
            scanned = [
                node["Relation Name"]
                for node in plan_nodes(cursor.fetchall()[0][0][0]["Plan"])
                if node["Node Type"] == "Seq Scan"
                and node["Actual Rows"] + node.get("Rows Removed by Filter", 0) > 1000
            ]
            assert scanned == [], view


def plan_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from plan_nodes(child)


@pytest.mark.parametrize("arguments", [[], ["--full-refresh"]], ids=["again", "full refresh"])
def test_a_rebuild_keeps_views_and_takes_back_strays(
    owner: Connection, published: Settings, arguments: list[str]
) -> None:
    """Published again, a view is the same relation; options and grants changed by hand are put right."""
    before = {view: facts(owner, view) for view in VIEWS}
    with owner.cursor() as cursor:
        cursor.execute(
            "create schema if not exists own; create or replace view own.mine as select * from analytics.educators"
        )
        cursor.execute("alter view analytics.observations reset (security_barrier)")
        cursor.execute("grant select on analytics.educator_goals to analyst_read, public")
    publish(published, *arguments)
    assert {view: facts(owner, view) for view in VIEWS} == before
    with owner.cursor() as cursor:
        cursor.execute("select count(*) from own.mine")
        assert cursor.fetchone() == (0,)


def test_odd_rows_of_one_org_warn_with_a_count_and_fail_nothing(owner: Connection, published: Settings) -> None:
    """Also runs dbt's unit tests of the marts, which fail the report when one does not pass."""
    for number in range(3):
        insert(owner, "slos", {"org_id": "south", "slo_id": f"odd{number}", "slo_status": "half done"})
    insert(owner, "ratings", {"org_id": "south", "observation_group_id": "unheard of"})

    report = run_dbt(published, ["test", "--select", "marts.edreflect"])

    assert report.failures == ()
    warnings = dict(sentence.split(": ", 1) for sentence in report.warnings)
    assert warnings["slo_status_is_one_the_source_states"].startswith("Got 3 results")
    assert warnings["rating_has_an_observation"].startswith("Got 1 result")
