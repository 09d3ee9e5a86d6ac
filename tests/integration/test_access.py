"""Scope holds against readers who try: ordinary login roles over connections of their own.

The view under test has the shape of the published ones (security_barrier, semi-join through allowed_org_ids()); the
published views have tests of their own.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import Scope, expand_grants, grant_scope, list_scope, revoke_scope
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.errors import ConfigurationError, UsageError
from edreflect_assets.settings import Settings

if TYPE_CHECKING:
    from conftest import Login

NORTH, SOUTH, EAST = (str(uuid.UUID(int=0xABCDEF0 + n)) for n in range(3))
ORGS = {"north": NORTH, "south": SOUTH, "east": EAST}
ROWS_PER_ORG = 4

MakeLogin = Callable[..., "Login"]
ConnectAs = Callable[["Login"], Connection]


def run(connection: Connection, query: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def owner(connection: Connection) -> Connection:
    """The platform's connection to a database with three orgs and a scoped view, analytics.people."""
    with connection, connection.cursor() as cursor:
        for org_id, org_uuid in ORGS.items():
            cursor.execute(
                "insert into ops.orgs (org_id, org_uuid, tenant) values (%s, %s, %s)", [org_id, org_uuid, org_id]
            )
        cursor.execute(
            """
            create table marts.people as
            select org_uuid as org_id, org_id || '-' || n as name from ops.orgs, generate_series(1, %s) as n;
            create view analytics.people with (security_barrier) as
            select people.name, array[people.org_id] as org_ids
            from marts.people
            where people.org_id in (select o.id from unnest(access.allowed_org_ids()) as o (id));
            grant select on analytics.people to analyst_read;
            """,
            [ROWS_PER_ORG],
        )
    return connection


@pytest.fixture
def reader(owner: Connection, make_login: MakeLogin) -> Login:
    """A login that was granted north and south."""
    login = make_login("reader")
    grant_scope(owner, login.role, ["north", SOUTH])
    return login


@pytest.fixture
def gateway(owner: Connection, make_login: MakeLogin) -> Login:
    login = make_login("gateway")
    grant_scope(owner, login.role, [], gateway=True)
    return login


def ask_for(connection: Connection, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", [value])


def seen(connection: Connection) -> set[object]:
    """Return the orgs of the rows that the view shows."""
    return {str(name).split("-")[0] for (name,) in run(connection, "select name from analytics.people")}


def test_without_a_setting_there_are_no_rows(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    assert seen(session) == set()
    ask_for(session, NORTH)
    assert seen(session) == {"north"}
    run(session, "reset app.allowed_org_ids")
    assert seen(session) == set()


def test_an_empty_setting_gives_no_rows(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    for empty in ("", " ", "\t\r\n", "{}", " {} "):
        ask_for(session, empty)
        assert seen(session) == set()


GRANTED = [
    f"{NORTH},{SOUTH}",
    f" {NORTH} , {SOUTH} ",
    f"{{{NORTH},{SOUTH}}}",
    f"{NORTH.upper()},\n\t{SOUTH}\r\n",
    f"{NORTH},{SOUTH},{NORTH}",
]


def test_a_list_of_granted_organizations_gives_their_rows(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    for asked in GRANTED:
        ask_for(session, asked)
        assert seen(session) == {"north", "south"}
        assert len(run(session, "select * from analytics.people")) == 2 * ROWS_PER_ORG


def test_a_list_of_ten_thousand_is_a_list(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    ask_for(session, ",".join([NORTH, *(str(uuid.UUID(int=n)) for n in range(10_000))]))
    assert seen(session) == {"north"}


MARK = "c0ffee"


MALFORMED = [
    MARK,
    f"{NORTH},{MARK}",
    f"{NORTH},",
    f",{NORTH}",
    ",",
    f"{NORTH};{SOUTH}",
    f"{NORTH} {SOUTH}",
    f"{NORTH},,{SOUTH}",
    f"{{{NORTH}",
    f"{NORTH}}}",
    f"{{{{{NORTH}}}}}",
    f"{{{NORTH}}},{{{SOUTH}}}",
    f"'{NORTH}'",
    f'"{NORTH}"',
    f'{{"{NORTH}"}}',
    NORTH.replace("-", ""),
    NORTH[:-1],
    NORTH + "0",
    f"\v{NORTH}",
    f"{NORTH},\u00a0{SOUTH}",
    f"{NORTH},\u2028{SOUTH}",
    "\N{FULLWIDTH DIGIT ZERO}" + NORTH[1:],
    "\N{ARABIC-INDIC DIGIT ZERO}" + NORTH[1:],
    f"{NORTH[:-3]}{MARK[:2]}g",
    f"{NORTH}\n{SOUTH}",
    f"{NORTH},*",
    "**",
    "{*}",
    "%",
    "null",
    "NULL",
    "all",
    f"{NORTH}') or true --",
    "select org_uuid from ops.orgs",
    f"{NORTH}," + "{" * 50,
]


def test_a_malformed_list_is_an_error_that_does_not_repeat_it(
    reader: Login, gateway: Login, connect_as: ConnectAs
) -> None:
    for session in (connect_as(reader), connect_as(gateway)):
        for malformed in MALFORMED:
            ask_for(session, malformed)
            for query in (
                "select * from analytics.people",
                "select count(*) from analytics.people where name = 'north-1'",
            ):
                with pytest.raises(errors.InvalidParameterValue) as raised:
                    run(session, query)
                message = raised.value.diag.message_primary
                assert message == "app.allowed_org_ids must be a comma separated list of organization ids (uuids)"
                everything = str(raised.value).replace(message, "").lower()
                assert NORTH[:18] not in everything
                assert MARK not in everything


def test_what_was_not_granted_is_not_seen(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    for foreign in (EAST, str(uuid.uuid4()), "00000000-0000-0000-0000-000000000000"):
        ask_for(session, foreign)
        assert seen(session) == set()
    ask_for(session, f"{EAST},{NORTH}")
    assert seen(session) == {"north"}


def test_a_login_without_any_grant_sees_nothing(
    owner: Connection, make_login: MakeLogin, connect_as: ConnectAs
) -> None:
    session = connect_as(make_login("stranger", member_of=("analyst_read",)))
    ask_for(session, f"{NORTH},{SOUTH},{EAST}")
    assert seen(session) == set()


def test_a_login_that_is_no_reader_cannot_even_ask(
    owner: Connection, make_login: MakeLogin, connect_as: ConnectAs
) -> None:
    session = connect_as(make_login("outsider"))
    with pytest.raises(errors.InsufficientPrivilege):
        run(session, "select * from analytics.people")


def test_everything_is_for_unrestricted_roles_that_ask_for_it(
    owner: Connection, reader: Login, gateway: Login, make_login: MakeLogin, connect_as: ConnectAs
) -> None:
    for login in (reader, gateway):
        session = connect_as(login)
        ask_for(session, "*")
        with pytest.raises(errors.InsufficientPrivilege, match="this login role may not set"):
            seen(session)
    engineer = make_login("engineer")
    grant_scope(owner, engineer.role, ["*"])
    session = connect_as(engineer)
    assert seen(session) == set()
    ask_for(session, " * ")
    assert seen(session) == {"north", "south", "east"}
    ask_for(session, EAST)
    assert seen(session) == {"east"}
    revoke_scope(owner, engineer.role, ["*"])
    ask_for(session, "*")
    with pytest.raises(errors.InsufficientPrivilege):
        seen(session)


def test_a_gateway_sees_what_it_asks_for_and_nothing_unasked(gateway: Login, connect_as: ConnectAs) -> None:
    session = connect_as(gateway)
    assert seen(session) == set()
    ask_for(session, EAST)
    assert seen(session) == {"east"}
    session.autocommit = False
    run(session, "set local app.allowed_org_ids = %s", NORTH)
    assert seen(session) == {"north"}
    session.rollback()
    assert seen(session) == {"east"}
    session.rollback()
    session.autocommit = True
    run(session, "discard all")
    assert seen(session) == set()


def test_set_role_to_a_gateway_or_an_unrestricted_role_does_not_widen(
    owner: Connection, reader: Login, gateway: Login, make_login: MakeLogin, connect_as: ConnectAs
) -> None:
    engineer = make_login("engineer")
    grant_scope(owner, engineer.role, ["*"])
    with owner, owner.cursor() as cursor:
        for trusted in (gateway, engineer):
            cursor.execute(sql.SQL("grant {} to {}").format(sql.Identifier(trusted.role), sql.Identifier(reader.role)))
    session = connect_as(reader)
    ask_for(session, EAST)
    for trusted in (gateway, engineer):
        run(session, f'set role "{trusted.role}"')
        assert run(session, "select current_user::text") == [(trusted.role,)]
        assert seen(session) == set()
        run(session, "reset role")
    with pytest.raises(errors.InsufficientPrivilege):
        run(session, f'set session authorization "{gateway.role}"')


def test_a_gateways_user_cannot_widen_the_scope_from_within_a_query(gateway: Login, connect_as: ConnectAs) -> None:
    """SQL of a user inside a gateway's transaction: every function of Postgres that could change the setting."""
    widened = f"{NORTH},{SOUTH},{EAST}"
    for attack in (
        f"with x as materialized (select set_config('app.allowed_org_ids', '{widened}', false) as s)"
        " select x.s, name from x, analytics.people",
        f"select name, pg_catalog.set_config('app.allowed_org_ids', '{widened}', true) from analytics.people",
        f"update pg_settings set setting = '{widened}' where name = 'app.allowed_org_ids'",
        f"update pg_settings set setting = '{widened}' where name = 'TimeZone'",
        f"select query_to_xml('set app.allowed_org_ids = ''{widened}''', true, true, '')",
        f"select query_to_xml('select set_config(''app.allowed_org_ids'', ''{widened}'', false)', true, true, '')",
        f"select * from ts_stat('set app.allowed_org_ids = ''{widened}''')",
    ):
        session = connect_as(gateway)
        ask_for(session, NORTH)
        with pytest.raises(psycopg2.Error):
            run(session, attack)
        assert seen(session) == {"north"}


def test_objects_of_pg_temp_cannot_stand_in_for_the_tables_behind_the_scope(
    owner: Connection, reader: Login, connect_as: ConnectAs
) -> None:
    session = connect_as(reader)
    ask_for(session, f"{NORTH},{EAST}")
    for attempt in (
        "create temp table org_grants (role_name name, org_id uuid)",
        "create temp view gateway_roles as select session_user as role_name",
        "create function pg_temp.unnest(uuid[]) returns setof uuid language sql as 'select null::uuid'",
        "create schema access2",
        "create table public.gateway_roles (role_name name)",
        "create table analytics.gateway_roles (role_name name)",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            run(session, attempt)
    # Even with the right to temporary objects, as a careless administrator may give it.
    with owner, owner.cursor() as cursor:
        cursor.execute(
            sql.SQL("grant temporary on database {} to {}").format(
                sql.Identifier(owner.info.dbname), sql.Identifier(reader.role)
            )
        )
    session = connect_as(reader)
    ask_for(session, f"{NORTH},{EAST}")
    run(session, "create temp table org_grants (role_name name, org_id uuid)")
    run(session, f"insert into org_grants values (session_user, '{EAST}')")
    run(session, "create temp table gateway_roles as select session_user as role_name")
    run(session, "create temp table unrestricted_roles as select session_user as role_name")
    run(session, "set search_path = pg_temp, analytics, pg_catalog")
    assert seen(session) == {"north"}


def test_functions_of_a_readers_own_schema_cannot_stand_in_for_those_behind_the_scope(
    owner: Connection, reader: Login, connect_as: ConnectAs
) -> None:
    """allowed_org_ids() runs with its owner's rights: with the reader's functions in it they would be the reader's."""
    with owner, owner.cursor() as cursor:
        cursor.execute(sql.SQL("create schema playground authorization {}").format(sql.Identifier(reader.role)))
    session = connect_as(reader)
    ask_for(session, f"{NORTH},{EAST}")
    for function, body in {
        "current_setting(text, boolean)": f"'{EAST}'::text",
        "btrim(text, text)": "'*'::text",
        "string_to_array(text, text)": f"array['{EAST}']",
        "lower(text)": "(select * from access.org_grants limit 1)::text",
    }.items():
        returns = "text[]" if "array" in function else "text"
        run(session, "set check_function_bodies = off")
        run(session, f"create function playground.{function} returns {returns} language sql as $f$ select {body} $f$")
    run(session, "set search_path = playground, analytics, pg_catalog")
    assert seen(session) == {"north"}


def test_copy_follows_the_scope(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    ask_for(session, f"{SOUTH},{EAST}")
    out = io.StringIO()
    with session.cursor() as cursor:
        cursor.copy_expert("copy (select name from analytics.people) to stdout", out)
        assert {line.split("-")[0] for line in out.getvalue().splitlines()} == {"south"}
        for refused in ("copy marts.people to stdout", "copy access.org_grants to stdout"):
            with pytest.raises(errors.InsufficientPrivilege):
                cursor.copy_expert(refused, out)
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute("copy (select 1) to program 'true'")


@pytest.mark.parametrize("plan", ["force_generic_plan", "force_custom_plan"])
def test_a_prepared_statement_follows_a_change_of_scope(reader: Login, connect_as: ConnectAs, plan: str) -> None:
    session = connect_as(reader)
    run(session, f"set plan_cache_mode = {plan}")
    ask_for(session, NORTH)
    run(session, "prepare p (text) as select split_part(name, '-', 1) from analytics.people where name like $1")
    for _ in range(7):
        assert set(run(session, "execute p ('%%')", None)) == {("north",)}
    for asked, expected in ((SOUTH, {("south",)}), (EAST, set()), ("", set())):
        ask_for(session, asked)
        assert set(run(session, "execute p ('%%')", None)) == expected


def test_a_setting_of_a_transaction_or_savepoint_ends_with_it(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    session.autocommit = False
    run(session, "set local app.allowed_org_ids = %s", NORTH)
    assert seen(session) == {"north"}
    run(session, "savepoint s")
    run(session, "set local app.allowed_org_ids = %s", SOUTH)
    assert seen(session) == {"south"}
    run(session, "rollback to savepoint s")
    assert seen(session) == {"north"}
    session.commit()
    assert seen(session) == set()
    session.rollback()


def test_an_open_cursor_keeps_the_scope_of_its_query(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    session.autocommit = False
    run(session, "set local app.allowed_org_ids = %s", NORTH)
    run(session, "declare c cursor for select name from analytics.people")
    run(session, "set local app.allowed_org_ids = %s", EAST)
    assert {str(name).split("-")[0] for (name,) in run(session, "fetch all from c")} <= {"north"}


def test_a_cheap_leaky_function_sees_no_row_out_of_scope(
    owner: Connection, reader: Login, connect_as: ConnectAs
) -> None:
    with owner, owner.cursor() as cursor:
        cursor.execute(
            """
            create schema tools;
            grant usage on schema tools to public;
            create function tools.leak(text) returns boolean language plpgsql cost 0.0000001 as $f$
            begin raise notice 'leaked %', $1; return true; end $f$;
            """
        )
    session = connect_as(reader)
    ask_for(session, NORTH)
    leaky = "select name from analytics.people where tools.leak(name)"
    assert len(run(session, leaky)) == ROWS_PER_ORG
    assert len(session.notices) == ROWS_PER_ORG
    assert all("leaked north" in notice for notice in session.notices)
    # The same without the barrier, so that this test proves something.
    with owner, owner.cursor() as cursor:
        cursor.execute("alter view analytics.people reset (security_barrier)")
    session.notices.clear()
    assert len(run(session, leaky)) == ROWS_PER_ORG
    assert len(session.notices) > ROWS_PER_ORG


def test_a_failing_cast_or_division_tells_nothing_about_rows_out_of_scope(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    ask_for(session, NORTH)
    run(session, "select count(*) from analytics.people where name like 'north%%' or name::integer = 1", None)
    assert run(
        session, "select count(*) from analytics.people where 1 / (case when name like 'east%' then 0 else 1 end) = 1"
    ) == [(ROWS_PER_ORG,)]


def test_parallel_plans_see_the_scope_of_their_leader(reader: Login, connect_as: ConnectAs) -> None:
    session = connect_as(reader)
    run(session, "set debug_parallel_query = on")
    ask_for(session, f"{NORTH},{EAST}")
    assert seen(session) == {"north"}
    ask_for(session, MARK)
    with pytest.raises(errors.InvalidParameterValue):
        seen(session)


def test_base_schemas_and_the_scope_itself_are_out_of_reach(
    owner: Connection, reader: Login, gateway: Login, connect_as: ConnectAs
) -> None:
    closed = ["ops", "access", "staging", "marts"]
    for feed in load_feeds().values():
        # what extends another feed is entered into that one's tables
        closed += [feed.raw_schema] if feed.extends else [feed.raw_schema, feed.name, f"{feed.name}_log"]
    for login in (reader, gateway):
        session = connect_as(login)
        for schema in closed:
            assert run(session, "select has_schema_privilege(%s, 'usage, create')", schema) == [(False,)]
        for query in (
            "select * from marts.people",
            "select * from raw_edreflect.ratings",
            "select * from ops.orgs",
            "select * from access.org_grants",
            "select access.allowed_org_ids()",
            f"insert into access.org_grants (role_name, org_id) values (session_user, '{EAST}')",
            "insert into access.gateway_roles values (session_user)",
            "delete from access.grant_log",
            "update analytics.people set name = 'x'",
            "delete from analytics.people",
            "create or replace view analytics.people as select 1",
            "alter view analytics.people reset (security_barrier)",
            "grant analyst_read to current_user with admin option",
            "select pg_read_file('postgresql.conf')",
            "load 'plpgsql'",
        ):
            with pytest.raises((errors.InsufficientPrivilege, errors.InvalidSchemaName)):
                run(session, query)


def test_statistics_show_no_values_of_base_tables(owner: Connection, reader: Login, connect_as: ConnectAs) -> None:
    with owner, owner.cursor() as cursor:
        cursor.execute("analyze marts.people")
    session = connect_as(reader)
    assert run(session, "select * from pg_stats where schemaname = 'marts'") == []
    with pytest.raises(errors.InsufficientPrivilege):
        run(session, "select * from pg_statistic")


# -- granting ----------------------------------------------------------------------------------------------------------


def log_of(owner: Connection, role: str) -> list[tuple[object, ...]]:
    found = run(
        owner,
        "select action, kind, org from access.grant_log where role_name = %s order by grant_log_id",
        role,
    )
    owner.commit()
    return found


def test_a_grant_says_who_when_and_what(owner: Connection, make_login: MakeLogin) -> None:
    role = make_login().role
    grant_scope(owner, role, [SOUTH, "north"], evaluation=True, gateway=True)
    assert sorted(log_of(owner, role), key=str) == sorted(
        [
            ("grant", "organization", SOUTH),
            ("grant", "registry name", "north"),
            ("grant", "gateway", None),
            ("grant", "analyst_read", None),
            ("grant", "evaluation_read", None),
            ("grant", "organization", NORTH),
        ],
        key=str,
    )
    assert run(
        owner,
        "select bool_and(logged_by = session_user and operator <> '' and logged_at > now() - interval '1 minute')"
        " from access.grant_log where role_name = %s",
        role,
    ) == [(True,)]
    owner.commit()
    before = log_of(owner, role)
    grant_scope(owner, role, [SOUTH, "north"], evaluation=True, gateway=True)
    assert log_of(owner, role) == before
    revoke_scope(owner, role)
    assert len([entry for entry in log_of(owner, role) if entry[0] == "revoke"]) == len(before)


def test_a_change_by_hand_is_logged_as_well(owner: Connection, make_login: MakeLogin) -> None:
    role = make_login().role
    with owner, owner.cursor() as cursor:
        cursor.execute("insert into access.org_grants (role_name, org_id) values (%s, %s)", [role, EAST])
        cursor.execute("delete from access.org_grants where role_name = %s", [role])
    assert log_of(owner, role) == [("grant", "organization", EAST), ("revoke", "organization", EAST)]


def test_only_login_roles_and_known_orgs_can_be_granted(owner: Connection, make_login: MakeLogin) -> None:
    role = make_login().role
    for nobody in ("no_such_role", "analyst_read", role + "x", role.upper()):
        with pytest.raises(UsageError, match="no login role"):
            grant_scope(owner, nobody, ["north"])
    for unknown in ("nowhere", NORTH[:-1], "", "North", "north; drop table x", f"{{{NORTH}}}"):
        with pytest.raises(UsageError, match="neither an org of the registry nor"):
            grant_scope(owner, role, ["north", unknown])
    with pytest.raises(UsageError, match="at least one org"):
        grant_scope(owner, role, [])
    assert list_scope(owner) == []
    assert log_of(owner, role) == []


def test_a_name_longer_than_postgres_keeps_does_not_match_a_shorter_role(
    owner: Connection, make_login: MakeLogin
) -> None:
    role = make_login("r" * 50).role
    assert len(role) == 63
    with pytest.raises(UsageError, match="no login role"):
        grant_scope(owner, role + "_and_more", ["north"])
    grant_scope(owner, role, ["north"])
    with pytest.raises(UsageError, match="Nothing was granted"):
        revoke_scope(owner, role + "_and_more")
    assert [scope.role for scope in list_scope(owner)] == [role]


def test_a_role_with_an_awkward_name_can_be_granted(
    owner: Connection, make_login: MakeLogin, connect_as: ConnectAs
) -> None:
    login = make_login('O\'Brien "BI"; drop')
    grant_scope(owner, login.role, ["north"], default=True, evaluation=True)
    with closing(
        psycopg2.connect(
            host=owner.info.host,
            port=owner.info.port,
            dbname=owner.info.dbname,
            user=login.role,
            password=login.password,
        )
    ) as session:
        assert seen(session) == {"north"}


def test_the_list_shows_how_each_grant_was_made(owner: Connection, reader: Login, gateway: Login) -> None:
    grant_scope(owner, reader.role, [], evaluation=True, default=True)
    grant_scope(owner, gateway.role, ["*"])
    assert list_scope(owner) == sorted(
        [
            Scope(reader.role, tuple(sorted([NORTH, SOUTH])), ("north",), False, False, True, True),
            Scope(gateway.role, (), (), True, True, False, False),
        ],
        key=lambda scope: scope.role,
    )


def test_revoking_takes_back_what_is_named_and_without_names_everything(
    owner: Connection, reader: Login, connect_as: ConnectAs
) -> None:
    session = connect_as(reader)
    ask_for(session, f"{NORTH},{SOUTH}")
    for not_so_granted in (NORTH, "south", EAST, "*"):
        with pytest.raises(UsageError, match="was not granted"):
            revoke_scope(owner, reader.role, [not_so_granted])
    assert seen(session) == {"north", "south"}
    revoke_scope(owner, reader.role, ["north"])
    assert seen(session) == {"south"}
    revoke_scope(owner, reader.role)
    assert list_scope(owner) == []
    with pytest.raises(errors.InsufficientPrivilege):
        seen(session)
    with pytest.raises(UsageError, match="Nothing was granted"):
        revoke_scope(owner, reader.role)


def test_an_organization_granted_twice_stays_until_both_are_revoked(owner: Connection, make_login: MakeLogin) -> None:
    role = make_login().role
    grant_scope(owner, role, ["north"])
    grant_scope(owner, role, [NORTH])
    revoke_scope(owner, role, ["north"])
    assert [scope.organizations for scope in list_scope(owner)] == [(NORTH,)]
    grant_scope(owner, role, ["north"])
    revoke_scope(owner, role, [NORTH])
    assert [scope.organizations for scope in list_scope(owner)] == [(NORTH,)]
    revoke_scope(owner, role, ["north"])
    assert [scope.organizations for scope in list_scope(owner)] == [()]


def test_a_granted_name_follows_the_organizations_of_its_org(
    owner: Connection, reader: Login, connect_as: ConnectAs
) -> None:
    session = connect_as(reader)
    with owner, owner.cursor() as cursor:
        cursor.execute("delete from ops.orgs where org_id = 'east'")
        cursor.execute("update ops.orgs set org_uuid = %s where org_id = 'north'", [EAST])
    ask_for(session, f"{NORTH},{EAST}")
    assert seen(session) == {"north"}
    expand_grants(owner)
    assert seen(session) == {"east"}
    with owner, owner.cursor() as cursor:
        cursor.execute("delete from ops.orgs where org_id = 'north'")
    expand_grants(owner)
    assert seen(session) == set()
    assert [scope.names for scope in list_scope(owner)] == [("north",)]


def test_the_roles_own_setting_follows_its_grants(
    owner: Connection, make_login: MakeLogin, connect_as: ConnectAs
) -> None:
    login = make_login("bi")
    grant_scope(owner, login.role, ["north"], default=True)
    assert seen(connect_as(login)) == {"north"}
    grant_scope(owner, login.role, [SOUTH])
    assert seen(connect_as(login)) == {"north", "south"}
    with owner, owner.cursor() as cursor:
        cursor.execute("delete from ops.orgs where org_id = 'north'")
    expand_grants(owner)
    assert seen(connect_as(login)) == {"south"}
    revoke_scope(owner, login.role, [SOUTH])
    assert seen(connect_as(login)) == set()
    grant_scope(owner, login.role, ["*"])
    assert seen(connect_as(login)) == {"north", "south", "east"} - {"north"}
    revoke_scope(owner, login.role, default=True)
    assert seen(connect_as(login)) == set()
    assert run(owner, "select count(*) from pg_db_role_setting where setrole::regrole::text = %s", login.role) == [(0,)]
    owner.commit()


def test_an_expansion_with_nothing_to_do_writes_nothing(owner: Connection, reader: Login) -> None:
    grant_scope(owner, reader.role, [], default=True)
    before = log_of(owner, reader.role)
    run(owner, "select pg_current_xact_id()")
    owner.commit()
    expand_grants(owner)
    assert log_of(owner, reader.role) == before


def test_a_later_role_of_the_same_name_inherits_nothing(owner: Connection, make_login: MakeLogin) -> None:
    login = make_login()
    grant_scope(owner, login.role, ["north", EAST], gateway=True)
    role = sql.Identifier(login.role)
    with owner, owner.cursor() as cursor:
        cursor.execute(sql.SQL("drop role {}").format(role))
    expand_grants(owner)
    with owner, owner.cursor() as cursor:
        cursor.execute(sql.SQL("create role {} login").format(role))
    assert list_scope(owner) == []


def test_a_login_without_the_right_to_grant_gets_one_clear_sentence(
    owner: Connection, database: Settings, reader: Login
) -> None:
    with closing(psycopg2.connect(reader.url(database))) as session:
        with pytest.raises(ConfigurationError, match="may not change grants") as raised:
            grant_scope(session, reader.role, [EAST])
        assert raised.value.__cause__ is None
    with closing(connect(database)) as connection:
        assert [scope.names for scope in list_scope(connection)] == [("north",)]
