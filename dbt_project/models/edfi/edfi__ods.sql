select
    org.org_id,
    (org.settings -> 'edfi' ->> 'max_identifier')::integer as max_identifier,
    org.settings -> 'edfi' ->> 'cohort_type' as cohort_type,
    org.settings -> 'edfi' ->> 'descriptor_namespace' as descriptor_namespace,
    org.settings -> 'edfi' -> 'districts' as districts
from ops.orgs as org
where org.settings -> 'edfi' is not null
