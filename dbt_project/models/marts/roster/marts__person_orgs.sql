{{ config(
    materialized='incremental',
    incremental_strategy='difference',
    full_refresh=false,
    on_schema_change='fail',
    contract={'enforced': true},
    indexes=[
        {'columns': ['person_id', 'tenant', 'organization_id'], 'unique': true},
        {'columns': ['organization_id', 'tenant', 'person_id']},
    ],
    tags=['surroundings'],
) }}
select distinct
    held.tenant,
    held.user_id as person_id,
    held.organization_id
from {{ ref('marts__roster_roles') }} as held
where held.is_current and held.user_id is not null and held.organization_id is not null
