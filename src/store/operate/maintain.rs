//! What a database needs from time to time. Each step stands alone and programs go on working during all of them, so it
//! can stop between any two.

use std::time::{Duration, Instant};

use serde::Serialize;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::{OperateError, Operator, swap::quoted};

/// How many rows one transaction removes, so that none holds locks for long.
const BATCH_ROWS: i32 = 1000;
/// How long a step waits for somebody who holds its table, in SQL's spelling. It is skipped then, and done next time.
const LOCK_WAIT_MAX: &str = "60s";
/// What keeps two maintenances of one database apart.
const LOCK: &str = "hashtext('sphereconnect db maintain')";

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Removing expired sessions.
    Sessions,
    /// Removing what the journal keeps for no longer.
    Journal,
    /// Making room of dead rows.
    Vacuum,
    /// Bringing the planner's statistics up to date.
    Analyze,
    /// Building indexes anew.
    Reindex,
}

/// What is to be done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The parts; all of them when there is none.
    pub parts: Vec<Part>,
    /// Just this index.
    pub index: Option<String>,
}

/// One step, and on what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Removes expired sessions.
    Sessions,
    /// Prunes the journal.
    Journal,
    /// Vacuums and analyses a table.
    Vacuum(String),
    /// Analyses a table.
    Analyze(String),
    /// Drops an index that an interrupted reindexing left.
    Leftover(String),
    /// Builds an index anew beside the old one, and takes its place.
    Reindex(String),
}

/// What became of a step.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    /// `sessions`, `journal`, `vacuum`, `analyze`, `leftover` or `reindex`.
    pub step: &'static str,
    /// The table or index.
    pub on: String,
    /// `done` or `skipped`.
    pub outcome: &'static str,
    /// What there is to say about it.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// A maintenance that nobody else does at the same time.
#[derive(Debug)]
pub struct Maintenance {
    on: PgConnection,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Operator {
    /// Finds out what there is to do.
    ///
    /// # Errors
    /// [`OperateError::Empty`] without a schema, [`OperateError::Maintained`] while another does it,
    /// [`OperateError::Unknown`] for an index that is none.
    pub async fn maintenance(&self, plan: &Plan) -> Result<Maintenance, OperateError> {
        let mut on = self.connect().await?;
        let schema = super::schema(&mut on).await?;
        match schema.state.as_str() {
            "none" => return Err(OperateError::Empty),
            "older" => {
                return Err(OperateError::Unknown(
                    "the schema is older than this program; `sphereconnect db migrate` brings it up to date".to_owned(),
                ));
            }
            _ => {}
        }
        let free: bool = sqlx::query_scalar(AssertSqlSafe(format!("select pg_try_advisory_lock({LOCK})")))
            .fetch_one(&mut on)
            .await?;
        if !free {
            return Err(OperateError::Maintained);
        }
        let lock_wait = format!("set lock_timeout = '{LOCK_WAIT_MAX}'");
        sqlx::raw_sql(AssertSqlSafe(lock_wait)).execute(&mut on).await?;
        let steps = steps(&mut on, plan).await?;
        Ok(Maintenance { on, steps })
    }
}

impl Maintenance {
    /// Does one step.
    ///
    /// # Errors
    /// [`OperateError::Store`] when the database fails. A table that somebody else holds is skipped and no error.
    pub async fn carry_out(&mut self, step: &Step) -> Result<Done, OperateError> {
        let began = Instant::now();
        let tried = match step {
            Step::Sessions => self.remove(SESSIONS, "expired sessions").await,
            Step::Journal => self.journal().await,
            Step::Vacuum(table) => self.vacuum(table).await,
            Step::Analyze(table) => self.say(format!("analyze public.{}", quoted(table))).await.map(|()| String::new()),
            Step::Leftover(index) => self.drop_index(index).await.map(|()| "of an interrupted reindexing".to_owned()),
            Step::Reindex(index) => self.reindex(index).await,
        };
        let (step, on) = step.words();
        let (outcome, detail) = match tried {
            Ok(detail) => ("done", detail),
            Err(error) if is_busy(&error) => ("skipped", format!("somebody held it for more than {LOCK_WAIT_MAX}")),
            Err(error) => return Err(error.into()),
        };
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Done { step, on: on.to_owned(), outcome, detail, ms })
    }

    /// Lets others maintain the database.
    ///
    /// # Errors
    /// When the database cannot be reached; the lock goes with the connection then.
    pub async fn end(self) -> Result<(), OperateError> {
        Ok(self.on.close().await?)
    }

    async fn say(&mut self, sql: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.on).await.map(drop)
    }

    /// Removes batch by batch until a batch finds nothing more.
    async fn remove(&mut self, sql: &'static str, what: &str) -> Result<String, sqlx::Error> {
        let mut all = 0;
        loop {
            let removed: i64 = sqlx::query_scalar(sql).bind(BATCH_ROWS).fetch_one(&mut self.on).await?;
            all += removed;
            if removed == 0 {
                return Ok(format!("{all} {what} removed"));
            }
            // Others get a turn.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn journal(&mut self) -> Result<String, sqlx::Error> {
        let there = "select to_regprocedure('public.journal_prune(integer)') is not null";
        if sqlx::query_scalar::<_, bool>(there).fetch_one(&mut self.on).await? {
            self.remove("select journal_prune($1)", "rows older than their guild keeps them").await
        } else {
            Ok("this schema keeps the journal for ever".to_owned())
        }
    }

    async fn vacuum(&mut self, table: &str) -> Result<String, sqlx::Error> {
        let before = self.dead(table).await?;
        self.say(format!("vacuum (analyze) public.{}", quoted(table))).await?;
        let after = self.dead(table).await?;
        Ok(format!("dead rows {} to {}, {} to {} kB", before.0, after.0, before.1 / 1024, after.1 / 1024))
    }

    /// A table's dead rows and its size in bytes.
    async fn dead(&mut self, table: &str) -> Result<(i64, i64), sqlx::Error> {
        sqlx::query_as(
            "select n_dead_tup, pg_total_relation_size(relid) from pg_stat_user_tables
            where schemaname = 'public' and relname = $1",
        )
        .bind(table)
        .fetch_one(&mut self.on)
        .await
    }

    async fn reindex(&mut self, index: &str) -> Result<String, sqlx::Error> {
        let before = self.size(index).await?;
        let done = self.say(format!("reindex index concurrently public.{}", quoted(index))).await;
        if let Err(error) = done {
            // What it had begun is of no use, and would be kept up to date at every write.
            for left in sqlx::query_scalar::<_, String>(LEFTOVERS).fetch_all(&mut self.on).await? {
                if left.starts_with(index) {
                    self.drop_index(&left).await?;
                }
            }
            return Err(error);
        }
        let after = self.size(index).await?;
        Ok(format!("{} to {} kB", before / 1024, after / 1024))
    }

    async fn size(&mut self, index: &str) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("select pg_relation_size(to_regclass('public.' || quote_ident($1)))")
            .bind(index)
            .fetch_one(&mut self.on)
            .await
    }

    async fn drop_index(&mut self, index: &str) -> Result<(), sqlx::Error> {
        self.say(format!("drop index concurrently if exists public.{}", quoted(index))).await
    }
}

impl Step {
    /// The step's name, and what it is done to.
    #[must_use]
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Sessions => ("sessions", "user_sessions"),
            Self::Journal => ("journal", "journal"),
            Self::Vacuum(table) => ("vacuum", table),
            Self::Analyze(table) => ("analyze", table),
            Self::Leftover(index) => ("leftover", index),
            Self::Reindex(index) => ("reindex", index),
        }
    }
}

async fn steps(on: &mut PgConnection, plan: &Plan) -> Result<Vec<Step>, OperateError> {
    let wants = |part| plan.index.is_none() && (plan.parts.is_empty() || plan.parts.contains(&part));
    let mut steps = Vec::new();
    steps.extend(wants(Part::Sessions).then_some(Step::Sessions));
    steps.extend(wants(Part::Journal).then_some(Step::Journal));
    // Dead rows are in partitions; the planner wants statistics of the whole table as well.
    let tables: Vec<(String, bool)> = sqlx::query_as(
        "select relname::text, relkind = 'p' from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by relname",
    )
    .fetch_all(&mut *on)
    .await?;
    for (table, is_whole) in tables {
        if wants(Part::Vacuum) && !is_whole {
            steps.push(Step::Vacuum(table));
        } else if wants(Part::Analyze) || wants(Part::Vacuum) {
            steps.push(Step::Analyze(table));
        }
    }
    if plan.index.is_some() || wants(Part::Reindex) {
        let left: Vec<String> = sqlx::query_scalar(LEFTOVERS).fetch_all(&mut *on).await?;
        let indexes: Vec<String> = sqlx::query_scalar(INDEXES).fetch_all(&mut *on).await?;
        if let Some(index) = plan.index.as_ref().filter(|index| !indexes.contains(index)) {
            return Err(OperateError::Unknown(format!(
                "no index is called \"{index}\"; `sphereconnect db status` lists them"
            )));
        }
        steps.extend(left.into_iter().map(Step::Leftover));
        let meant = indexes.into_iter().filter(|one| plan.index.as_ref().is_none_or(|index| index == one));
        steps.extend(meant.map(Step::Reindex));
    }
    Ok(steps)
}

fn is_busy(error: &sqlx::Error) -> bool {
    // 55P03 lock_not_available, 40P01 deadlock_detected.
    let code = error.as_database_error().and_then(|one| one.code());
    code.is_some_and(|code| matches!(&*code, "55P03" | "40P01"))
}

/// Indexes that are not whole and have the name that `reindex concurrently` gives, unless one is being built right now.
const LEFTOVERS: &str = "
select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace and not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$'
    and not exists (select from pg_stat_progress_create_index where datname = current_database())
order by 1";

const INDEXES: &str = "
select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace and c.relkind = 'i' and c.relname !~ '_cc(new|old)[0-9]*$'
order by 1";

/// A session that is in use at this moment is left for the next time.
const SESSIONS: &str = "
with removed as (
    delete from user_sessions where (guild_id, id) in (
        select guild_id, id from user_sessions where expires_at < now() limit $1 for update skip locked)
    returning 1
)
select count(*) from removed";
