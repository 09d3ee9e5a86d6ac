with students as (
    select
        attached.tenant,
        attached.school_id,
        count(*)::integer as student_count
    from {{ ref('marts__school_students') }} as attached
    group by attached.tenant, attached.school_id
)

select
    school.tenant,
    school.id,
    school.name,
    school.identifier,
    school.parent_id,
    parent.name as parent_name,
    school.status,
    coalesce(students.student_count, 0) as student_count
from {{ ref('marts__roster_organizations') }} as school
left join {{ ref('marts__roster_organizations') }} as parent
    on school.parent_id = parent.id and {{ same_tenant('school', 'parent') }}
left join students on school.id = students.school_id and school.tenant = students.tenant
where school.type = 'school' and school.name is not null
