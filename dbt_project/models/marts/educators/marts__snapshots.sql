select
    summary.org_id,
    summary.snapshot_id,
    summary.snapshot_name,
    summary.learner_employee_id,
    summary.created_by_employee_id,
    summary.school_year,
    summary.snapshot_created_date,
    coalesce(
        (
            select
                jsonb_agg(
                    jsonb_build_object(
                        'indicator_id', rating.indicator_id,
                        'proficiency_level_id', rating.proficiency_level_id,
                        'rating_value', rating.rating_value
                    )
                    order by rating.indicator_id nulls last, rating.rating_value, rating.proficiency_level_id
                )
            from {{ ref('marts__merged_snapshots_ratings') }} as rating
            where rating.org_id = summary.org_id and rating.snapshot_id = summary.snapshot_id
        ), '[]'::jsonb
    ) as ratings,
    summary.source,
    summary.as_of_day
from {{ ref('marts__merged_snapshots') }} as summary
