-- Feedback and comments are lists of the observation without keys: one row per feedback entry, and one without feedback
-- for an observation that has comments only, so that no comment is lost. `0 = (select count(*)` and not `not exists`,
-- which would become a join over every org's rows.
with entries as (
    select
        entry.org_id,
        entry.observation_group_id,
        entry.feedback,
        entry.next_steps,
        entry.observer_notes,
        entry.source,
        entry.as_of_day
    from {{ ref('marts__merged_observation_feedback') }} as entry

    union all

    select distinct
        comment_only.org_id,
        comment_only.observation_group_id,
        null as feedback,
        null as next_steps,
        null as observer_notes,
        comment_only.source,
        comment_only.as_of_day
    from {{ ref('marts__merged_observation_comments') }} as comment_only
    where
        0 = (
            select count(*)
            from {{ ref('marts__merged_observation_feedback') }} as entry
            where
                entry.org_id = comment_only.org_id
                and entry.observation_group_id = comment_only.observation_group_id
        )
)

select
    entry.org_id,
    entry.observation_group_id,
    observation.observation_template_name,
    observation.learner_employee_id,
    observation.observer_employee_id,
    observation.observation_status,
    observation.school_year,
    entry.feedback,
    entry.next_steps,
    entry.observer_notes,
    coalesce(
        (
            select
                jsonb_agg(
                    jsonb_build_object(
                        'indicator_id', item.indicator_id,
                        'commenter_employee_id', item.commenter_employee_id,
                        'comment', item.comment
                    )
                    order by item.indicator_id nulls first, item.commenter_employee_id, item.comment
                )
            from {{ ref('marts__merged_observation_comments') }} as item
            where item.org_id = entry.org_id and item.observation_group_id = entry.observation_group_id
        ), '[]'::jsonb
    ) as comments,  -- noqa: RF04
    entry.source,
    entry.as_of_day
from entries as entry
left join lateral (
    {{ observation_of('entry') }}
) as observation on true
where observation.observation_is_deleted is not true
