{#
  Exports from before the refresh of August 2020: the same files with the ids of that time. Their rows lie in the raw
  tables of the daily export, under loads of the feed that the model's meta names as `legacy_feed`; here they become
  entries of the same log, with today's ids, so that the ordinary rule lets the daily export take over (one pager,
  "Legacy Data" and "New ID's").

  Which column holds which kind of id, and so which id map translates it, is data of that feed's contract (`ids`). An id
  without a translation is kept and named in _unmapped. A map that changes re-keys what was entered before.
#}

{# What a model needs to know of the legacy feed: {feed, ids: [{column, kinds}], maps: raw tables of those kinds}; or none. #}
{% macro legacy_rule(node, contract) %}
  {%- set feed = node.config.meta.get('legacy_feed') -%}
  {%- if not feed or node.config.meta.get('union_of') -%}{{ return(none) }}{%- endif -%}
  {%- set kinds_of = kinds_of_ids(feed) -%}
  {%- set ids = [] -%}
  {%- set maps = [] -%}
  {%- for column in contract.columns if column.name in kinds_of -%}
    {%- do ids.append({'column': column.name, 'kinds': kinds_of[column.name]}) -%}
    {%- for kind in kinds_of[column.name] if kind ~ '_ids' not in maps -%}{%- do maps.append(kind ~ '_ids') -%}{%- endfor -%}
  {%- endfor -%}
  {{ return({'feed': feed, 'ids': ids, 'maps': maps, 'model': node.config.schema ~ '__id_map'}) }}
{% endmacro %}

{# The kinds of id by column, in the order in which their maps are asked. #}
{% macro kinds_of_ids(feed) %}
  {%- for node in graph.sources.values() if node.schema == 'raw_' ~ feed and node.config.meta.get('ids') -%}
    {{ return(node.config.meta.ids) }}
  {%- endfor -%}
  {{ return({}) }}
{% endmacro %}

{# The feeds whose loads bring rows to a model, and the columns that say of a reconciled row where it came from. #}
{% macro feeds_read(rule) -%}
  {{ return([rule.feed] + ([rule.legacy.feed] if rule.legacy else [])) }}
{%- endmacro %}

{# Entries of the pending legacy loads: the staged rows with today's ids; the year and its id are filled from each other. #}
{% macro legacy_entries(rule, loads, condition) %}
{%- set names = rule.columns | map(attribute='name') | list %}
select
  staged.org_id,
  {%- for column in rule.columns %}
  {% if column.name in rule.legacy.ids | map(attribute='column') -%}
  coalesce(map_of_{{ column.name }}.new_id, staged.{{ column.name }})
  {%- elif column.name == 'school_year' -%}
  coalesce(staged.school_year, {{ year_of_id(soft_cast("(staged._raw ->> 'school_year_id')", 'integer')) }})
  {%- elif column.name == 'school_year_id' -%}
  coalesce(staged.school_year_id, {{ id_of_year('staged.school_year') }})
  {%- else -%}
  staged.{{ column.name }}
  {%- endif %} as {{ column.name }},
  {%- endfor %}
  'row'::text as _kind,
  loads.day as _day,
  staged._load_id,
  staged._row,
  array_remove(array[
    {%- for id in rule.legacy.ids %}
    case when staged.{{ id.column }} is not null and map_of_{{ id.column }}.new_id is null then '{{ id.column }}' end{{ ',' if not loop.last }}
    {%- endfor %}
  ]::text[], null) as _unmapped
from {{ loads }} as loads
join {{ ref(rule.rows) }} as staged on staged._load_id = loads.load_id
{%- for id in rule.legacy.ids %}
left join lateral (
  select map.new_id
  from {{ ref(rule.legacy.model) }} as map
  where map.org_id = staged.org_id and map.old_id = staged.{{ id.column }} and map.new_id is not null
    and map.kind in ({{ quoted_list(id.kinds) }})
  order by array_position(array[{{ quoted_list(id.kinds) }}], map.kind)
  limit 1
) as map_of_{{ id.column }} on true
{%- endfor %}
where loads.feed = '{{ rule.legacy.feed }}'
  and loads.table_name in ({{ quoted_list(rule.row_tables) }}) and staged.uncast = '{}' and {{ condition }}
{% endmacro %}

{# school_year = 2009 + school_year_id (one pager, "Other notes"); an id that makes no sense gives no year. #}
{% macro year_of_id(school_year_id) -%}
case when ({{ school_year_id }}) between 0 and 990 then 2009 + ({{ school_year_id }}) end
{%- endmacro %}

{% macro id_of_year(school_year) -%}
case when {{ school_year }} between 2009 and 2999 then {{ school_year }} - 2009 end
{%- endmacro %}

{#
  In the model's transaction, before what is pending is read: the entries of legacy loads of an org one of whose id maps
  is not the one they were re-keyed by leave the log, so that they are entered anew. Which maps count is what the model
  of the maps has recorded, never the ledger: its table and its record are of one snapshot. Leaves pg_temp.outdated_entries,
  the keys of what left.
#}
{% macro forget_outdated_keys(rule) %}
create temp table changed_maps on commit drop as
select maps.org_id, maps.load_id
from ops.load_log as maps
join (
  select load_id
  from ops.applied
  where model in ('{{ rule.legacy.model }}', '{{ model.name }}')
  group by load_id
  having count(*) = 1
) as differing on differing.load_id = maps.load_id
where maps.feed = '{{ rule.feed }}' and maps.table_name = any (array[{{ quoted_list(rule.legacy.maps) }}]::text[]);

create temp table outdated_loads on commit drop as
select loads.load_id
from ops.applied
join ops.load_log as loads on loads.load_id = applied.load_id
where applied.model = '{{ model.name }}' and loads.feed = '{{ rule.legacy.feed }}'
  and loads.org_id in (select org_id from pg_temp.changed_maps);

create temp table outdated_entries on commit drop as
select org_id, _kind, {{ column_list(rule.key) }}
from {{ key_log(rule) }}
where _load_id = any (array(select load_id from pg_temp.outdated_loads));

delete from {{ key_log(rule) }} where _load_id = any (array(select load_id from pg_temp.outdated_loads));

delete from ops.applied
where model = '{{ model.name }}' and load_id in (select load_id from pg_temp.outdated_loads);
{% endmacro %}

{# The maps by which the model's legacy rows are keyed now. #}
{% macro record_applied_maps(rule) %}
delete from ops.applied
where model = '{{ model.name }}' and load_id in (select load_id from pg_temp.changed_maps);

insert into ops.applied (model, load_id, logic_version)
select '{{ model.name }}', changed.load_id, '{{ logic_version(rule) }}'
from pg_temp.changed_maps as changed
join ops.applied as known on known.model = '{{ rule.legacy.model }}' and known.load_id = changed.load_id;
{% endmacro %}

{#
  What a reconciled row says of where it came from, beside its contract's columns: {name, type, expression over a version}.
    _day       the latest day that touched the row's key
    _source    daily, or legacy: an export from before the refresh
    _unmapped  of a legacy row, the columns whose ids no map translates; null for a daily one
#}
{% macro provenance_of(rule) %}
  {%- set columns = [] -%}
  {%- if rule.across_orgs or rule.legacy or rule.load == 'bulk' -%}
    {%- do columns.append({'name': '_day', 'type': 'date', 'is': 'valid_from', 'description': 'The latest day that delivered the row.'}) -%}
  {%- endif -%}
  {%- if rule.legacy -%}
    {%- do columns.append({'name': '_source', 'type': 'text', 'is': "case when _unmapped is null then 'daily' else 'legacy' end",
      'description': 'daily, or legacy: an export from before the refresh of August 2020.'}) -%}
    {%- do columns.append({'name': '_unmapped', 'type': 'text[]', 'is': '_unmapped',
      'description': 'Of a legacy row: the columns whose old ids no id map translates; null for a daily row.'}) -%}
  {%- endif -%}
  {{ return(columns) }}
{% endmacro %}
