//! How the database is: its versions, sizes, dead rows, unused indexes, and who holds it up.

use serde::{Deserialize, Serialize};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::{OperateError, Operator, Schema, schema};

/// What there is to say about a database. Never the text of anybody's statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// This program's version.
    pub program: String,
    /// PostgreSQL's version.
    pub server: String,
    /// Whether it is this machine's own private server.
    pub embedded: bool,
    /// The database's name.
    pub database: String,
    /// How much it takes on the disk, in bytes.
    pub size_bytes: i64,
    /// How its schema stands to this program.
    pub schema: Schema,
    /// How many guilds there are; none in a database without tables.
    pub guilds: Option<i64>,
    /// The tables, by their share of dead rows.
    pub tables: Vec<Table>,
    /// The indexes, the largest first.
    pub indexes: Vec<Index>,
    /// The transaction that is open for the longest time, other than this one.
    pub oldest_transaction: Option<Open>,
    /// How many connections there are, by state.
    pub connections: Vec<Connections>,
    /// Who waits longest for a lock.
    pub longest_wait: Option<Wait>,
    /// The settings of autovacuum.
    pub autovacuum: Autovacuum,
    /// The archive of the write-ahead log.
    pub archive: Archive,
    /// What this login may not see.
    pub hidden: Vec<String>,
}

/// One table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    /// Its name (`relname`).
    pub table: String,
    /// Live rows, as the server estimates them.
    pub live: i64,
    /// Dead rows, as the server estimates them.
    pub dead: i64,
    /// Dead rows among all, 0 to 1.
    pub dead_share: f64,
    /// All of it on the disk, in bytes.
    pub size_bytes: i64,
    /// Its indexes on the disk, in bytes.
    pub index_bytes: i64,
    /// When it was last vacuumed, by hand or by itself.
    pub vacuumed_at: Option<String>,
    /// When it was last analysed, by hand or by itself.
    pub analyzed_at: Option<String>,
}

/// One index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub index: String,
    /// Its table.
    pub table: String,
    /// How often it was used since the statistics began.
    pub scans: i64,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// Whether it was never used and no constraint needs it.
    pub unused: bool,
    /// Whether it is whole; one that is not is left over from a reindexing that was cut off.
    pub valid: bool,
}

/// An open transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Open {
    /// The server's process.
    pub pid: i32,
    /// Its login.
    pub login: Option<String>,
    /// The program's name, as it says.
    pub program: Option<String>,
    /// What it is doing, `idle in transaction` for example.
    pub state: Option<String>,
    /// For how long, in seconds.
    pub seconds: f64,
}

/// Connections in one state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Connections {
    /// The state; `hidden` where this login may not see it.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// Somebody who waits for a lock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wait {
    /// The server's process that waits.
    pub pid: i32,
    /// The processes it waits for.
    pub waits_for: Vec<i32>,
    /// For how long, in seconds.
    pub seconds: f64,
}

/// Autovacuum, as it is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Autovacuum {
    /// Whether it runs.
    pub on: bool,
    /// How many workers; 3 is recommended.
    pub workers: i32,
    /// The pause between two rounds in seconds; 20 is recommended.
    pub naptime_seconds: i32,
    /// Whether all three are as recommended.
    pub as_recommended: bool,
}

/// The archive of the write-ahead log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Archive {
    /// `off`, `on` or `always`.
    pub mode: String,
    /// How many segments went to the archive since the statistics began.
    pub archived: i64,
    /// The last that did.
    pub last_archived: Option<String>,
    /// When.
    pub last_archived_at: Option<String>,
    /// How many tries failed.
    pub failed: i64,
    /// The last that failed.
    pub last_failed: Option<String>,
    /// When.
    pub last_failed_at: Option<String>,
}

impl Operator {
    /// Examines the database.
    ///
    /// # Errors
    /// [`OperateError::Store`] when it cannot be reached.
    pub async fn status(&self) -> Result<Status, OperateError> {
        let mut on = self.connect().await?;
        let schema = schema(&mut on).await?;
        let guilds = match schema.version {
            0 => None,
            _ => Some(sqlx::query_scalar("select count(*) from guilds").fetch_one(&mut on).await?),
        };
        let (server, database, size_bytes, sees_all) = sqlx::query_as::<_, (String, String, i64, bool)>(
            "select current_setting('server_version'), current_database()::text, pg_database_size(current_database()),
                pg_has_role(current_user, 'pg_read_all_stats', 'usage')",
        )
        .fetch_one(&mut on)
        .await?;
        let hidden = "what other logins are doing (to see it: grant pg_read_all_stats to this login)";
        let status = Status {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            server,
            embedded: self.embedded.is_some(),
            database,
            size_bytes,
            schema,
            guilds,
            tables: rows(&mut on, TABLES).await?,
            indexes: rows(&mut on, INDEXES).await?,
            oldest_transaction: rows(&mut on, OLDEST).await?.pop(),
            connections: rows(&mut on, CONNECTIONS).await?,
            longest_wait: rows(&mut on, WAITS).await?.pop(),
            autovacuum: one(&mut on, AUTOVACUUM).await?,
            archive: one(&mut on, ARCHIVE).await?,
            hidden: if sees_all { Vec::new() } else { vec![hidden.to_owned()] },
        };
        on.close().await?;
        Ok(status)
    }
}

async fn rows<T>(on: &mut PgConnection, sql: &'static str) -> Result<Vec<T>, OperateError>
where
    T: for<'a> Deserialize<'a> + Send + Unpin + 'static,
{
    let found: Vec<Json<T>> = sqlx::query_scalar(sql).fetch_all(on).await?;
    Ok(found.into_iter().map(|one| one.0).collect())
}

async fn one<T>(on: &mut PgConnection, sql: &'static str) -> Result<T, OperateError>
where
    T: for<'a> Deserialize<'a> + Send + Unpin + 'static,
{
    let found: Json<T> = sqlx::query_scalar(sql).fetch_one(on).await?;
    Ok(found.0)
}

const TABLES: &str = "
select jsonb_build_object('table', relname, 'live', n_live_tup, 'dead', n_dead_tup,
    'dead_share', coalesce(round(n_dead_tup::numeric / nullif(n_live_tup + n_dead_tup, 0), 4), 0),
    'size_bytes', pg_total_relation_size(relid), 'index_bytes', pg_indexes_size(relid),
    'vacuumed_at', greatest(last_vacuum, last_autovacuum), 'analyzed_at', greatest(last_analyze, last_autoanalyze))
from pg_stat_user_tables where schemaname = 'public'
order by n_dead_tup::numeric / nullif(n_live_tup + n_dead_tup, 0) desc nulls last, n_dead_tup desc, relname";

const INDEXES: &str = "
select jsonb_build_object('index', s.indexrelname, 'table', s.relname, 'scans', s.idx_scan,
    'size_bytes', pg_relation_size(s.indexrelid), 'unused', s.idx_scan = 0 and not i.indisunique, 'valid', i.indisvalid)
from pg_stat_user_indexes s join pg_index i on i.indexrelid = s.indexrelid where s.schemaname = 'public'
order by pg_relation_size(s.indexrelid) desc, s.indexrelname";

const OLDEST: &str = "
select jsonb_build_object('pid', pid, 'login', usename, 'program', application_name, 'state', state,
    'seconds', extract(epoch from clock_timestamp() - xact_start))
from pg_stat_activity
where datname = current_database() and xact_start is not null and pid <> pg_backend_pid() and backend_type = 'client backend'
order by xact_start limit 1";

const CONNECTIONS: &str = "
select jsonb_build_object('state', coalesce(state, 'hidden'), 'count', count(*))
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
group by state order by count(*) desc, state";

const WAITS: &str = "
select jsonb_build_object('pid', pid, 'waits_for', pg_blocking_pids(pid),
    'seconds', coalesce(extract(epoch from clock_timestamp() - min(waitstart)), 0))
from pg_locks where not granted and pid in (select a.pid from pg_stat_activity a where a.datname = current_database())
group by pid order by min(waitstart) nulls last limit 1";

const AUTOVACUUM: &str = "
with setting as (
    select current_setting('autovacuum')::boolean as on, current_setting('autovacuum_max_workers')::int as workers,
        (select setting::int from pg_settings where name = 'autovacuum_naptime') as naptime
)
select jsonb_build_object('on', setting.on, 'workers', workers, 'naptime_seconds', naptime,
    'as_recommended', setting.on and workers = 3 and naptime = 20)
from setting";

const ARCHIVE: &str = "
select jsonb_build_object('mode', current_setting('archive_mode'), 'archived', archived_count,
    'last_archived', last_archived_wal, 'last_archived_at', last_archived_time,
    'failed', failed_count, 'last_failed', last_failed_wal, 'last_failed_at', last_failed_time)
from pg_stat_archiver";
