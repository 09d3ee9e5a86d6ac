select
    relation.tenant,
    test.id as test_id,
    parent.id as parent_id,
    parent.media_type as parent_type
from {{ ref('marts__resource_relations') }} as relation
inner join {{ ref('marts__tests') }} as test
    on relation.source_resource_id = test.id and {{ same_tenant('relation', 'test') }}
inner join {{ ref('marts__digital_resources') }} as parent
    on relation.destination_resource_id = parent.id and {{ same_tenant('relation', 'parent') }}
where relation.relationship_type = 'isPartOf'
