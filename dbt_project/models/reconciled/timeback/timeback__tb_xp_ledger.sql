{{ config(
    meta={'changes': ['user_id', 'date_created']},
    indexes=[{'columns': ['user_id', '(' ~ xp_day('date_created') ~ ')']}, {'columns': ['caliper_event_id']}],
) }}
{{ reconcile(ref('stg_timeback__tb_xp_ledger')) }}
