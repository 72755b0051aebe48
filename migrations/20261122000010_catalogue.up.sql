-- The system's own catalogue tells much of the others who use a server, and lets them be disturbed: who is connected
-- from where and what they run, how many rows each table has, locks of any name, the end of somebody's connection.
-- All logins of the program share its role, so PostgreSQL itself keeps none of this apart.

-- Takes from everybody but the owner of the tables what the program does not need. Only a superuser may; a server whose
-- owner is a plain role has this called once by its administrator.
create function shut_catalogue() returns void
    language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    keeper name := (select relowner::regrole::name from pg_class where oid = 'public.guilds'::regclass);
    one record;
begin
    for one in
        select oid::regprocedure as signature from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and prokind = 'f' and (
            -- Statistics of tables, connections and replicas; and locks with names of one's choosing.
            proname ~ '^(pg_stat_get_|pg_(try_)?advisory_|lo_)'
            or proname in ('pg_terminate_backend', 'pg_cancel_backend', 'pg_lock_status', 'pg_blocking_pids',
                'pg_safe_snapshot_blocking_pids', 'pg_notify', 'pg_export_snapshot', 'pg_prepared_xact', 'lowrite',
                'pg_database_size', 'pg_tablespace_size', 'pg_relation_size', 'pg_table_size', 'pg_indexes_size',
                'pg_total_relation_size', 'pg_current_wal_lsn', 'pg_current_wal_insert_lsn', 'pg_current_wal_flush_lsn',
                'pg_current_snapshot', 'txid_current_snapshot', 'pg_control_checkpoint', 'pg_control_system',
                'pg_tablespace_databases', 'pg_logical_emit_message'))
            -- What is open to everybody; some are a superuser's alone as they come, and stay so.
            and exists (
                select from aclexplode(coalesce(proacl, acldefault('f', proowner))) as acl
                where acl.grantee = 0 and acl.privilege_type = 'EXECUTE')
    loop
        execute format('revoke execute on function %s from public', one.signature);
        execute format('grant execute on function %s to %I', one.signature, keeper);
    end loop;
    -- Names and types of tables are needed to write queries; how full they are is not.
    execute format('revoke select on pg_catalog.pg_class from public');
    execute format('grant select (%s) on pg_catalog.pg_class to public', (
        select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
        where attrelid = 'pg_catalog.pg_class'::regclass and not attisdropped
            and attname not in ('relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'relfrozenxid', 'relminmxid')));
    execute format('grant select on pg_catalog.pg_class to %I', keeper);
    execute format('revoke temporary on database %I from public', current_database());
    execute format('grant temporary on database %I to %I', current_database(), keeper);
end
$$;
revoke execute on function shut_catalogue() from public;

do $$
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        perform shut_catalogue();
    else
        raise warning 'logins of the program can see and disturb each other''s connections until a superuser runs select shut_catalogue() in this database';
    end if;
end
$$;
