//! Whole guilds, in and out: the import and export of a guild file, and the list of guilds.
//!
//! This is the operator's side. It works with the pool of the role that owns the tables, because a guild has no
//! session before it exists; no spoken order comes this way.

use serde::Serialize;
use sqlx::PgPool;

use crate::guild_file::suggestion;

mod export;
mod import;
mod member_import;
mod merge;
mod passwords;
mod plan;
mod rows;
mod write;

pub(crate) use export::{guild_export, member_export};
pub(crate) use import::guild_import;
pub(crate) use member_import::member_import;

/// How long an import waits for another import, or for a turn that holds a row, before it gives up. In SQL's spelling.
const LOCK_WAIT_MAX: &str = "30s";
/// How many guilds a list shows, and a suggestion looks through.
const GUILDS_MAX: i64 = 10_000;

/// Why a guild could not be imported, exported or listed.
#[derive(Debug, thiserror::Error)]
pub enum GuildError {
    /// No guild has this name.
    #[error("no guild is called \"{name}\"{hint}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// What to do instead.
        hint: String,
    },
    /// The file and what the database already holds contradict each other; nothing was changed.
    #[error("nothing was imported: {reason}")]
    Refused {
        /// The constraint that says so.
        constraint: String,
        /// What it means, and what to do.
        reason: String,
    },
    /// A password of the file's variables breaks a rule; nothing was changed.
    #[error("nothing was imported: the password of \"{member}\" cannot be used: {reason}")]
    Password {
        /// Whose.
        member: String,
        /// Why.
        reason: String,
    },
    /// Somebody else holds the guild's rows; nothing was changed.
    #[error("nothing was imported: the guild is being changed by someone else; try again in a moment")]
    Busy,
    /// The database holds something a guild file cannot say.
    #[error("cannot export \"{guild}\": {reason}")]
    Unwritable {
        /// The guild.
        guild: String,
        /// What it is, and what to do.
        reason: String,
    },
    /// The database failed or could not be reached.
    #[error("the database did not carry this out; `sphereconnect doctor` tries the connection")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for GuildError {
    /// A named constraint becomes a sentence; so does a lock that was not granted.
    fn from(error: sqlx::Error) -> Self {
        let database = error.as_database_error();
        // 55P03 lock_not_available, 40P01 deadlock_detected, 40001 serialization_failure.
        if database.and_then(|error| error.code()).is_some_and(|code| matches!(&*code, "55P03" | "40P01" | "40001")) {
            return Self::Busy;
        }
        match database.and_then(|error| error.constraint()) {
            Some(constraint) => Self::Refused { constraint: constraint.to_owned(), reason: reason(constraint) },
            None => Self::Database(error),
        }
    }
}

fn reason(constraint: &str) -> String {
    let known = match constraint {
        "uk_ranks_guild_hierarchy" => {
            "a rank that is in the database but not in the file has one of the file's hierarchy levels; name that rank \
             in the file with a level of its own"
        }
        "chk_objectives_completed" | "chk_tasks_completed" => {
            "the file lowers the progress of something the guild has completed; give it a status in the file as well"
        }
        "chk_tasks_timezone" => "the database server does not know one of the file's time zones; write UTC instead",
        "uk_guilds_name" | "uk_guilds_name_lower" => "another guild has this name in other letters",
        "fk_objectives_applicable_rank" => "an objective's applicable rank is no rank of the guild any more",
        _ if constraint.starts_with("uk_") => "a name in the file is already taken in other letters",
        _ => return format!("the database refuses a value of the file (rule {constraint})"),
    };
    known.to_owned()
}

/// One guild and how much there is of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuildSummary {
    /// What it is called.
    pub name: String,
    /// How many members it has.
    pub members: u64,
    /// How many objectives, whatever their status.
    pub objectives: u64,
    /// How many tasks, whatever their status.
    pub tasks: u64,
}

/// What became of one table in an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Rows the file brought.
    pub created: usize,
    /// Rows the file changed.
    pub changed: usize,
    /// Rows that were already as the file says.
    pub unchanged: usize,
    /// Rows the file does not name; they were left alone.
    pub kept: usize,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The guild.
    pub guild: String,
    /// What became of each table, in the order they were written.
    pub tables: Vec<(&'static str, Count)>,
    /// What the file says that an import does not apply.
    pub warnings: Vec<String>,
}

impl ImportReport {
    /// Whether the database was already as the file says.
    #[must_use]
    pub fn changed_nothing(&self) -> bool {
        self.tables.iter().all(|(_, count)| count.created == 0 && count.changed == 0)
    }

    /// What became of one table; all zero for a table an import does not write.
    #[must_use]
    pub fn table(&self, name: &str) -> Count {
        self.tables.iter().find(|(table, _)| *table == name).map(|(_, count)| *count).unwrap_or_default()
    }
}

/// Every guild in the order of their names, at most [`GUILDS_MAX`].
///
/// # Errors
/// [`GuildError::Database`].
pub(crate) async fn guild_list(pool: &PgPool) -> Result<Vec<GuildSummary>, GuildError> {
    let rows = sqlx::query!(
        r#"
        select g.name,
            (select count(*) from users u where u.guild_id = g.id) as "members!",
            (select count(*) from objectives o where o.guild_id = g.id) as "objectives!",
            (select count(*) from tasks t where t.guild_id = g.id) as "tasks!"
        from guilds g
        order by lower(g.name), g.name
        limit $1
        "#,
        GUILDS_MAX,
    )
    .fetch_all(pool)
    .await?;
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    let summaries = rows.into_iter().map(|row| GuildSummary {
        name: row.name,
        members: count(row.members),
        objectives: count(row.objectives),
        tasks: count(row.tasks),
    });
    Ok(summaries.collect())
}

/// The error for a name no guild has, with the nearest name there is.
async fn unknown_guild(connection: &mut sqlx::PgConnection, name: &str) -> GuildError {
    let names = sqlx::query_scalar!("select name from guilds order by name limit $1", GUILDS_MAX);
    let names = match names.fetch_all(connection).await {
        Ok(names) => names,
        Err(error) => return error.into(),
    };
    let hint = match suggestion(name, names.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean \"{near}\"?"),
        None if names.is_empty() => "; there is none yet, `sphereconnect guild import FILE.toml` brings one".to_owned(),
        None => "; `sphereconnect guild list` shows those there are".to_owned(),
    };
    GuildError::Unknown { name: name.to_owned(), hint }
}
