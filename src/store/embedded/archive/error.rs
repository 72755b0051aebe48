//! What can be wrong with an archive, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::store::embedded::EmbeddedError;

/// Says why something was not archived, or not brought back; nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The embedded database itself is in trouble.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// Other programs use the database.
    #[error(
        "another program uses the database (process {pid} runs its server); close every program that plays with it and \
         try again"
    )]
    Busy {
        /// The server's process.
        pid: i32,
    },
    /// The path of the archive cannot be used.
    #[error(
        "{path:?} cannot be the archive's folder; name an absolute path without quotes, backslashes, %, $, ! and \
         control characters"
    )]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The folder holds another database's archive, or something else.
    #[error("{path:?} holds the archive of another database; choose an empty folder with `db archive on FOLDER`")]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// The database's user cannot write there.
    #[error("user \"{account}\", who runs the database, cannot write in {path:?}; give the folder to that user")]
    Shut {
        /// The folder.
        path: PathBuf,
        /// Who must write there.
        account: String,
    },
    /// Archiving is off.
    #[error("archiving is off, so there is nothing to go back to; turn it on with `sphereconnect db archive on`")]
    Off,
    /// There is no base backup.
    #[error("{path:?} holds no base backup; make one with `sphereconnect db archive base`")]
    NoBase {
        /// The archive's folder.
        path: PathBuf,
    },
    /// The moment is before everything that was archived.
    #[error("{to} is before the first base backup; the earliest moment that can be brought back is {first}")]
    TooEarly {
        /// The wanted moment.
        to: DateTime<Utc>,
        /// The first moment there is.
        first: DateTime<Utc>,
    },
    /// The moment has not come.
    #[error("{to} has not come yet; now it is {now}")]
    TooLate {
        /// The wanted moment.
        to: DateTime<Utc>,
        /// This moment.
        now: DateTime<Utc>,
    },
    /// Nothing was written after the moment.
    #[error("nothing was changed after {to}, so there is nothing to take back; the database is as it was then")]
    Unchanged {
        /// The wanted moment.
        to: DateTime<Utc>,
    },
    /// A piece of the log is missing.
    #[error(
        "the archive has a gap: {missing} is neither in {path:?} nor in the database's own folder, so moments after \
         {from} cannot be brought back from that base backup; put the file back, or choose a moment before the gap or \
         after the next base backup"
    )]
    Gap {
        /// The name of the missing piece.
        missing: String,
        /// Where it belongs.
        path: PathBuf,
        /// The base backup's moment.
        from: DateTime<Utc>,
    },
    /// The recovered database is not what this program can use.
    #[error("the recovered database was not taken into use: {what}")]
    Unfit {
        /// What is wrong with it.
        what: String,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed ({status}); {said}")]
    Program {
        /// Its name.
        program: String,
        /// How it ended.
        status: String,
        /// Its last words.
        said: String,
    },
    /// A base backup cannot be read.
    #[error(
        "{path:?} is not a whole base backup ({what}); choose another moment, or make a new one with `db archive base`"
    )]
    Broken {
        /// The base backup.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A file or folder could not be made, read or changed.
    #[error("cannot {doing} {path:?}; check that the disk has space and that the folder is yours to write")]
    Files {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Names the file in an error.
pub(super) fn files(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_path_buf();
    move |source| ArchiveError::Files { doing, path, source }
}
