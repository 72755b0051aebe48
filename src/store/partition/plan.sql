-- The statements that make tables anew with $2 partitions by hash of guild_id, or with none when $2 is 0, and give them
-- everything that the catalogue says of them. Nothing about the tables is written down here but their names, $1: what
-- later migrations add is moved like the rest. Names come out qualified, because nothing but pg_catalog is in the path.
-- What is kept until nobody can be reading it any more has `_former` behind its name.
with ours as (
    select c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
        format('public.%I', c.relname) as name, format('public.%I', c.relname || '_former') as former
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname = any ($1)
),
parts as (
    select ours.oid, part, format('public.%I', ours.relname || '_p' || part) as name
    from ours, generate_series(0, $2 - 1) as part
),
keys as (
    select k.oid, k.conname, k.conrelid, k.contype, k.conrelid::regclass::text as name, pg_get_constraintdef(k.oid) as def
    from pg_constraint k
    where k.conparentid = 0 and (
        k.conrelid in (select oid from ours) and k.contype in ('p', 'u', 'x', 'f')
        or k.confrelid in (select oid from ours))
),
policies as (
    select p.oid, p.polname, p.polrelid, p.polrelid in (select oid from ours) as own, p.polrelid::regclass::text as name,
        case when p.polpermissive then 'permissive' else 'restrictive' end as kind,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
            else 'all' end as verb,
        (select string_agg(case when role = 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ')
            from unnest(p.polroles) as role) as roles,
        coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
            || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') as rules
    from pg_policy p
    where p.polrelid in (select oid from ours) or exists (
        select from pg_depend d where d.classid = 'pg_policy'::regclass and d.objid = p.oid
            and d.refclassid = 'pg_class'::regclass and d.refobjid in (select oid from ours))
),
indexes as (
    select i.indexrelid, c.relname, k.oid as constraint_oid,
        regexp_replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') as def
    from pg_index i join pg_class c on c.oid = i.indexrelid
        left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
    where i.indrelid in (select oid from ours)
),
triggers as (
    select t.oid, t.tgname, t.tgenabled, ours.name, pg_get_triggerdef(t.oid) as def
    from pg_trigger t join ours on ours.oid = t.tgrelid where not t.tgisinternal and t.tgparentid = 0
),
columns as (
    select attrelid, string_agg(quote_ident(attname), ', ' order by attnum) as names
    from pg_attribute where attnum > 0 and not attisdropped and attgenerated = '' group by attrelid
),
storage (oid, option) as (
    select distinct ours.oid, option
    from ours left join pg_inherits on inhparent = ours.oid join pg_class c on c.oid = coalesce(inhrelid, ours.oid)
        cross join unnest(c.reloptions) as option
),
grants as (
    select ours.name, ours.relowner, g.grantee, g.is_grantable, g.privilege_type as privilege
    from ours cross join aclexplode(ours.relacl) as g
    union all
    select ours.name, ours.relowner, g.grantee, g.is_grantable, format('%s (%I)', g.privilege_type, a.attname)
    from ours join pg_attribute a on a.attrelid = ours.oid and not a.attisdropped cross join aclexplode(a.attacl) as g
),
-- Where the rows are, and where they go: a piece at a time.
pieces (oid, source, target) as (
    select ours.oid, format('%s where satisfies_hash_partition(%L::regclass, %s, %s, guild_id)', former, ours.name, $2, part), parts.name
        from ours join parts using (oid)
    union all
    select ours.oid, coalesce(inhrelid::regclass::text, former), name
        from ours left join pg_inherits on inhparent = ours.oid where $2 = 0
),
statements (step, place, statement) as (
    select 10, keys.name || keys.conname, format('alter table %s drop constraint %I', keys.name, conname)
        from keys where contype = 'f'
    union all
    select 20, relname, format('alter table %s rename to %I', name, relname || '_former') from ours
    union all
    select 21, relname, format('alter index public.%I rename to %I', relname, left(relname, 50) || '_former') from indexes
    union all
    select 22, relname, format('alter table %s no force row level security', former) from ours
    union all
    select 22, inhrelid::text, format('alter table %s no force row level security', inhrelid::regclass)
        from ours join pg_inherits on inhparent = ours.oid
    union all
    select 30, relname, format('create table %s (like %s including all excluding indexes excluding statistics)%s',
        name, former, case when $2 > 0 then ' partition by hash (guild_id)' else '' end) from ours
    union all
    select 31, parts.name, format('create table %s partition of %s for values with (modulus %s, remainder %s)',
        parts.name, ours.name, $2, part) from parts join ours using (oid)
    union all
    select 32, target.name, format('alter table %s owner to %I', target.name, pg_get_userbyid(ours.relowner))
        from ours join (select oid, name from ours union all select oid, name from parts) as target using (oid)
        where ours.relowner <> (select oid from pg_roles where rolname = current_user)
    union all
    select 33, storage.option, format('alter table %s set (%s)', coalesce(parts.name, ours.name), storage.option)
        from storage join ours using (oid) left join parts using (oid)
    union all
    select 34, a.attname, format('alter table %s alter column %I set statistics %s', ours.name, a.attname, a.attstattarget)
        from ours join pg_attribute a on a.attrelid = ours.oid and a.attnum > 0 and a.attstattarget > 0
    union all
    -- Before triggers, row security and indexes: rows are moved as they are.
    select 40, source, format('copy %s (%s) from stdin with (format binary, freeze)', target, names)
        from pieces join columns on attrelid = oid
    union all
    select 50, keys.name || conname, format('alter table %s add constraint %I %s', keys.name, conname, keys.def)
        from keys where contype <> 'f'
    union all
    select 51, relname, def from indexes where constraint_oid is null
    union all
    select 60, keys.name || conname, format('alter table %s add constraint %I %s', keys.name, conname, keys.def)
        from keys where contype = 'f'
    union all
    select 70, triggers.name || tgname, def from triggers
    union all
    select 71, triggers.name || tgname, format('alter table %s %s trigger %I', triggers.name,
        case tgenabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end, tgname)
        from triggers where tgenabled <> 'O'
    union all
    select 80, relname, format('alter table %s enable row level security', name) from ours where relrowsecurity
    union all
    select 80, relname, format('alter table %s force row level security', name) from ours where relforcerowsecurity
    union all
    -- Whoever names a partition itself meets no grant, and behind that a closed door.
    select 81, parts.name, format('alter table %s enable row level security, force row level security', parts.name) from parts
    union all
    select 82, policies.name || polname, format('create policy %I on %s as %s for %s to %s%s',
        polname, policies.name, kind, verb, roles, rules) from policies where own
    union all
    select 83, policies.name || polname, format('alter policy %I on %s%s', polname, policies.name, rules)
        from policies where not own
    union all
    -- These hold on to the former tables by number: they are made again in the same words.
    select 84, p.oid::text, pg_get_functiondef(p.oid) from pg_proc p
        where p.oid in (select objid from pg_depend where classid = 'pg_proc'::regclass
            and refclassid = 'pg_class'::regclass and refobjid in (select oid from ours))
    union all
    select 85, v.oid::text, format('create or replace view %s %s as %s', v.oid::regclass,
        'with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))
        from pg_class v where v.relkind = 'v' and v.oid in (
            select r.ev_class from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
            where d.refclassid = 'pg_class'::regclass and d.refobjid in (select oid from ours))
    union all
    -- What the owner's default privileges gave away is taken back first.
    select 90, '', format('do $do$ declare one record; begin
        for one in select c.oid::regclass as name, g.grantee from pg_class c, aclexplode(c.relacl) as g
            where c.oid in (%s) and g.grantee <> c.relowner
        loop execute format(''revoke all on %%s from %%s'', one.name,
            case when one.grantee = 0 then ''public'' else quote_ident(pg_get_userbyid(one.grantee)) end); end loop;
        end $do$', string_agg(format('%L::regclass', made.name), ', '))
        from (select name from ours union all select name from parts) as made
    union all
    select 91, grants.name || privilege || grantee, format('grant %s on %s to %s%s', privilege, grants.name,
        case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
        case when is_grantable then ' with grant option' else '' end)
        from grants where grantee <> relowner
    union all
    select 95, described.what, format('comment on %s is %L', described.what, d.description)
        from pg_description d join (
            select 'pg_class'::regclass as class, oid, 'table ' || name as what from ours
            union all
            select 'pg_class'::regclass, indexrelid, format('index public.%I', relname) from indexes
            union all
            select 'pg_constraint'::regclass, oid, format('constraint %I on %s', conname, keys.name) from keys
            union all
            select 'pg_trigger'::regclass, oid, format('trigger %I on %s', tgname, triggers.name) from triggers
            union all
            select 'pg_policy'::regclass, oid, format('policy %I on %s', polname, policies.name) from policies where own
        ) as described on d.classoid = described.class and d.objoid = described.oid and d.objsubid = 0
    union all
    select 99, relname, format('create trigger former before insert or update or delete or truncate on %s
        for each statement execute function public.partition_former_is_closed()', former) from ours
)
select statement,
    -- What a copy is fed with.
    case when step = 40 then (select format('copy (select %s from %s) to stdout with (format binary)', names, source)
        from pieces join columns on attrelid = oid where source = place) end as source
from statements where statement is not null order by step, place
