{{ config(meta={'union_of': 'id_map'}) }}
{{ reconcile(ref('stg_edreflect__id_map')) }}
