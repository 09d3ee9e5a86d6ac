{{ config(
    materialized='incremental',
    incremental_strategy='difference',
    full_refresh=false,
    on_schema_change='fail',
    contract={'enforced': true},
    indexes=[{'columns': ['class_id', 'org_id']}],
    tags=['surroundings'],
) }}
select distinct
    section.org_id,
    section.id as class_id,
    grade.id as placement_grade_id
from {{ ref('oneroster__one_roster_class') }} as section
inner join ops.orgs as org on section.org_id = org.org_id
cross join lateral unnest(section.grades) as item (grade_code)
inner join {{ newest_in_tenant(ref('timeback__placement_grade')) }} as grade
    on item.grade_code = grade.grade_primary_identifier and {{ same_tenant('org', 'grade') }}
