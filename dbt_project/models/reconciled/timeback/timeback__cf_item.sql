{{ config(
    meta={'changes': []},
    indexes=[{'columns': ['cf_document_id']}],
) }}
{{ reconcile(ref('stg_timeback__cf_item')) }}
