select
    relation.tenant,
    unit.id as unit_id,
    course.id as course_id
from {{ ref('marts__resource_relations') }} as relation
inner join {{ ref('marts__units') }} as unit
    on relation.source_resource_id = unit.id and {{ same_tenant('relation', 'unit') }}
inner join {{ ref('marts__digital_resources') }} as course
    on relation.destination_resource_id = course.id and {{ same_tenant('relation', 'course') }}
where relation.relationship_type = 'isPartOf' and course.media_type = 'curriculum/course'
