-- The list of indicators may repeat an id: one row stands for it. The path stops where an indicator repeats or after 20
-- steps, so that parents that go round in a circle end too.
with indicators as (
    select distinct on (candidate.org_id, candidate.rubric_id, candidate.indicator_id)
        candidate.org_id,
        candidate.rubric_id,
        candidate.indicator_id,
        candidate.parent_indicator_id,
        candidate.indicator_code,
        candidate.indicator_name,
        candidate.indicator_level,
        candidate.indicator_order,
        candidate.source,
        candidate.as_of_day
    from {{ ref('marts__merged_indicators') }} as candidate
    where candidate.indicator_id is not null
    order by
        candidate.org_id,
        candidate.rubric_id,
        candidate.indicator_id,
        {{ indicator_preference('candidate') }}
)

select
    indicator.org_id,
    indicator.rubric_id,
    rubric.rubric_name,
    rubric.rubric_type,
    rubric.is_active as rubric_is_active,
    rubric.school_year as rubric_school_year,
    indicator.indicator_id,
    indicator.parent_indicator_id,
    indicator.indicator_code,
    indicator.indicator_name,
    indicator.indicator_level,
    indicator.indicator_order,
    (
        with recursive ancestors as (
            select
                indicator.parent_indicator_id as wanted_id,
                array[indicator.indicator_id] as ids

            union all

            select
                parent.parent_indicator_id as wanted_id,
                parent.indicator_id || ancestors.ids as ids
            from ancestors
            cross join
                lateral (
                    select
                        candidate.indicator_id,
                        candidate.parent_indicator_id
                    from {{ ref('marts__merged_indicators') }} as candidate
                    where
                        candidate.org_id = indicator.org_id
                        and candidate.rubric_id = indicator.rubric_id
                        and candidate.indicator_id = ancestors.wanted_id
                    order by {{ indicator_preference('candidate') }}
                    limit 1
                ) as parent
            where parent.indicator_id <> all(ancestors.ids) and cardinality(ancestors.ids) < 20
        )

        select ancestors.ids
        from ancestors
        order by cardinality(ancestors.ids) desc
        limit 1
    ) as indicator_path,
    coalesce(
        (
            select
                jsonb_agg(
                    jsonb_build_object(
                        'proficiency_level_id', proficiency_level.proficiency_level_id,
                        'level_name', proficiency_level.level_name,
                        'level_value', proficiency_level.level_value,
                        'level_description', proficiency_level.level_description
                    )
                    order by
                        proficiency_level.level_value nulls last,
                        proficiency_level.proficiency_level_id,
                        proficiency_level.level_name
                )
            from {{ ref('marts__merged_indicator_proficiency_levels') }} as proficiency_level
            where
                proficiency_level.org_id = indicator.org_id
                and proficiency_level.rubric_id = indicator.rubric_id
                and proficiency_level.indicator_id = indicator.indicator_id
        ), '[]'::jsonb
    ) as proficiency_levels,
    indicator.source,
    indicator.as_of_day
from indicators as indicator
left join {{ ref('marts__merged_rubrics') }} as rubric
    on indicator.org_id = rubric.org_id and indicator.rubric_id = rubric.rubric_id
