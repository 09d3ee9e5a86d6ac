{#
  What a reconciled model does, worked out from the contract of its file: a dictionary
    feed, table, load, columns ({name, type} in order), key (columns after org_id by which rows are replaced: none where a
    file is the whole state of its org), identity (only then: the columns that tell its rows apart), rows (staging model),
    row_tables (raw tables of the rows), touches / deletions / modifications ({table, staging, key} or none),
    flag (the column that says a row removes its key, or none), across_orgs (rows of one key of several orgs of a tenant
    count once; see tenants.sql), changes (the columns that are recorded of changed rows beside the key, or none),
    legacy (how the rows of exports from before the refresh are re-keyed, or none; see legacy.sql).
  A model of several files of one load rule (id_map) names that rule as `union_of` in its config's meta.
#}
{% macro reconcile_rule(node) %}
  {%- set feed = node.config.schema -%}
  {%- set table = node.name[(feed ~ '__') | length:] -%}
  {%- set union_of = node.config.meta.get('union_of') -%}
  {%- if union_of -%}
    {%- set row_tables = tables_where(feed, 'load', union_of) -%}
    {%- set contract = dict(file_contract(feed, row_tables[0])) -%}
    {%- do contract.update({'columns': [{'name': 'kind', 'type': 'text'}] + contract.columns, 'load': 'upsert', 'key': ['kind', 'old_id']}) -%}
  {%- else -%}
    {%- set row_tables = [table] -%}
    {%- set contract = file_contract(feed, table) -%}
  {%- endif -%}
  {%- set is_bulk = contract.load == 'bulk' -%}
  {%- set key = as_list(contract.drop_key) if contract.load == 'drop_insert' else [] if is_bulk else as_list(contract.key) -%}
  {%- set rule = {
    'feed': feed,
    'table': table,
    'load': contract.load,
    'columns': contract.columns | rejectattr('deletes', 'defined') | list,
    'flag': (contract.columns | selectattr('deletes', 'defined') | map(attribute='name') | first) or none,
    'across_orgs': node.config.meta.get('across_orgs', false),
    'changes': node.config.meta.get('changes'),
    'key': key,
    'rows': 'stg_' ~ feed ~ '__' ~ table,
    'row_tables': row_tables,
    'touches': side_file(feed, contract.get('touched_by'), key),
    'deletions': side_file(feed, (contract.get('deleted_by') or {}).get('table'), (contract.get('deleted_by') or {}).get('key')),
    'modifications': side_file(feed, (contract.get('modified_by') or {}).get('table'), none),
    'modification_date': (contract.get('modified_by') or {}).get('date'),
    'legacy': legacy_rule(node, contract),
  } -%}
  {#- only where it says something: the rule is part of the logic version -#}
  {%- if is_bulk -%}{%- do rule.update({'identity': as_list(contract.key)}) -%}{%- endif -%}
  {{ return(rule) }}
{% endmacro %}

{% macro side_file(feed, table, key) %}
  {%- if not table -%}{{ return(none) }}{%- endif -%}
  {%- set contract = file_contract(feed, table) -%}
  {{ return({'table': table, 'staging': 'stg_' ~ feed ~ '__' ~ table, 'key': as_list(key), 'named_by': as_list(contract.key), 'columns': contract.columns}) }}
{% endmacro %}

{% macro as_list(value) %}
  {%- if value is none or value is undefined -%}{{ return([]) }}{%- endif -%}
  {{ return([value] if value is string else value | list) }}
{% endmacro %}

{# The raw tables whose loads a rule reads: pending and applied are counted over all of them. #}
{% macro tables_read(rule) %}
  {%- set tables = rule.row_tables | list -%}
  {%- for side in [rule.touches, rule.deletions, rule.modifications] if side -%}
    {%- do tables.append(side.table) -%}
  {%- endfor -%}
  {{ return(tables) }}
{% endmacro %}

{# The key log of a model: every row and every touch of its applied loads, typed. #}
{% macro key_log(rule) -%} {{ rule.feed }}_log.{{ rule.table }} {%- endmacro %}

{% macro quoted_list(values) -%} {%- for value in values -%} '{{ value }}'{{ ', ' if not loop.last }} {%- endfor -%} {%- endmacro %}

{% macro column_list(names, prefix='') -%}
  {%- for name in names -%} {{ prefix }}{{ name }}{{ ', ' if not loop.last }} {%- endfor -%}
{%- endmacro %}

{#
  Changes whenever what a model makes of its loads changes: the rule, the columns, their casts. Applied loads carry it;
  another version replays every current load in place (design: "logic version").
#}
{% macro logic_version(rule) -%}
  {%- set parts = [tojson(rule), versions_of(rule, 'entries', 'entries')] -%}
  {%- if rule.legacy -%}{%- do parts.append(year_of_id('id') ~ id_of_year('year')) -%}{%- endif -%}
  {%- for column in rule.columns -%}{%- do parts.append(soft_cast(column.name, column.type)) -%}{%- endfor -%}
  {{ local_md5(parts | join('\n')) }}
{%- endmacro %}
