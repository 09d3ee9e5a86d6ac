-- The platform's own records: the org registry's copy, the ledger of loads, quarantine, what each model has applied.
create schema if not exists ops;

create table if not exists ops.orgs (
    org_id text primary key,
    org_uuid uuid not null unique,
    tenant text not null,
    timezone text not null default 'UTC',
    paused boolean not null default false,
    feeds text[] not null default '{}',
    settings jsonb not null default '{}',
    updated_at timestamptz not null default now()
);

-- Where every org is a tenant of its own, as is usual, the planner would take the tenant for a key of whatever is joined to
-- orgs, expect one row per tenant and join millions of rows by the tenant alone.
alter table ops.orgs alter column tenant set (n_distinct = 10);

create table if not exists ops.load_log (
    load_id bigint generated always as identity primary key,
    feed text not null,
    org_id text not null,
    day date,
    file text not null,
    table_name text,
    sha256 text,
    bytes bigint,
    rows bigint not null default 0,
    quarantined bigint not null default 0,
    status text not null check (status in ('current', 'superseded', 'refused', 'deprecated', 'unlisted')),
    reason text,
    header text[],
    missing_columns text[],
    unknown_columns text[],
    warnings jsonb not null default '[]',
    profile jsonb not null default '{}',
    run_id text,
    loaded_at timestamptz not null default now(),
    raw_columns text[],
    resolved_at timestamptz
);
alter table ops.load_log
    add column if not exists raw_columns text[],
    add column if not exists resolved_at timestamptz,
    add column if not exists mode text check (mode in ('bulk', 'delta')),
    add column if not exists rows_load_id bigint;
create unique index if not exists load_log_one_current
    on ops.load_log (feed, org_id, day, file) nulls not distinct where status = 'current';
-- What is pending is read from these alone, never from the rows: 365 days of 100 orgs are 1.5 million of them.
drop index if exists ops.load_log_current;
create index if not exists load_log_current_of_table on ops.load_log (feed, table_name, load_id) include (day)
    where status = 'current';
create index if not exists load_log_superseded on ops.load_log (load_id) where status = 'superseded';
create index if not exists load_log_turned_away on ops.load_log (feed, status, org_id, day, file)
    where status in ('refused', 'deprecated', 'unlisted');

create table if not exists ops.quarantine (
    load_id bigint not null,
    line integer,
    column_name text,
    reason text not null,
    raw_line text,
    model text,
    set_aside_at timestamptz not null default now()
);
alter table ops.quarantine add column if not exists record_key text, add column if not exists code text;
create index if not exists quarantine_load on ops.quarantine (load_id);

-- What validation found in a package (a day of a feed whose files are one whole), accepted or not.
create table if not exists ops.package_reports (
    report_id bigint generated always as identity primary key,
    feed text not null,
    org_id text not null,
    day date not null,
    sha256 text not null,
    verdict text not null check (verdict in ('accepted', 'refused', 'no_updates')),
    errors bigint not null default 0,
    warnings bigint not null default 0,
    load_ids bigint[] not null default '{}',
    report jsonb not null,
    run_id text,
    reported_at timestamptz not null default now()
);
create index if not exists package_reports_package on ops.package_reports (feed, org_id, day, report_id);

-- Who let a held package through. Bound to its load ids: other bytes are other loads and need another approval.
create table if not exists ops.approvals (
    approval_id bigint generated always as identity primary key,
    feed text not null,
    org_id text not null,
    day date not null,
    load_ids bigint[] not null,
    approved_by text not null,
    approved_at timestamptz not null default now()
);
create index if not exists approvals_package on ops.approvals (feed, org_id, day);

create table if not exists ops.applied (
    model text not null,
    load_id bigint not null,
    logic_version text,
    applied_at timestamptz not null default now(),
    primary key (model, load_id)
);

-- Earlier versions had empty views where the TimeBack feed has tables; whatever reads them keeps them until it is built anew.
do $$
declare
    stub regclass;
begin
    for stub in
        select oid from pg_class
        where oid in (to_regclass('timeback.cf_subject'), to_regclass('timeback.placement_grade')) and relkind = 'v'
    loop
        execute format('alter view %s rename to %I', stub, split_part(stub::text, '.', 2) || '__replaced_' || stub::oid);
    end loop;
end $$;

create sequence if not exists ops.change_id;

create table if not exists ops.changes (
    model text primary key,
    epoch bigint not null,
    last_change bigint not null
);

create table if not exists ops.consumed (
    model text not null,
    upstream text not null,
    epoch bigint not null,
    change_id bigint not null,
    primary key (model, upstream)
);

create table if not exists ops.marts (
    model text primary key,
    logic_version text not null,
    tenants jsonb not null
);

create table if not exists ops.clock (
    "only" boolean primary key default true check ("only"),
    today date not null,
    pinned boolean not null default false
);
insert into ops.clock (today) values ((now() at time zone 'UTC')::date) on conflict do nothing;

create table if not exists ops.builds (
    build_id bigint generated always as identity primary key,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    status text not null default 'running' check (status in ('running', 'succeeded', 'failed')),
    pending_before jsonb,
    project_checksum text,
    error text
);

alter table ops.builds
    add column if not exists surroundings text,
    add column if not exists views text;

create or replace view ops.loads as
select
    load_id, feed, org_id, day, file, table_name, sha256, bytes, rows, quarantined, status, reason, header,
    missing_columns, unknown_columns, warnings, profile, run_id, loaded_at,
    (
        select count(*)
        from ops.quarantine
        where quarantine.load_id = load_log.load_id and quarantine.model is not null
    ) as uncast,
    raw_columns, resolved_at, mode, rows_load_id
from ops.load_log;

-- The groups of files that a delivery of a feed consists of, as the feed's contract has them; migrations keep it so.
create table if not exists ops.file_groups (
    feed text not null,
    group_name text not null,
    optional boolean not null,
    tables text[] not null,
    primary key (feed, group_name)
);

-- A file's name begins with its group: the loader spells both as the contract does. Definitions are nobody's data.
create or replace view ops.snapshot_deliveries as
select
    delivery.feed,
    delivery.org_id,
    delivery.day,
    cardinality(found.missing_groups) = 0 as is_complete,
    found.missing_groups,
    found.missing_tables,
    found.unlisted_files
from (
    select distinct feed, org_id, day
    from ops.load_log
    where status = 'current' and day is not null and table_name is not null
        and feed in (select feed from ops.file_groups)
) as delivery
cross join lateral (
    select
        array(
            select group_name from ops.file_groups
            where feed = delivery.feed and not optional and group_name <> all (present.groups)
            order by group_name
        ) as missing_groups,
        array(
            select listed.table_name
            from ops.file_groups, unnest(file_groups.tables) as listed (table_name)
            where feed = delivery.feed and group_name = any (present.groups)
                and listed.table_name <> all (present.tables)
            order by listed.table_name
        ) as missing_tables,
        array(
            select loaded.file
            from unnest(present.files, present.tables) as loaded (file, table_name)
            where not exists (
                select from ops.file_groups
                where feed = delivery.feed and loaded.table_name = any (file_groups.tables)
            )
            order by loaded.file
        ) as unlisted_files
    from (
        select
            coalesce(array_agg(split_part(file, '.', 1)), '{}') as groups,
            coalesce(array_agg(file), '{}') as files,
            coalesce(array_agg(table_name), '{}') as tables
        from ops.load_log
        where feed = delivery.feed and org_id = delivery.org_id and day = delivery.day and status = 'current'
            and table_name <> 'field_definitions'
    ) as present
) as found;

create table if not exists ops.migration (
    migration_id bigint generated always as identity primary key,
    checksum text not null,
    skipped text[] not null default '{}',
    migrated_at timestamptz not null default now()
);

comment on schema ops is 'The platform''s own records; not for analysts.';
comment on table ops.orgs is 'The org registry as last read from its file, which is the only truth.';
comment on table ops.load_log is 'One row per file of one (feed, org, day) taken in or turned away; written by the loader alone.';
comment on column ops.load_log.header is 'The names of the columns as delivered; raw_columns has those of the raw table.';
comment on column ops.load_log.resolved_at is 'When the delivery of a refused file was taken after all.';
comment on column ops.load_log.mode is 'Whether the file is the whole truth (bulk) or holds changes (delta), where its contract knows both.';
comment on column ops.load_log.rows_load_id is
    'The load whose raw rows are this load''s, too: the same bytes on an earlier day. Null: it has rows of its own.';
comment on column ops.quarantine.record_key is 'The key that the record names, if it can be read; in a full file such a key counts as present.';
comment on column ops.quarantine.code is 'The validation code, where a documented rule set the record aside.';
comment on table ops.package_reports is 'The validation report of each package that was taken in or turned away.';
comment on table ops.approvals is 'Packages that a person let through although they end many records.';
comment on view ops.loads is 'The ledger: load_log with the number of rows later set aside because a value did not cast.';
comment on table ops.quarantine is 'Records kept out: at load (model is null) or by a model that could not cast a value.';
comment on column ops.quarantine.line is 'Physical line where the record starts; the header is line 1.';
comment on table ops.applied is 'Which model has applied which load, or its retirement, written with the model''s rows.';
comment on table ops.changes is 'Models that record what changes in their rows: since when (epoch), and the last change.';
comment on table ops.consumed is 'Up to which change of its upstream models each mart has taken, written with the mart''s rows.';
comment on table ops.marts is 'By which logic, and for which tenants of which orgs, the rows of each mart were made.';
comment on table ops.clock is 'What "today" means to the models: a UTC date, pinned by a build as of a day.';
comment on table ops.builds is 'One row per build: when, how it ended, and what was pending before it.';
comment on column ops.builds.surroundings is 'The date and the tenants of the orgs it was made for: what models depend on beside the loads.';
comment on column ops.builds.views is 'A checksum of the views as the build left them; another one, and the next build makes all of them.';
comment on table ops.file_groups is 'Which groups of files a delivery of a feed has, as its contract says, and their listed tables.';
comment on view ops.snapshot_deliveries is
    'Deliveries made of file groups: complete with a file of each that is not optional; listed tables that a delivered group lacks, files loaded by the naming convention alone.';
comment on table ops.migration is 'What this database was migrated to, and which steps the login role had no right to take.';
