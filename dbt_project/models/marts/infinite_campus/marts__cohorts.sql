select
    program.org_id,
    org.tenant,
    program.program_id,
    program.program_name as name, -- noqa: RF04
    program.description,
    program.district_number,
    program.school_year,
    (
        select count(distinct stay.student_unique_id)::integer
        from {{ ref('infinite_campus__program_participation') }} as stay
        where
            stay.org_id = program.org_id
            and stay.program_id = program.program_id
            and {{ lasts_today('stay') }}
    ) as student_count,
    (
        select count(distinct stay.staff_unique_id)::integer
        from {{ ref('infinite_campus__program_staff') }} as stay
        where
            stay.org_id = program.org_id
            and stay.program_id = program.program_id
            and {{ lasts_today('stay') }}
    ) as staff_count,
    program._day as as_of_day
from {{ ref('infinite_campus__programs') }} as program
inner join ops.orgs as org on program.org_id = org.org_id
where {{ is_cohort('program') }}
