//! Why the database did not do it, in words for people.

use super::embedded::EmbeddedError;

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
    /// The member is protected by a password, PIN, TOTP or a lock.
    #[error("{0} has a password, PIN or TOTP, or is locked; this release acts only for members without them")]
    Protected(String),
    /// The login may not open a session for a member.
    #[error("this database login may not act for a member; use the login that owns the guild's tables")]
    NotKeeper,
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
            Self::Newer(_) | Self::Altered(_) | Self::Migrate(_) => "schema",
            Self::Protected(_) | Self::NotKeeper | Self::SessionOver => "sign_in",
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
        "chk_tasks_schedule" => "the end would be before the start".to_owned(),
        "chk_tasks_timezone" => "the database does not know that time zone".to_owned(),
        other => format!("rule {other} does not hold"),
    }
}
