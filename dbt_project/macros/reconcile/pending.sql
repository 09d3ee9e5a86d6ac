{#
  Runs in the model's transaction, before its select. Reads the ledger once, at one snapshot, and leaves in pg_temp:
    reconcile_run    starts_from_nothing: the model has no applied load of its present logic version
    pending_loads    current loads that the model has not applied (load_id, day, table_name, feed)
    retired_loads    applied loads that are no longer current
    touched_keys     the keys of both; empty for a model that starts from nothing, which takes every key of its log
  and brings the key log and the quarantine of uncast values up to date.
  The transaction begins here, explicitly: a hook outside a transaction (lock_model) leaves the driver believing that one
  is open, and every statement after it would commit by itself.
#}
{% macro take_pending_loads() %}
{%- if execute -%}
{%- set rule = reconcile_rule(model) -%}
{%- set log = key_log(rule) -%}
begin isolation level repeatable read;

delete from ops.applied where model = '{{ model.name }}' and logic_version <> '{{ logic_version(rule) }}';

{{ start_from_nothing_or_not(rule) }}
{%- if rule.legacy %}

{{ forget_outdated_keys(rule) }}
{%- endif %}

create temp table pending_loads on commit drop as
{{ pending_loads_of(rule) }};

create temp table retired_loads on commit drop as
{{ retired_loads_of(rule) }};

analyze pg_temp.pending_loads;

insert into {{ log }}
{{ entries_of(rule, 'pg_temp.pending_loads', within_pending_loads()) }};

do $$
begin
  if (select starts_from_nothing from pg_temp.reconcile_run) then
    {{ index_key_log(rule) }}
    analyze {{ log }};
  end if;
end $$;

create temp table changed_entries on commit drop as
select {{ column_list(['org_id', '_kind'] + rule.key) }}
from {{ log }}
where not (select starts_from_nothing from pg_temp.reconcile_run)
  -- an array, so that the index on _load_id is used however little the planner knows of temporary tables
  and _load_id = any (array(
    select load_id from pg_temp.pending_loads union all select load_id from pg_temp.retired_loads
  ))
{%- if rule.legacy %}
union all
select {{ column_list(['org_id', '_kind'] + rule.key) }} from pg_temp.outdated_entries
{%- endif %};

create temp table touched_keys on commit drop as
select distinct {{ column_list(['org_id'] + rule.key) }} from pg_temp.changed_entries where _kind in ('row', 'removal', 'touch')
{%- if rule.deletions %}
union
select log.org_id, {{ column_list(rule.key, 'log.') }}
from {{ log }} as log
join (select distinct * from pg_temp.changed_entries where _kind = 'deletion') as deletions
  on log.org_id = deletions.org_id and {{ same_key('log', 'deletions', rule.deletions.key) }}
where log._kind in ('row', 'touch')
{%- endif %}
{%- if rule.modifications %}
{%- for user in rule.key %}
union
select log.org_id, {{ column_list(rule.key, 'log.') }}
from {{ log }} as log
join (select distinct org_id, {{ rule.key[0] }} as named_user from pg_temp.changed_entries where _kind = 'modification') as users
  on log.org_id = users.org_id and (log.{{ user }} = users.named_user or (log.{{ user }} is null and users.named_user is null))
where log._kind = 'row'
{%- endfor %}
{%- endif %};

delete from {{ log }} where _load_id = any (array(select load_id from pg_temp.retired_loads));

analyze pg_temp.touched_keys;

{{ quarantine_uncast(rule) }}
{%- endif -%}
{% endmacro %}

{# Bounds a staging relation `staged` to the range of the pending loads, which the raw table's block-range index answers. #}
{% macro within_pending_loads() -%}
staged._load_id between (select min(load_id) from pg_temp.pending_loads) and (select max(load_id) from pg_temp.pending_loads)
{%- endmacro %}

{# Current loads of the files a model reads that it has not applied. #}
{% macro pending_loads_of(rule) %}
select loads.load_id, loads.day, loads.table_name, loads.feed
from ops.load_log as loads
where loads.feed in ({{ quoted_list(feeds_read(rule)) }})
  and loads.status = 'current'
  and loads.table_name in ({{ quoted_list(tables_read(rule)) }})
  and not exists (select from ops.applied where applied.model = '{{ model.name }}' and applied.load_id = loads.load_id)
{% endmacro %}

{# Loads a model has applied that are no longer current; in these words an index of the superseded ones is used. #}
{% macro retired_loads_of(rule) %}
select applied.load_id
from ops.applied
join ops.load_log as loads on loads.load_id = applied.load_id
where applied.model = '{{ model.name }}' and loads.status = 'superseded'
{% endmacro %}

{# Ends the model's transaction's work: what was applied and retired is recorded beside the rows it made. #}
{% macro record_applied_loads() %}
{%- if execute -%}
{%- set rule = reconcile_rule(model) -%}
insert into ops.applied (model, load_id, logic_version)
select '{{ model.name }}', load_id, '{{ logic_version(rule) }}' from pg_temp.pending_loads;

delete from ops.applied
where model = '{{ model.name }}' and load_id in (select load_id from pg_temp.retired_loads);
{%- if rule.legacy %}

{{ record_applied_maps(rule) }}
{%- endif %}

do $$
begin
  if (select starts_from_nothing from pg_temp.reconcile_run) then
    {{ index_reconciled(rule) }}
    {{ create_history(rule) }}
    {{ comment_from_contract(rule) }}
    {{ begin_changes_anew(model.name) if rule.changes is not none }}
  end if;
  {{ analyze_if_outgrown(this) | indent(2) }}
end $$;

{{ drop_what_made_way(this.schema, this.identifier) }}
{{ drop_what_made_way(rule.feed ~ '_log', rule.table) }}
{%- endif -%}
{% endmacro %}
