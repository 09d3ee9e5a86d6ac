{{ config(post_hook="{{ create_version_history() }}") }}
-- depends_on: {{ ref('oneroster__packages') }}
{{ current_versions() }}
