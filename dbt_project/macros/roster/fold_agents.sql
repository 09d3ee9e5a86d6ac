{#
  Relations: one per person, agent and what the agent is (users.role, in version 1.2 the agent's primary role on this_day).
  A relation is open while the person names the agent, both are there, and the agent is that. It begins like a role of
  version 1.1, ends on the day on which it is no longer true, and the same row opens again when it is.
  Looked at are the people touched today and those who name one of them.
#}
{% macro agent_changes() -%}
truncate pg_temp.changed_agent_rows;

insert into pg_temp.changed_agent_rows (kind, org_id, id, sourced_id, status, date_last_modified,
  source_user_id, agent_user_id, relationship_type, begin_date, end_date, date_created)
with naming as (
  select touched.org_id, touched.id from pg_temp.touched_people as touched
  union
  select person.org_id, person.id
  from pg_temp.touched_people as touched
  join pg_temp.role_sources as source
    on source.org_id = touched.org_id and source.first_users_day < this_day  -- on the first day everybody is touched
  join oneroster_log.one_roster_user as person
    on person.org_id = touched.org_id and person._agent_ids @> array[touched.id] and person._valid_to is null
),
named as (
  select distinct on (person.org_id, person.id, item.agent_id)
    person.org_id,
    person.id as source_user_id,
    item.agent_id as agent_user_id,
    person.sourced_id || '|' || item.agent_sourced_id as pair,
    case when source.first_roles_day is null then agent._role else (
      select role.role
      from oneroster_log.one_roster_role as role
      where role.org_id = agent.org_id and role.user_id = agent.id and role._valid_to is null
        and role.status <> 'tobedeleted'
        and (role.begin_date is null or role.begin_date <= this_day)
        and (role.end_date is null or role.end_date > this_day)
      order by role.role_type = 'primary' desc, role.begin_date desc nulls last, role.id
      limit 1
    ) end as relationship_type
  from naming
  join pg_temp.role_sources as source on source.org_id = naming.org_id
  join oneroster_log.one_roster_user as person
    on person.org_id = naming.org_id and person.id = naming.id and person._valid_to is null
  cross join lateral unnest(person._agent_sourced_ids, person._agent_ids) with ordinality
    as item (agent_sourced_id, agent_id, position)
  join oneroster_log.one_roster_user as agent
    on agent.org_id = person.org_id and agent.id = item.agent_id and agent._valid_to is null
  where person.status <> 'tobedeleted' and agent.status <> 'tobedeleted'
  order by person.org_id, person.id, item.agent_id, item.position
),
true_now as (
  select
    named.*,
    named.pair || '|' || named.relationship_type as sourced_id,
    md5(named.org_id || '|agent|' || named.pair || '|' || named.relationship_type)::uuid as id
  from named
  where named.relationship_type is not null
),
known as (
  select relation.*
  from naming
  join oneroster_log.one_roster_user_agent as relation
    on relation.org_id = naming.org_id and relation.source_user_id = naming.id and relation._valid_to is null
)
select
  case when known.id is null then 'added' when true_now.id is null then 'ended' else 'changed' end,
  coalesce(true_now.org_id, known.org_id), coalesce(true_now.id, known.id),
  coalesce(true_now.sourced_id, known.sourced_id),
  case when true_now.id is null then 'inactive' else 'active' end,
  this_day::timestamptz,
  coalesce(true_now.source_user_id, known.source_user_id), coalesce(true_now.agent_user_id, known.agent_user_id),
  coalesce(true_now.relationship_type, known.relationship_type),
  case when known.id is null then nullif(this_day, source.first_users_day) else known.begin_date end,
  case when true_now.id is null then this_day end,
  case when known.id is null then this_day::timestamptz else known.date_created end
from true_now
full join known on known.org_id = true_now.org_id and known.id = true_now.id
left join pg_temp.role_sources as source on source.org_id = true_now.org_id
where (true_now.id is null and known.status <> 'inactive')
  or (true_now.id is not null and known.status is distinct from 'active');
{%- endmacro %}
