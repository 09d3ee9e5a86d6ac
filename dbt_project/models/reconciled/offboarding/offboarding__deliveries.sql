{{
    config(
        materialized='snapshot_fold',
        pre_hook=[
            {'sql': '{{ lock_model() }}', 'transaction': false},
            {'sql': '{{ take_pending_snapshots() }}', 'transaction': true},
        ],
        post_hook={'sql': '{{ record_folded_snapshots() }}', 'transaction': true},
    )
}}
-- depends_on: {{ source('raw_offboarding', 'users') }}
create table if not exists {{ this }} (
    org_id text not null,
    day date not null,  -- noqa: RF04
    is_complete boolean not null,
    is_current boolean not null,
    valid_from date,
    valid_to date,
    missing_groups text[] not null,
    missing_tables text[] not null,
    unlisted_files text[] not null
)
