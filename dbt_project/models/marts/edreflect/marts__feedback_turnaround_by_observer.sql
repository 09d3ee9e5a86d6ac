select
    turnaround.org_id,
    turnaround.observer_employee_id,
    turnaround.school_year,
    count(*)::integer as completed_count,
    count(turnaround.days_to_feedback)::integer as with_feedback_count,
    (count(*) - count(turnaround.days_to_feedback))::integer as without_feedback_count,
    (count(*) filter (where turnaround.days_to_feedback < 0))::integer as feedback_before_completion_count,
    trim_scale(round(avg(turnaround.days_to_feedback), 4)) as mean_days_to_feedback,
    trim_scale(round({{ median('turnaround.days_to_feedback') }}, 4)) as median_days_to_feedback
from {{ ref('marts__feedback_turnaround') }} as turnaround
group by turnaround.org_id, turnaround.observer_employee_id, turnaround.school_year
