select
    artifact.org_id,
    artifact.artifact_id,
    artifact.employee_id,
    artifact.artifact_name,
    artifact.artifact_type,
    artifact.artifact_url,
    artifact.artifact_created_date,
    artifact.source,
    artifact.as_of_day
from {{ ref('marts__merged_user_artifacts') }} as artifact
