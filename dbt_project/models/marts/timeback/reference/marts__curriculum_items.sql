select
    item.tenant,
    item.identifier as curriculum_item_id,
    item.full_statement as curriculum_item_title,
    item.human_coding_scheme as curriculum_item_code,
    item.cf_item_type as curriculum_item_type
from {{ newest_in_tenant(ref('timeback__cf_item')) }} as item
