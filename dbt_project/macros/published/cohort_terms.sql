{# Words of the cohort marts: what is a cohort, who is in one today, and which student of the rosters that is. #}

{# Whether a program is a cohort, by its category. #}
{% macro is_cohort(program) -%}
    {{ program }}.program_category in ('Cohort', 'Cohort: Cohort')
{%- endmacro %}

{# Whether somebody is in a program today: begun, and the last day, which counts, is not over. #}
{% macro lasts_today(stay) -%}
    ({{ stay }}.begin_date is null or {{ stay }}.begin_date <= {{ today() }})
    and ({{ stay }}.end_date is null or {{ stay }}.end_date >= {{ today() }})
{%- endmacro %}

{#
  The student of the rosters whom a stay in a program is about: student_id, always one row.

  People with a role as a student, now or earlier, are looked for by their number (identifier): in the rosters of the
  stay's own org, then in those of the other orgs of its tenant. Of several, people whose roster still has them come
  before those who have left; if then two are left, neither is taken.
#}
{% macro student_of_stay(stay) -%}
with own_org as (
    select
        numbered.id,
        numbered.status
    from {{ ref('oneroster__one_roster_user') }} as numbered
    where
        numbered.org_id = {{ stay }}.org_id
        and numbered.identifier = {{ stay }}.student_unique_id
        and {{ is_student_of_roster('numbered') }}
),

other_orgs as (
    select
        numbered.id,
        numbered.status
    from ops.orgs as own
    inner join ops.orgs as other on own.tenant = other.tenant and own.org_id <> other.org_id
    inner join {{ ref('oneroster__one_roster_user') }} as numbered on other.org_id = numbered.org_id
    where
        own.org_id = {{ stay }}.org_id
        and not exists (select 1 as found from own_org)
        and numbered.identifier = {{ stay }}.student_unique_id
        and {{ is_student_of_roster('numbered') }}
),

best as (
    select
        candidate.id,
        rank() over (order by candidate.status = 'tobedeleted') as place
    from (
        select own_org.id, own_org.status
        from own_org
        union all
        select other_orgs.id, other_orgs.status
        from other_orgs
    ) as candidate
)

select case when count(distinct best.id) = 1 then (array_agg(best.id))[1] end as student_id
from best
where best.place = 1
{%- endmacro %}
