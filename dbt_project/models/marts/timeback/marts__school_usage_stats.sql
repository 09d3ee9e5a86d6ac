with totals as (
    select
        student.tenant,
        student.school_id,
        count(*)::integer as student_count,
        coalesce(sum(usage.app_time_sec), 0) as total_app_time_sec,
        coalesce(sum(usage.waste_time_sec), 0) as total_waste_time_sec
    from {{ ref('marts__school_students') }} as student
    left join {{ ref('marts__student_usage') }} as usage -- noqa: RF04
        on student.student_id = usage.student_id and {{ same_tenant('student', 'usage') }}
    group by student.tenant, student.school_id
)

select
    school.tenant,
    school.id as school_id,
    school.name as school_name,
    coalesce(totals.student_count, 0) as student_count,
    coalesce(totals.total_app_time_sec, 0) as total_app_time_sec,
    coalesce(totals.total_waste_time_sec, 0) as total_waste_time_sec
from {{ ref('marts__schools') }} as school
left join totals on school.id = totals.school_id and {{ same_tenant('school', 'totals') }}
