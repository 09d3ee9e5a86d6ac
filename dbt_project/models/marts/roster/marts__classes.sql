select
    section.tenant,
    section.id,
    section.title,
    section.class_code,
    section.class_type,
    section.course_id,
    course.title as course_title,
    section.school_id,
    school.name as school_name,
    section.status,
    array(
        select class_subject.subject_id
        from {{ ref('oneroster__one_roster_class_subject') }} as class_subject
        where class_subject.class_id = section.id and class_subject.org_id = section.org_id
        order by class_subject.subject_id
    ) as subject_ids,
    array(
        select class_grade.placement_grade_id
        from {{ ref('oneroster__one_roster_class_grade') }} as class_grade
        where class_grade.class_id = section.id and class_grade.org_id = section.org_id
        order by class_grade.placement_grade_id
    ) as grade_ids
from {{ ref('marts__roster_classes') }} as section
left join {{ ref('marts__roster_courses') }} as course
    on section.course_id = course.id and {{ same_tenant('section', 'course') }}
left join {{ ref('marts__roster_organizations') }} as school
    on section.school_id = school.id and {{ same_tenant('section', 'school') }}
