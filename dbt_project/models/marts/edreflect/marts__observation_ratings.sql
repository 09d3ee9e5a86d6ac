-- Indicators and levels are lists and may repeat an id: each rating takes one of them, so that it stays one row.
-- `limit 1` on tables with a key looks idle, and keeps a query for one org from hashing every org's rows.
select
    rating.org_id,
    rating.observation_group_id,
    rating.rating_id,
    rating.step_id,
    step.step_name,
    rating.rubric_id,
    rubric.rubric_name,
    rating.indicator_id,
    indicator.indicator_code,
    indicator.indicator_name,
    rating.proficiency_level_id,
    proficiency_level.level_name,
    proficiency_level.level_value,
    rating.rating_value,
    rating.rated_by_employee_id,
    rating.rated_date,
    observation.learner_employee_id,
    observation.observer_employee_id,
    observation.observation_status,
    observation.school_year,
    rating.source,
    rating.as_of_day,
    rating.rated_by_employee_id = observation.learner_employee_id as is_self_rating
from {{ ref('marts__merged_ratings') }} as rating
left join lateral (
    {{ observation_of('rating') }}
) as observation on true
left join lateral (
    select candidate.step_name
    from {{ ref('marts__merged_observation_steps') }} as candidate
    where candidate.org_id = rating.org_id and candidate.step_id = rating.step_id
    order by candidate.step_id
    limit 1
) as step on true
left join {{ ref('marts__merged_rubrics') }} as rubric
    on rating.org_id = rubric.org_id and rating.rubric_id = rubric.rubric_id
left join lateral (
    select
        candidate.indicator_code,
        candidate.indicator_name
    from {{ ref('marts__merged_indicators') }} as candidate
    where
        candidate.org_id = rating.org_id
        and candidate.rubric_id = rating.rubric_id
        and candidate.indicator_id = rating.indicator_id
    order by {{ indicator_preference('candidate') }}
    limit 1
) as indicator on true
left join lateral (
    select
        candidate.level_name,
        candidate.level_value
    from {{ ref('marts__merged_indicator_proficiency_levels') }} as candidate
    where
        candidate.org_id = rating.org_id
        and candidate.rubric_id = rating.rubric_id
        and candidate.indicator_id = rating.indicator_id
        and candidate.proficiency_level_id = rating.proficiency_level_id
    order by candidate.level_value nulls last, candidate.level_name nulls last
    limit 1
) as proficiency_level on true
where observation.observation_is_deleted is not true
