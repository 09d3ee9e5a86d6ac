-- What the published views cannot show, because a column that is never null there would be empty.
with students_and_guides as (
    select distinct
        person.tenant,
        person.org_id,
        case when held.role = 'student' then 'students' else 'guides' end as view_name,
        person.id as record_id,
        'a person without a name' as reason
    from {{ ref('marts__roster_users') }} as person
    inner join {{ ref('marts__roster_roles') }} as held
        on person.id = held.user_id and {{ same_tenant('person', 'held') }}
    where person.name is null and held.is_current and held.role in ('student', 'teacher', 'principal')
),

schools as (
    select
        school.tenant,
        school.org_id,
        'schools' as view_name,
        school.id as record_id,
        'a school without a name' as reason
    from {{ ref('marts__roster_organizations') }} as school
    where school.type = 'school' and school.name is null
),

student_roles as (
    select
        held.tenant,
        held.org_id,
        'student_schools' as view_name,
        held.id as record_id,
        'a role at an organization that is not known by name' as reason
    from {{ ref('marts__roster_roles') }} as held
    left join {{ ref('marts__roster_organizations') }} as organization
        on held.organization_id = organization.id and {{ same_tenant('held', 'organization') }}
    where held.role = 'student' and organization.name is null
),

student_enrollments as (
    select
        enrollment.tenant,
        enrollment.org_id,
        'class_enrollments' as view_name,
        enrollment.id as record_id,
        'an enrollment in a class that is not known by title' as reason
    from {{ ref('marts__roster_enrollments') }} as enrollment
    left join {{ ref('marts__roster_classes') }} as section
        on enrollment.class_id = section.id and {{ same_tenant('enrollment', 'section') }}
    where enrollment.role = 'student' and section.title is null
),

student_guides as (
    select
        org.tenant,
        relation.org_id,
        'student_guides' as view_name,
        relation.id as record_id,
        'a relation with somebody who is not known by name' as reason
    from {{ ref('oneroster__one_roster_user_agent') }} as relation
    inner join ops.orgs as org on relation.org_id = org.org_id
    left join {{ ref('marts__roster_users') }} as student
        on relation.source_user_id = student.id and {{ same_tenant('org', 'student') }}
    left join {{ ref('marts__roster_users') }} as guide
        on relation.agent_user_id = guide.id and {{ same_tenant('org', 'guide') }}
    where relation.relationship_type in ('teacher', 'principal') and (student.name is null or guide.name is null)
)

select * from students_and_guides
union all
select * from schools
union all
select * from student_roles
union all
select * from student_enrollments
union all
select * from student_guides
