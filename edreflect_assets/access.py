"""Which login role sees which organizations: the grants behind ``access.allowed_org_ids()``.

An *org* here is an organization id (a uuid), the name of an org in the registry (all its organizations, whichever those
are at each build) or ``*`` (everything, when the role asks for it). Roles themselves are created by an administrator.
Every change is recorded in ``access.grant_log`` with the database login and the operating system's user.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor

from edreflect_assets.errors import ConfigurationError, EdreflectError, UsageError

READER_ROLE = "analyst_read"
EVALUATION_ROLE = "evaluation_read"
EVERYTHING = "*"
SETTING = "app.allowed_org_ids"

# Serializes changes of grants: "scope" in ASCII, a key that nothing else locks.
_LOCK_KEY = 0x7363_6F70_65
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ROLE_LISTS = {"gateway": "gateway_roles", "default": "default_scopes", EVERYTHING: "unrestricted_roles"}
_TABLES = ("org_grants", "grant_names", *_ROLE_LISTS.values())


@dataclass(frozen=True)
class Scope:
    """What one role was granted; ``organizations`` are uuids, those that follow from ``names`` included.

    ``unrestricted``: may ask for everything; ``gateway``: is trusted to name any organizations; ``default``: its own
    setting follows its grants; ``evaluation``: may read the EdReflect views, too; ``unresolved``: organizations that show
    no people, because no org's rosters have them, or those of several tenants do.
    """

    role: str
    organizations: tuple[str, ...]
    names: tuple[str, ...]
    unrestricted: bool
    gateway: bool
    default: bool
    evaluation: bool
    unresolved: tuple[str, ...] = ()


def grant_scope(
    connection: Connection,
    role: str,
    orgs: Sequence[str],
    *,
    evaluation: bool = False,
    default: bool = False,
    gateway: bool = False,
) -> None:
    """Let a login role see organizations, make it a reader, and commit; granting again changes nothing.

    ``evaluation`` adds it to the readers of the EdReflect views, ``default`` makes its own app.allowed_org_ids follow
    its grants from its next login on, ``gateway`` trusts it to set app.allowed_org_ids to any organizations.
    Raises UsageError for a role that does not exist or cannot log in and for an org nobody knows; ConfigurationError
    when the platform's own login lacks a right.
    """
    if not orgs and not (evaluation or default or gateway):
        raise UsageError("Name at least one org: an organization id, a name of the registry, or *.")
    with _change(connection) as cur:
        if role not in _login_roles(cur):
            raise UsageError(
                f"There is no login role {role} in the database; create it first: create role ... login password ..."
            )
        for org in orgs:
            _grant_org(cur, role, org)
        for wanted, listed in ((gateway, "gateway"), (default, "default")):
            if wanted:
                _add_to_list(cur, listed, role)
        for group in [READER_ROLE, *([EVALUATION_ROLE] if evaluation else [])]:
            _set_membership(cur, group, role, member=True)
        _expand(cur)


def revoke_scope(
    connection: Connection,
    role: str,
    orgs: Sequence[str] = (),
    *,
    evaluation: bool = False,
    default: bool = False,
    gateway: bool = False,
) -> None:
    """Take back what is named, and commit; everything, reading included, when nothing is named.

    Raises UsageError when the role was not granted an org that is named, or nothing at all.
    """
    everything = not (orgs or evaluation or default or gateway)
    with _change(connection) as cur:
        if everything and not any(scope.role == role for scope in _scopes(cur)):
            raise UsageError(f"Nothing was granted to {role}; see `edreflect scope list`.")
        for org in orgs:
            _revoke_org(cur, role, org)
        for unwanted, listed in ((gateway, "gateway"), (default, "default"), (everything, EVERYTHING)):
            if unwanted or everything:
                _remove_from_list(cur, listed, role)
        if everything:
            for table in ("org_grants", "grant_names"):
                cur.execute(f"delete from access.{table} where role_name::text = %s", [role])
        for group, unwanted in ((READER_ROLE, everything), (EVALUATION_ROLE, everything or evaluation)):
            if unwanted and role in _login_roles(cur):
                _set_membership(cur, group, role, member=False)
        _expand(cur)


def list_scope(connection: Connection) -> list[Scope]:
    """Return what each role was granted, by name of the role; roles dropped since are left out."""
    with connection, connection.cursor() as cur:
        return _scopes(cur)


def expand_grants(connection: Connection) -> None:
    """Bring grants and the roles' own settings up to date with the organizations that the rosters have now.

    Called at the beginning and at the end of every build, and commits. Grants of roles that no longer exist are removed,
    so that a later role of the same name does not inherit them. Raises ConfigurationError when the platform's login may
    not alter a role's setting.
    """
    with _change(connection) as cur:
        _note_delivered_organizations(cur)
        _expand(cur)


@contextmanager
def _change(connection: Connection) -> Iterator[cursor]:
    try:
        with connection, connection.cursor() as cur:
            cur.execute("select pg_advisory_xact_lock(%s)", [_LOCK_KEY])
            cur.execute('set local "edreflect.operator" = %s', [_operator()])
            yield cur
    except errors.InsufficientPrivilege:
        raise ConfigurationError(
            "The platform's database login may not change grants: it must own the schema access, have the admin option"
            f" on {READER_ROLE} and {EVALUATION_ROLE}, and for --default be allowed to alter the reader's role"
            f" and to set {SETTING}."
        ) from None
    except psycopg2.Error as error:
        raise EdreflectError(f"The grants were not changed (SQLSTATE {error.pgcode}).") from None


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _login_roles(cur: cursor) -> set[str]:
    # All of them: comparing in SQL would cut a longer name to the 63 bytes of another role's.
    cur.execute("select rolname::text from pg_roles where rolcanlogin")
    return {name for (name,) in cur.fetchall()}


def _is_registry_name(cur: cursor, org: str) -> bool:
    cur.execute("select from ops.orgs where org_id = %s", [org])
    return cur.fetchone() is not None


def _grant_org(cur: cursor, role: str, org: str) -> None:
    if org == EVERYTHING:
        _add_to_list(cur, EVERYTHING, role)
    elif _is_registry_name(cur, org):
        cur.execute(
            "insert into access.grant_names (role_name, org_id) values (%s, %s) on conflict do nothing", [role, org]
        )
    elif _UUID.fullmatch(org):
        cur.execute(
            "insert into access.org_grants as g (role_name, org_id) values (%s, %s)"
            " on conflict (role_name, org_id) do update set by_name = false where g.by_name",
            [role, org],
        )
    else:
        raise UsageError(f"{org} is neither an org of the registry nor an organization id (a uuid).")


def _revoke_org(cur: cursor, role: str, org: str) -> None:
    if org == EVERYTHING:
        found = _remove_from_list(cur, EVERYTHING, role)
    else:
        cur.execute("delete from access.grant_names where role_name::text = %s and org_id = %s", [role, org])
        found = cur.rowcount > 0
        if not found and _UUID.fullmatch(org):
            cur.execute(
                "delete from access.org_grants where role_name::text = %s and org_id = %s and not by_name", [role, org]
            )
            found = cur.rowcount > 0
    if not found:
        raise UsageError(
            f"{org} was not granted to {role} by this name; `edreflect scope list` shows how each grant was made."
        )


def _add_to_list(cur: cursor, listed: str, role: str) -> None:
    cur.execute(f"insert into access.{_ROLE_LISTS[listed]} (role_name) values (%s) on conflict do nothing", [role])


def _remove_from_list(cur: cursor, listed: str, role: str) -> bool:
    cur.execute(f"delete from access.{_ROLE_LISTS[listed]} where role_name::text = %s", [role])
    removed = cur.rowcount > 0
    if removed and listed == "default" and role in _login_roles(cur):
        _alter_setting(cur, role, None)
    return removed


def _set_membership(cur: cursor, group: str, role: str, *, member: bool) -> None:
    cur.execute(
        "select from pg_auth_members where roleid = %s::regrole and member = %s::regrole",
        [group, sql.Identifier(role).as_string(cur)],
    )
    if (cur.fetchone() is not None) == member:
        return
    statement = "grant {} to {}" if member else "revoke {} from {}"
    cur.execute(sql.SQL(statement).format(sql.Identifier(group), sql.Identifier(role)))
    cur.execute(
        "insert into access.grant_log (action, kind, role_name, operator) values (%s, %s, %s, %s)",
        ["grant" if member else "revoke", group, role, _operator()],
    )


def _note_delivered_organizations(cur: cursor) -> None:
    """Take over which organizations each org's rosters delivered; a database that was never built has none."""
    cur.execute("select to_regclass('oneroster.one_roster_organization')::text")
    if cur.fetchone() == (None,):
        return
    cur.execute(
        """
        with delivered as (select distinct org_id, id as organization_id from oneroster.one_roster_organization),
        gone as (
            delete from access.delivered_organizations as known
            where not exists (
                select from delivered
                where delivered.org_id = known.org_id and delivered.organization_id = known.organization_id
            )
        )
        insert into access.delivered_organizations (org_id, organization_id)
        select org_id, organization_id from delivered
        on conflict do nothing
        """
    )


def _expand(cur: cursor) -> None:
    for table in _TABLES:
        cur.execute(f"delete from access.{table} where role_name not in (select rolname from pg_roles)")
    cur.execute(
        """
        with named as (
            select distinct grant_names.role_name, organizations.organization_id as org_id
            from access.grant_names
            join access.organizations on organizations.org_id = grant_names.org_id
        ),
        gone as (
            delete from access.org_grants
            where by_name and (role_name, org_id) not in (select named.role_name, named.org_id from named)
        )
        insert into access.org_grants (role_name, org_id, by_name)
        select named.role_name, named.org_id, true from named
        on conflict do nothing
        """
    )
    cur.execute(
        """
        with organizations as materialized (select org_id, organization_id, tenant from access.organizations),
        uncontested as (
            select organization_id, min(tenant) as tenant
            from organizations
            group by organization_id
            having min(tenant) = max(tenant)
        ),
        counted as (
            select grant_names.role_name, organizations.organization_id as org_id, organizations.tenant
            from access.grant_names
            join organizations on organizations.org_id = grant_names.org_id
            union
            select org_grants.role_name, org_grants.org_id, uncontested.tenant
            from access.org_grants
            join uncontested on uncontested.organization_id = org_grants.org_id
            where not org_grants.by_name
        ),
        wanted as (
            select role_name, org_id, array_remove(array_agg(counted.tenant order by counted.tenant), null) as tenants
            from access.org_grants
            left join counted using (role_name, org_id)
            group by role_name, org_id
        )
        update access.org_grants
        set tenants = wanted.tenants
        from wanted
        where org_grants.role_name = wanted.role_name and org_grants.org_id = wanted.org_id
            and org_grants.tenants <> wanted.tenants
        """
    )
    cur.execute(
        """
        select
            default_scopes.role_name::text,
            case when unrestricted_roles.role_name is not null then '*' else coalesce(granted.org_ids, '') end,
            (
                select substr(entry, length('app.allowed_org_ids=') + 1)
                from pg_db_role_setting, unnest(setconfig) as entry
                where setrole = pg_roles.oid
                    and setdatabase = (select oid from pg_database where datname = current_database())
                    and entry like 'app.allowed\\_org\\_ids=%'
            )
        from access.default_scopes
        join pg_roles on pg_roles.rolname = default_scopes.role_name
        left join access.unrestricted_roles on unrestricted_roles.role_name = default_scopes.role_name
        left join (
            select role_name, string_agg(org_id::text, ',' order by org_id) as org_ids
            from access.org_grants
            group by role_name
        ) as granted on granted.role_name = default_scopes.role_name
        """
    )
    for role, wanted, current in cur.fetchall():
        if wanted != current:
            _alter_setting(cur, role, wanted)


def _alter_setting(cur: cursor, role: str, value: str | None) -> None:
    """Set, or with None remove, the role's own app.allowed_org_ids in this database, from its next login on."""
    cur.execute("select current_database()")
    ((database,),) = cur.fetchall()
    statement = sql.SQL("alter role {} in database {} ").format(sql.Identifier(role), sql.Identifier(database))
    setting = sql.SQL(SETTING)
    action = sql.SQL("reset {}") if value is None else sql.SQL("set {} = {}")
    cur.execute(statement + action.format(setting, *([] if value is None else [sql.Literal(value)])))


def _scopes(cur: cursor) -> list[Scope]:
    cur.execute(
        """
        select
            pg_roles.rolname::text,
            array(select g.org_id::text from access.org_grants g where g.role_name = rolname order by 1),
            array(select n.org_id from access.grant_names n where n.role_name = rolname order by 1),
            exists (select from access.unrestricted_roles u where u.role_name = rolname),
            exists (select from access.gateway_roles w where w.role_name = rolname),
            exists (select from access.default_scopes d where d.role_name = rolname),
            pg_has_role(rolname, 'evaluation_read', 'member'),
            array(select g.org_id::text from access.org_grants g where g.role_name = rolname and g.tenants = '{}' order by 1)
        from pg_roles
        where rolcanlogin and (
            rolname in (
                select role_name from access.org_grants
                union select role_name from access.grant_names
                union select role_name from access.unrestricted_roles
                union select role_name from access.gateway_roles
                union select role_name from access.default_scopes
            )
            or exists (
                select from pg_auth_members
                where member = pg_roles.oid and roleid in ('analyst_read'::regrole, 'evaluation_read'::regrole)
            )
        )
        order by 1
        """
    )
    return [
        Scope(role, tuple(organizations), tuple(names), *flags, unresolved=tuple(unresolved))
        for role, organizations, names, *flags, unresolved in cur.fetchall()
    ]
