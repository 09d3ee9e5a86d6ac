select
    org.tenant,
    relation.id,
    relation.source_user_id as student_id,
    student.name as student_name,
    relation.agent_user_id as guide_id,
    guide.name as guide_name,
    relation.relationship_type,
    relation.status,
    relation.begin_date,
    relation.end_date,
    relation.date_created as assigned_date,
    relation.date_last_modified as last_modified_date
from {{ ref('oneroster__one_roster_user_agent') }} as relation
inner join ops.orgs as org on relation.org_id = org.org_id
inner join {{ ref('marts__roster_users') }} as student
    on relation.source_user_id = student.id and {{ same_tenant('org', 'student') }}
inner join {{ ref('marts__roster_users') }} as guide
    on relation.agent_user_id = guide.id and {{ same_tenant('org', 'guide') }}
where
    relation.relationship_type in ('teacher', 'principal')
    and student.name is not null
    and guide.name is not null
    and exists (
        select 1 as found
        from {{ ref('marts__roster_roles') }} as held
        where
            held.user_id = relation.source_user_id
            and {{ same_tenant('held', 'org') }}
            and held.role = 'student'
    )
