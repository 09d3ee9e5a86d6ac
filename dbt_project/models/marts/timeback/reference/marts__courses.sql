-- A course may be part of several subjects; the first by order counts.
with subjects as (
    select distinct on (relation.tenant, relation.source_resource_id)
        relation.tenant,
        relation.source_resource_id as course_id,
        subject.id as subject_id
    from {{ ref('marts__resource_relations') }} as relation
    inner join {{ ref('marts__subjects') }} as subject
        on relation.destination_resource_id = subject.id and {{ same_tenant('relation', 'subject') }}
    where relation.relationship_type = 'isPartOf'
    order by
        relation.tenant,
        relation.source_resource_id,
        relation.item_order nulls last,
        subject.id collate "C" -- noqa: RF02
)

select
    course.tenant,
    course.id,
    subjects.subject_id,
    course.title
from {{ ref('marts__digital_resources') }} as course
left join subjects on course.id = subjects.course_id and course.tenant = subjects.tenant
where course.media_type = 'curriculum/course'
