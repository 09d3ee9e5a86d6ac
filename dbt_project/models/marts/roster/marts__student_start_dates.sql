select
    person.tenant,
    person.id as student_id,
    (
        select coalesce(min(held.begin_date) filter (where held.role_type = 'primary'), min(held.begin_date))
        from {{ ref('marts__roster_roles') }} as held
        inner join {{ ref('marts__roster_organizations') }} as school
            on held.organization_id = school.id and {{ same_tenant('held', 'school') }}
        where
            held.user_id = person.id
            and {{ same_tenant('held', 'person') }}
            and held.role = 'student'
            and school.type = 'school'
    ) as admission_date,
    (
        select min(enrollment.begin_date)
        from {{ ref('marts__roster_enrollments') }} as enrollment
        where
            enrollment.user_id = person.id
            and {{ same_tenant('enrollment', 'person') }}
            and enrollment.role = 'student'
    ) as earliest_enrollment_date,
    (
        select min(result.score_date)
        from {{ newest_in_tenant(ref('timeback__one_roster_assessment_result')) }} as result -- noqa: RF04
        where
            result.student_id = person.id
            and {{ same_tenant('result', 'person') }}
            and result.status = 'active'
            and result.score_status = 'fully graded'
            and result.report_url is not null
    ) as earliest_map_date
from {{ ref('marts__roster_users') }} as person
where
    exists (
        select 1 as found
        from {{ ref('marts__person_roles') }} as held
        where
            held.person_id = person.id
            and {{ same_tenant('held', 'person') }}
            and held.role = 'student'
    )
