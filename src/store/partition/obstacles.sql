-- What the plan does not know how to move, in words, or null: the tables are $1, and $2 says whether they become partitioned.
with ours as (
    select oid, relname, relkind from pg_class where relnamespace = 'public'::regnamespace and relname = any ($1)
)
select string_agg(what, '; ' order by what) from (
    select format('publication %I of %I', p.pubname, relname) as what
        from ours join pg_publication_rel r on r.prrelid = ours.oid join pg_publication p on p.oid = r.prpubid
    union all
    select format('the extended statistics %I', stxname) from ours join pg_statistic_ext on stxrelid = ours.oid
    union all
    select format('the rule %I on %I', rulename, relname) from ours join pg_rewrite on ev_class = ours.oid
    union all
    select format('the table %s, which inherits from %I', inhrelid::regclass, relname)
        from ours join pg_inherits on inhparent = ours.oid where relkind = 'r'
    union all
    select format('the materialized view %s', v.oid::regclass) from pg_class v
        where v.relkind = 'm' and v.oid in (
            select r.ev_class from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
            where d.refclassid = 'pg_class'::regclass and d.refobjid in (select oid from ours))
    union all
    -- A row's trigger runs on the partition and is told the partition's name.
    select format('the table''s name in trigger %I on %I (%s has to ask pg_partition_root for it)', tgname, relname, p.oid::regproc)
        from ours join pg_trigger t on t.tgrelid = ours.oid and not t.tgisinternal and t.tgparentid = 0
            join pg_proc p on p.oid = t.tgfoid
        where $2 and t.tgtype & 1 = 1 and p.prosrc ~* 'tg_(table_name|relname)' and p.prosrc !~* 'pg_partition_root'
) as found
