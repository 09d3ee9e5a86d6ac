{# The year of an observation, from the source's own rule where only the id was delivered; an id that makes no sense gives none. #}
{% macro observation_school_year(observation) -%}
    coalesce(
        {{ observation }}.school_year,
        case when {{ observation }}.school_year_id between 0 and 990 then 2009 + {{ observation }}.school_year_id end
    )
{%- endmacro %}

{# Today in UTC, as of the build: the one row of ops.clock. A macro, so that unit tests can say which day it is. #}
{% macro today() -%}
    (select clock.today from ops.clock as clock)
{%- endmacro %}

{# The term of a school year a moment falls into, by its UTC month; EdReflect itself knows school years only. #}
{% macro rating_term(moment) -%}
    case
        when extract(month from {{ moment }}) between 7 and 12 then 'fall'
        when extract(month from {{ moment }}) between 1 and 6 then 'spring'
        else 'undated'
    end
{%- endmacro %}

{# The middle value of a group, or the mean of the two middle ones: exact, where percentile_cont would round to a double. #}
{% macro median(values) -%}
    (
        percentile_disc(0.5) within group (order by {{ values }})
        + percentile_disc(0.5) within group (order by {{ values }} desc)
    ) / 2
{%- endmacro %}

{# What ratings and feedback say of their observation, looked up for one row of `part`; nothing if it is not known. #}
{% macro observation_of(part) -%}
    select
        candidate.observation_template_name,
        candidate.learner_employee_id,
        candidate.observer_employee_id,
        candidate.observation_status,
        candidate.observation_is_deleted,
        {{ observation_school_year('candidate') }} as school_year
    from {{ ref('marts__merged_observations') }} as candidate
    where
        candidate.org_id = {{ part }}.org_id
        and candidate.observation_group_id = {{ part }}.observation_group_id
    order by candidate.observation_group_id
    limit 1
{%- endmacro %}

{# The distinct, sorted values of one of an educator's lists (marts.merged_user_roles, ...), nulls left out, never null. The
  offboarding product does not say which rubrics an educator is rated on: that list is the export's alone. #}
{% macro values_of_educator(list, column, educator) -%}
    array(
        select distinct item.{{ column }}
        from {{ ref(('edreflect__' if list == 'user_rubrics' else 'marts__merged_') ~ list) }} as item
        where
            item.org_id = {{ educator }}.org_id
            and item.employee_id = {{ educator }}.employee_id
            and item.{{ column }} is not null
        order by item.{{ column }}
    )
{%- endmacro %}

{# Which row stands for an indicator that its rubric's list names more than once: the first by place, then by wording. #}
{% macro indicator_preference(candidate) -%}
    {{ candidate }}.indicator_level nulls last,
    {{ candidate }}.indicator_order nulls last,
    {{ candidate }}.indicator_code nulls last,
    {{ candidate }}.indicator_name nulls last,
    {{ candidate }}.parent_indicator_id nulls last
{%- endmacro %}

{#
  The person of the rosters who is an educator: guide_id and guide_matched_by, always one row.

  People with a role other than student or relative, now or earlier, are looked for by employee number, then by e-mail
  address; first in the rosters of the educator's own org, then in those of the other orgs of its tenant. Of several,
  people whose roster still has them come before those who have left; if then two are left, neither is taken.
#}
{% macro guide_of_educator(educator) -%}
with own_org as (
    select
        found.id,
        found.status,
        found.matched_by,
        found.org_id
    from (
        select numbered.id, numbered.status, 'identifier' as matched_by, numbered.org_id
        from {{ ref('oneroster__one_roster_user') }} as numbered
        where numbered.org_id = {{ educator }}.org_id and numbered.identifier = {{ educator }}.employee_id
        union all
        select addressed.id, addressed.status, 'email' as matched_by, addressed.org_id
        from {{ ref('oneroster__one_roster_user') }} as addressed
        where addressed.org_id = {{ educator }}.org_id and lower(addressed.email) = lower({{ educator }}.email)
    ) as found
    where {{ is_staff_of_roster('found') }}
),

other_orgs as (
    select
        found.id,
        found.status,
        found.matched_by
    from ops.orgs as own
    inner join ops.orgs as other on own.tenant = other.tenant and own.org_id <> other.org_id
    inner join lateral (
        select numbered.id, numbered.status, 'identifier' as matched_by, numbered.org_id
        from {{ ref('oneroster__one_roster_user') }} as numbered
        where numbered.org_id = other.org_id and numbered.identifier = {{ educator }}.employee_id
        union all
        select addressed.id, addressed.status, 'email' as matched_by, addressed.org_id
        from {{ ref('oneroster__one_roster_user') }} as addressed
        where addressed.org_id = other.org_id and lower(addressed.email) = lower({{ educator }}.email)
    ) as found on true
    where
        own.org_id = {{ educator }}.org_id
        and not exists (select 1 as found from own_org)
        and {{ is_staff_of_roster('found') }}
),

candidates as (
    select own_org.id, own_org.status, own_org.matched_by
    from own_org
    union all
    select other_orgs.id, other_orgs.status, other_orgs.matched_by
    from other_orgs
),

best as (
    select
        candidates.id,
        candidates.matched_by,
        rank() over (
            order by candidates.matched_by = 'email', candidates.status = 'tobedeleted'
        ) as place
    from candidates
)

select
    case when count(distinct best.id) = 1 then (array_agg(best.id))[1] end as guide_id,
    case count(distinct best.id) when 0 then 'none' when 1 then min(best.matched_by) else 'ambiguous' end
        as guide_matched_by
from best
where best.place = 1
{%- endmacro %}
