//! Why the database did not do it, in words for people.

use super::embedded::EmbeddedError;
use crate::secrets::SecretError;

/// Why the store could not open, sign in, read or write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL of the database is none.
    #[error(
        "the database URL cannot be read; it looks like postgres://user:password@host/database (SPHERECONNECT_DATABASE_URL)"
    )]
    Url,
    /// The server cannot be reached.
    #[error("the database cannot be reached; check that the server runs and that SPHERECONNECT_DATABASE_URL is right")]
    Away(#[source] sqlx::Error),
    /// The connection was lost while the change was being made to last.
    #[error("the database did not say whether it was done; ask for it before you say it again")]
    Uncertain(#[source] sqlx::Error),
    /// The embedded server cannot be started.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The database was made by a newer program.
    #[error("the database has the newer schema version {0}, which this program does not know; update the program")]
    Newer(i64),
    /// A migration was changed after it was applied.
    #[error(
        "schema version {0} of the database differs from this program's; use the build that made the database, or another data folder (SPHERECONNECT_DATA_DIR)"
    )]
    Altered(i64),
    /// The schema could not be brought up.
    #[error("the database's schema could not be brought up to date")]
    Migrate(#[source] Box<sqlx::migrate::MigrateError>),
    /// No such guild, or none chosen.
    #[error("{0}")]
    Guild(String),
    /// No such member, or none chosen.
    #[error("{0}")]
    Member(String),
    /// A member without a secret is locked.
    #[error("{0} is locked; `sphereconnect member unlock` lifts it")]
    Protected(String),
    /// Signing in did not work. Which of it was wrong is told to nobody.
    #[error(
        "signing in did not work: the guild's or member's name, the password, PIN or code is wrong, or there were too \
         many tries, which lock an account for a while"
    )]
    SignIn,
    /// There is nothing to sign in with, or a new secret breaks a rule.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database asks for a computation that no honest one asks for.
    #[error("the database sends sign-in parameters outside the limits of this program; check that it is the right one")]
    Parameters,
    /// The member may not do that.
    #[error("{0}")]
    Denied(String),
    /// A whole guild could not be read or written.
    #[error(transparent)]
    Whole(#[from] super::GuildError),
    /// The login may not do what only the owner of the tables may.
    #[error("this database login may not do that; use the login that owns the guild's tables")]
    NotKeeper,
    /// The login is not one of this program's.
    #[error(
        "this database login may not sign members in; it must be sphereconnect_app, be granted that role, or own the tables"
    )]
    NotApp,
    /// The database's schema is older than this program, and the login may not change that.
    #[error(
        "the database's schema version {found} is older than this program's {known}; ask the operator to run \
         `sphereconnect db migrate`"
    )]
    Older {
        /// The database's; 0 when it has none.
        found: i64,
        /// The program's.
        known: i64,
    },
    /// The session is over.
    #[error("the session has ended; start the program again to sign in")]
    SessionOver,
    /// What the order names is gone.
    #[error("it was removed in the meantime")]
    Gone,
    /// The same order of the same batch is somebody else's.
    #[error("another member sent a batch of that name; choose another name")]
    Elsewhere,
    /// The database refuses the change.
    #[error("the database refuses that: {0}")]
    Refused(String),
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopped,
    /// Anything else.
    #[error("the database did not answer as expected")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// An error of opening a connection.
    pub(super) fn connect(error: sqlx::Error) -> Self {
        Self::Away(error)
    }

    /// A short word for the JSON's `error.kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Url | Self::Guild(_) | Self::Member(_) => "settings",
            Self::Away(_) | Self::Embedded(_) | Self::Stopped => "database_away",
            Self::Uncertain(_) => "uncertain",
            Self::Newer(_) | Self::Older { .. } | Self::Altered(_) | Self::Migrate(_) => "schema",
            Self::Protected(_) | Self::SignIn | Self::Secret(_) | Self::Parameters | Self::SessionOver => "sign_in",
            Self::NotKeeper | Self::NotApp => "login",
            Self::Denied(_) => "denied",
            Self::Whole(_) => "guild",
            Self::Gone => "gone",
            Self::Elsewhere => "batch",
            Self::Refused(_) => "refused_by_database",
            Self::Database(_) => "database",
        }
    }
}

impl From<sqlx::Error> for StoreError {
    /// Named constraints become sentences; a lost connection is told apart from a refusal.
    fn from(error: sqlx::Error) -> Self {
        if super::is_away(&error) {
            return Self::Away(error);
        }
        if matches!(error, sqlx::Error::RowNotFound) {
            return Self::Gone;
        }
        let Some(database) = error.as_database_error() else { return Self::Database(error) };
        if let Some(constraint) = database.constraint() {
            return Self::Refused(said(constraint));
        }
        match database.code().as_deref() {
            // Raised by the schema's own functions and triggers, in words of their own.
            Some("23514" | "22023") => Self::Refused(database.message().to_owned()),
            Some("42501") => Self::Refused("it is not permitted".to_owned()),
            Some("55P03" | "40P01" | "40001") => Self::Refused("somebody else is changing it right now".to_owned()),
            Some("57014") => Self::Refused("it took too long".to_owned()),
            _ => Self::Database(error),
        }
    }
}

fn said(constraint: &str) -> String {
    match constraint {
        "uk_squads_guild_name" | "uk_squads_guild_name_lower" => "there is a squad of that name already".to_owned(),
        "chk_objectives_completed" | "chk_tasks_completed" => {
            "it is completed, and so at 100 percent; reopen it first".to_owned()
        }
        "uk_ranks_guild_hierarchy" => "another rank has this level; no two are the same".to_owned(),
        "fk_users_rank" => "members hold this rank; give them another one first".to_owned(),
        "chk_tasks_schedule" => "the end would be before the start".to_owned(),
        "chk_tasks_timezone" => "the database does not know that time zone".to_owned(),
        other => format!("rule {other} does not hold"),
    }
}
