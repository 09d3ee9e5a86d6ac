-- A student is at a school by a role there, or by an enrollment in a class held there.
with attachments as (
    select
        held.tenant,
        held.user_id as student_id,
        held.organization_id as school_id,
        held.role_type || '_role' as link_kind,
        held.begin_date,
        held.end_date,
        held.status,
        false as person_has_left
    from {{ ref('marts__roster_roles') }} as held
    where held.role = 'student'
    union all
    select
        enrollment.tenant,
        enrollment.user_id as student_id,
        section.school_id,
        'enrollment' as link_kind,
        enrollment.begin_date,
        enrollment.end_date,
        enrollment.status,
        {{ has_left('enrollment', 'user_id') }} as person_has_left
    from {{ ref('marts__roster_enrollments') }} as enrollment
    inner join {{ ref('marts__roster_classes') }} as section
        on enrollment.class_id = section.id and {{ same_tenant('enrollment', 'section') }}
    where enrollment.role = 'student'
)

select
    attachment.tenant,
    attachment.student_id,
    attachment.school_id,
    school.name as school_name,
    attachment.link_kind,
    attachment.begin_date,
    attachment.end_date,
    attachment.status = 'tobedeleted' or attachment.person_has_left as has_ended,
    {{ is_current('attachment') }} and not attachment.person_has_left as is_current
from attachments as attachment
inner join {{ ref('marts__roster_organizations') }} as school
    on attachment.school_id = school.id and {{ same_tenant('attachment', 'school') }}
left join {{ ref('marts__roster_users') }} as leaver
    on
        attachment.student_id = leaver.id
        and {{ same_tenant('attachment', 'leaver') }}
        and leaver.status = 'tobedeleted'
where
    school.type = 'school'
    and school.name is not null
    and attachment.student_id is not null
    and attachment.link_kind is not null
