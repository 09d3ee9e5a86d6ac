select
    school.tenant,
    school.id,
    school.name,
    school.identifier,
    school.parent_id,
    parent.name as parent_name,
    school.status,
    (
        select count(distinct attachment.student_id)::integer
        from {{ ref('marts__school_attachments') }} as attachment
        where
            attachment.school_id = school.id
            and {{ same_tenant('attachment', 'school') }}
            and attachment.is_current
    ) as student_count
from {{ ref('marts__roster_organizations') }} as school
left join {{ ref('marts__roster_organizations') }} as parent
    on school.parent_id = parent.id and {{ same_tenant('school', 'parent') }}
where school.type = 'school' and school.name is not null
