//! Why an operator's command was not carried out, with what to do.

use std::path::PathBuf;

use crate::store::StoreError;

/// Why the operator's command did not do it.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// The database cannot be opened, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A player's login.
    #[error(
        "the database login \"{0}\" does not own the guild's tables; the operator's commands need the login that does (SPHERECONNECT_DATABASE_URL)"
    )]
    NotOwner(String),
    /// The policies keep rows from the owner.
    #[error(
        "the database login \"{login}\" owns the tables, and yet their policies hide rows from it ({tables}); use the login that made them"
    )]
    Hidden {
        /// The login.
        login: String,
        /// The tables.
        tables: String,
    },
    /// The database has no schema yet.
    #[error("the database is empty; `sphereconnect db migrate` makes the tables")]
    Empty,
    /// PostgreSQL's own programs are missing.
    #[error(
        "cannot find {program} of PostgreSQL {major} or newer; install postgresql-client-{major}, or name its folder in database.bin_dir"
    )]
    NoTool {
        /// Which program.
        program: &'static str,
        /// The server's major version.
        major: u32,
    },
    /// One of PostgreSQL's own programs failed.
    #[error("{program} failed and nothing was changed: {said}")]
    Tool {
        /// Which program.
        program: &'static str,
        /// The end of what it said.
        said: String,
    },
    /// A file stands in the way.
    #[error("{} is there already; name another file, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// A file or folder cannot be used.
    #[error("cannot {what} {}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is no backup, or not a whole one.
    #[error("{} cannot be restored, and nothing was changed: {reason}", path.display())]
    BadBackup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The database holds guilds.
    #[error(
        "the database holds {guilds} guilds ({names}), which restoring would replace; say --force to do that, and the old database is kept beside the new one"
    )]
    Holds {
        /// How many.
        guilds: i64,
        /// Some of them.
        names: String,
    },
    /// The login lacks a right on the server.
    #[error("{0}")]
    Right(String),
    /// What was restored is not what was saved.
    #[error("what was restored differs from what was saved, and nothing was changed: {0}")]
    Differs(String),
    /// Others are connected and stay.
    #[error(
        "{0} other sessions use the database and cannot be ended by this login, and nothing was changed; stop the programs that use it, or let an administrator say: grant pg_signal_backend to {1}"
    )]
    InUse(i64, String),
    /// Another maintenance is running.
    #[error("another `db maintain` is running on this database; wait for its end")]
    Maintained,
    /// Nothing has that name.
    #[error("{0}")]
    Unknown(String),
}

impl OperateError {
    /// Whether the operator asked for something that cannot be, rather than a part being away.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Store(_) | Self::Tool { .. } | Self::NoTool { .. } | Self::InUse(..))
    }

    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}

impl From<sqlx::Error> for OperateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}
