-- Opens the catalogue again, as PostgreSQL ships it.
do $$
declare
    one record;
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        -- What was open at the start of this database's life and is not now.
        for one in
            select p.oid::regprocedure as signature from pg_proc p
            where pronamespace = 'pg_catalog'::regnamespace and prokind = 'f' and (
                proname ~ '^(pg_stat_get_|pg_(try_)?advisory_|lo_)'
                or proname in ('pg_terminate_backend', 'pg_cancel_backend', 'pg_lock_status', 'pg_blocking_pids',
                    'pg_safe_snapshot_blocking_pids', 'pg_notify', 'pg_export_snapshot', 'pg_prepared_xact', 'lowrite',
                    'pg_database_size', 'pg_tablespace_size', 'pg_relation_size', 'pg_table_size', 'pg_indexes_size',
                    'pg_total_relation_size', 'pg_current_wal_lsn', 'pg_current_wal_insert_lsn', 'pg_current_wal_flush_lsn',
                'pg_current_snapshot', 'txid_current_snapshot', 'pg_control_checkpoint', 'pg_control_system',
                'pg_tablespace_databases', 'pg_logical_emit_message'))
                -- A few are shut by PostgreSQL itself.
                and not exists (
                    select from pg_init_privs i
                    where i.objoid = p.oid and i.classoid = 'pg_proc'::regclass
                        and not exists (select from aclexplode(i.initprivs) a where a.grantee = 0))
        loop
            execute format('grant execute on function %s to public', one.signature);
        end loop;
        revoke select on pg_catalog.pg_class from public;
        grant select on pg_catalog.pg_class to public;
        execute format('grant temporary on database %I to public', current_database());
    end if;
end
$$;
drop function shut_catalogue();
