{# Words of the TimeBack marts. #}

{# What a resource, test or question is called: its name, else its description, else N/A; an empty text is none. #}
{% macro resource_title(resource) -%}
    coalesce(nullif({{ resource }}.name, ''), nullif({{ resource }}.description, ''), 'N/A')
{%- endmacro %}

{# The select of a view of the resources of one kind, told by their media type. #}
{% macro resources_of_kind(media_type) -%}
select
    resource.tenant,
    resource.id,
    resource.title
from {{ ref('marts__digital_resources') }} as resource
where resource.media_type = '{{ media_type }}'
{%- endmacro %}
