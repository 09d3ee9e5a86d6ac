-- No feed delivers subjects yet: typed and without rows, so that what is matched against them is right once one does.
select
    null::text as org_id,
    null::uuid as identifier,
    null::text as title,
    null::text as hierarchy_code,
    null::text as description
where false
