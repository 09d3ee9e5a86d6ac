{#
  The tables of the offboarding product as dictionaries:
    name      of the table in raw_offboarding, offboarding_log (stored rows) and offboarding (views)
    file      the listed file, or none for a table that came into being by the naming convention
    columns   {name, type, description, header} without org_id: those of the contract, then those that deliveries brought,
              as text (their header, camelCase in the product, is told without its humps)
    level     whether rows carry how deep their file is nested (recursive indicators)
    key, parent   what identifies a row, if the contract says so; {table, key} of the table whose rows it belongs to, or none
  `raw_columns` maps each raw table to its columns in order, as the catalog has them.
#}
{% macro snapshot_tables(raw_columns) %}
  {%- set contracts = {} -%}
  {%- for node in graph.sources.values() if node.schema == 'raw_offboarding' and node.config.meta.get('load') == 'snapshot' -%}
    {%- do contracts.update({node.name: node}) -%}
  {%- endfor -%}
  {%- set tables = [] -%}
  {%- for name in raw_columns | sort if name in contracts or name not in tables_where('offboarding', 'load', 'definitions') -%}
    {%- set node = contracts.get(name) -%}
    {%- set columns = [] -%}
    {%- set meta = node.config.meta if node else {} -%}
    {%- for column in (node.columns.values() if node else []) -%}
      {%- do columns.append({'name': column.name, 'type': column.data_type, 'description': column.description,
        'header': column.config.meta.get('header') or column.name}) -%}
    {%- endfor -%}
    {%- set known = columns | map(attribute='name') | list + ['org_id', '_load_id', '_row', '_line'] -%}
    {%- for column in raw_columns[name] if column not in known -%}
      {%- do columns.append({'name': column, 'type': 'text', 'description': '', 'header': column | replace('_', '')}) -%}
    {%- endfor -%}
    {%- set parent = meta.get('parent') or parent_by_name(name, raw_columns, contracts) -%}
    {%- do tables.append({
      'name': name,
      'file': meta.get('file'),
      'description': node.description if node else '',
      'columns': columns,
      'level': is_nested(name),
      'parent': parent,
    }) -%}
  {%- endfor -%}
  {{ return(tables) }}
{% endmacro %}

{# Whether rows of a table say how deep they are: those of the recursive part of its group, and what belongs to them. #}
{% macro is_nested(name) -%}
  {%- for source in graph.sources.values() if source.schema == 'raw_offboarding' and source.config.meta.get('recursive') -%}
    {%- set recursive = source.config.meta.recursive -%}
    {{ return(name.startswith(recursive.group ~ '__') and recursive.part in name.split('__')) }}
  {%- endfor -%}
  {{ return(false) }}
{%- endmacro %}

{# The nearest table whose name begins this one's, and the columns that identify its rows; none for a root. #}
{% macro parent_by_name(name, raw_columns, contracts) %}
  {%- set parts = name.split('__') -%}
  {%- for length in range(parts | length - 1, 0, -1) -%}
    {%- set candidate = parts[:length] | join('__') -%}
    {%- if candidate in raw_columns -%}
      {%- set identity = contracts[candidate].config.meta.get('identity', ['_id']) if candidate in contracts else ['_id'] -%}
      {%- set key = [] -%}
      {%- for column in identity if column in raw_columns[name] -%}{%- do key.append(column) -%}{%- endfor -%}
      {{ return({'table': candidate, 'key': key or ['_id']}) }}
    {%- endif -%}
  {%- endfor -%}
  {{ return(none) }}
{% endmacro %}

{# The raw tables of the feed with their columns, as they are in this transaction. #}
{% macro raw_columns_of_snapshots() %}
  {%- set raw_columns = {} -%}
  {%- for row in run_query("
    select c.relname, string_agg(a.attname, ',' order by a.attnum)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace and n.nspname = 'raw_offboarding'
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r'
    group by c.relname
  ").rows -%}
    {%- do raw_columns.update({row[0]: row[1].split(',')}) -%}
  {%- endfor -%}
  {{ return(raw_columns) }}
{% endmacro %}

{# A delivered cell as the type of its column; what is not a value of it gives null, and the row is set aside. #}
{% macro snapshot_value(column) -%}
  {%- set delivered = 'raw.' ~ adapter.quote(column.name) -%}
  {%- if column.type == 'timestamp' -%} {{ iso_or_epoch(delivered) }}
  {%- elif column.type == 'date' -%} ({{ iso_or_epoch(delivered) }})::date
  {%- else -%} {{ soft_cast(delivered, column.type) }}
  {%- endif -%}
{%- endmacro %}

{#
  A time in ISO 8601 or in milliseconds since 1970: document-store exports use both. 11 to 14 digits are milliseconds
  (1973 to 5138, with a sign also before 1970); fewer could be seconds, a year or a serial number and are no time.
#}
{% macro iso_or_epoch(column) -%}
case
  when {{ column }} ~ '^-?[0-9]{11,14}$' then timestamp '1970-01-01' + ({{ column }})::bigint * interval '1 millisecond'
  else {{ soft_cast(column, 'timestamp') }}
end
{%- endmacro %}

{#
  The columns of a raw row `raw` whose cells do not fit their type or an index, and _id where it is empty: a row with one
  is set aside.
#}
{% macro snapshot_doubts(table) -%}
array_remove(array[
  case when raw._id is null or {{ too_long_for_index('_id') }} then '_id' end
  {%- for column in indexed_columns(table) if column != '_id' %},
  case when {{ too_long_for_index(column) }} then '{{ column }}' end
  {%- endfor %}
  {%- for column in table.columns if column.type != 'text' %},
  case when raw.{{ adapter.quote(column.name) }} is not null and ({{ snapshot_value(column) }}) is null then '{{ column.name }}' end
  {%- endfor %}
], null)
{%- endmacro %}

{# The text columns that indexes of the stored rows hold: the document, and by what people are found. #}
{% macro indexed_columns(table) -%}
  {{ return(['_id'] + table.columns | map(attribute='name') | select('in', ['employee_id', 'old_id']) | list) }}
{%- endmacro %}

{% macro too_long_for_index(column) -%} octet_length(raw.{{ column }}) > {{ max_key_bytes() }} {%- endmacro %}

{# What a raw row says, as one number: rows of one document with the same number say the same. #}
{% macro snapshot_hash(table) -%}
hash_record_extended(row({{ 'loads.level, ' if table.level }}{% for column in table.columns %}raw.{{ adapter.quote(column.name) }}{{ ', ' if not loop.last }}{% endfor %}), 0)
{%- endmacro %}

{# How often "indicators" stands in a file's name; see the contract on recursive files. #}
{% macro level_of_file(file) -%} regexp_count({{ file }}, '[.]indicators(?=[.])', 1, 'i') {%- endmacro %}
