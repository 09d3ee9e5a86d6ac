-- org_id is in every group and partition, so that a query for one org reads that org's ratings only.
with observer_terms as (
    select
        rating.org_id,
        rating.observer_employee_id,
        rating.rubric_id,
        min(rating.rubric_name) as rubric_name,
        rating.indicator_id,
        min(rating.indicator_code) as indicator_code,
        min(rating.indicator_name) as indicator_name,
        rating.school_year,
        rating.term,
        count(rating.rating_value) as rating_count,
        count(*) - count(rating.rating_value) as ratings_without_value,
        count(distinct rating.learner_employee_id) filter (where rating.rating_value is not null) as educator_count,
        sum(rating.rating_value) as rating_sum,
        trim_scale(round(avg(rating.rating_value), 4)) as mean_rating,
        trim_scale(round(stddev_samp(rating.rating_value), 4)) as standard_deviation,
        min(rating.rating_value) as min_rating,
        max(rating.rating_value) as max_rating,
        {{ median('rating.rating_value') }} as median_rating,
        array_agg(rating.rating_value) filter (where rating.rating_value is not null) as rating_values,
        -- in order of time only a term whose year and half are known; compared only one that has ratings
        rating.school_year is not null
        and rating.term <> 'undated'
        and count(rating.rating_value) > 0 as is_comparable
    from {{ ref('marts__ratings_by_observers') }} as rating
    group by
        rating.org_id,
        rating.observer_employee_id,
        rating.rubric_id,
        rating.indicator_id,
        rating.school_year,
        rating.term
)

select
    observer_term.org_id,
    observer_term.observer_employee_id,
    observer_term.rubric_id,
    observer_term.rubric_name,
    observer_term.indicator_id,
    observer_term.indicator_code,
    observer_term.indicator_name,
    observer_term.school_year,
    observer_term.term,
    observer_term.rating_count::integer as rating_count,
    observer_term.ratings_without_value::integer as ratings_without_value,
    observer_term.educator_count::integer as educator_count,
    observer_term.mean_rating,
    observer_term.standard_deviation,
    observer_term.min_rating,
    observer_term.max_rating,
    trim_scale(observer_term.median_rating) as median_rating,
    coalesce(
        (
            select
                jsonb_agg(
                    jsonb_build_object('rating_value', given.rating_value, 'rating_count', given.rating_count)
                    order by given.rating_value
                )
            from (
                select
                    each_rating.rating_value,
                    count(*) as rating_count
                from unnest(observer_term.rating_values) as each_rating (rating_value)
                group by each_rating.rating_value
            ) as given
        ), '[]'::jsonb
    ) as distribution,
    trim_scale(
        round(
            sum(observer_term.rating_sum) over same_term / nullif(sum(observer_term.rating_count) over same_term, 0), 4
        )
    ) as org_mean_rating,
    case when observer_term.is_comparable then lag(observer_term.school_year) over terms end as previous_school_year,
    case when observer_term.is_comparable then lag(observer_term.term) over terms end as previous_term,
    case when observer_term.is_comparable then lag(observer_term.mean_rating) over terms end as previous_term_mean,
    case
        when observer_term.is_comparable
            then trim_scale(observer_term.mean_rating - lag(observer_term.mean_rating) over terms)
    end as drift
from observer_terms as observer_term
window
    same_term as (
        partition by
            observer_term.org_id,
            observer_term.rubric_id,
            observer_term.indicator_id,
            observer_term.school_year,
            observer_term.term
    ),
    terms as (
        partition by
            observer_term.org_id,
            observer_term.rubric_id,
            observer_term.indicator_id,
            observer_term.observer_employee_id,
            observer_term.is_comparable
        order by observer_term.school_year, observer_term.term = 'spring'
    )
