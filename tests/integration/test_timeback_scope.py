"""The scope of people holds against readers who try: every view of the catalogue, ordinary logins, tenants with the same ids."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import expand_grants
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.integration.roster_tables import seen, uid
from tests.integration.scope_world import (
    NORTH_UUID,
    SHARED,
    STUDENTS,
    YEARS,
    Login,
    ask_for,
    everything,
    fill,
    logins,
    orgs_in,
    run,
)
from tests.integration.timeback_tables import OPEN_VIEWS, SCOPED_VIEWS, timeback_database

# Who is in a view only as the guide, or by a guide.
NOT_OF_BOB = {"guides", "student_guides"}
# Nothing in their rows says which org they are of.
IDS_ONLY = {"question_tests", "test_parents", "unit_courses"}


def people_in(rows: list[dict[str, Any]]) -> set[str]:
    """Return the people whom rows are about: by an id of theirs, or by their session."""
    text = json.dumps(rows)
    return {person for person in (*STUDENTS, "tom") if uid(person) in text or f"session of {person}" in text}


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with timeback_database(postgres_server, template_database, tmp_path_factory.mktemp("scope"), fill) as made:
        with closing(connect(made)) as connection:
            expand_grants(connection)
        yield made


@pytest.fixture(scope="module")
def owner(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings)) as connection:
        yield connection


@pytest.fixture(scope="module")
def lasting_reader(owner: Connection, settings: Settings) -> Iterator[Login]:
    with logins(owner, settings) as login:
        yield login


@pytest.fixture
def make_reader(owner: Connection, settings: Settings) -> Iterator[Login]:
    with logins(owner, settings) as login:
        yield login


@pytest.fixture(scope="module")
def north(lasting_reader: Login) -> Connection:
    return lasting_reader("north")


@pytest.fixture(scope="module")
def gateway(lasting_reader: Login) -> Connection:
    return lasting_reader(gateway=True)


@pytest.fixture(scope="module")
def unrestricted(lasting_reader: Login) -> Connection:
    return lasting_reader("*")


@pytest.mark.parametrize("view", SCOPED_VIEWS)
class TestEveryView:
    @pytest.mark.parametrize("scope", [None, "", "  ", "{}"], ids=["unset", "empty", "blank", "braces"])
    def test_shows_nothing_without_a_scope(
        self, north: Connection, gateway: Connection, unrestricted: Connection, view: str, scope: str | None
    ) -> None:
        for session in (north, gateway, unrestricted):
            assert seen(session, view, scope) == []

    @pytest.mark.parametrize(
        "scope", ["north", "1", f"{uid('shared school')};drop", "**", f"{NORTH_UUID},*", "' or true"]
    )
    def test_refuses_a_malformed_scope_without_repeating_it(self, north: Connection, view: str, scope: str) -> None:
        with pytest.raises(errors.InvalidParameterValue) as raised:
            seen(north, view, scope)
        assert "drop" not in str(raised.value)
        assert NORTH_UUID not in str(raised.value)

    def test_refuses_everything_to_an_ordinary_role(self, north: Connection, gateway: Connection, view: str) -> None:
        for session in (north, gateway):
            with pytest.raises(errors.InsufficientPrivilege):
                seen(session, view, "*")

    def test_shows_a_reader_its_own_tenant_only(self, make_reader: Login, north: Connection, view: str) -> None:
        """north's student has a role in west, of the same tenant: it is hers, so north sees it."""
        assert orgs_in(seen(north, view, everything())) - {"west"} == {"north"}
        south = make_reader("south")
        assert orgs_in(seen(south, view, everything())) == {"south"}
        assert len(seen(south, view, everything())) == len(seen(south, view, uid("shared school")))

    def test_shows_an_org_that_delivers_anothers_ids_no_more_than_its_own(self, make_reader: Login, view: str) -> None:
        rows = seen(make_reader("east"), view, everything())
        assert orgs_in(rows) <= {"east"}
        assert people_in(rows) <= {"ada"}

    def test_shows_org_ids_that_reader_and_person_share_sorted(self, north: Connection, view: str) -> None:
        rows = seen(north, view, f"{uid('shared school')},{uid('west school')},{uid('east school')}")
        assert rows
        if "org_ids" in rows[0]:
            assert {tuple(row["org_ids"]) for row in rows} == {(uid("shared school"),)}
            rows = seen(north, view, everything())
            assert all(row["org_ids"] == sorted(row["org_ids"]) for row in rows)
            assert {org for row in rows for org in row["org_ids"]} <= {uid(name) for name in (*SHARED, "org north")}

    def test_counts_an_id_of_two_tenants_for_nobody_who_names_it_alone(
        self, make_reader: Login, gateway: Connection, unrestricted: Connection, view: str
    ) -> None:
        for session in (gateway, unrestricted, make_reader(*map(uid, SHARED))):
            assert seen(session, view, ",".join(map(uid, SHARED))) == []

    def test_lets_a_gateway_name_organizations_of_one_tenant(self, gateway: Connection, view: str) -> None:
        """bob has a role at north's org_uuid, which east claims as well, in vain."""
        rows = seen(gateway, view, NORTH_UUID)
        assert orgs_in(rows) <= {"north"}
        assert people_in(rows) <= {"bob"}
        assert rows or view in {"guides", "student_guides"}

    def test_shows_the_unrestricted_all_tenants_each_for_itself(self, unrestricted: Connection, view: str) -> None:
        rows = seen(unrestricted, view, "*")
        assert {"north", "south"} <= orgs_in(rows)
        for row in rows:
            assert len(orgs_in(row) - {"west"}) <= 1, "a row mixes tenants"
            if "org_ids" in row:
                assert row["org_ids"] == sorted(row["org_ids"])
                assert (
                    row["org_ids"]
                    or view == "student_guides"
                    or (orgs_in(row), people_in([row])) == ({"east"}, {"bob"})
                )

    def test_tells_a_cheap_function_of_no_foreign_row(self, owner: Connection, north: Connection, view: str) -> None:
        """Asked about the row and about each column by itself, which Postgres would rather do before it joins."""
        with owner, owner.cursor() as cursor:
            cursor.execute(
                "create schema if not exists tools; grant usage on schema tools to public;"
                " create or replace function tools.tell(text) returns boolean language plpgsql cost 0.0000001 as"
                " $f$ begin raise notice 'told %', $1; return true; end $f$"
            )
        ask_for(north, everything())
        rows = seen(north, view, everything())
        for asked in ("to_jsonb(v)", *(f"v.{column}" for column in rows[0])):
            north.notices.clear()
            run(north, f"select count(*) from analytics.{view} as v where tools.tell(coalesce({asked}::text, 'null'))")
            told = [notice for notice in north.notices if "told " in notice]
            assert len(told) == len(rows), asked
            assert not orgs_in(told) & {"south", "east"}, asked

    def test_shows_the_same_whatever_the_planner_may_not_use(self, north: Connection, view: str) -> None:
        expected = sorted(json.dumps(row, sort_keys=True) for row in seen(north, view, everything()))
        for switches in (
            ("enable_hashjoin", "enable_mergejoin"),
            ("enable_nestloop", "enable_mergejoin"),
            ("enable_nestloop", "enable_hashjoin"),
            ("enable_seqscan",),
            ("enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan"),
            ("enable_hashagg", "enable_sort"),
            ("enable_material", "enable_memoize"),
        ):
            for switch in switches:
                run(north, f"set {switch} = off")
            assert sorted(json.dumps(row, sort_keys=True) for row in seen(north, view, everything())) == expected
            for switch in switches:
                run(north, f"reset {switch}")
        run(north, "set debug_parallel_query = on")
        assert sorted(json.dumps(row, sort_keys=True) for row in seen(north, view, everything())) == expected
        run(north, "reset debug_parallel_query")

    def test_stays_narrow_under_set_role(
        self, owner: Connection, make_reader: Login, gateway: Connection, unrestricted: Connection, view: str
    ) -> None:
        session = make_reader("west")
        expected = seen(session, view, everything())
        for trusted in (gateway, unrestricted):
            with owner, owner.cursor() as cursor:
                cursor.execute(
                    sql.SQL("grant {} to {}").format(
                        sql.Identifier(trusted.info.user), sql.Identifier(session.info.user)
                    )
                )
            run(session, f'set role "{trusted.info.user}"')
            assert seen(session, view, everything()) == expected
            with pytest.raises(errors.InsufficientPrivilege):
                seen(session, view, "*")
            run(session, "reset role")

    def test_copies_what_it_shows(self, north: Connection, view: str) -> None:
        ask_for(north, everything())
        out = io.StringIO()
        with north.cursor() as cursor:
            cursor.copy_expert(f"copy (select to_jsonb(v) from analytics.{view} as v) to stdout", out)
            with pytest.raises(errors.InsufficientPrivilege):
                cursor.copy_expert(f"copy marts.{view} to stdout", out)
        assert "south" not in out.getvalue()
        assert "east" not in out.getvalue()
        assert len(out.getvalue().splitlines()) == len(seen(north, view, everything()))

    @pytest.mark.parametrize("plan", ["force_generic_plan", "force_custom_plan", "auto"])
    def test_follows_the_scope_in_a_prepared_statement(self, make_reader: Login, view: str, plan: str) -> None:
        session = make_reader("south")
        run(session, f"set plan_cache_mode = {plan}")
        ask_for(session, uid("shared school"))
        run(
            session,
            f"prepare p (text) as select to_jsonb(v) from analytics.{view} as v where to_jsonb(v)::text like $1",
        )
        for _ in range(6):
            assert orgs_in(run(session, "execute p ('%')")) == {"south"}
        for scope in (uid("east school"), "", uid("west school")):
            ask_for(session, scope)
            assert run(session, "execute p ('%')") == []
        ask_for(session, uid("shared school"))
        assert orgs_in(run(session, "execute p ('%')")) == {"south"}

    def test_forgets_a_scope_with_its_transaction_or_savepoint(self, make_reader: Login, view: str) -> None:
        session = make_reader("south")
        session.autocommit = False
        query = f"select to_jsonb(v) from analytics.{view} as v"
        run(session, f"set local app.allowed_org_ids = '{uid('shared school')}'")
        assert run(session, query)
        run(session, "savepoint s")
        run(session, "set local app.allowed_org_ids = ''")
        assert run(session, query) == []
        run(session, "rollback to savepoint s")
        assert run(session, query)
        session.commit()
        assert run(session, query) == []
        session.rollback()

    def test_cannot_be_widened_within_a_gateways_query(self, make_reader: Login, view: str) -> None:
        session = make_reader(gateway=True)
        widened = everything()
        for attack in (
            f"with x as materialized (select set_config('app.allowed_org_ids', '{widened}', false) as s)"
            f" select x.s, to_jsonb(v) from x, analytics.{view} as v",
            f"select to_jsonb(v), pg_catalog.set_config('app.allowed_org_ids', '{widened}', true)"
            f" from analytics.{view} as v",
            f"select query_to_xml('set app.allowed_org_ids = ''{widened}''', true, true, '')",
            f"update pg_settings set setting = '{widened}' where name = 'app.allowed_org_ids'",
        ):
            ask_for(session, uid("west school"))
            with pytest.raises(psycopg2.Error):
                run(session, attack)
            assert run(session, "show app.allowed_org_ids") == [(uid("west school"),)]

    def test_is_not_deceived_by_objects_of_the_reader(
        self, owner: Connection, settings: Settings, make_reader: Login, view: str
    ) -> None:
        """Even where a careless administrator gave it temporary objects and a schema of its own."""
        session = make_reader("west")
        expected = seen(session, view, everything())
        reader = sql.Identifier(session.info.user)
        with owner, owner.cursor() as cursor:
            cursor.execute(
                sql.SQL("grant temporary on database {} to {}; create schema {} authorization {}").format(
                    sql.Identifier(owner.info.dbname), reader, reader, reader
                )
            )
        with closing(
            psycopg2.connect(settings.database_url, user=session.info.user, password=session.info.password)
        ) as s:
            s.autocommit = True
            run(s, "create temp table org_grants (role_name name, org_id uuid, tenants text[])")
            run(s, f"insert into org_grants values (session_user, '{uid('shared school')}', '{{one,two}}')")
            run(s, "create temp table gateway_roles as select session_user as role_name")
            run(s, "create temp table unrestricted_roles as select session_user as role_name")
            run(s, "create temp table person_orgs (tenant text, person_id uuid, organization_id uuid)")
            run(s, "create function pg_temp.sees_everyone() returns boolean language sql as 'select true'")
            run(s, "set check_function_bodies = off")
            own = f'"{session.info.user}"'
            run(s, f"create function {own}.btrim(text, text) returns text language sql as $f$ select '*' $f$")
            run(s, f"create function {own}.min(text) returns text language sql as $f$ select 'two' $f$")
            run(s, f"set search_path = pg_temp, {own}, analytics, pg_catalog")
            assert seen(s, view, everything()) == expected
        with owner, owner.cursor() as cursor:
            cursor.execute(sql.SQL("drop schema {} cascade").format(reader))

    def test_is_read_by_analysts_and_written_by_nobody(self, owner: Connection, north: Connection, view: str) -> None:
        with owner, owner.cursor() as cursor:
            cursor.execute("select reloptions from pg_class where oid = %s::regclass", [f"analytics.{view}"])
            assert cursor.fetchall() == [(["security_barrier=true"],)]
            cursor.execute(
                "select grantee::regrole::text, privilege_type from pg_class as c, aclexplode(c.relacl)"
                " where c.oid = %s::regclass and grantee <> c.relowner",
                [f"analytics.{view}"],
            )
            assert cursor.fetchall() == [("analyst_read", "SELECT")]
        for statement in (
            f"delete from analytics.{view}",
            f"alter view analytics.{view} reset (security_barrier)",
            f"create or replace view analytics.{view} as select 1",
        ):
            with pytest.raises((errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState)):
                run(north, statement)


@pytest.mark.parametrize("view", OPEN_VIEWS)
class TestOpenViews:
    def test_show_all_tenants_to_every_analyst_and_read_no_scope(self, make_reader: Login, view: str) -> None:
        session = make_reader()
        expected = seen(session, view, None)
        assert view in IDS_ONLY or {"north", "south"} <= orgs_in(expected)
        for scope in ("", "no list at all", "*", uid("shared school")):
            assert seen(session, view, scope) == expected

    def test_keep_the_same_id_of_two_tenants_apart(self, north: Connection, view: str) -> None:
        """west is of north's tenant, and its school has a student of north's, with all that she did."""
        rows = seen(north, view, None)
        assert all(len(orgs_in(row) - {"west"}) <= 1 for row in rows)
        of_both = [json.dumps(row) for row in rows if orgs_in(row) <= {"north", "south"}]
        assert len(set(of_both)) == (len(of_both) / 2 if view in IDS_ONLY else len(of_both))
        same = {"south": "north", str(YEARS["south"]): str(YEARS["north"])}
        same |= {str(2 * YEARS["south"]): str(2 * YEARS["north"])}
        assert set(Counter(re.sub("|".join(same), lambda found: same[found[0]], row) for row in of_both).values()) == {
            2
        }

    def test_show_nobody(self, north: Connection, view: str) -> None:
        rows = seen(north, view, None)
        assert rows
        assert people_in(rows) == set()
        assert not [name for name in ("Ada", "Bob", "Tom") if name in json.dumps(rows)]


def test_schools_count_no_foreign_student_and_no_foreign_second(north: Connection) -> None:
    counts = {row["name"]: row["student_count"] for row in seen(north, "schools", None)}
    assert counts == {"School north": 2, "School south": 2, "School west": 1, "School east": 1}
    usage = {
        row["school_name"]: (row["student_count"], row["total_app_time_sec"], row["total_waste_time_sec"])
        for row in seen(north, "school_usage_stats", None)
    }
    assert usage == {
        "School north": (2, 2 * YEARS["north"], 2 * YEARS["north"]),
        "School south": (2, 2 * YEARS["south"], 2 * YEARS["south"]),
        "School west": (1, YEARS["north"], YEARS["north"]),
        "School east": (1, YEARS["east"], YEARS["east"]),
    }
