-- not materialized: the student asked for is looked up by index
with taken as not materialized (
    select *
    from {{ ref('marts__class_enrollments') }}
    where course_id is not null and status <> 'tobedeleted'
),

subjects as (
    select
        taken.tenant,
        taken.student_id,
        taken.course_id,
        array_agg(distinct subject.id order by subject.id) as subject_ids
    from taken
    cross join lateral unnest(taken.subject_ids) as subject (id)
    group by taken.tenant, taken.student_id, taken.course_id
),

courses as (
    select
        taken.tenant,
        taken.student_id,
        taken.course_id,
        min(taken.course_title) as course_title,
        array_agg(distinct taken.school_id order by taken.school_id)
        filter (where taken.school_id is not null) as school_ids,
        min(taken.begin_date) as begin_date,
        case when bool_and(taken.end_date is not null) then max(taken.end_date) end as end_date,
        bool_or(taken.recorded_primary) as has_primary,
        count(distinct taken.class_id)::integer as class_count
    from taken
    group by taken.tenant, taken.student_id, taken.course_id
)

select
    course.tenant,
    course.student_id,
    course.course_id,
    course.course_title,
    course.begin_date,
    course.end_date,
    course.has_primary,
    course.class_count,
    coalesce(course.school_ids, '{}') as school_ids,
    coalesce(subjects.subject_ids, '{}') as subject_ids
from courses as course
left join subjects
    on
        course.student_id = subjects.student_id
        and course.course_id = subjects.course_id
        and course.tenant = subjects.tenant
