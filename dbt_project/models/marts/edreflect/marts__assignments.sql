-- A stand-in with the columns of assignments and no rows, until a feed that exports them is published here.
select
    null::text as org_id,
    null::text as assignment_id,
    null::text as assignment_name,
    null::text as assignment_type,
    null::text as observation_template_id,
    null::text as observation_template_name,
    null::text as learner_employee_id,
    null::text[] as observer_employee_ids,
    null::integer as school_year,
    null::text as assignment_status,
    null::timestamp as start_date,
    null::timestamp as due_date,
    null::timestamp as assignment_created_date,
    null::timestamp as assignment_ended_date,
    null::text as source,  -- noqa: RF04
    null::date as as_of_day
where false
