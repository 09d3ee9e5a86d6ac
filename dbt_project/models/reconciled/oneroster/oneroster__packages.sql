{{
    config(
        materialized='roster_fold',
        pre_hook=[
            {'sql': '{{ lock_model() }}', 'transaction': false},
            {'sql': '{{ take_pending_packages() }}', 'transaction': true},
        ],
        post_hook={'sql': '{{ record_folded_packages() }}', 'transaction': true},
    )
}}
{{
    fold_packages([
        ref('stg_oneroster__academic_sessions'),
        ref('stg_oneroster__classes'),
        ref('stg_oneroster__courses'),
        ref('stg_oneroster__enrollments'),
        ref('stg_oneroster__orgs'),
        ref('stg_oneroster__roles'),
        ref('stg_oneroster__users'),
    ])
}}
