-- Two observers meet in an array of one educator's ratings, not in a self-join: of a join, a query for one org would
-- read one side for every org. Kappa is worked out from the cells of the pair's table of values.
with latest_ratings as (
    select distinct on (
        rating.org_id,
        rating.rubric_id,
        rating.indicator_id,
        rating.school_year,
        rating.term,
        rating.learner_employee_id,
        rating.observer_employee_id
    )
        rating.org_id,
        rating.rubric_id,
        rating.rubric_name,
        rating.indicator_id,
        rating.indicator_code,
        rating.indicator_name,
        rating.school_year,
        rating.term,
        rating.learner_employee_id,
        rating.observer_employee_id,
        rating.rating_value
    from {{ ref('marts__ratings_by_observers') }} as rating
    where
        rating.rating_value is not null
        and rating.rubric_id is not null
        and rating.indicator_id is not null
        and rating.school_year is not null
        and rating.term <> 'undated'
    order by
        rating.org_id asc,
        rating.rubric_id asc,
        rating.indicator_id asc,
        rating.school_year asc,
        rating.term asc,
        rating.learner_employee_id asc,
        rating.observer_employee_id asc,
        rating.dated_at desc,
        rating.observation_group_id desc,
        rating.rating_id desc nulls last,
        rating.rating_value desc
),

rated_educators as (
    select
        latest.org_id,
        latest.rubric_id,
        latest.indicator_id,
        latest.school_year,
        latest.term,
        latest.learner_employee_id,
        min(latest.rubric_name) as rubric_name,
        min(latest.indicator_code) as indicator_code,
        min(latest.indicator_name) as indicator_name,
        array_agg(latest.observer_employee_id order by latest.observer_employee_id) as observer_employee_ids,
        array_agg(latest.rating_value order by latest.observer_employee_id) as rating_values
    from latest_ratings as latest
    group by
        latest.org_id,
        latest.rubric_id,
        latest.indicator_id,
        latest.school_year,
        latest.term,
        latest.learner_employee_id
    having count(*) > 1
),

-- How many educators got this value from one observer and that value from the other.
value_cells as (
    select
        educator.org_id,
        educator.rubric_id,
        educator.indicator_id,
        educator.school_year,
        educator.term,
        observer_a.employee_id as observer_a_employee_id,
        observer_b.employee_id as observer_b_employee_id,
        observer_a.rating_value as value_a,
        observer_b.rating_value as value_b,
        min(educator.rubric_name) as rubric_name,
        min(educator.indicator_code) as indicator_code,
        min(educator.indicator_name) as indicator_name,
        count(*) as pair_count
    from rated_educators as educator
    cross join
        lateral unnest(educator.observer_employee_ids, educator.rating_values)
        with ordinality as observer_a (employee_id, rating_value, place)
    inner join
        lateral unnest(educator.observer_employee_ids, educator.rating_values)
        with ordinality as observer_b (employee_id, rating_value, place)
        on observer_a.place < observer_b.place
    group by
        educator.org_id,
        educator.rubric_id,
        educator.indicator_id,
        educator.school_year,
        educator.term,
        observer_a.employee_id,
        observer_b.employee_id,
        observer_a.rating_value,
        observer_b.rating_value
),

observer_pairs as (
    select
        cell.org_id,
        cell.rubric_id,
        cell.indicator_id,
        cell.school_year,
        cell.term,
        cell.observer_a_employee_id,
        cell.observer_b_employee_id,
        min(cell.rubric_name) as rubric_name,
        min(cell.indicator_code) as indicator_code,
        min(cell.indicator_name) as indicator_name,
        sum(cell.pair_count) as pair_count,
        coalesce(sum(cell.pair_count) filter (where cell.value_a = cell.value_b), 0) as exact_agreement_count,
        coalesce(sum(cell.pair_count) filter (where abs(cell.value_a - cell.value_b) <= 1), 0)
            as adjacent_agreement_count,
        sum(cell.pair_count * abs(cell.value_a - cell.value_b)) as observed_disagreement,
        array_agg(cell.value_a) as values_a,
        array_agg(cell.value_b) as values_b,
        array_agg(cell.pair_count) as pair_counts
    from value_cells as cell
    group by
        cell.org_id,
        cell.rubric_id,
        cell.indicator_id,
        cell.school_year,
        cell.term,
        cell.observer_a_employee_id,
        cell.observer_b_employee_id
)

select
    observer_pair.org_id,
    observer_pair.rubric_id,
    observer_pair.rubric_name,
    observer_pair.indicator_id,
    observer_pair.indicator_code,
    observer_pair.indicator_name,
    observer_pair.school_year,
    observer_pair.term,
    observer_pair.observer_a_employee_id,
    observer_pair.observer_b_employee_id,
    observer_pair.pair_count::integer as pair_count,
    observer_pair.exact_agreement_count::integer as exact_agreement_count,
    observer_pair.adjacent_agreement_count::integer as adjacent_agreement_count,
    trim_scale(round(100 * observer_pair.exact_agreement_count / observer_pair.pair_count, 2))
        as exact_agreement_percent,
    trim_scale(round(100 * observer_pair.adjacent_agreement_count / observer_pair.pair_count, 2))
        as adjacent_agreement_percent,
    -- by chance: every value of one observer met by every value of the other, as often as both were given
    trim_scale(
        round(
            1
            - observer_pair.pair_count
            * observer_pair.observed_disagreement
            / nullif(
                (
                    select sum(given_a.pair_count * given_b.pair_count * abs(given_a.value - given_b.value))
                    from unnest(observer_pair.values_a, observer_pair.pair_counts) as given_a (value, pair_count)
                    cross join unnest(observer_pair.values_b, observer_pair.pair_counts) as given_b (value, pair_count)
                ), 0
            ), 4
        )
    ) as weighted_kappa
from observer_pairs as observer_pair
