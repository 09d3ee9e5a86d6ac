select
    artifact.org_id,
    artifact._id as artifact_id,
    holder.employee_id,
    artifact.name as artifact_name,
    artifact.type as artifact_type,
    artifact.url as artifact_url,
    artifact.created_date as artifact_created_date,
    artifact._day as as_of_day
from {{ snapshot_of('artifacts') }} as artifact
left join {{ ref('marts__snapshot_people') }} as holder
    on artifact.org_id = holder.org_id and artifact.user_id = holder.user_id
where artifact.is_deleted is not true
