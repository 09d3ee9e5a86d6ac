{#
  Several orgs of one tenant may deliver the same key (reference data, mostly). One row counts: that of the newest day, then
  of the highest org name. A parenthesized select for a FROM: tenant, then the columns of the table.
  A tenant of one org, the usual one, has nothing to decide; elsewhere it is one index lookup per row.
  Takes a reconciled relation of the TimeBack feed, as ref() gives it.
#}
{% macro newest_in_tenant(relation) %}
{%- set table = relation.identifier.split('__') | last -%}
{%- set key = keys_of_feed('timeback').get(table, []) -%}
(
    select
        org.tenant,
        candidate.*
    from {{ relation }} as candidate
    inner join ops.orgs as org on candidate.org_id = org.org_id
    where
        org.tenant in (select alone.tenant from ops.orgs as alone group by alone.tenant having count(*) = 1)
        or not exists (
            select 1 as found
            from {{ relation }} as other
            inner join ops.orgs as other_org on other.org_id = other_org.org_id
            where
                {%- for column in key %}
                other.{{ column }} = candidate.{{ column }} and
                {%- endfor %}
                other.org_id <> candidate.org_id
                and other_org.tenant = org.tenant
                and (other._day, other.org_id collate "C") > (candidate._day, candidate.org_id collate "C")
        )
)
{%- endmacro %}

{# The key of each delivered file of a feed, by table; empty while dbt parses. #}
{% macro keys_of_feed(feed) %}
  {%- set keys = {} -%}
  {%- if execute -%}
  {%- for node in graph.sources.values() if node.schema == 'raw_' ~ feed -%}
    {%- do keys.update({node.name: as_list(node.config.meta.get('key'))}) -%}
  {%- endfor -%}
  {%- endif -%}
  {{ return(keys) }}
{% endmacro %}
