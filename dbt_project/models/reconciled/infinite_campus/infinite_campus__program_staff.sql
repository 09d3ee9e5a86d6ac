{{ config(indexes=[{'columns': ['org_id', 'program_id']}]) }}
{{ reconcile(ref('stg_infinite_campus__program_staff')) }}
