select
    assessment.org_id,
    assessment._id as slo_id,
    assessment.assessment_id as slo_assessment_id,
    assessment.name as slo_assessment_name,
    assessment."order" as slo_assessment_order,
    assessment._day as as_of_day
from {{ snapshot_of('slos__answers__assessments') }} as assessment
