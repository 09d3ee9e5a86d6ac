select
    judgement.org_id,
    judgement.snapshot_id,
    learner.employee_id as learner_employee_id,
    judgement.classification,
    judgement.average_rating,
    judgement.school_year,
    judgement._day as as_of_day
from {{ snapshot_of('eoy_classifications') }} as judgement
left join {{ ref('marts__snapshot_people') }} as learner
    on judgement.org_id = learner.org_id and judgement.user_id = learner.user_id
