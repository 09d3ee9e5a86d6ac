{#
  The incremental strategy `touched_groups`, for marts that are made of changes (macros/reconcile/changes.sql).

  A mart's rows fall into groups (config meta `groups`, columns that are never null), and what is true of a group follows
  from upstream rows of that group alone. marts__touched_<mart> says which groups upstream changes have touched since the
  mart last looked; the mart selects the rows of these groups (`only_touched`), and the strategy puts them in the place of
  what was stored of them, so a group without rows vanishes. It costs what was touched, not what is there.
  A mart begins anew, from all rows, when its table is not there, its own logic or an upstream model's has changed, or an org
  that it has known is of another tenant now. Everything happens in the model's transaction.
#}

{# Restricts a relation to the touched groups: `columns` says by which of its columns each column of the group is known. #}
{% macro only_touched(alias, columns) -%}
{%- if not begins_anew() -%}
inner join pg_temp.touched_groups as touched
    on {% for group, column in columns.items() %}{{ alias }}.{{ column }} = touched.{{ group }} and {% endfor %}{{ same_tenant(alias, 'touched') }}
{%- endif -%}
{%- endmacro %}

{# The changes of an upstream model that a mart has not taken yet. #}
{% macro changes_for(mart, upstream) -%}
(
    select change.*
    from {{ changes_table(upstream) }} as change
    where
        change.change_id > (
            select consumed.change_id
            from ops.consumed as consumed
            where consumed.model = '{{ mart }}' and consumed.upstream = '{{ upstream.schema }}__{{ upstream.identifier }}'
        )
)
{%- endmacro %}

{# Whether the mart has to be made of all rows. Asked while its select is put together; checked again in its transaction. #}
{% macro begins_anew() %}
  {%- if not execute -%}{{ return(true) }}{%- endif -%}
  {{ return(run_query('select ' ~ begins_anew_sql()).rows[0][0]) }}
{% endmacro %}

{% macro begins_anew_sql() -%}
to_regclass('{{ this.schema }}.{{ this.identifier }}') is null
  or not exists (
    select from ops.marts as made
    where made.model = '{{ model.name }}' and made.logic_version = '{{ mart_logic_version() }}'
      and not exists (
        select from jsonb_each_text(made.tenants) as known (org_id, tenant)
        left join ops.orgs as org on org.org_id = known.org_id
        where org.tenant is distinct from known.tenant
      )
  )
  or exists (
    select from ops.changes
    left join ops.consumed as consumed on consumed.model = '{{ model.name }}' and consumed.upstream = changes.model
    where changes.model in ({{ quoted_list(upstreams_with_changes()) }}) and consumed.epoch is distinct from changes.epoch
  )
{%- endmacro %}

{# The models whose changes touch groups of this mart: those that its model of touched groups reads. #}
{% macro upstreams_with_changes() %}
  {%- set touched = graph.nodes['model.' ~ project_name ~ '.' ~ touched_model()] -%}
  {%- set names = [] -%}
  {%- for id in touched.depends_on.nodes if graph.nodes[id].config.meta.get('changes') is not none -%}
    {%- do names.append(graph.nodes[id].name) -%}
  {%- endfor -%}
  {{ return(names) }}
{% endmacro %}

{% macro touched_model() -%} {{ return(model.name | replace('__', '__touched_', 1)) }} {%- endmacro %}

{# Changes whenever what the mart makes of its upstream rows changes: its select, and the words it is written in. #}
{% macro mart_logic_version() -%}
  {%- set words = [
      model.raw_code, tojson(model.config.meta), utc_date('a'), seconds_between('a', 'b'), xp_day('a'), is_in_order('a', 'b'),
      covered_seconds('a', 'b', 'c'), same_tenant('a', 'b'), is_whole_insight('a'), newest_in_tenant(api.Relation.create(schema='timeback', identifier='caliper_session'))
  ] -%}
  {%- if 'qualified_insights' in model.raw_code -%}{%- do words.append(qualified_insights('watched')) -%}{%- endif -%}
  {{ return(local_md5(words | join('\n'))) }}
{%- endmacro %}

{# Before the select: the touched groups, as of the model's snapshot. #}
{% macro take_touched_groups() %}
{%- if execute -%}
{%- set anew = 'pg_temp.touched_groups' not in model.compiled_code %}
begin isolation level repeatable read;

do $$
begin
  if ({{ begins_anew_sql() }}) <> {{ anew }} then
    raise exception 'The registry of orgs changed while {{ model.name }} was being built; build again.';
  end if;
end $$;

create temp table touched_groups on commit drop as
select distinct tenant, {{ column_list(config.get('meta').groups) }}
from {{ ref(touched_model()) }}
{%- if anew %}
where false
{%- endif %};

analyze pg_temp.touched_groups;
{%- endif -%}
{% endmacro %}

{% macro get_incremental_touched_groups_sql(arg_dict) %}
{%- set meta = config.get('meta') -%}
{%- set target = arg_dict['target_relation'] -%}
{%- set columns = column_list(arg_dict['dest_columns'] | map(attribute='quoted')) -%}
{%- set anew = 'pg_temp.touched_groups' not in model.compiled_code -%}
{%- if anew %}
delete from {{ target }};
{%- else %}
{%- if 'changes' in meta %}
create temp table rows_before on commit drop as
select {% for column in arg_dict['dest_columns'] %}stored.{{ column.quoted }}{{ ', ' if not loop.last }}{% endfor %}
from {{ target }} as stored
{{ in_touched_groups('stored', meta.groups, 'join', 'on') }};
{%- endif %}

delete from {{ target }} as stored
{{ in_touched_groups('stored', meta.groups, 'using', 'where') }};
{%- endif %}

insert into {{ target }} ({{ columns }})
select {{ columns }} from {{ arg_dict['temp_relation'] }};
{%- if 'changes' in meta and not anew %}

{{ record_changes(changes_table(target), meta.changes, 'pg_temp.rows_before', '(select ' ~ columns ~ ' from ' ~ arg_dict['temp_relation'] ~ ') as rows_after') }}
{%- endif %}
{% endmacro %}

{% macro in_touched_groups(alias, groups, with, condition) -%}
{{ with }} pg_temp.touched_groups as touched
{{ condition }} {% for group in groups %}{{ alias }}.{{ group }} = touched.{{ group }} and {% endfor %}{{ same_tenant(alias, 'touched') }}
{%- endmacro %}

{# After the rows: what was taken, and what the rows were made for. #}
{% macro record_taken_changes() %}
{%- if execute -%}
{%- set meta = config.get('meta') -%}
{%- set anew = 'pg_temp.touched_groups' not in model.compiled_code -%}
{%- if anew and 'changes' in meta %}
do $$
begin
  {{ create_changes(changes_table(this), columns_named(meta.changes)) | indent(2) }}
  {{ begin_changes_anew(model.name) }}
end $$;
{%- endif %}

insert into ops.consumed as known (model, upstream, epoch, change_id)
select '{{ model.name }}', changes.model, changes.epoch, changes.last_change
from ops.changes
where changes.model in ({{ quoted_list(upstreams_with_changes()) }})
on conflict (model, upstream) do update set epoch = excluded.epoch, change_id = excluded.change_id;

insert into ops.marts as known (model, logic_version, tenants)
select '{{ model.name }}', '{{ mart_logic_version() }}', coalesce(jsonb_object_agg(org.org_id, org.tenant), '{}')
from ops.orgs as org
on conflict (model) do update set logic_version = excluded.logic_version, tenants = (
  -- an org that has left the registry is remembered: coming back is a change as well
  select coalesce(jsonb_object_agg(gone.org_id, null), '{}') from jsonb_object_keys(known.tenants) as gone (org_id)
) || excluded.tenants;

alter table {{ this }} set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
do $$ begin {{ analyze_if_outgrown(this) }} end $$;
{%- endif -%}
{% endmacro %}

{# Columns of the mart itself, with their types, for its table of changes. #}
{% macro columns_named(names) %}
  {%- set columns = [] -%}
  {%- for column in adapter.get_columns_in_relation(this) if column.name in names -%}
    {%- do columns.append({'name': column.name, 'type': column.data_type}) -%}
  {%- endfor -%}
  {{ return(columns) }}
{% endmacro %}
