-- depends_on: {{ ref('oneroster__one_roster_class') }}
with classes as (
    {{ newest_of_tenant('one_roster_class') }}
),

subjects as (
    select
        class_subject.org_id,
        class_subject.class_id,
        array_agg(distinct class_subject.subject_id order by class_subject.subject_id) as subject_ids
    from {{ ref('oneroster__one_roster_class_subject') }} as class_subject
    where class_subject.subject_id is not null
    group by class_subject.org_id, class_subject.class_id
),

grades as (
    select
        class_grade.org_id,
        class_grade.class_id,
        array_agg(distinct class_grade.placement_grade_id order by class_grade.placement_grade_id) as grade_ids
    from {{ ref('oneroster__one_roster_class_grade') }} as class_grade
    where class_grade.placement_grade_id is not null
    group by class_grade.org_id, class_grade.class_id
)

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
    coalesce(subjects.subject_ids, '{}') as subject_ids,
    coalesce(grades.grade_ids, '{}') as grade_ids
from classes as section
left join {{ ref('marts__roster_courses') }} as course
    on section.course_id = course.id and {{ same_tenant('section', 'course') }}
left join {{ ref('marts__roster_organizations') }} as school
    on section.school_id = school.id and {{ same_tenant('section', 'school') }}
left join subjects on section.org_id = subjects.org_id and section.id = subjects.class_id
left join grades on section.org_id = grades.org_id and section.id = grades.class_id
