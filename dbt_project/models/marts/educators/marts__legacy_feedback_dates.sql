-- feedback_date left the export with the refresh: it is in the raw rows of legacy exports alone.
select
    entry.org_id,
    coalesce(map.new_id, entry.observation_group_id) as observation_group_id,
    min({{ soft_cast("(entry._raw ->> 'feedback_date')", 'timestamp') }}) as feedback_date
from {{ ref('stg_edreflect__observation_feedback') }} as entry
left join {{ ref('edreflect__id_map') }} as map
    on
        entry.org_id = map.org_id
        and entry.observation_group_id = map.old_id
        and map.kind = 'observation_group'
where
    entry.uncast = '{}'
    -- an array, so that the block-range index of the raw rows is used
    and entry._load_id = any(array(
        select load.load_id
        from ops.load_log as load
        where load.feed = 'legacy' and load.table_name = 'observation_feedback' and load.status = 'current'
    ))
group by entry.org_id, coalesce(map.new_id, entry.observation_group_id)
having min({{ soft_cast("(entry._raw ->> 'feedback_date')", 'timestamp') }}) is not null
