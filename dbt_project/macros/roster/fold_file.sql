{#
  What one file changes on this_day: its delivered rows go to incoming_<file>, one per key, and what they do to the
  current versions to changed_<file>, complete with status, date_last_modified and end. The kinds of change:
    added      a record never seen before, also one that is only named to have ended
    changed    another value in a column of the file          returned   had ended and is back
    ended      named tobedeleted, or no longer in a full file  stayed     (deltas only) delivered as it was
    stale      a delta row older than what is known: not applied
#}
{% macro changes_of_file(file) -%}
{%- set own = file.columns | map(attribute='name') | list -%}
{%- set hidden = file.hidden | map(attribute='name') | list -%}
truncate {{ file.changes }};
row_loads := array(select rows_load_id from pg_temp.day_files where table_name = '{{ file.name }}' and not is_unchanged);
if cardinality(row_loads) = 0 then
  truncate {{ file.incoming }};
else
  delta_loads := array(
    select rows_load_id from pg_temp.day_files where table_name = '{{ file.name }}' and mode = 'delta'
  );
  if (select sum(rows) from pg_temp.day_files where table_name = '{{ file.name }}' and not is_unchanged)
    > 50 + 0.2 * (select greatest(reltuples, 0) from pg_class where oid = 'raw_oneroster.{{ file.name }}'::regclass)
  then
    analyze raw_oneroster.{{ file.name }};
  end if;
  drop table {{ file.incoming }};
  -- made anew, without a temporary table in the query: only so do several processes cast the rows
  create temp table incoming_{{ file.name }} on commit drop as
  select
    case when staged._load_id = any (delta_loads) then 'delta' else 'bulk' end as mode,
    staged._load_id, staged._row, {{ uncast_that_counts() }} as uncast,
    {{ column_list(version_columns(file), 'staged.') }}
  from {{ ref(file.staging) }} as staged
  where staged._load_id = any (row_loads);
  analyze {{ file.incoming }};

  {{ set_uncast_aside(file) | indent(2) }}

  -- several rows of one key: in a delta the newest, else the last one
  delete from {{ file.incoming }} as lost
  using (select org_id, id from {{ file.incoming }} group by org_id, id having count(*) > 1) as repeated
  where lost.org_id = repeated.org_id and lost.id = repeated.id
    and exists (
      select from {{ file.incoming }} as better
      where better.org_id = lost.org_id and better.id = lost.id
        and (case when better.mode = 'delta' then better.date_last_modified else '-infinity' end, better._row)
          > (case when lost.mode = 'delta' then lost.date_last_modified else '-infinity' end, lost._row)
    );

  insert into {{ file.changes }} (kind, mode, org_id, id, sourced_id, status, date_last_modified
    {%- for name in own + hidden %}, {{ name }}{% endfor %})
  select
    judged.kind, incoming.mode, incoming.org_id, incoming.id, incoming.sourced_id, delivered.status,
    case
      when incoming.mode = 'delta' then incoming.date_last_modified
      when judged.kind = 'changed' and judged.same_record then known.date_last_modified
      else this_day::timestamptz
    end
    {%- for name in own %}, {{ 'delivered.end_date' if file.name == 'enrollments' and name == '"end_date"' else 'incoming.' ~ name }}{% endfor %}
    {%- for name in hidden %}, incoming.{{ name }}{% endfor %}
  from {{ file.incoming }} as incoming
  left join {{ file.log }} as known
    on known.org_id = incoming.org_id and known.id = incoming.id and known._valid_to is null
  cross join lateral (
    select case when incoming.mode = 'delta' then coalesce(incoming.status, 'active') else 'active' end as status
  ) as said
  cross join lateral (
    select
      said.status
      {%- if file.name == 'enrollments' %},
      case
        when said.status = 'tobedeleted'
          then coalesce(incoming.end_date, case when known.status = 'tobedeleted' then known.end_date end, this_day)
        else incoming.end_date
      end as end_date
      {%- endif %}
  ) as delivered
  cross join lateral (
    select
      (known.sourced_id, known.status{% for name in own %}, known.{{ name }}{% endfor %}) is not distinct from
      (incoming.sourced_id, delivered.status
        {%- for name in own %}, {{ 'delivered.end_date' if file.name == 'enrollments' and name == '"end_date"' else 'incoming.' ~ name }}{% endfor %}) as same_record
  ) as compared
  cross join lateral (
    select
      compared.same_record,
      case
        when known.id is null then 'added'
        when incoming.mode = 'delta' and incoming.date_last_modified < known.date_last_modified then 'stale'
        when delivered.status = 'tobedeleted' and known.status <> 'tobedeleted' then 'ended'
        when delivered.status <> 'tobedeleted' and known.status = 'tobedeleted' then 'returned'
        when not compared.same_record
          {%- if hidden %} or ({{ column_list(hidden, 'known.') }}) is distinct from ({{ column_list(hidden, 'incoming.') }}){% endif %} then 'changed'
        else 'stayed'
      end as kind
  ) as judged
  where judged.kind <> 'stayed' or incoming.mode = 'delta';

  insert into pg_temp.kept_keys
  select '{{ file.name }}', day_file.org_id, {{ roster_id(file.type, 'quarantine.record_key', 'day_file') }}
  from pg_temp.day_files as day_file
  join ops.quarantine on quarantine.load_id = day_file.load_id
  where day_file.table_name = '{{ file.name }}' and day_file.mode = 'bulk' and quarantine.record_key is not null;

  insert into {{ file.changes }} (kind, mode, org_id, id, sourced_id, status, date_last_modified
    {%- for name in own + hidden %}, {{ name }}{% endfor %})
  select
    'ended', 'bulk', known.org_id, known.id, known.sourced_id, 'tobedeleted', this_day::timestamptz
    {%- for name in own + hidden %}, {{ 'coalesce(known.end_date, this_day)' if file.name == 'enrollments' and name == '"end_date"' else 'known.' ~ name }}{% endfor %}
  from pg_temp.day_files as day_file
  join {{ file.log }} as known
    on known.org_id = day_file.org_id and known._valid_to is null and known.status <> 'tobedeleted'
  where day_file.table_name = '{{ file.name }}' and day_file.mode = 'bulk' and not day_file.is_unchanged
    and not exists (
      select from {{ file.incoming }} as incoming where incoming.org_id = known.org_id and incoming.id = known.id
    )
    and not exists (
      select from pg_temp.kept_keys as kept
      where kept.table_name = '{{ file.name }}' and kept.org_id = known.org_id and kept.id = known.id
    );
  analyze {{ file.changes }};
end if;
{%- endmacro %}

{#
  Rows that passed the loader's validation and all the same hold a value that does not cast: set aside like everywhere
  else, with their key, so that they count as present.
#}
{% macro set_uncast_aside(file) -%}
if exists (select from {{ file.incoming }} where uncast <> '{}') then
  insert into pg_temp.kept_keys
  select '{{ file.name }}', org_id, id from {{ file.incoming }} where uncast <> '{}' and mode = 'bulk';
  delete from ops.quarantine
  where model = '{{ model.name }}'
    and load_id in (select load_id from pg_temp.day_files where table_name = '{{ file.name }}');
  insert into ops.quarantine (load_id, line, column_name, reason, raw_line, model, record_key)
  select
    day_file.load_id, staged._line, array_to_string(staged.uncast, ', '),
    'value does not cast to the type of the column', staged._raw::text, '{{ model.name }}', staged.sourced_id
  from pg_temp.day_files as day_file
  join {{ ref(file.staging) }} as staged on staged._load_id = day_file.rows_load_id
  where day_file.table_name = '{{ file.name }}' and staged._load_id = any (row_loads) and {{ uncast_that_counts() }} <> '{}';
  update pg_temp.day_files as day_file
  set rejected = day_file.rejected + uncast.records
  from (
    select _load_id, count(*) as records from {{ file.incoming }} where uncast <> '{}' group by _load_id
  ) as uncast
  where day_file.table_name = '{{ file.name }}' and day_file.rows_load_id = uncast._load_id;
  delete from {{ file.incoming }} where uncast <> '{}';
end if;
{%- endmacro %}

{# In a full file the date of the last change is not read. #}
{% macro uncast_that_counts() -%}
case
  when staged._load_id = any (delta_loads) then staged.uncast
  else array_remove(staged.uncast, 'date_last_modified')
end
{%- endmacro %}

{# What was judged becomes true on this_day: the changed versions end and their successors begin. #}
{% macro write_versions(table) -%}
if exists (select from {{ table.changes }} where kind <> 'stale') then
  update {{ table.log }} as known
  set _valid_to = this_day
  from {{ table.changes }} as change
  where known.org_id = change.org_id and known.id = change.id and known._valid_to is null
    and change.kind not in ('added', 'stale');
  insert into {{ table.log }} ({{ column_list(version_columns(table)) }}, _valid_from)
  select {{ column_list(version_columns(table), 'change.') }}, this_day
  from {{ table.changes }} as change
  where change.kind <> 'stale';
  get diagnostics changed_rows = row_count;
  {{ index_if_fresh(table) | indent(2) }}
  -- what follows joins the new versions: a table that has just grown must not be taken for the empty one it was
  if changed_rows > 50 + 0.2 * (select greatest(reltuples, 0) from pg_class where oid = '{{ table.log }}'::regclass) then
    analyze {{ table.log }};
  end if;
end if;
{%- endmacro %}
