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

from edreflect_assets.access_expansion import ROLE_LISTS, SETTING, alter_setting, expand, note_delivered_organizations
from edreflect_assets.errors import ConfigurationError, EdreflectError, UsageError

READER_ROLE = "analyst_read"
EVALUATION_ROLE = "evaluation_read"
EVERYTHING = "*"

# Serializes changes of grants: "scope" in ASCII, a key that nothing else locks.
_LOCK_KEY = 0x7363_6F70_65
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


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
    with change_of_grants(connection) as cur:
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
        expand(cur)


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
    with change_of_grants(connection) as cur:
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
        expand(cur)


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
    with change_of_grants(connection) as cur:
        note_delivered_organizations(cur)
        expand(cur)


@contextmanager
def change_of_grants(connection: Connection) -> Iterator[cursor]:
    """Give a cursor in a transaction in which nobody else changes grants; commits at the end of the block.

    Raises ConfigurationError when the platform's login lacks a right, EdreflectError when the database failed.
    """
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
    cur.execute(f"insert into access.{ROLE_LISTS[listed]} (role_name) values (%s) on conflict do nothing", [role])


def _remove_from_list(cur: cursor, listed: str, role: str) -> bool:
    cur.execute(f"delete from access.{ROLE_LISTS[listed]} where role_name::text = %s", [role])
    removed = cur.rowcount > 0
    if removed and listed == "default" and role in _login_roles(cur):
        alter_setting(cur, role, None)
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
        Scope(role, tuple(organizations), tuple(names), unrestricted, gateway, default, evaluation, tuple(unresolved))
        for role, organizations, names, unrestricted, gateway, default, evaluation, unresolved in cur.fetchall()
    ]
