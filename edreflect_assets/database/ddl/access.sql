-- Who sees which organizations. Views ask access.allowed_org_ids() and nothing else.
create schema if not exists access;

create table if not exists access.org_grants (
    role_name name not null,
    org_id uuid not null,
    granted_at timestamptz not null default now(),
    by_name boolean not null default false,
    primary key (role_name, org_id)
);
create table if not exists access.grant_names (
    role_name name not null,
    org_id text not null,
    granted_at timestamptz not null default now(),
    primary key (role_name, org_id)
);
create table if not exists access.gateway_roles (role_name name primary key);
create table if not exists access.unrestricted_roles (role_name name primary key);
create table if not exists access.default_scopes (role_name name primary key);
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
comment on table access.grant_names is 'Grants of a registry name: all organizations of that org, expanded anew at every build.';
comment on table access.gateway_roles is 'Login roles trusted to set app.allowed_org_ids to any organizations.';
comment on table access.unrestricted_roles is 'Login roles that may ask for everything with the value *.';
comment on table access.default_scopes is 'Login roles whose own setting of app.allowed_org_ids follows their grants.';
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
create or replace trigger log_grant after insert or delete or update on access.org_grants
    for each row execute function access.log_grant('organization');
create or replace trigger log_grant after insert or delete on access.grant_names
    for each row execute function access.log_grant('registry name');
create or replace trigger log_grant after insert or delete on access.gateway_roles
    for each row execute function access.log_grant('gateway');
create or replace trigger log_grant after insert or delete on access.unrestricted_roles
    for each row execute function access.log_grant('unrestricted');
create or replace trigger log_grant after insert or delete on access.default_scopes
    for each row execute function access.log_grant('default scope');

-- The one place that knows which organizations an org of the registry has.
create or replace view access.organizations as
select orgs.org_id, orgs.org_uuid as organization_id
from ops.orgs;
comment on view access.organizations is 'The organizations of each org of the registry, its own org_uuid included.';

-- The scope of the session: what the login role (session_user, which SET ROLE does not change) may see of what it asks
-- for in app.allowed_org_ids. Anything unclear is no rows or an error that never repeats the value.
-- No EXCEPTION block: parallel plans refuse subtransactions; hence the value is checked by pattern before it is cast.
create or replace function access.allowed_org_ids() returns uuid[]
language plpgsql stable parallel safe security definer cost 1000
set search_path = pg_catalog, pg_temp
as $$
declare
    asked_text text := btrim(coalesce(current_setting('app.allowed_org_ids', true), ''), E' \t\r\n');
    asked uuid[];
    unrestricted boolean;
begin
    if asked_text in ('', '{}') then
        return '{}';
    end if;
    unrestricted := exists (select from access.unrestricted_roles r where r.role_name = session_user);
    if asked_text = '*' then
        if not unrestricted then
            raise exception 'this login role may not set app.allowed_org_ids to *'
                using errcode = '42501', hint = 'Set it to a comma separated list of organization ids.';
        end if;
        return coalesce((select array_agg(distinct o.organization_id) from access.organizations o), '{}');
    end if;
    if asked_text ~ '^\{.*\}$' then
        asked_text := substr(asked_text, 2, length(asked_text) - 2);
    end if;
    if asked_text !~ ('^[ \t\r\n]*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[ \t\r\n]*'
        '(,[ \t\r\n]*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[ \t\r\n]*)*$') then
        raise exception 'app.allowed_org_ids must be a comma separated list of organization ids (uuids)'
            using errcode = '22023';
    end if;
    asked := array(
        select distinct btrim(item, E' \t\r\n')::uuid from unnest(string_to_array(asked_text, ',')) as items (item)
    );
    if unrestricted or exists (select from access.gateway_roles r where r.role_name = session_user) then
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
