select
    judgement.org_id,
    judgement.snapshot_id,
    judgement.learner_employee_id,
    judgement.classification,
    judgement.average_rating,
    judgement.school_year,
    judgement.source,
    judgement.as_of_day
from {{ ref('marts__merged_aggregated_eoy_snapshots') }} as judgement
