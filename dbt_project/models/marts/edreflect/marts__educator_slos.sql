select
    slo.org_id,
    slo.slo_id,
    slo.slo_template_id,
    slo.employee_id,
    slo.slo_title,
    slo.slo_status,
    slo.school_year,
    slo.slo_created_date,
    slo.slo_modified_date,
    (
        select count(*)::integer
        from {{ ref('marts__merged_slo_assessments') }} as assessment
        where assessment.org_id = slo.org_id and assessment.slo_id = slo.slo_id
    ) as assessment_count,
    coalesce(
        (
            select
                jsonb_agg(
                    jsonb_build_object(
                        'slo_assessment_id', assessment.slo_assessment_id,
                        'slo_assessment_name', assessment.slo_assessment_name,
                        'measure_name', outcome.measure_name,
                        'target_value', outcome.target_value,
                        'actual_value', outcome.actual_value,
                        'rating_value', outcome.rating_value
                    )
                    order by
                        assessment.slo_assessment_order nulls last,
                        assessment.slo_assessment_id,
                        assessment.slo_assessment_name
                )
            from {{ ref('marts__merged_slo_assessments') }} as assessment
            left join {{ ref('marts__merged_aggregated_slo_assessments') }} as outcome
                on
                    assessment.org_id = outcome.org_id
                    and assessment.slo_id = outcome.slo_id
                    and assessment.slo_assessment_id = outcome.slo_assessment_id
            where assessment.org_id = slo.org_id and assessment.slo_id = slo.slo_id
        ), '[]'::jsonb
    ) as assessments,
    slo.source,
    slo.as_of_day
from {{ ref('marts__merged_slos') }} as slo
