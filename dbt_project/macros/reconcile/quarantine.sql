{#
  Sets aside the rows of pending loads of which a value does not cast: one quarantine row per record, with its line,
  columns, reason and the record written again as CSV in the file's own column order. A record set aside before by this
  model is replaced. Each file has one model that does this: its own, or, for a reference file, the first that reads it.
#}
{% macro quarantine_uncast(rule) %}
{%- set files = [{'staging': rule.rows, 'tables': rule.row_tables}] -%}
{%- for side in [rule.touches, rule.modifications] if side and quarantine_owner(rule.feed, side.table) == rule.table -%}
  {%- do files.append({'staging': side.staging, 'tables': [side.table]}) -%}
{%- endfor -%}
-- loads of which every row became an entry hold nothing to set aside, and casting is most of a large load's time
create temp table doubtful_loads on commit drop as
select loads.*
from pg_temp.pending_loads as loads
join ops.load_log as load_log on load_log.load_id = loads.load_id
where loads.table_name not in ({{ quoted_list(rule.row_tables) }})
  or load_log.rows > (
    select count(*)
    from {{ key_log(rule) }} as log
    where log._load_id = loads.load_id and log._kind in ('row', 'removal')
  );

analyze pg_temp.doubtful_loads;

delete from ops.quarantine
where model = '{{ model.name }}' and load_id in (select load_id from pg_temp.pending_loads);
{%- for file in files %}
{%- set contract = file_contract(rule.feed, file.tables[0]) -%}
{%- set keys = as_list(contract.key) + as_list(contract.get('drop_key')) %}
{%- set indexed = keys + (['new_id'] if contract.load == 'id_map' else []) %}

insert into ops.quarantine (load_id, line, column_name, reason, raw_line, model)
select
  staged._load_id,
  staged._line,
  array_to_string(staged.uncast, ', '),
  case
    when {% for key in indexed %}octet_length(staged._raw ->> '{{ key }}') > {{ max_key_bytes() }}{{ ' or ' if not loop.last }}{% endfor %}
      then 'key is longer than {{ max_key_bytes() }} bytes'
    {%- if rule.flag and contract.load == 'upsert' or contract.load == 'bulk' %}
    when {% for key in keys %}staged._raw ->> '{{ key }}' is null{{ ' or ' if not loop.last }}{% endfor %} then 'key is empty'
    {%- endif %}
    else 'value does not cast to the type of the column'
  end,
  {{ record_as_delivered('staged._raw', 'load_log') }},
  '{{ model.name }}'
from pg_temp.doubtful_loads as loads
join {{ ref(file.staging) }} as staged on staged._load_id = loads.load_id
join ops.load_log as load_log on load_log.load_id = loads.load_id
where loads.table_name in ({{ quoted_list(file.tables) }})
  and staged.uncast <> '{}'
  and {{ within_pending_loads() }};
{%- endfor %}
{% endmacro %}

{# A raw row (jsonb) written again as CSV, in the column order of its file, which the load's row of the ledger knows. #}
{% macro record_as_delivered(raw, load_log) -%}
(
    select string_agg(
      case when field.value ~ '[",\r\n]' then '"' || replace(field.value, '"', '""') || '"' else coalesce(field.value, '') end,
      ',' order by field.position
    )
    from (
      select {{ raw }} ->> header.column_name as value, header.position
      from unnest(coalesce({{ load_log }}.raw_columns, {{ load_log }}.header)) with ordinality as header (column_name, position)
    ) as field
  )
{%- endmacro %}

{% macro quarantine_owner(feed, table) %}
  {%- if file_contract(feed, table).load != 'reference' -%}{{ return(table) }}{%- endif -%}
  {{ return((tables_where(feed, 'touched_by', table) + tables_where(feed, 'modified_by', table)) | sort | first) }}
{% endmacro %}
