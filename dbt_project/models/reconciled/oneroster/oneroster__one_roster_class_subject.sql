{{ config(
    materialized='incremental',
    incremental_strategy='difference',
    full_refresh=false,
    on_schema_change='fail',
    contract={'enforced': true},
    indexes=[{'columns': ['class_id', 'org_id']}],
    tags=['surroundings'],
) }}
-- A class says its subjects by code if it has any codes, else by name. What matches no subject is left out.
with said as (
    select
        section.org_id,
        org.tenant,
        section.id as class_id,
        lower(replace(item.subject_said, ',', '')) as wanted
    from {{ ref('oneroster__one_roster_class') }} as section
    inner join ops.orgs as org on section.org_id = org.org_id
    cross join lateral unnest(coalesce(section.subject_codes, section.subjects)) as item (subject_said)
),

known as (
    select
        subject.tenant,
        subject.identifier,
        lower(replace(subject.hierarchy_code, ',', '')) as code,
        lower(replace(subject.title, ',', '')) as title
    from {{ newest_in_tenant(ref('timeback__cf_subject')) }} as subject
),

by_code as (
    select
        known.tenant,
        known.code as wanted,
        min(known.identifier::text)::uuid as subject_id
    from known
    where known.code is not null
    group by known.tenant, known.code
),

by_title as (
    select
        known.tenant,
        known.title as wanted,
        min(known.identifier::text)::uuid as subject_id
    from known
    where known.title is not null
    group by known.tenant, known.title
)

select distinct
    said.org_id,
    said.class_id,
    coalesce(by_code.subject_id, by_title.subject_id) as subject_id
from said
left join by_code on said.tenant = by_code.tenant and said.wanted = by_code.wanted
left join by_title on said.tenant = by_title.tenant and said.wanted = by_title.wanted
where coalesce(by_code.subject_id, by_title.subject_id) is not null
