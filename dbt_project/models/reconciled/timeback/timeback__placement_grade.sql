-- No feed delivers grades yet: typed and without rows, so that what is matched against them is right once one does.
select
    null::text as org_id,
    null::uuid as id,
    null::text as grade_primary_identifier,
    null::text as label, -- noqa: RF04
    null::integer as order_number
where false
