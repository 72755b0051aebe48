//! Spreads objectives and tasks over partitions by guild, while they are in use, and back.
//!
//! PostgreSQL cannot make a table partitioned; it is made anew and the rows are moved, in one transaction.
//! [`PLAN`] reads from the catalogue what the new tables have to be given, the same way for both directions.
//!
//! Who writes meanwhile waits and goes on. The locks are asked for with a short limit and given back when somebody is in
//! the way, so that nobody queues behind a request that waits itself. The former tables stay under another name, closed
//! to writing, until every transaction that was under way has ended: a function with a compiled body may have been
//! waiting for them by number.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Progress, Store, StoreError};

/// The tables that grow: a guild has few of everything else.
pub const TABLES: [&str; 2] = ["objectives", "tasks"];
/// The fewest partitions that spread anything.
pub const PARTITIONS_MIN: u32 = 2;
/// The most partitions; each is planned for in every statement.
pub const PARTITIONS_MAX: u32 = 64;

/// The statements that make the tables anew.
const PLAN: &str = include_str!("partition/plan.sql");
/// What the plan does not know how to move.
const OBSTACLES: &str = include_str!("partition/obstacles.sql");
/// The longest wait for the first lock, and the longest for all others together, in milliseconds. While the first is
/// held and another waited for, a writer may hold that one and wait for the first: it must get its way before the
/// second in which PostgreSQL looks for a deadlock and ends one of the two.
const FIRST_LOCK_MS_MAX: u64 = 2000;
const OTHER_LOCKS_MS_MAX: u64 = 600;
/// The most bytes of one piece, which passes through this program's memory.
const PIECE_BYTES_MAX: usize = 1 << 30;
/// How many of them are sent at once.
const SEND_BYTES: usize = 1 << 20;
/// How often the locks are asked for.
const TRIES_MAX: u32 = 120;
/// The pause between two tries, in which everybody else goes on.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest wait for transactions that were under way; after it the former tables are left for the next call.
const OLD_MAX: Duration = Duration::from_secs(60);
/// Pause between two looks at them.
const POLL: Duration = Duration::from_millis(20);

/// Why the tables were left as they were.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// The number makes no sense.
    #[error("{0} partitions are not possible; name a number from {PARTITIONS_MIN} to {PARTITIONS_MAX}")]
    Count(u32),
    /// There are partitions already.
    #[error("the tables have {0} partitions already; take them together first with `sphereconnect db partition off`")]
    Already(i64),
    /// The catalogue holds something that would be lost.
    #[error("nothing was changed, because this would be lost: {0}")]
    Obstacle(String),
    /// Somebody was in the way all the time.
    #[error("nothing was changed: the tables were in use at each of {0} tries; try again when fewer people play")]
    Busy(u32),
    /// A piece is too large for the program's memory.
    #[error("nothing was changed: a partition would have more than 1 GB; name more partitions with --partitions")]
    Large,
    /// Not every row arrived.
    #[error("nothing was changed: {moved} of the {rows} rows of {table} would have been moved")]
    Rows {
        /// The table.
        table: String,
        /// How many rows it has.
        rows: i64,
        /// How many would have been moved.
        moved: i64,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for PartitionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}

/// How one of the tables is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Spread {
    /// The table.
    pub table: String,
    /// Its partitions; 0 when it is one piece.
    pub partitions: i64,
    /// Its rows, as the statistics have it.
    pub rows: i64,
    /// Its bytes, indexes included.
    pub bytes: i64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repartitioned {
    /// How many rows were moved.
    pub rows: u64,
    /// How often the locks were asked for.
    pub tries: u32,
    /// For how long the tables were locked, in milliseconds: the longest anybody had to wait.
    pub locked_ms: u64,
    /// Whether the former tables are gone; they go with the next call otherwise.
    pub former_gone: bool,
}

impl Store {
    /// How the tables are kept.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn spread(&self) -> Result<Vec<Spread>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        Ok(spread(&mut connection).await?)
    }

    /// Makes the tables anew with `partitions` partitions, or in one piece for 0; a dry run does it all and takes it
    /// back instead of committing it. Nothing is changed on an error.
    ///
    /// # Errors
    /// See [`PartitionError`].
    pub async fn repartition(
        &self,
        partitions: u32,
        dry_run: bool,
        progress: &Progress,
    ) -> Result<Repartitioned, PartitionError> {
        if partitions != 0 && !(PARTITIONS_MIN..=PARTITIONS_MAX).contains(&partitions) {
            return Err(PartitionError::Count(partitions));
        }
        let mut connection = self.pool.acquire().await?;
        if let Some(found) = spread(&mut connection).await?.iter().map(|one| one.partitions).max() {
            match (found, partitions) {
                (0, 0) => return Ok(Repartitioned { rows: 0, tries: 0, locked_ms: 0, former_gone: true }),
                (0, _) | (_, 0) => {}
                _ => return Err(PartitionError::Already(found)),
            }
        }
        drop_former(&mut connection).await?;
        for tries in 1..=TRIES_MAX {
            match attempt(&mut connection, partitions, dry_run, progress).await {
                Ok((rows, locked)) => {
                    progress("waiting for what was under way");
                    let former_gone = drop_former(&mut connection).await?;
                    progress("counting for the planner");
                    for table in TABLES.iter().filter(|_| !dry_run) {
                        execute(&mut connection, format!("analyze public.{table}")).await?;
                    }
                    let locked_ms = u64::try_from(locked.as_millis()).unwrap_or(u64::MAX);
                    return Ok(Repartitioned { rows, tries, locked_ms, former_gone });
                }
                Err(PartitionError::Busy(_)) => {
                    if tries == 8 {
                        progress("waiting for a moment in which nobody writes");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(PartitionError::Busy(TRIES_MAX))
    }
}

async fn spread(on: &mut PgConnection) -> Result<Vec<Spread>, sqlx::Error> {
    sqlx::query_as(
        "select c.relname::text as table, count(p.oid) as partitions,
            greatest(0, sum(coalesce(p.reltuples, c.reltuples)))::int8 as rows,
            sum(pg_total_relation_size(coalesce(p.oid, c.oid)))::int8 as bytes
        from pg_class c left join pg_inherits on inhparent = c.oid left join pg_class p on p.oid = inhrelid
        where c.relnamespace = 'public'::regnamespace and c.relname = any ($1)
        group by c.oid, c.relname order by c.relname",
    )
    .bind(TABLES.map(str::to_owned).to_vec())
    .fetch_all(on)
    .await
}

/// One try: the rows that were moved and how long the tables were locked, or [`PartitionError::Busy`].
async fn attempt(
    connection: &mut PgConnection,
    partitions: u32,
    dry_run: bool,
    progress: &Progress,
) -> Result<(u64, Duration), PartitionError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    let settings = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
        set local search_path = pg_catalog, pg_temp";
    execute(&mut tx, settings.to_owned()).await?;
    let Some(began) = lock(&mut tx).await? else {
        tx.rollback().await?;
        return Err(PartitionError::Busy(1));
    };
    progress("moving the rows");
    let names = TABLES.map(str::to_owned).to_vec();
    let obstacle: Option<String> =
        sqlx::query_scalar(OBSTACLES).bind(&names).bind(partitions > 0).fetch_one(&mut *tx).await?;
    if let Some(obstacle) = obstacle {
        tx.rollback().await?;
        return Err(PartitionError::Obstacle(obstacle));
    }
    execute(&mut tx, CLOSED.to_owned()).await?;
    let count = i32::try_from(partitions).map_err(|_| PartitionError::Count(partitions))?;
    let statements: Vec<(String, Option<String>)> =
        sqlx::query_as(PLAN).bind(&names).bind(count).fetch_all(&mut *tx).await?;
    for (statement, source) in statements {
        match source {
            None => execute(&mut tx, statement).await?,
            Some(source) => copy(&mut tx, &source, &statement).await?,
        }
    }
    let mut rows = 0;
    for table in TABLES {
        let counted =
            format!("select (select count(*) from public.{table}_former), (select count(*) from public.{table})");
        let (former, moved): (i64, i64) = sqlx::query_as(AssertSqlSafe(counted)).fetch_one(&mut *tx).await?;
        if former != moved {
            tx.rollback().await?;
            return Err(PartitionError::Rows { table: table.to_owned(), rows: former, moved });
        }
        rows += u64::try_from(moved).unwrap_or_default();
    }
    if dry_run {
        tx.rollback().await?
    } else {
        tx.commit().await?
    }
    Ok((rows, began.elapsed()))
}

/// Moves one piece. Copied "frozen", its rows count as there since ever: a statement that took its snapshot before it
/// waited for the tables would otherwise find the new ones empty.
async fn copy(tx: &mut PgConnection, source: &str, target: &str) -> Result<(), PartitionError> {
    let mut piece = Vec::new();
    let mut rows = tx.copy_out_raw(source).await?;
    while let Some(row) = rows.try_next().await? {
        if piece.len() + row.len() > PIECE_BYTES_MAX {
            return Err(PartitionError::Large);
        }
        piece.extend_from_slice(&row);
    }
    drop(rows);
    let mut copy = tx.copy_in_raw(target).await?;
    for part in piece.chunks(SEND_BYTES) {
        copy.send(part).await?;
    }
    copy.finish().await?;
    Ok(())
}

/// Locks the tables and all that hang on them, one after the other, those first that most transactions begin with: a
/// turn first asks whose session it is, and so begins with guilds and users. Who holds guilds has no turn beside it.
/// Returns since when, or `None` when somebody was in the way.
async fn lock(tx: &mut PgConnection) -> Result<Option<Instant>, PartitionError> {
    let tables: Vec<String> = sqlx::query_scalar(
        "with ours as (
            select oid, array_position($1, relname::text) as place from pg_class
            where relnamespace = 'public'::regnamespace and relname = any ($1)
        )
        select oid::regclass::text from (
            select oid, place from ours
            union all
            select conrelid, 10 from pg_constraint where confrelid in (select oid from ours) and conparentid = 0
            union all
            select p.polrelid, 11 from pg_policy p
                join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
                where d.refclassid = 'pg_class'::regclass and d.refobjid in (select oid from ours)
            union all
            select confrelid, case when confrelid = 'public.guilds'::regclass then -2 else -1 end
                from pg_constraint where conrelid in (select oid from ours) and contype = 'f'
        ) as involved
        group by oid order by min(place), oid",
    )
    .bind(TABLES.map(str::to_owned).to_vec())
    .fetch_all(&mut *tx)
    .await?;
    let mut since = None;
    for table in tables {
        let patience = since.map_or(FIRST_LOCK_MS_MAX, |since: Instant| {
            // 0 would be for ever.
            OTHER_LOCKS_MS_MAX.saturating_sub(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)).max(1)
        });
        let statement = format!("set local lock_timeout = {patience}; lock table {table} in access exclusive mode");
        if let Err(error) = execute(tx, statement).await {
            let code = error.as_database_error().and_then(|one| one.code()).unwrap_or_default().into_owned();
            // Not available in time, or a deadlock that a writer won.
            return if ["55P03", "40P01"].contains(&code.as_str()) { Ok(None) } else { Err(error.into()) };
        }
        since = since.or_else(|| Some(Instant::now()));
    }
    Ok(since)
}

/// What the former tables answer to whoever would still write to them.
const CLOSED: &str = "create function public.partition_former_is_closed() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception using errcode = 'serialization_failure', message = 'the table is being partitioned; try again';
end
$$";

/// Removes the former tables as soon as no transaction that could be reading them is under way; whether they are gone.
async fn drop_former(connection: &mut PgConnection) -> Result<bool, PartitionError> {
    let tables: Option<String> = sqlx::query_scalar(
        "select string_agg(format('public.%I', relname), ', ') from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname = any ($1)",
    )
    .bind(TABLES.map(|table| format!("{table}_former")).to_vec())
    .fetch_one(&mut *connection)
    .await?;
    let Some(tables) = tables else { return Ok(true) };
    // Everybody sees these locks, also who may not see what others do.
    let under_way = "select array_agg(l.virtualxid) from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'virtualxid' and l.granted and l.mode = 'ExclusiveLock'
            and a.pid <> pg_backend_pid() and a.datname = current_database()
            and (l.virtualxid = any ($1) or $1 is null)";
    let began = Instant::now();
    let mut left: Option<Vec<String>> =
        sqlx::query_scalar(under_way).bind(None::<Vec<String>>).fetch_one(&mut *connection).await?;
    while left.is_some() {
        if began.elapsed() > OLD_MAX {
            return Ok(false);
        }
        tokio::time::sleep(POLL).await;
        left = sqlx::query_scalar(under_way).bind(left).fetch_one(&mut *connection).await?;
    }
    let drop = format!("drop table {tables}; drop function if exists public.partition_former_is_closed()");
    execute(connection, drop).await?;
    Ok(true)
}

async fn execute(on: &mut PgConnection, statements: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(on).await.map(drop)
}
