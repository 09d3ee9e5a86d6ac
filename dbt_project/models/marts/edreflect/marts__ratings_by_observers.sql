-- Whether a rating is a self-rating is only known when rater and observed educator are: what is not certain is left
-- out. The observation is only asked for the day of a rating that has none of its own.
with dated_ratings as (
    select
        rating.org_id,
        rating.observation_group_id,
        rating.rating_id,
        rating.rubric_id,
        rating.rubric_name,
        rating.indicator_id,
        rating.indicator_code,
        rating.indicator_name,
        rating.rated_by_employee_id as observer_employee_id,
        rating.learner_employee_id,
        rating.school_year,
        trim_scale(rating.rating_value) as rating_value,
        coalesce(
            rating.rated_date,
            (
                select observation.observation_completed_date
                from {{ ref('marts__observations') }} as observation
                where
                    observation.org_id = rating.org_id
                    and observation.observation_group_id = rating.observation_group_id
                order by observation.observation_completed_date
                limit 1
            )
        ) as dated_at
    from {{ ref('marts__observation_ratings') }} as rating
    where rating.is_self_rating is false
)

select
    rating.org_id,
    rating.observation_group_id,
    rating.rating_id,
    rating.rubric_id,
    rating.rubric_name,
    rating.indicator_id,
    rating.indicator_code,
    rating.indicator_name,
    rating.observer_employee_id,
    rating.learner_employee_id,
    rating.school_year,
    {{ rating_term('rating.dated_at') }} as term,
    rating.dated_at,
    rating.rating_value
from dated_ratings as rating
