{#
  The body of every reconciled model: the rows that are true now, of the touched keys only. The rule comes from the
  contract; the arguments are there so that dbt knows what the model reads.
#}
{% macro reconcile(rows, touched_by=none, deleted_by=none, modified_by=none) %}
{%- if model.config.meta.get('legacy_feed') and model.name != model.config.schema ~ '__id_map' -%}
  {%- do ref(model.config.schema ~ '__id_map') -%}
  {#- one table stands for the feed in the lineage, as all of its tables are one asset -#}
  {%- do source('raw_' ~ model.config.meta.legacy_feed, 'observation_survey') -%}
{%- endif -%}
{%- if execute %}
{%- set rule = reconcile_rule(model) -%}
{%- set declared = [rule.rows] -%}
{%- for side in [rule.touches, rule.deletions, rule.modifications] if side -%}{%- do declared.append(side.staging) -%}{%- endfor -%}
{%- set given = [rows.identifier] -%}
{%- for relation in [touched_by, deleted_by, modified_by] if relation -%}{%- do given.append(relation.identifier) -%}{%- endfor -%}
{%- if declared != given -%}
  {{ exceptions.raise_compiler_error(model.name ~ ' reads ' ~ given | join(', ') ~ ', but its contract says ' ~ declared | join(', ') ~ '.') }}
{%- endif -%}
with entries_of_touched_keys as (
  {% if rule.load == 'bulk' -%}
  {{ newest_of_touched_orgs(key_log(rule)) }}
  {%- else -%}
  {{ rows_of_keys(key_log(rule), 'pg_temp.touched_keys', rule.key) }}
  union all
  select * from {{ key_log(rule) }} where (select starts_from_nothing from pg_temp.reconcile_run)
  {%- endif %}
)

select
  org_id,
  {{ column_list(rule.columns | map(attribute='name')) }}
  {%- for column in provenance_of(rule) %},
  {{ column.is }} as {{ column.name }}
  {%- endfor %}
from (
  {{ versions_of(rule, 'entries_of_touched_keys', key_log(rule)) }}
) as versions
where valid_to is null
{%- else %}
select 1 as nothing
{%- endif %}
{% endmacro %}

{# Deletes the touched keys and inserts what is true of them now: a touched key without rows vanishes. #}
{% macro get_incremental_reconcile_sql(arg_dict) %}
{%- set rule = reconcile_rule(model) -%}
{%- set target = arg_dict['target_relation'] -%}
{%- set columns = column_list(arg_dict['dest_columns'] | map(attribute='quoted')) -%}
{{ take_rows_that_count(rule, 'rows_before') }}

delete from {{ target }}
where (select starts_from_nothing from pg_temp.reconcile_run);

delete from {{ target }} as target
using pg_temp.touched_keys as keys
where target.org_id = keys.org_id
  {%- for column in rule.key %} and target.{{ column }} = keys.{{ column }}{% endfor %};
{%- if rule.key %}

delete from {{ target }} as target
using pg_temp.touched_keys as keys
where target.org_id = keys.org_id
  and {{ same_key('target', 'keys', rule.key) }}
  and ({% for column in rule.key %}keys.{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %});
{%- endif %}

insert into {{ target }} ({{ columns }})
select {{ columns }} from {{ arg_dict['temp_relation'] }};

{{ take_rows_that_count(rule, 'rows_after') }}
{{ record_changed_rows(rule) }}
{% endmacro %}

{#
  One builder at a time for each model: taken before the snapshot of the model's own transaction, held until dbt closes
  the connection at the end of the model.
#}
{% macro lock_model() %}
do $$
begin
  if not pg_try_advisory_lock(hashtext('edreflect build'), hashtext('{{ model.name }}')) then
    raise exception 'Another build is applying {{ model.name }}; try again when it has ended.' using errcode = '55P03';
  end if;
end $$
{% endmacro %}
