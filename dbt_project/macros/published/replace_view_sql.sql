{#
    One statement that makes `relation` the view of `sql` with `options`, as described in replaced_view.sql.
    Takes: relation; sql, the select; options, a list like ['security_barrier=true'].
    Raises, each as a sentence of its own: 42809 when the name is taken by something that is not a view, 2BP01 when a
    foreign object on top cannot follow a change of columns, 55P03 when readers held the view through every attempt.
#}
{% macro replace_view_sql(relation, sql, options) %}
do $replace$
declare
    schema_name constant text := {{ dbt.string_literal(relation.schema) }};
    bare_name constant text := {{ dbt.string_literal(relation.identifier) }};
    view_name constant text := format('%I.%I', schema_name, bare_name);
    own_relations constant text[] := {{ text_array(relations_of_project()) }};
    options constant text[] := {{ text_array(options) }};
    with_options constant text := coalesce(' with (' || nullif(array_to_string(options, ', '), '') || ')', '');
    probe_name constant text := format('%I.%I', schema_name, '__probe_' || pg_backend_pid());
    body constant text := $view$
{{ sql }}
$view$;
    attempts constant integer := 40;
    existing oid := to_regclass(view_name);
    renamed text;
    probe oid;
    same_columns boolean;
    dependents jsonb;
    dependent record;
    held record;
    foreigners text;
begin
    if existing is null then
        execute 'create view ' || view_name || with_options || ' as ' || body;
        return;
    end if;
    if (select relkind from pg_catalog.pg_class where oid = existing) <> 'v' then
        raise exception '% exists and is not a view: nothing was changed. Rename or drop it, then build again.', view_name
            using errcode = 'wrong_object_type';
    end if;

    execute 'create view ' || probe_name || with_options || ' as ' || body;
    probe := to_regclass(probe_name);
    select coalesce(bool_and(new.attname is not null), true) into same_columns
    from pg_catalog.pg_attribute as old
    left join pg_catalog.pg_attribute as new
        on new.attrelid = probe and new.attnum = old.attnum and new.attname = old.attname
        and new.atttypid = old.atttypid and new.atttypmod = old.atttypmod and new.attcollation = old.attcollation
    where old.attrelid = existing and old.attnum > 0;
    if same_columns
        and pg_get_viewdef(probe) = pg_get_viewdef(existing)
        and (select coalesce(reloptions, '{}') = options from pg_catalog.pg_class where oid = existing)
    then
        execute 'drop view ' || probe_name;
        return;
    end if;
    execute 'drop view ' || probe_name;

    -- below deadlock_timeout, so that a reader is never the one that is told of a deadlock
    perform set_config('lock_timeout', '500ms', true);
    for attempt in 1..attempts loop
        begin
            if same_columns then
                execute 'create or replace view ' || view_name || with_options || ' as ' || body;
                exit;
            end if;

            -- read before the name moves: the definitions then resolve to the new view
            with recursive tree as (
                select existing as view_oid, 0 as depth
                union
                select rule.ev_class, tree.depth + 1
                from tree
                join pg_catalog.pg_depend as d
                    on d.refclassid = 'pg_class'::regclass and d.refobjid = tree.view_oid
                    and d.classid = 'pg_rewrite'::regclass
                join pg_catalog.pg_rewrite as rule on rule.oid = d.objid and rule.ev_class <> tree.view_oid
            ),
            views as (
                select
                    c.oid, max(tree.depth) as depth, bool_or(tree.depth = 1) as direct,
                    format('create or replace view %I.%I%s as %s', n.nspname, c.relname,
                        ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid)) as statement,
                    pg_has_role(c.relowner, 'usage') as ours
                from tree
                join pg_catalog.pg_class as c on c.oid = tree.view_oid and c.relkind = 'v'
                join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
                where tree.depth > 0
                group by c.oid, n.nspname
            )
            select jsonb_agg(to_jsonb(views) order by depth desc) into dependents from views;

            -- outermost first, the order in which a reader locks
            for dependent in
                select statement from jsonb_to_recordset(dependents) as d(statement text, ours boolean) where ours
            loop
                execute dependent.statement;
            end loop;

            renamed := left(bare_name, 40) || '__replaced_' || existing;
            execute format('alter view %s rename to %I', view_name, renamed);
            renamed := format('%I.%I', schema_name, renamed);
            execute 'create view ' || view_name || with_options || ' as ' || body;
            for held in
                select privilege_type, case grantee when 0 then 'public' else grantee::regrole::text end as grantee,
                    case when is_grantable then ' with grant option' else '' end as grant_option
                from pg_catalog.pg_class as c, aclexplode(c.relacl)
                where c.oid = existing and grantee <> c.relowner
            loop
                execute format('grant %s on %s to %s%s',
                    held.privilege_type, view_name, held.grantee, held.grant_option);
            end loop;

            for dependent in
                select statement from jsonb_to_recordset(dependents) as d(statement text, ours boolean, direct boolean)
                where ours and direct
            loop
                begin
                    execute dependent.statement;
                exception
                    when lock_not_available then raise;
                    when others then null;  -- judged below: it still depends on the renamed view
                end;
            end loop;

            select string_agg(distinct described, ', ') into foreigners
            from (
                select coalesce(format('view %s', rule.ev_class::regclass), pg_describe_object(d.classid, d.objid, 0))
                    as described,
                    n.nspname || '.' || c.relname as relation_name
                from pg_catalog.pg_depend as d
                left join pg_catalog.pg_rewrite as rule
                    on d.classid = 'pg_rewrite'::regclass and rule.oid = d.objid
                left join pg_catalog.pg_class as c on c.oid = rule.ev_class
                left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
                where d.refclassid = 'pg_class'::regclass and d.refobjid = existing and d.deptype = 'n'
                    and rule.ev_class is distinct from existing
            ) as remaining
            where (relation_name = any(own_relations)) is not true;
            if foreigners is not null then
                raise exception 'The columns of % have changed in a way that % cannot follow: nothing was changed. '
                    'Drop or alter what depends on it, then build again.', view_name, foreigners
                    using errcode = 'dependent_objects_still_exist';
            end if;
            exit;
        exception when lock_not_available then
            if attempt = attempts then
                raise exception '% was being read all through % attempts to replace it: nothing was changed. '
                    'pg_stat_activity shows the long query; the next build tries again.', view_name, attempts
                    using errcode = 'lock_not_available';
            end if;
            perform pg_sleep(0.5);
        end;
    end loop;

    -- this view's and earlier ones' leftovers, as soon as nothing uses them
    for dependent in
        select format('%I.%I', n.nspname, c.relname) as view_name
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind = 'v' and c.relname ~ ('__replaced_' || c.oid || '$')
            and exists (select from unnest(own_relations) as own(name) where split_part(own.name, '.', 1) = n.nspname)
        order by c.oid desc
    loop
        begin
            execute 'drop view if exists ' || dependent.view_name;
        exception when dependent_objects_still_exist or lock_not_available then null;
        end;
    end loop;
end
$replace$
{% endmacro %}


{% macro text_array(values) -%}
    array[
    {%- for value in values -%}{{ dbt.string_literal(value) }}{{ ', ' if not loop.last }}{%- endfor -%}
    ]::text[]
{%- endmacro %}
