"""The scope of people holds against readers who try: every roster view, ordinary logins, tenants with the same ids.

north and south deliver the same package, ids and all, under two tenants; west is of north's tenant and has a role for one
of its students; east delivers north's org_uuid, and north's student, as its own. Whatever an org delivered names it, in a
text or by the year of a date, so that a row, a name or a count seen under another tenant shows.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import expand_grants, grant_scope, list_scope, revoke_scope
from edreflect_assets.checks.tenants import organizations_of_one_tenant
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.integration.roster_tables import (
    OPEN_VIEWS,
    SCOPED_VIEWS,
    Rosters,
    insert_org,
    insert_rosters,
    rebuild_bridges,
    roster_database,
    seen,
    uid,
)

TENANTS = {"north": "one", "south": "two", "west": "one", "east": "three"}
YEARS = {"north": "2021", "south": "2022", "west": "2023", "east": "2024"}
NORTH_UUID = uid("org north")
VIEWS = (*SCOPED_VIEWS, *OPEN_VIEWS)
SHARED = ("shared district", "shared school")


def role(person: str, place: str, org: str, kind: str = "student") -> dict[str, Any]:
    return {
        "id": f"{person} at {place}",
        "user_id": person,
        "organization_id": place,
        "role": kind,
        "role_type": "secondary",
        "begin_date": f"{YEARS[org]}-08-01",
    }


def package(org: str) -> Rosters:
    """Return what north and south deliver: the same ids, other words."""
    began = {"begin_date": f"{YEARS[org]}-08-01"}
    return {
        "organization": [
            {"id": "shared district", "name": f"District {org}", "type": "district"},
            {"id": "shared school", "name": f"School {org}", "type": "school", "parent_id": "shared district"},
        ],
        "user": [
            {"id": "ada", "given_name": "Ada", "family_name": org, "email": f"ada@{org}"},
            {"id": "bob", "given_name": "Bob", "family_name": org},
            {"id": "tom", "given_name": "Tom", "family_name": org},
        ],
        "role": [
            role(person, place, org, kind) | {"role_type": "primary"}
            for person, kind in (("ada", "student"), ("bob", "student"), ("tom", "teacher"))
            for place in SHARED
        ],
        "user_agent": [
            began
            | {
                "source_user_id": "ada",
                "agent_user_id": "tom",
                "relationship_type": "teacher",
                "date_created": f"{YEARS[org]}-08-01",
            }
        ],
        "course": [{"id": "algebra", "title": f"Algebra {org}"}],
        "class": [{"id": "1a", "title": f"1a {org}", "course_id": "algebra", "school_id": "shared school"}],
        "enrollment": [
            began | {"id": f"{person} in 1a", "user_id": person, "class_id": "1a", "role": "student"}
            for person in ("ada", "bob")
        ],
    }


OTHER_ROSTERS: dict[str, Rosters] = {
    "west": {
        "organization": [{"id": "west school", "name": "School west", "type": "school"}],
        "role": [role("ada", "west school", "west")],
    },
    "east": {
        "organization": [
            {"id": "org north", "name": "District east", "type": "district"},
            {"id": "east school", "name": "School east", "type": "school"},
        ],
        "user": [{"id": "ada", "given_name": "Ada", "family_name": "east"}],
        "role": [role("ada", "org north", "east"), role("ada", "east school", "east")],
        "enrollment": [{"user_id": "ada", "class_id": "1a", "role": "student", "begin_date": "2024-08-01"}],
    },
}


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with roster_database(postgres_server, template_database, tmp_path_factory.mktemp("scope")) as made:
        with closing(connect(made)) as connection:
            for org, tenant in TENANTS.items():
                insert_org(connection, org, tenant)
            for org in ("north", "south"):
                insert_rosters(connection, org, package(org))
            insert_rosters(connection, "north", {"role": [role("bob", "org north", "north")]})
            for org, rosters in OTHER_ROSTERS.items():
                insert_rosters(connection, org, rosters)
            connection.commit()
            rebuild_bridges(made)
            expand_grants(connection)
        yield made


@pytest.fixture(scope="module")
def owner(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings)) as connection:
        yield connection


Login = Callable[..., Connection]


@contextmanager
def logins(owner: Connection, settings: Settings) -> Iterator[Login]:
    """Yield a function that opens a session of a new login role with a scope of its own."""
    sessions: list[Connection] = []
    roles: list[str] = []

    def login(*orgs: str, gateway: bool = False) -> Connection:
        name, password = f"reader_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
        with owner, owner.cursor() as cursor:
            cursor.execute(
                sql.SQL("create role {} login password {} in role analyst_read").format(
                    sql.Identifier(name), sql.Literal(password)
                )
            )
        roles.append(name)
        if orgs or gateway:
            grant_scope(owner, name, orgs, gateway=gateway)
        session = psycopg2.connect(settings.database_url, user=name, password=password)
        session.autocommit = True
        sessions.append(session)
        return session

    yield login
    for session in sessions:
        session.close()
    for name in roles:
        with owner, owner.cursor() as cursor:
            cursor.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(name)))
    expand_grants(owner)


@pytest.fixture(scope="module")
def make_reader(owner: Connection, settings: Settings) -> Iterator[Login]:
    with logins(owner, settings) as login:
        yield login


@pytest.fixture(scope="module")
def north(make_reader: Login) -> Connection:
    return make_reader("north")


@pytest.fixture(scope="module")
def gateway(make_reader: Login) -> Connection:
    return make_reader(gateway=True)


@pytest.fixture(scope="module")
def unrestricted(make_reader: Login) -> Connection:
    return make_reader("*")


def orgs_in(rows: Any) -> set[str]:
    """Return the orgs that something names, in a text or by a year."""
    text = json.dumps(rows, default=str)
    return {org for org, year in YEARS.items() if re.search(rf'\b{org}\b|"{year}-', text)}


def everything() -> str:
    """Return a scope that asks for all that anybody ever delivered."""
    ids = [uid(f"org {org}") for org in TENANTS] + [uid(name) for name in (*SHARED, "west school", "east school")]
    return ",".join(ids)


def run(session: Connection, query: str) -> list[tuple[Any, ...]]:
    with session.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []


def ask_for(session: Connection, scope: str) -> None:
    with session.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", [scope])


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
        assert orgs_in(seen(make_reader("east"), view, everything())) <= {"east"}

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
        assert {row[SCOPED_VIEWS[view]] for row in rows} <= {uid("bob")}
        assert rows or view in {"guides", "student_guides"}

    def test_shows_the_unrestricted_all_tenants_each_for_itself(self, unrestricted: Connection, view: str) -> None:
        rows = seen(unrestricted, view, "*")
        assert {"north", "south"} <= orgs_in(rows)
        for row in rows:
            assert len(orgs_in(row) - {"west"}) <= 1, "a row mixes tenants"
            if "org_ids" in row:
                assert row["org_ids"] == sorted(row["org_ids"])
                assert row["org_ids"] or view == "student_guides"

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
            assert not [notice for notice in told if re.search(r"\b(south|east)\b|202[24]-", notice)], asked

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
        for scope in (None, "", "no list at all", "*"):
            assert {"north", "south"} <= orgs_in(seen(session, view, scope))

    def test_keep_the_same_id_of_two_tenants_apart(self, north: Connection, view: str) -> None:
        rows = seen(north, view, None)
        assert all(len(orgs_in(row)) == 1 for row in rows)
        name = {"schools": "name", "classes": "title"}[view]
        of_both = [row for row in rows if orgs_in(row) <= {"north", "south"}]
        assert len({row["id"] for row in of_both}) == 1
        assert len({row[name] for row in of_both}) == 2

    def test_count_no_foreign_student(self, north: Connection, view: str) -> None:
        if view == "schools":
            counts = {row["name"]: row["student_count"] for row in seen(north, view, None)}
            assert counts == {"School north": 2, "School south": 2, "School west": 1, "School east": 1}


def test_base_schemas_and_the_scope_itself_are_out_of_reach(north: Connection, gateway: Connection) -> None:
    closed = ["ops", "access", "staging", "marts"]
    for feed in load_feeds().values():
        closed += [feed.raw_schema, feed.name, f"{feed.name}_log"]
    assert {"oneroster", "raw_oneroster", "oneroster_log"} <= set(closed)
    for session in (north, gateway):
        for schema in closed:
            assert run(session, f"select has_schema_privilege('{schema}', 'usage, create')") == [(False,)]
        for query in (
            "select * from marts.person_orgs",
            "select * from marts.students",
            "select * from oneroster.one_roster_user",
            "select * from oneroster_log.one_roster_user",
            "select * from access.organizations",
            "select * from access.delivered_organizations",
            "select access.sees_everyone()",
            "select access.allowed_organizations()",
            "select access.asked_org_ids()",
            f"update access.org_grants set tenants = '{{two}}' where org_id = '{NORTH_UUID}'",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                run(session, query)


def test_a_name_grants_what_the_org_delivered_and_never_anothers_own_id(owner: Connection, make_reader: Login) -> None:
    session = make_reader("east", "north")
    [scope] = [scope for scope in list_scope(owner) if scope.role == session.info.user]
    names = ("org north", "org east", "east school", *SHARED)
    assert set(scope.organizations) == {uid(name) for name in names}
    revoke_scope(owner, session.info.user, ["north"])
    [scope] = [scope for scope in list_scope(owner) if scope.role == session.info.user]
    assert set(scope.organizations) == {uid("org east"), uid("east school")}


def test_a_reader_of_two_tenants_sees_both_each_under_its_own(make_reader: Login) -> None:
    rows = seen(make_reader("north", "south"), "students", uid("shared school"))
    assert sorted((row["name"], row["org_ids"]) for row in rows) == [
        (name, [uid("shared school")]) for name in ("Ada north", "Ada south", "Bob north", "Bob south")
    ]


def test_an_id_granted_by_itself_counts_where_one_tenant_has_it_and_is_listed_where_none_or_several_have(
    owner: Connection, make_reader: Login
) -> None:
    session = make_reader(uid("shared school"), uid("west school"), uid("nowhere"))
    [scope] = [scope for scope in list_scope(owner) if scope.role == session.info.user]
    assert set(scope.unresolved) == {uid("shared school"), uid("nowhere")}
    assert [row["name"] for row in seen(session, "students", everything())] == ["Ada north"]
    grant_scope(owner, session.info.user, ["south"])
    assert {row["name"] for row in seen(session, "students", everything())} == {"Ada north", "Ada south", "Bob south"}
    revoke_scope(owner, session.info.user, ["south"])
    assert [row["name"] for row in seen(session, "students", everything())] == ["Ada north"]


def test_a_grant_taken_back_by_hand_counts_no_more_at_once(owner: Connection, make_reader: Login) -> None:
    session = make_reader("south")
    assert seen(session, "students", everything())
    with owner, owner.cursor() as cursor:
        cursor.execute("delete from access.org_grants where role_name = %s", [session.info.user])
    assert seen(session, "students", everything()) == []


def test_a_reader_who_is_no_analyst_cannot_ask(owner: Connection, make_reader: Login) -> None:
    session = make_reader("north")
    with owner, owner.cursor() as cursor:
        cursor.execute(sql.SQL("revoke analyst_read from {}").format(sql.Identifier(session.info.user)))
    for view in VIEWS:
        with pytest.raises(errors.InsufficientPrivilege):
            seen(session, view, everything())


def test_a_check_names_ids_that_tenants_share_and_who_delivers_them(owner: Connection) -> None:
    feed = load_feeds()["oneroster"]
    found = organizations_of_one_tenant(owner, feed, {}, datetime.now(UTC))
    owner.rollback()
    assert (found.passed, found.severity, found.metadata["findings"]) == (False, "error", 3)
    for name in SHARED:
        assert f"{uid(name)} is delivered by north (tenant one) and south (tenant two)" in found.text
    assert f"{NORTH_UUID} is delivered by east (tenant three) and north (tenant one)" in found.text
    assert "and is the org_uuid of north" in found.text
    assert uid("west school") not in found.text


def test_the_check_passes_where_every_id_is_of_one_tenant(connection: Connection) -> None:
    insert_org(connection, "north", "one")
    insert_org(connection, "west", "one")
    with connection.cursor() as cursor:
        for org in ("north", "west"):
            cursor.execute("insert into access.delivered_organizations values (%s, %s)", [org, uid("shared school")])
        cursor.execute("insert into access.delivered_organizations values ('north', %s)", [uid("org north")])
    assert organizations_of_one_tenant(connection, load_feeds()["oneroster"], {}, datetime.now(UTC)).passed
    connection.rollback()
