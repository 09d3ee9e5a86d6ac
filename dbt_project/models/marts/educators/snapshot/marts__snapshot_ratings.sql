select
    document.org_id,
    document.observation_id as observation_group_id,
    rating.rating_id,
    rating_set.step_id,
    rating_set.rubric_id,
    rating.indicator_id,
    rating.proficiency_level_id,
    rating.value as rating_value,
    rater.employee_id as rated_by_employee_id,
    document._day as as_of_day,
    coalesce(rating.rated_date, document.created_date) as rated_date
from {{ snapshot_of('ratings') }} as document
inner join {{ snapshot_of('ratings__sets') }} as rating_set
    on document.org_id = rating_set.org_id and document._id = rating_set._id
inner join {{ snapshot_of('ratings__sets__ratings') }} as rating
    on
        rating_set.org_id = rating.org_id
        and rating_set._id = rating._id
        and rating_set.set_id = rating.set_id
left join {{ ref('marts__snapshot_people') }} as rater
    on document.org_id = rater.org_id and document.user_id = rater.user_id
where document.observation_id is not null
