select
    snapshot.org_id,
    snapshot.snapshot_id,
    snapshot.snapshot_name,
    snapshot.learner_employee_id,
    snapshot.created_by_employee_id,
    snapshot.school_year,
    snapshot.snapshot_created_date,
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
            where rating.org_id = snapshot.org_id and rating.snapshot_id = snapshot.snapshot_id
        ), '[]'::jsonb
    ) as ratings,
    snapshot.source,
    snapshot.as_of_day
from {{ ref('marts__merged_snapshots') }} as snapshot
