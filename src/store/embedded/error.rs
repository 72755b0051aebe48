//! What can be wrong with the embedded database, and what to do about it.

use std::io;
use std::path::PathBuf;

use super::VERSION_MIN;

/// Says why the embedded database is not to be had; each message ends in its remedy.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No PostgreSQL on this machine.
    #[error(
        "no PostgreSQL found ({looked}); install the package \"postgresql\" (Fedora, Arch: \"postgresql-server\", \
         \"postgresql\"), or name the folder that holds \"postgres\" and \"initdb\" in the settings, or the URL of a \
         running server in SPHERECONNECT_DATABASE_URL"
    )]
    NoBinaries {
        /// The places that were looked at, with what was wrong with each.
        looked: String,
    },
    /// Only a PostgreSQL that lacks what the schema uses.
    #[error("PostgreSQL {version} in {dir:?} is older than {VERSION_MIN}, which the schema needs; install a newer one")]
    TooOld {
        /// Its folder of programs.
        dir: PathBuf,
        /// What it says it is.
        version: String,
    },
    /// The cluster was made by another major version.
    #[error(
        "the database in {data_dir:?} was made by PostgreSQL {data} and only {found} is here; install the package \
         \"postgresql-{data}\", or restore a backup into an empty folder"
    )]
    OtherVersion {
        /// The cluster's folder.
        data_dir: PathBuf,
        /// The major version that made it.
        data: u32,
        /// What was found instead.
        found: String,
    },
    /// `pg/` exists and is no cluster.
    #[error("{path:?} is no PostgreSQL data folder (it has no PG_VERSION); move it away, or restore it from a backup")]
    Damaged {
        /// The folder.
        path: PathBuf,
    },
    /// Root's program found no user to run the server as.
    #[error(
        "PostgreSQL refuses to run as root and neither \"postgres\" nor \"nobody\" is in /etc/passwd; add one of them, \
         or run as an ordinary user"
    )]
    NoAccount,
    /// The user id has no name, which PostgreSQL insists on.
    #[error("user id {uid} has no name; add it to /etc/passwd, because PostgreSQL cannot run without")]
    NoUserName {
        /// The id.
        uid: u32,
    },
    /// The user has no home folder.
    #[error("no home folder for the data; set HOME, or name a folder in SPHERECONNECT_DATA_DIR")]
    NoHome,
    /// The server's user cannot enter a folder on the way.
    #[error(
        "user \"{account}\", who runs the database for root, cannot enter {parent:?}; allow it with `chmod o+x`, or \
         choose another folder with SPHERECONNECT_DATA_DIR"
    )]
    Closed {
        /// The folder that is closed.
        parent: PathBuf,
        /// Who must get through.
        account: String,
    },
    /// The cluster belongs to somebody else.
    #[error(
        "{path:?} belongs to user id {owner}, not to \"{account}\"; run the program as its owner or as root, or choose \
         another folder with SPHERECONNECT_DATA_DIR"
    )]
    NotOurs {
        /// The cluster's folder.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who wanted it.
        account: String,
    },
    /// No folder is short enough for a socket.
    #[error(
        "{path:?} is too long for a socket (107 bytes at most); choose a shorter folder with SPHERECONNECT_DATA_DIR"
    )]
    SocketPath {
        /// The socket that could not be.
        path: PathBuf,
    },
    /// The private folder for the socket is not private.
    #[error("{path:?} belongs to somebody else or is open to others, so no socket is put there; remove it")]
    SocketFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder of ours could not be made, read or changed.
    #[error("cannot {doing} {path:?}; check that the disk has space and that the folder is yours to write")]
    Files {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// PostgreSQL's program could not be started at all.
    #[error("cannot start {program:?}; check that it is whole and may be executed")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The cluster could not be made.
    #[error("cannot make the database ({status}); {}\n{log}", remedy(log))]
    Init {
        /// How `initdb` ended.
        status: String,
        /// Its last lines.
        log: String,
    },
    /// The server ended before it was ready.
    #[error("the database ended while starting ({status}); {}\n{log}", remedy(log))]
    Died {
        /// How it ended.
        status: String,
        /// Its last lines.
        log: String,
    },
    /// The server, or another program's, did not get ready in time.
    #[error(
        "the database was not ready after {seconds} s; wait for another program or for the end of a repair and try \
         again, or raise the limit; {}\n{log}",
        remedy(log)
    )]
    NotReady {
        /// The limit that passed.
        seconds: u64,
        /// The server's last lines.
        log: String,
    },
    /// The settings of the archive cannot be read.
    #[error("{what} (archive.dir in the data folder); correct the file, or remove it to go on without archiving")]
    Archive {
        /// What is wrong with them.
        what: String,
    },
    /// The server runs and will not have us.
    #[error("the database runs but refuses this program; run it as the user who owns the data folder, or as root")]
    Refused {
        /// What it said.
        source: sqlx::Error,
    },
}

/// What to do about what the server's log says.
fn remedy(log: &str) -> &'static str {
    let known = [
        ("No space left on device", "the disk is full: free some space"),
        ("Disk quota exceeded", "the disk quota is used up: free some space"),
        ("Read-only file system", "the disk is read-only: mount it for writing, or choose another folder"),
        ("Permission denied", "a file is not the server's to use: give the folder back to its owner"),
        ("incompatible with server", "install the PostgreSQL that made the folder"),
        ("not compatible with this version", "install the PostgreSQL that made the folder"),
        ("undefined symbol", "PostgreSQL was upgraded underneath: start the program again"),
        ("shared memory", "close other programs, or wait until the former server is gone"),
        ("could not locate a valid checkpoint record", "the folder is damaged: restore a backup"),
        ("lock file", "another server uses the folder: stop it"),
    ];
    let found = known.iter().find(|(sign, _)| log.contains(sign));
    found.map_or("its last words, also in postgres.log, say why:", |(_, what)| what)
}
