-- The export knows one measure of an assessment: the first here; its rating is the latest.
select
    assessment.org_id,
    assessment._id as slo_id,
    assessment.assessment_id as slo_assessment_id,
    measure.name as measure_name,
    measure.target_value,
    measure.actual_value,
    (
        select rating.value
        from {{ snapshot_of('slos__answers__assessments__ratings') }} as rating
        where
            rating.org_id = assessment.org_id
            and rating._id = assessment._id
            and rating.assessment_id = assessment.assessment_id
        order by rating.rated_date desc nulls last, rating.rating_id desc, rating.value desc
        limit 1
    ) as rating_value,
    assessment._day as as_of_day
from {{ snapshot_of('slos__answers__assessments') }} as assessment
inner join lateral (
    select
        candidate.name,
        candidate.target_value,
        candidate.actual_value
    from {{ snapshot_of('slos__answers__assessments__measures') }} as candidate
    where
        candidate.org_id = assessment.org_id
        and candidate._id = assessment._id
        and candidate.assessment_id = assessment.assessment_id
    order by candidate.measure_id, candidate.name
    limit 1
) as measure on true
