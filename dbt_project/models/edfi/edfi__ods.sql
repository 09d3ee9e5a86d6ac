select
    org.org_id,
    (org.settings -> 'edfi' ->> 'max_identifier')::integer as max_identifier,
    org.settings -> 'edfi' ->> 'cohort_type' as cohort_type,
    org.settings -> 'edfi' ->> 'descriptor_namespace' as descriptor_namespace,
    org.settings -> 'edfi' -> 'districts' as districts,
    (org.settings -> 'edfi' ->> 'year')::integer as school_year
from ops.orgs as org
where
    org.settings -> 'edfi' is not null
    and not coalesce((org.settings ->> 'removed')::boolean, false)
