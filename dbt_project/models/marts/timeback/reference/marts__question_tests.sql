select
    relation.tenant,
    question.id as question_id,
    test.id as test_id
from {{ ref('marts__resource_relations') }} as relation
inner join {{ ref('marts__questions') }} as question
    on relation.source_resource_id = question.id and {{ same_tenant('relation', 'question') }}
inner join {{ ref('marts__tests') }} as test
    on relation.destination_resource_id = test.id and {{ same_tenant('relation', 'test') }}
where relation.relationship_type = 'isPartOf'
