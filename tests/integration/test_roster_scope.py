"""What of the scope is not about a single view: base schemas, grants by name and by id, and the check of shared ids.

The hostile cases that every view has to hold against are in test_timeback_scope.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

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
    insert_org,
    insert_rosters,
    rebuild_bridges,
    roster_database,
    seen,
    uid,
)
from tests.integration.scope_world import (
    NORTH_UUID,
    OTHER_ROSTERS,
    SHARED,
    TENANTS,
    Login,
    everything,
    logins,
    package,
    role,
    run,
)

VIEWS = (*SCOPED_VIEWS, *OPEN_VIEWS)


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


def test_base_schemas_and_the_scope_itself_are_out_of_reach(north: Connection, gateway: Connection) -> None:
    closed = ["ops", "access", "staging", "marts"]
    for feed in load_feeds().values():
        closed += [feed.raw_schema] if feed.extends else [feed.raw_schema, feed.name, f"{feed.name}_log"]
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
