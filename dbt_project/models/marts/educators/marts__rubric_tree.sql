-- An indicator whose parent is not in its rubric, or that is its own ancestor, begins a tree of its own.
select
    indicator.org_id,
    indicator.rubric_id,
    indicator.rubric_name,
    indicator.indicator_id,
    indicator.parent_indicator_id,
    indicator.indicator_code,
    indicator.indicator_name,
    cardinality(indicator.indicator_path) as depth,
    indicator.indicator_path as path,
    array(
        select coalesce(known.indicator_name, step.indicator_id)
        from unnest(indicator.indicator_path) with ordinality as step (indicator_id, position)
        left join lateral (
            select candidate.indicator_name
            from {{ ref('marts__merged_indicators') }} as candidate
            where
                candidate.org_id = indicator.org_id
                and candidate.rubric_id = indicator.rubric_id
                and candidate.indicator_id = step.indicator_id
            order by {{ indicator_preference('candidate') }}
            limit 1
        ) as known on true
        order by step.position
    ) as path_names,
    0 = (
        select count(*)
        from {{ ref('marts__merged_indicators') }} as child
        where
            child.org_id = indicator.org_id
            and child.rubric_id = indicator.rubric_id
            and child.parent_indicator_id = indicator.indicator_id
    ) as is_leaf,
    indicator.source,
    indicator.as_of_day
from {{ ref('marts__rubric_indicators') }} as indicator
