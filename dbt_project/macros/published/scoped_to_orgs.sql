{#
    The select of a published view: the rows of a mart whose org the reader may see, and org_ids, what it was seen under.
    The one place where scope is resolved; what the reader may see is access.allowed_org_ids(), asked once per query.

    Takes the mart (its first column is org_id; one row belongs to one org). The columns are those documented for the
    published view, in that order: what is not in the catalogue is not published. org_ids is last, and made here.
    An org is known by org_uuid to readers and by org_id (its name in the registry, which fixes its tenant) to the data.
    The allowed names are an array worked out beforehand, not a join: unlike a join it reaches the (org_id, ..) indexes
    below a mart's `distinct on` or `union all`.
#}
{% macro scoped_to_orgs(mart) %}
select
    {%- for name in model.columns if name != 'org_ids' %}
    visible.{{ name }},
    {%- endfor %}
    array[org.org_uuid] as org_ids
from {{ mart }} as visible
inner join ops.orgs as org on visible.org_id = org.org_id
where
    visible.org_id = any((
        select array_agg(allowed_org.org_id)
        from unnest(access.allowed_org_ids()) as allowed (org_uuid)
        inner join ops.orgs as allowed_org on allowed.org_uuid = allowed_org.org_uuid
    )::text[])
{% endmacro %}
