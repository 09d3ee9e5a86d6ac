-- What the platform knows of each org's Ed-Fi ODS; what should be there is dbt's (models/edfi).
create schema if not exists edfi;

-- One row for each resource that the ODS confirmed to hold for the org; changes with each confirmed call.
create table if not exists edfi.identity_map (
    org_id text not null,
    school_year integer not null,
    resource text not null check (resource in ('cohorts', 'studentCohortAssociations', 'staffCohortAssociations')),
    campus_key text not null,
    natural_key jsonb not null,
    ods_id text not null,
    payload_hash text not null,
    source_hash text not null,
    day date,
    confirmed_at timestamptz not null default now(),
    primary key (org_id, school_year, resource, ods_id),
    unique (org_id, school_year, resource, natural_key) deferrable initially deferred
);

-- seen is a fingerprint of the loads that the models had applied, url the ODS's; a run that went wrong is tried again by the
-- schedule unless it waits for a person.
create table if not exists edfi.runs (
    run_id bigint generated always as identity primary key,
    org_id text not null,
    school_year integer not null,
    mode text not null check (mode in ('change', 'resync')),
    began_at timestamptz not null default now(),
    ended_at timestamptz,
    url text not null,
    seen text,
    planned jsonb,
    confirmed integer not null default 0,
    failed integer not null default 0,
    trouble text,
    waits_for_a_person boolean not null default false
);
create index if not exists runs_of_org on edfi.runs (org_id, school_year, run_id);

-- Calls that the newest run of the org and year could not get confirmed. The message is the ODS's own and may hold values
-- of people: readable to the platform's owner only, like ops.quarantine.
create table if not exists edfi.failed_calls (
    run_id bigint not null,
    org_id text not null,
    school_year integer not null,
    resource text not null,
    verb text not null check (verb in ('POST', 'PUT', 'DELETE')),
    campus_key text,
    natural_key jsonb not null,
    status integer,
    message text not null,
    failed_at timestamptz not null default now()
);
create index if not exists failed_calls_of_org on edfi.failed_calls (org_id, school_year);
