{{ config(
    materialized='incremental',
    incremental_strategy='difference',
    full_refresh=false,
    on_schema_change='fail',
    contract={'enforced': true},
    indexes=[{'columns': ['school_id', 'student_id', 'tenant'], 'unique': true}],
    tags=['surroundings'],
) }}
select distinct
    attachment.tenant,
    attachment.school_id,
    attachment.student_id
from {{ ref('marts__school_attachments') }} as attachment
where attachment.is_current
