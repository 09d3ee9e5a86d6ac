select
    item.tenant,
    item.identifier as id,
    item.full_statement as title,
    item_subject.subject_id as case_subject_id
from {{ newest_in_tenant(ref('timeback__cf_item')) }} as item
left join {{ newest_in_tenant(ref('timeback__cf_item_subject')) }} as item_subject
    on item.identifier = item_subject.cf_item_id and {{ same_tenant('item', 'item_subject') }}
where lower(item.cf_item_type) = 'course'
