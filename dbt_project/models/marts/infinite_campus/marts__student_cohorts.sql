select
    stay.org_id,
    cohort.tenant,
    stay.participation_id,
    stay.program_id,
    cohort.name as cohort_name,
    cohort.school_year,
    stay.student_unique_id,
    student.student_id,
    stay.begin_date,
    stay.end_date,
    {{ lasts_today('stay') }} as is_current
from {{ ref('infinite_campus__program_participation') }} as stay
inner join {{ ref('marts__cohorts') }} as cohort
    on stay.org_id = cohort.org_id and stay.program_id = cohort.program_id
-- A left join, so that a query without the student looks nobody up.
left join lateral (  -- noqa: ST05
    {{ student_of_stay('stay') | indent(4) }}
) as student on true
