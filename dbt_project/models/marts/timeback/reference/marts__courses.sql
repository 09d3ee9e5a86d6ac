-- A course may be part of several subjects; the first by order counts.
select
    course.tenant,
    course.id,
    (
        select subject.id
        from {{ ref('marts__resource_relations') }} as relation
        inner join {{ ref('marts__subjects') }} as subject
            on relation.destination_resource_id = subject.id and {{ same_tenant('relation', 'subject') }}
        where
            relation.source_resource_id = course.id
            and {{ same_tenant('relation', 'course') }}
            and relation.relationship_type = 'isPartOf'
        order by relation.item_order nulls last, subject.id collate "C" -- noqa: RF02
        limit 1
    ) as subject_id,
    course.title
from {{ ref('marts__digital_resources') }} as course
where course.media_type = 'curriculum/course'
