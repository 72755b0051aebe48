//! The restored database takes the old one's place.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::restore::drop_database;
use super::{OperateError, Operator};

/// What the name of the old database ends with, when it is kept.
const BEFORE: &str = "_before_restore";
/// What it ends with when there was nothing in it, until it is gone.
const EMPTY: &str = "_empty";
/// How often it is tried; each try waits some seconds in the server for others to leave.
const TRIES_MAX: u32 = 3;
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

impl Operator {
    /// Gives `fresh` the name of the database, in one transaction with taking it from the old one. Returns the old
    /// one's new name when it is kept, and what could not be carried over.
    pub(super) async fn swap(&self, fresh: &str, keep: bool) -> Result<(Option<String>, Vec<String>), OperateError> {
        let name = self.database();
        let aside = format!("{name}{}", if keep { BEFORE } else { EMPTY });
        // A database cannot be renamed from within.
        let mut on = match self.connect_to("postgres").await {
            Ok(on) => on,
            Err(_) => self.connect_to("template1").await?,
        };
        // The old one keeps its sessions, so no player's login gets into it any more.
        let notes = carry_over(&mut on, &name, fresh).await?;
        drop_database(&mut on, &aside).await?;
        let sql = format!(
            "begin; alter database {0} rename to {1}; alter database {2} rename to {0};
            revoke connect, temporary on database {1} from public, sphereconnect_app; commit",
            quoted(&name),
            quoted(&aside),
            quoted(fresh)
        );
        let mut tries = 0;
        loop {
            let staying = send_away(&mut on, &name).await?;
            let renamed = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut on).await;
            let Err(error) = renamed else { break };
            sqlx::raw_sql("rollback").execute(&mut on).await?;
            let busy = error.as_database_error().and_then(|one| one.code()).is_some_and(|code| code == "55006");
            tries += 1;
            if !busy {
                return Err(error.into());
            }
            if tries >= TRIES_MAX {
                drop_database(&mut on, fresh).await?;
                return Err(OperateError::InUse(staying.max(1), quoted(self.options.get_username())));
            }
            tokio::time::sleep(PAUSE).await;
        }
        if !keep {
            drop_database(&mut on, &aside).await?;
        }
        on.close().await?;
        Ok((keep.then_some(aside), notes))
    }
}

/// Ends the other sessions in a database, and says how many this login cannot end. Programs sign in again by themselves.
async fn send_away(on: &mut PgConnection, database: &str) -> Result<i64, OperateError> {
    let pids: Vec<i32> = sqlx::query_scalar("select pid from pg_stat_activity where datname = $1")
        .bind(database)
        .fetch_all(&mut *on)
        .await?;
    let mut staying = 0;
    for pid in pids {
        // A refusal is the answer for another's session; whoever left meanwhile gives false.
        if sqlx::query_scalar::<_, bool>("select pg_terminate_backend($1)").bind(pid).fetch_one(&mut *on).await.is_err()
        {
            staying += 1;
        }
    }
    Ok(staying)
}

/// Gives the new database the old one's grants and settings, which belong to the database and to no backup: without
/// them everyone on the server might connect.
async fn carry_over(on: &mut PgConnection, from: &str, to: &str) -> Result<Vec<String>, OperateError> {
    let all: Vec<String> = sqlx::query_scalar(CARRIED).bind(from).bind(to).fetch_all(&mut *on).await?;
    let mut notes = Vec::new();
    for sql in all {
        if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut *on).await {
            let why = error.as_database_error().map_or_else(|| error.to_string(), |one| one.message().to_owned());
            notes.push(format!("not carried over from the old database: {sql} ({why})"));
        }
    }
    Ok(notes)
}

const CARRIED: &str = "
with old as (select oid, datacl, datdba from pg_database where datname = $1),
setting as (
    select setrole, split_part(one, '=', 1) as name, substr(one, strpos(one, '=') + 1) as value
    from pg_db_role_setting join old on setdatabase = old.oid, unnest(setconfig) as one
)
select sql from (
    select 1 as step, format('grant connect, temporary on database %I to public', $2) as sql from old where datacl is null
    union all
    select 2, format('grant %s on database %I to %s', privilege_type, $2,
        case when grantee = 0 then 'public' else quote_ident(grantee::regrole::text) end)
    from old, aclexplode(datacl) where grantee <> datdba
    union all
    select 3, case when setrole = 0 then format('alter database %I', $2)
            else format('alter role %I in database %I', (select rolname from pg_roles r where r.oid = setrole), $2) end
        || format(' set %I to ', name)
        || case when name in ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
            then value else quote_literal(value) end
    from setting
) as carried
order by step";

/// A name as SQL takes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
