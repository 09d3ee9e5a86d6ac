{#
  What the fold knows of each rostering file, read from the contract and from the models that show the tables:
    name      table of the source: users            file    users.csv
    type      of the derived ids: user              log     relation of the versions: oneroster_log.one_roster_user
    columns   of the reconciled table after the five that every table has, [{name, type}]
    hidden    columns that only the fold reads: what the roles and agents of version 1.1 are made of
    staging   model of the delivered rows           incoming, changes   temporary relations of one day
  The rows of roles.csv are kept as delivered in a log of their own: whether a role counts also depends on its person.
#}
{% macro roster_files() %}
  {%- set files = [] -%}
  {%- for node in graph.sources.values() if node.schema == 'raw_oneroster' and node.config.meta.load == 'roster' -%}
    {%- set table = node.config.meta.becomes -%}
    {%- do files.append({
      'name': node.name,
      'file': node.config.meta.file,
      'type': node.config.meta.type,
      'table': table,
      'log': 'oneroster_log.' ~ ('delivered_role' if node.name == 'roles' else table),
      'columns': roster_columns(table),
      'hidden': hidden_columns(node.name),
      'staging': 'stg_oneroster__' ~ node.name,
      'incoming': 'pg_temp.incoming_' ~ node.name,
      'changes': 'pg_temp.changed_' ~ node.name,
    }) -%}
  {%- endfor -%}
  {{ return(files | sort(attribute='name')) }}
{% endmacro %}

{# The tables whose rows follow from users.csv, or from users.csv and roles.csv together. #}
{% macro derived_roster_tables() %}
  {{ return([
    {'table': 'one_roster_role', 'log': 'oneroster_log.one_roster_role', 'columns': roster_columns('one_roster_role'),
      'hidden': [{'name': '_first_day', 'type': 'date'}], 'changes': 'pg_temp.changed_role_rows'},
    {'table': 'one_roster_user_agent', 'log': 'oneroster_log.one_roster_user_agent',
      'columns': roster_columns('one_roster_user_agent'), 'hidden': [], 'changes': 'pg_temp.changed_agent_rows'},
  ]) }}
{% endmacro %}

{# The columns of a roster table after org_id, id, sourced_id, status and date_last_modified, as its model documents them. #}
{% macro roster_columns(table) %}
  {%- set columns = [] -%}
  {%- for column in graph.nodes['model.' ~ project_name ~ '.oneroster__' ~ table].columns.values() -%}
    {%- if column.name not in ['org_id', 'id', 'sourced_id', 'status', 'date_last_modified'] -%}
      {%- do columns.append({'name': adapter.quote(column.name), 'type': column.data_type}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(columns) }}
{% endmacro %}

{% macro hidden_columns(name) %}
  {%- if name != 'users' -%}{{ return([]) }}{%- endif -%}
  {{ return([
    {'name': '_role', 'type': 'text'},
    {'name': '_org_sourced_ids', 'type': 'text[]'},
    {'name': '_agent_sourced_ids', 'type': 'text[]'},
    {'name': '_agent_ids', 'type': 'uuid[]'},
  ]) }}
{% endmacro %}

{# The columns of a version, without its validity. #}
{% macro version_columns(table) %}
  {{ return(['org_id', 'id', 'sourced_id', 'status', 'date_last_modified']
    + (table.columns | map(attribute='name') | list) + (table.hidden | map(attribute='name') | list)) }}
{% endmacro %}

{# The body of a model that shows a roster table: the versions that hold now. #}
{% macro current_versions() %}
{%- if execute -%}
{%- set names = ['org_id', 'id', 'sourced_id', 'status', 'date_last_modified'] + (roster_columns(this.identifier) | map(attribute='name') | list) -%}
select {{ column_list(names) }}
from oneroster_log.{{ this.identifier }}
where _valid_to is null
{%- else -%}
select 1 as nothing
{%- endif -%}
{% endmacro %}
