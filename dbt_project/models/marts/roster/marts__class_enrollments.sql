select
    enrollment.tenant,
    enrollment.id as enrollment_id,
    enrollment.user_id as student_id,
    enrollment.class_id,
    section.title as class_title,
    section.course_id,
    section.course_title,
    section.school_id,
    section.school_name,
    enrollment.role,
    enrollment.recorded_primary,
    enrollment.begin_date,
    enrollment.end_date,
    enrollment.status,
    section.subject_ids,
    section.grade_ids,
    coalesce(enrollment.recorded_primary, false) as is_primary
from {{ ref('marts__roster_enrollments') }} as enrollment
inner join {{ ref('marts__classes') }} as section
    on enrollment.class_id = section.id and {{ same_tenant('enrollment', 'section') }}
where enrollment.role = 'student' and enrollment.user_id is not null and section.title is not null
