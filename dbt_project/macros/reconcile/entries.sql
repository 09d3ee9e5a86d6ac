{#
  The entries that loads bring to a model: one row per entry, with the columns of the key log.
    _kind  row           a delivered row whose values all cast
           removal       a delivered row that says its key is gone
           touch         a key named by the reference file; the other columns are null
           deletion      a key named by the deleting file (Goals_Deleted)
           modification  a user named by User_Modified: in the first key column, the date in date_deleted
    _day   day of the load; -infinity for a file without a day
    _unmapped  only where the model also reads legacy exports (see legacy.sql)
  Takes a relation of loads (load_id, day, table_name, feed) and optionally a condition on the staging row `staged`.
  A reference row names its key even when another of its values does not cast; any other such row takes part in nothing
  (contract, "Settled details"). A key that is itself set aside names nothing.
#}
{% macro entries_of(rule, loads, condition='true') %}
select
  staged.org_id,
  {{ column_list(rule.columns | map(attribute='name'), 'staged.') }},
  {% if rule.flag -%} case when staged.{{ rule.flag }} then 'removal' else 'row' end {%- else -%} 'row'::text {%- endif %} as _kind,
  coalesce(loads.day, '-infinity'::date) as _day,
  staged._load_id,
  staged._row
  {{- no_unmapped(rule) }}
from {{ loads }} as loads
join {{ ref(rule.rows) }} as staged on staged._load_id = loads.load_id
where loads.feed = '{{ rule.feed }}'
  and loads.table_name in ({{ quoted_list(rule.row_tables) }}) and staged.uncast = '{}' and {{ condition }}
{%- if rule.legacy %}
union all
{{ legacy_entries(rule, loads, condition) }}
{%- endif %}
{%- if rule.touches %}
union all
{{ named_entries(rule, rule.touches, 'touch', loads, condition ~ ' and ' ~ names_its_key(rule.touches)) }}
{%- endif %}
{%- if rule.deletions %}
union all
{{ named_entries(rule, rule.deletions, 'deletion', loads, condition ~ " and staged.uncast = '{}'") }}
{%- endif %}
{%- if rule.modifications %}
union all
{{ modification_entries(rule, loads, condition ~ ' and ' ~ names_its_key(rule.modifications)) }}
{%- endif %}
{% endmacro %}

{# What an entry of the daily export says where those of legacy exports name their unmapped ids. #}
{% macro no_unmapped(rule) -%} {%- if rule.legacy -%},
  null::text[] as _unmapped {%- endif -%} {%- endmacro %}

{% macro names_its_key(side) -%} not staged.uncast && array[{{ quoted_list(side.named_by) }}] {%- endmacro %}

{% macro named_entries(rule, side, kind, loads, condition) %}
select distinct
  staged.org_id,
  {%- for column in rule.columns %}
  {% if column.name in side.key -%} staged.{{ side.named_by[side.key.index(column.name)] }}{% else -%} null::{{ column.type }}{% endif %} as {{ column.name }},
  {%- endfor %}
  '{{ kind }}'::text as _kind,
  loads.day as _day,
  staged._load_id,
  null::integer as _row
  {{- no_unmapped(rule) }}
from {{ loads }} as loads
join {{ ref(side.staging) }} as staged on staged._load_id = loads.load_id
where loads.feed = '{{ rule.feed }}' and loads.table_name = '{{ side.table }}' and {{ condition }}
{% endmacro %}

{% macro modification_entries(rule, loads, condition) %}
select
  staged.org_id,
  {%- for column in rule.columns %}
  {% if column.name == rule.key[0] -%} staged.{{ rule.modifications.named_by[0] }}
  {%- elif column.name == 'date_deleted' -%} coalesce(staged.{{ rule.modification_date }}, loads.day::timestamp)
  {%- else -%} null::{{ column.type }}{% endif %} as {{ column.name }},
  {%- endfor %}
  'modification'::text as _kind,
  loads.day as _day,
  staged._load_id,
  staged._row
  {{- no_unmapped(rule) }}
from {{ loads }} as loads
join {{ ref(rule.modifications.staging) }} as staged on staged._load_id = loads.load_id
where loads.feed = '{{ rule.feed }}' and loads.table_name = '{{ rule.modifications.table }}' and {{ condition }}
{% endmacro %}

{# Equality of key tuples in which null equals null and which an index on the key can answer. #}
{% macro same_key(left, right, columns) -%}
  {%- for column in columns -%}
    ({{ left }}.{{ column }} = {{ right }}.{{ column }} or ({{ left }}.{{ column }} is null and {{ right }}.{{ column }} is null))
    {{- ' and ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}

{#
  The rows of `relation` whose key is in `keys`: keys without a null by plain equality (hash join or index), the few with
  a null part in an arm of their own. Org first, never a concatenated key.
#}
{% macro rows_of_keys(relation, keys, key) %}
select rows_of_key.*
from {{ relation }} as rows_of_key
join {{ keys }} as keys
  on rows_of_key.org_id = keys.org_id
  {%- for column in key %} and rows_of_key.{{ column }} = keys.{{ column }}{% endfor %}
union all
select rows_of_key.*
from {{ relation }} as rows_of_key
join {{ keys }} as keys
  on rows_of_key.org_id = keys.org_id and {{ same_key('rows_of_key', 'keys', key) }}
where ({% for column in key %}keys.{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %})
{% endmacro %}

{#
  Of each touched org the entries of its newest day, which the index on (org_id, _day) finds without what came before; of a
  model that starts from nothing those of every org.
#}
{% macro newest_of_touched_orgs(log) %}
select entries_of_org.*
from (
  select orgs.org_id, (select max(days._day) from {{ log }} as days where days.org_id = orgs.org_id) as newest_day
  from (
    select org_id from pg_temp.touched_keys
    union
    select org_id from {{ log }} where (select starts_from_nothing from pg_temp.reconcile_run)
  ) as orgs
) as newest
join {{ log }} as entries_of_org on entries_of_org.org_id = newest.org_id and entries_of_org._day = newest.newest_day
{% endmacro %}
