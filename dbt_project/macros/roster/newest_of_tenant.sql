{#
  The current rows of a roster table, one per tenant and id: several orgs of one tenant may deliver the same person or
  school. The row counts that an org's package touched last (by its day), then that of the highest org name. A row that a full
  file holds is touched by every such file, changed or not.
    columns  tenant, org_id, then those of the table
  A tenant of one org, the usual one, has nothing to decide; elsewhere it is one index lookup per row.
  It stands in a FROM, not in a WITH: Postgres does not look into a view that has one, and a person asked for would not be
  found by index.
#}
{% macro newest_of_tenant(table) %}
{%- if execute -%}
{%- set names = ['org_id', 'id', 'sourced_id', 'status', 'date_last_modified'] + (roster_columns(table) | map(attribute='name') | list) -%}
{%- set file = roster_files() | selectattr('table', 'equalto', table) | first -%}
select
    org.tenant,
    {{ column_list(names, 'candidate.') }}
from oneroster_log.{{ table }} as candidate
inner join ops.orgs as org on candidate.org_id = org.org_id
where
    candidate._valid_to is null
    and (
        org.tenant in (select alone.tenant from ops.orgs as alone group by alone.tenant having count(*) = 1)
        or not exists (
            select 1 as found
            from oneroster_log.{{ table }} as other
            inner join ops.orgs as other_org on other.org_id = other_org.org_id
            where
                other.id = candidate.id
                and other.org_id <> candidate.org_id
                and other._valid_to is null
                and other_org.tenant = org.tenant
                and ({{ last_touched('other', file.name) }}, other.org_id collate "C")
                > ({{ last_touched('candidate', file.name) }}, candidate.org_id collate "C")
        )
    )
{%- else -%}
select 1 as nothing
{%- endif -%}
{% endmacro %}

{# The newest day on which a package touched a row: its last change, or the org's last full file that holds it. #}
{% macro last_touched(row, file_table) -%}
greatest({{ row }}._valid_from, (
    select max(report.day)
    from oneroster_log.sync_report as report
    where report.org_id = {{ row }}.org_id and report.table_name = '{{ file_table }}'
        and report.applied and report.mode = 'bulk' and {{ row }}.status <> 'tobedeleted'
))
{%- endmacro %}
