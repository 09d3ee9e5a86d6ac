{# All id maps as one: kind is the file's name without _ids.csv. #}
{%- set kinds = [
  'artifact', 'artifact_content', 'goal', 'indicator', 'observation_group', 'observation_template', 'organization',
  'rubric', 'slo', 'slo_assessment', 'slo_template', 'snapshot', 'step', 'trending', 'user', 'user_group'
] -%}
{%- for kind in kinds %}
select org_id, '{{ kind }}'::text as kind, old_id, new_id, uncast, _load_id, _row, _line, _raw
from {{ ref('stg_edreflect__' ~ kind ~ '_ids') }}
{{ 'union all' if not loop.last }}
{%- endfor %}
