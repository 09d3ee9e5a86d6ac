{#
  Every state a key ever had: the contract's columns with valid_from (inclusive) and valid_to (exclusive; null = now).
  The one place where the load rules of the contract are spelled out; current state, as-of and history all read it.
    entries    relation of entries (see entries_of), restricted to whole keys or not at all
    all_entries  relation that also holds the deletions and modifications of other keys
#}
{% macro versions_of(rule, entries, all_entries) %}
{%- if rule.load == 'drop_insert' -%} {{ drop_insert_versions(rule, entries, all_entries) }}
{%- elif rule.load == 'upsert' -%} {{ upsert_versions(rule, entries, all_entries) }}
{%- elif rule.load == 'bulk' -%} {{ bulk_versions(rule, entries) }}
{%- elif rule.load == 'affiliation' -%} {{ affiliation_versions(rule, entries, all_entries) }}
{%- else -%} {{ exceptions.raise_compiler_error(rule.table ~ ' has the load rule ' ~ rule.load ~ ', which no reconciled table knows.') }}
{%- endif -%}
{% endmacro %}

{# A key's rows are those of the latest day that touched it, a touch without rows included. #}
{% macro drop_insert_versions(rule, entries, all_entries) %}
  select
    org_id,
    {{ column_list(rule.columns | map(attribute='name')) }},
    {{- ' _unmapped,' if rule.legacy }}
    _day as valid_from,
    {{ earlier_end(rule, 'next_day') }} as valid_to
  from (
    select
      *,
      first_value(_day) over (
        partition by org_id, {{ column_list(rule.key) }}
        order by _day groups between 1 following and unbounded following
      ) as next_day
    from {{ entries }} as entries
    where _kind in ('row', 'touch')
  ) as versions
  {{ join_deletion(rule, all_entries) }}
  where _kind = 'row' {{ and_not_deleted_that_day(rule) }}
{% endmacro %}

{# A key's row is that of the latest day that delivered it, the later line of one file; none if that line removes it. #}
{% macro upsert_versions(rule, entries, all_entries) %}
  select
    org_id,
    {{ column_list(rule.columns | map(attribute='name')) }},
    {{- ' _unmapped,' if rule.legacy }}
    _day as valid_from,
    {{ earlier_end(rule, 'next_day') }} as valid_to
  from (
    select
      *,
      lead(_day) over (partition by org_id, {{ column_list(rule.key) }} order by _day) as next_day
    from (
      select
        *,
        row_number() over (partition by org_id, {{ column_list(rule.key) }}, _day order by _row desc) as line_from_end
      from {{ entries }} as entries
      where _kind in ('row', 'removal')
    ) as lines
    where line_from_end = 1
  ) as versions
  {{ join_deletion(rule, all_entries) }}
  where _kind = 'row' {{ and_not_deleted_that_day(rule) }}
{% endmacro %}

{#
  An org's rows are those of the latest day on which it delivered any, the later line of one file. A day without a row is
  no state and ends nothing.
#}
{% macro bulk_versions(rule, entries) %}
  select
    org_id,
    {{ column_list(rule.columns | map(attribute='name')) }},
    _day as valid_from,
    next_day as valid_to
  from (
    select
      *,
      first_value(_day) over (
        partition by org_id
        order by _day groups between 1 following and unbounded following
      ) as next_day,
      row_number() over (partition by org_id, _day, {{ column_list(rule.identity) }} order by _row desc) as line_from_end
    from {{ entries }} as entries
  ) as versions
  where line_from_end = 1
{% endmacro %}

{# A deletion with folder day D ends what was delivered up to and including D (contract, Goals_Deleted). #}
{% macro join_deletion(rule, all_entries) %}
{%- if rule.deletions %}
  left join lateral (
    select min(deletions._day) as deleted_day
    from {{ all_entries }} as deletions
    where deletions._kind = 'deletion'
      and deletions.org_id = versions.org_id
      and {{ same_key('deletions', 'versions', rule.deletions.key) }}
      and deletions._day >= versions._day
  ) as deletion on true
{%- endif %}
{% endmacro %}

{% macro earlier_end(rule, next_day) -%}
  {%- if rule.deletions -%} least({{ next_day }}, deletion.deleted_day) {%- else -%} {{ next_day }} {%- endif -%}
{%- endmacro %}

{% macro and_not_deleted_that_day(rule) -%}
  {%- if rule.deletions -%} and deletion.deleted_day is distinct from versions._day {%- endif -%}
{%- endmacro %}

{#
  The rule of User_Affiliations.csv: attributes of a pair come from the earliest day that delivered it; a date_deleted of
  the latest delivery holds; an open pair is ended by the first later day on which User_Modified names either user, with
  the smallest date of that day; a later delivery opens it again.
#}
{% macro affiliation_versions(rule, entries, all_entries) %}
{%- set attributes = rule.columns | map(attribute='name') | reject('in', rule.key + ['date_deleted']) | list -%}
{%- set pair = 'org_id, ' ~ column_list(rule.key) %}
  select
    deliveries.org_id,
    {% for column in rule.columns -%}
    {%- if column.name == 'date_deleted' -%} state.date_deleted
    {%- elif column.name in attributes -%} deliveries.first_{{ column.name }} as {{ column.name }}
    {%- else -%} deliveries.{{ column.name }}{%- endif -%},
    {% endfor -%}
    {% if rule.legacy -%} case when state.valid_from = deliveries._day then deliveries._unmapped end as _unmapped, {% endif -%}
    state.valid_from,
    state.valid_to
  from (
    select
      *,
      {% for attribute in attributes -%}
      first_value({{ attribute }}) over (partition by {{ pair }} order by _day) as first_{{ attribute }},
      {% endfor -%}
      lead(_day) over (partition by {{ pair }} order by _day) as next_day
    from (
      select *, row_number() over (partition by {{ pair }}, _day order by _row desc) as line_from_end
      from {{ entries }} as entries
      where _kind = 'row'
    ) as lines
    where line_from_end = 1
  ) as deliveries
  left join lateral (
    select modifications._day, min(modifications.date_deleted) as modified_date
    from {{ all_entries }} as modifications
    where modifications._kind = 'modification'
      and deliveries.date_deleted is null
      and modifications.org_id = deliveries.org_id
      and (
        {%- for user in rule.key %}
        modifications.{{ rule.key[0] }} = deliveries.{{ user }} or
        {%- endfor %}
        (modifications.{{ rule.key[0] }} is null and ({% for user in rule.key %}deliveries.{{ user }} is null{{ ' or ' if not loop.last }}{% endfor %}))
      )
      and modifications._day > deliveries._day
      and (deliveries.next_day is null or modifications._day < deliveries.next_day)
    group by modifications._day
    order by modifications._day
    limit 1
  ) as ending on true
  cross join lateral (
    values
      (deliveries.date_deleted, deliveries._day, coalesce(ending._day, deliveries.next_day)),
      (ending.modified_date, ending._day, deliveries.next_day)
  ) as state (date_deleted, valid_from, valid_to)
  where state.valid_from is not null
{% endmacro %}
