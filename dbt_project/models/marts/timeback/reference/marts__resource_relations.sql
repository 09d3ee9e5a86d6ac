select
    relation.tenant,
    relation.source_id as source_resource_id,
    relation.destination_id as destination_resource_id,
    relation.relationship_type,
    relation.item_order
from {{ newest_in_tenant(ref('timeback__caliper_resource_relation')) }} as relation
