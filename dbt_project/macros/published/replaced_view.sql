{#
    Views that change under their readers without being dropped.

    dbt's own `view` materialization ends with `drop view .. cascade`: views made by hand on top disappear without a
    word, and readers see a missing relation. These two keep the relation instead:

      replaced_view    config security_barrier (default false), reader (default none: grants are left alone)
      published_view   security_barrier always on, reader required, descriptions always written as comments

    A contract that the model's config enforces is checked before anything is touched.

    What happens, in one transaction per view (`--full-refresh` makes no difference):
      - the definition is the one in place: nothing is touched, so no lock and no waiting reader;
      - columns are the same, or new ones come last: `create or replace view`, repeating its options, which Postgres
        would otherwise reset;
      - any other change of columns: the view is renamed, created anew with the grants it had, every view on top is
        pointed at the new one, and the renamed one is dropped once nothing depends on it. Views of this project that do
        not fit the new columns keep the renamed one until their own model is built; a foreign object that cannot
        follow fails the model with its name, and nothing is changed.
    A reader with a long query is not queued behind: locks are tried for a moment and given up again.
#}

{% materialization replaced_view, adapter='postgres' %}
    {% do return(replace_view_in_place(
        config.get('security_barrier', false), config.get('reader'), config.persist_relation_docs(),
        config.persist_column_docs())) %}
{% endmaterialization %}

{% materialization published_view, adapter='postgres' %}
    {% if not config.get('reader') %}
        {% do exceptions.raise_compiler_error(
            'published_view needs config reader: the group role that may select from ' ~ this) %}
    {% endif %}
    {% do return(replace_view_in_place(true, config.get('reader'), true, true)) %}
{% endmaterialization %}


{% macro replace_view_in_place(security_barrier, reader, relation_docs, column_docs) %}
    {% set target = this.incorporate(type='view') %}
    {% if config.get('contract').enforced %}
        {{ get_assert_columns_equivalent(sql) }}
    {% endif %}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement('main') %}
        {{ replace_view_sql(target, sql, ['security_barrier=true'] if security_barrier else []) }}
    {% endcall %}
    {% if reader %}
        {% do grant_select_to_reader_only(target, reader) %}
    {% endif %}
    {% do comment_view(target, relation_docs, column_docs) %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {% do return({'relations': [target]}) %}
{% endmacro %}


{#
  `schema.name` of every model of this project, and of the views a reconciled model makes beside its table: the views that
  may lag behind until their own turn in the build.
#}
{% macro relations_of_project() %}
    {% set names = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' %}
        {% do names.append(node.schema ~ '.' ~ node.alias) %}
        {% if node.config.incremental_strategy == 'reconcile' %}
            {% do names.append(node.schema ~ '_log.' ~ node.alias ~ '_entries') %}
            {% do names.append(node.schema ~ '.' ~ node.alias ~ '_history') %}
        {% endif %}
    {% endfor %}
    {% do return(names) %}
{% endmacro %}


{# Select for `reader` and nobody else but the owner; touches nothing that is right already. #}
{% macro grant_select_to_reader_only(relation, reader) %}
    {% call statement('grants') %}
        do $grants$
        declare
            reader constant regrole := {{ dbt.string_literal(adapter.quote(reader)) }}::regrole;
            view_oid constant oid := {{ dbt.string_literal(relation.include(database=false).render()) }}::regclass;
            held record;
            granted boolean := false;
        begin
            for held in
                select grantee, privilege_type, is_grantable
                from pg_catalog.pg_class as c, aclexplode(c.relacl)
                where c.oid = view_oid and grantee <> c.relowner
                union
                select grantee, privilege_type, is_grantable
                from pg_catalog.pg_class as c
                join pg_catalog.pg_attribute as a on a.attrelid = c.oid, aclexplode(a.attacl)
                where c.oid = view_oid and grantee <> c.relowner
            loop
                if held.grantee = reader and held.privilege_type = 'SELECT' and not held.is_grantable then
                    granted := true;
                elsif held.grantee = 0 then
                    execute format('revoke all on %s from public', view_oid::regclass);
                else
                    execute format('revoke all on %s from %s cascade', view_oid::regclass, held.grantee::regrole);
                    granted := granted and held.grantee <> reader;
                end if;
            end loop;
            if not granted then
                execute format('grant select on %s to %s', view_oid::regclass, reader);
            end if;
        end
        $grants$
    {% endcall %}
{% endmacro %}


{# Descriptions as comments, only where they differ from what is there. #}
{% macro comment_view(relation, relation_docs, column_docs) %}
    {% set name = dbt.string_literal(relation.include(database=false).render()) %}
    {% set present = {} %}
    {% for row in run_query(
        'select attname::text, col_description(attrelid, attnum) from pg_catalog.pg_attribute where attrelid = '
        ~ name ~ '::regclass and attnum > 0 union all select null, obj_description(' ~ name ~ "::regclass, 'pg_class')"
    ).rows %}
        {% do present.update({row[0]: row[1]}) %}
    {% endfor %}
    {% set changes = [] %}
    {% if relation_docs and model.description and model.description | trim != present[none] %}
        {% do changes.append(
            'comment on view ' ~ relation ~ ' is ' ~ postgres_escape_comment(model.description | trim)) %}
    {% endif %}
    {% if column_docs %}
        {% for column in model.columns.values() if column.name in present and column.description
            and column.description | trim != present[column.name] %}
            {% do changes.append('comment on column ' ~ relation ~ '.' ~ adapter.quote(column.name) ~ ' is '
                ~ postgres_escape_comment(column.description | trim)) %}
        {% endfor %}
    {% endif %}
    {% if changes %}
        {% do run_query(changes | join(';\n')) %}
    {% endif %}
{% endmacro %}
