"""What grants come to: which organizations an org's rosters have now, and in which tenants a grant of one counts."""

from __future__ import annotations

from psycopg2 import sql
from psycopg2.extensions import cursor

SETTING = "app.allowed_org_ids"
# The tables of access that list roles, by what the list says of them.
ROLE_LISTS = {"gateway": "gateway_roles", "default": "default_scopes", "*": "unrestricted_roles"}
_TABLES = ("org_grants", "grant_names", *ROLE_LISTS.values())


def note_delivered_organizations(cur: cursor) -> None:
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


def expand(cur: cursor) -> None:
    """Bring grants up to date: of registry names, of roles that are gone, the tenants they count in, default settings."""
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
            alter_setting(cur, role, wanted)


def alter_setting(cur: cursor, role: str, value: str | None) -> None:
    """Set, or with None remove, the role's own app.allowed_org_ids in this database, from its next login on."""
    cur.execute("select current_database()")
    ((database,),) = cur.fetchall()
    statement = sql.SQL("alter role {} in database {} ").format(sql.Identifier(role), sql.Identifier(database))
    setting = sql.SQL(SETTING)
    action = sql.SQL("reset {}") if value is None else sql.SQL("set {} = {}")
    cur.execute(statement + action.format(setting, *([] if value is None else [sql.Literal(value)])))
