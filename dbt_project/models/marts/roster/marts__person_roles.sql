{{ config(
    materialized='incremental',
    incremental_strategy='difference',
    full_refresh=false,
    on_schema_change='fail',
    contract={'enforced': true},
    indexes=[{'columns': ['person_id', 'role', 'tenant'], 'unique': true}],
    tags=['surroundings'],
) }}
select distinct
    held.tenant,
    held.user_id as person_id,
    held.role
from {{ ref('marts__roster_roles') }} as held
where held.is_current and held.user_id is not null and held.role is not null
