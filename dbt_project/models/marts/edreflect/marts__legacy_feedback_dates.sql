-- A stand-in with the columns of legacy feedback dates and no rows, until a feed that exports them is published here.
select
    null::text as org_id,
    null::text as observation_group_id,
    null::timestamp as feedback_date
where false
