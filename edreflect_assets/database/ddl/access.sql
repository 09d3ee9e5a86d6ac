-- Who sees which organizations. Views ask access.allowed_org_ids(), or, where rows are about people, which an id alone
-- does not tell apart across tenants, access.allowed_organizations() and access.sees_everyone(); and nothing else.
create schema if not exists access;

create table if not exists access.org_grants (
    role_name name not null,
    org_id uuid not null,
    granted_at timestamptz not null default now(),
    by_name boolean not null default false,
    primary key (role_name, org_id)
);
alter table access.org_grants add column if not exists tenants text[] not null default '{}';
create table if not exists access.grant_names (
    role_name name not null,
    org_id text not null,
    granted_at timestamptz not null default now(),
    primary key (role_name, org_id)
);
create table if not exists access.gateway_roles (role_name name primary key);
create table if not exists access.unrestricted_roles (role_name name primary key);
create table if not exists access.default_scopes (role_name name primary key);
create table if not exists access.delivered_organizations (
    org_id text not null,
    organization_id uuid not null,
    primary key (org_id, organization_id)
);
create index if not exists delivered_organizations_id on access.delivered_organizations (organization_id);
create table if not exists access.grant_log (
    grant_log_id bigint generated always as identity primary key,
    logged_at timestamptz not null default now(),
    logged_by name not null default session_user,
    operator text,
    action text not null check (action in ('grant', 'revoke')),
    kind text not null,
    role_name name not null,
    org text
);

comment on schema access is 'Scope grants of the readers; only the platform writes here.';
comment on table access.org_grants is 'The organizations each login role may see.';
comment on column access.org_grants.by_name is 'True: granted through a registry name only, follows grant_names at every build.';
comment on column access.org_grants.tenants is
    'The tenants in which the grant counts for views of people: those of the registry names it came by, and for an id granted by itself the one tenant that has it, none if several do. Worked out at every build; empty until then.';
comment on table access.grant_names is 'Grants of a registry name: all organizations of that org, expanded anew at every build.';
comment on table access.gateway_roles is 'Login roles trusted to set app.allowed_org_ids to any organizations.';
comment on table access.unrestricted_roles is 'Login roles that may ask for everything with the value *.';
comment on table access.default_scopes is 'Login roles whose own setting of app.allowed_org_ids follows their grants.';
comment on table access.delivered_organizations is
    'The organizations that the rosters of each org of the registry delivered, whatever their type and status; written at the end of a build.';
comment on table access.grant_log is 'Every change of a grant: when, by whom, what.';

-- A trigger, so that changes made by hand are logged as well.
create or replace function access.log_grant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    changed jsonb := to_jsonb(case tg_op when 'DELETE' then old else new end);
begin
    insert into access.grant_log (action, kind, role_name, org, operator)
    values (
        case tg_op when 'DELETE' then 'revoke' else 'grant' end,
        tg_argv[0],
        (changed ->> 'role_name')::name,
        changed ->> 'org_id',
        current_setting('edreflect.operator', true)
    );
    return null;
end
$$;
create or replace trigger log_grant after insert or delete or update of by_name on access.org_grants
    for each row execute function access.log_grant('organization');
create or replace trigger log_grant after insert or delete on access.grant_names
    for each row execute function access.log_grant('registry name');
create or replace trigger log_grant after insert or delete on access.gateway_roles
    for each row execute function access.log_grant('gateway');
create or replace trigger log_grant after insert or delete on access.unrestricted_roles
    for each row execute function access.log_grant('unrestricted');
create or replace trigger log_grant after insert or delete on access.default_scopes
    for each row execute function access.log_grant('default scope');

-- The one place that knows which organizations an org of the registry has. A roster may name any id: one that is another
-- org's org_uuid does not count, or readers of the one would be shown the other's views.
create or replace view access.organizations as
select orgs.org_id, orgs.org_uuid as organization_id, orgs.tenant
from ops.orgs
union
select delivered.org_id, delivered.organization_id, orgs.tenant
from access.delivered_organizations as delivered
join ops.orgs on orgs.org_id = delivered.org_id
where not exists (
    select from ops.orgs as other
    where other.org_uuid = delivered.organization_id and other.org_id <> delivered.org_id
);
comment on view access.organizations is
    'The organizations of each org of the registry: its own org_uuid, and those that its rosters delivered.';

-- What the session asks for in app.allowed_org_ids; null for everything, which is an error for all but unrestricted roles.
-- Anything unclear is nothing, or an error that never repeats the value.
-- No EXCEPTION block: parallel plans refuse subtransactions; hence the value is checked by pattern before it is cast.
-- Called by the functions below only, whose search_path it runs with.
create or replace function access.asked_org_ids() returns uuid[]
language plpgsql stable parallel safe cost 100
as $$
declare
    asked_text text := btrim(coalesce(current_setting('app.allowed_org_ids', true), ''), E' \t\r\n');
begin
    if asked_text in ('', '{}') then
        return '{}';
    end if;
    if asked_text = '*' then
        if not exists (select from access.unrestricted_roles r where r.role_name = session_user) then
            raise exception 'this login role may not set app.allowed_org_ids to *'
                using errcode = '42501', hint = 'Set it to a comma separated list of organization ids.';
        end if;
        return null;
    end if;
    if asked_text ~ '^\{.*\}$' then
        asked_text := substr(asked_text, 2, length(asked_text) - 2);
    end if;
    if asked_text !~ ('^[ \t\r\n]*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[ \t\r\n]*'
        '(,[ \t\r\n]*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[ \t\r\n]*)*$') then
        raise exception 'app.allowed_org_ids must be a comma separated list of organization ids (uuids)'
            using errcode = '22023';
    end if;
    return array(
        select distinct btrim(item, E' \t\r\n')::uuid from unnest(string_to_array(asked_text, ',')) as items (item)
    );
end
$$;

-- Whether the login role is trusted to name any organizations: session_user, which SET ROLE does not change.
create or replace function access.may_name_any_org() returns boolean
language plpgsql stable parallel safe cost 100
as $$
begin
    return exists (select from access.gateway_roles r where r.role_name = session_user)
        or exists (select from access.unrestricted_roles r where r.role_name = session_user);
end
$$;

-- The scope of the session, for rows that an org of the registry owns.
create or replace function access.allowed_org_ids() returns uuid[]
language plpgsql stable parallel safe security definer cost 1000
set search_path = pg_catalog, pg_temp
as $$
declare
    asked uuid[] := access.asked_org_ids();
begin
    if asked is null then
        return coalesce((select array_agg(distinct o.organization_id) from access.organizations o), '{}');
    end if;
    if asked = '{}' or access.may_name_any_org() then
        return asked;
    end if;
    return array(
        select g.org_id from access.org_grants g where g.role_name = session_user and g.org_id = any (asked)
        order by g.org_id
    );
end
$$;
comment on function access.allowed_org_ids() is
    'The organizations the session may see: grants of the login role among those asked for in app.allowed_org_ids.';

do $$
begin
    if to_regtype('access.tenant_organization') is null then
        create type access.tenant_organization as (tenant text, organization_id uuid);
    end if;
end
$$;

-- The scope of the session, for rows about people. Tenants may use the same ids, so each organization comes with its
-- tenant: that of the registry name by which it was granted, else the only one that has such an organization. Where
-- several have it, the id alone is nobody's. Nothing for a session that sees everyone, which is a case of its own.
create or replace function access.allowed_organizations() returns access.tenant_organization[]
language plpgsql stable parallel safe security definer cost 1000
set search_path = pg_catalog, pg_temp
as $$
declare
    asked uuid[] := access.asked_org_ids();
begin
    if asked is null or asked = '{}' then
        return '{}';
    end if;
    if access.may_name_any_org() then
        return array(
            select row(min(o.tenant), o.organization_id)::access.tenant_organization
            from access.organizations o
            where o.organization_id = any (asked)
            group by o.organization_id
            having min(o.tenant) = max(o.tenant)
        );
    end if;
    return array(
        select row(tenants.tenant, g.org_id)::access.tenant_organization
        from access.org_grants g cross join unnest(g.tenants) as tenants (tenant)
        where g.role_name = session_user and g.org_id = any (asked)
    );
end
$$;
comment on function access.allowed_organizations() is
    'The organizations under which the session may see people, each with its tenant.';

create or replace function access.sees_everyone() returns boolean
language plpgsql stable parallel safe security definer cost 1000
set search_path = pg_catalog, pg_temp
as $$
begin
    -- the usual case, without reading the list
    if btrim(coalesce(current_setting('app.allowed_org_ids', true), ''), E' \t\r\n') <> '*' then
        return false;
    end if;
    return access.asked_org_ids() is null;
end
$$;
comment on function access.sees_everyone() is
    'Whether the session asks for everything, and may; people without any organization are then seen as well.';
