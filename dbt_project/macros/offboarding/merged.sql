{# A table of each org's current snapshot, by its name in schema offboarding. #}
{% macro snapshot_of(table) -%}
  {%- do ref('offboarding__deliveries') -%}
offboarding.{{ table }}
{%- endmacro %}

{#
  One educator picture: the rows of a table of the daily export, and those of the current snapshot in the same columns
  (marts.snapshot_<table>), so that of each thing the source counts that spoke of it on the newest day; where both did
  so on one day, the export. source is daily, legacy or offboarding, as_of_day the day of the row.

  What a source speaks of:
    the export     of a key: when its reference file or the file itself named it, with rows or without, or a deletion did
    the snapshot   of a document (known_by names the column that holds its id): the document with all of its lists, so
                   that an item which the snapshot does not list is not there. Without `document`, of each row it holds
  Of what the snapshot does not hold nothing is known from it: what the export said stays. An item whose document is not
  there is shown where the export never spoke of the document.

  An org without a snapshot, the usual case, costs a lookup in a table of a few rows and nothing else. `0 = (select count(*)`
  and not `not exists`, which would become a join over every org's rows.
#}
{% macro newest_of_sources(table, document=none, known_by=none) %}
{%- set daily = ref('edreflect__' ~ table) -%}
{%- set snapshot = ref('marts__snapshot_' ~ table) -%}
{%- set deliveries = ref('offboarding__deliveries') -%}
{%- set people = ref('marts__snapshot_people') -%}
{%- if execute -%}
{%- set rule = reconcile_rule(graph.nodes['model.' ~ project_name ~ '.edreflect__' ~ table]) -%}
{%- set columns = rule.columns | map(attribute='name') | list -%}
select
  daily.org_id,
  {{ column_list(columns, 'daily.') }},
  daily._source as source,
  daily._day as as_of_day
from {{ daily }} as daily
left join {{ deliveries }} as delivery on delivery.org_id = daily.org_id and delivery.is_current
where
  delivery.day is null
  or daily._day >= delivery.day
  {%- if document == 'snapshot_people' %}
  or 0 = (
    select count(*) from {{ people }} as named
    where named.org_id = daily.org_id and named.employee_id = daily.{{ known_by }}
  )
  {%- elif document %}
  or 0 = (
    select count(*) from offboarding_log.{{ document }} as named
    where named.org_id = daily.org_id and named._id = daily.{{ known_by }}
  )
  {%- else %}
  -- no index leads to these rows: better all of them once
  or not exists (
    select 1 as named from {{ snapshot }} as named
    where named.org_id = daily.org_id {% for column in rule.key %}and named.{{ column }} = daily.{{ column }} {% endfor %}
  )
  {%- endif %}
  {%- if document and document != 'snapshot_people' and known_by not in rule.key %}
  -- the row's own document may go by another id in the export, where no id map knows it
  and not exists (
    select 1 as named
    from {{ snapshot }} as named
    join offboarding_log.{{ document }} as held on held.org_id = named.org_id and held._id = named.{{ known_by }}
    where named.org_id = daily.org_id {% for column in rule.key %}and named.{{ column }} = daily.{{ column }} {% endfor %}
  )
  {%- elif not document and not rule.modifications %}
  {%- for empty in empty_parts(rule.key) %}
  and not (
    {% for column in empty %}daily.{{ column }} is null and {% endfor %}exists (
      select 1 as named from {{ snapshot }} as named
      where named.org_id = daily.org_id {{ same_but_empty(rule.key, empty, 'named', 'daily') }}
    )
  )
  {%- endfor %}
  {%- endif %}

union all

select
  snapshot.org_id,
  {{ column_list(columns, 'snapshot.') }},
  'offboarding' as source,
  snapshot.as_of_day
from {{ snapshot }} as snapshot
where 0 = (
  select count(*)
  {%- if rule.modifications %}
  -- an end that a modification brings is a word about a pair that the export knows, and its day that of the pair's row
  from {{ daily }} as spoken
  where spoken.org_id = snapshot.org_id
    {%- for column in rule.key %} and spoken.{{ column }} = snapshot.{{ column }}{% endfor %}
    and spoken._day >= snapshot.as_of_day
  {%- else %}
  from {{ key_log(rule) }} as spoken
  where spoken.org_id = snapshot.org_id
    {%- for column in rule.key %}
    {%- if rule.deletions and column not in rule.deletions.key %}
    and (spoken.{{ column }} = snapshot.{{ column }} or spoken._kind = 'deletion')
    {%- else %}
    and spoken.{{ column }} = snapshot.{{ column }}
    {%- endif %}
    {%- endfor %}
    and {{ counts_over_snapshot(document, known_by) }}
  {%- endif %}
)
{%- for empty in ([] if rule.modifications else empty_parts(rule.key | reject('equalto', known_by) | list)) %}
and not (
  {% for column in empty %}snapshot.{{ column }} is null and {% endfor %}0 < (
    select count(*)
    from {{ key_log(rule) }} as spoken
    where spoken.org_id = snapshot.org_id {{ same_but_empty(rule.key, empty, 'spoken', 'snapshot') }}
      and {{ counts_over_snapshot(document, known_by) }}
  )
)
{%- endfor %}
{%- else -%}
select 1 as nothing from {{ daily }}, {{ snapshot }}, {{ deliveries }}, {{ people }}
{%- endif -%}
{% endmacro %}

{# Whether the export's word `spoken` counts and not the snapshot's: it is as new, or the snapshot lacks the document. #}
{% macro counts_over_snapshot(document, known_by) -%}
{%- if document and document != 'snapshot_people' -%}
(
      spoken._day >= snapshot.as_of_day
      or not exists (
        select 1 as held from offboarding_log.{{ document }} as held
        where held.org_id = snapshot.org_id and held._id = snapshot.{{ known_by }}
      )
    )
{%- else -%}
spoken._day >= snapshot.as_of_day
{%- endif -%}
{%- endmacro %}

{#
  A null part of a key equals null, which neither a hash nor one look into an index can tell: so there is an arm for each
  choice of empty columns, in which the others are compared for equality.
#}
{% macro empty_parts(key) %}
  {%- set choices = [[]] -%}
  {%- for column in key -%}
    {%- for choice in choices | list -%}{%- do choices.append(choice + [column]) -%}{%- endfor -%}
  {%- endfor -%}
  {{ return(choices[1:]) }}
{% endmacro %}

{% macro same_but_empty(key, empty, left, right) -%}
  {%- for column in key -%}
    and {{ left }}.{{ column }}{{ ' is null' if column in empty else ' = ' ~ right ~ '.' ~ column }}{{ ' ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}
