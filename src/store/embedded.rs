//! The database that needs no administrator: a real PostgreSQL as a private child of the program.
//!
//! The cluster lives in one folder, listens on a Unix socket only, and lets in nobody but its owner and root, so there
//! is no password to keep. It runs while a program needs it. Several programs may use one folder: the first holds the
//! lock file and with it the server, the others share the socket, and whoever finds the server gone starts it again.
//!
//! The lock is what makes this safe. The server *inherits* it, so a free lock means that no process of the cluster is
//! left, not even one still writing its last checkpoint after its owner was killed.

mod account;
pub mod archive;
pub(super) mod binaries;
mod cluster;
mod error;
mod log;
mod postmaster;
mod probe;
pub mod recover;
mod server;
mod settings;
mod tools;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

use cluster::Cluster;
pub use error::EmbeddedError;
use probe::Answer;
use server::Server;

/// The role that owns everything in the cluster; the only one that may log in before others are made.
pub const KEEPER: &str = "keeper";
/// The database that is made when it is missing.
pub const DATABASE: &str = "sphereconnect";
/// The oldest PostgreSQL that can serve.
pub const VERSION_MIN: u32 = 15;
/// Connections one cluster accepts from all programs together; three of them are kept for repairs.
pub const CONNECTIONS_MAX: u32 = 50;
/// How long a start may take when the caller names no limit, in seconds; recovery after a power cut is the slow case.
pub const READY_SECONDS_MAX: u64 = 60;

/// Pause between two looks at a server that is not ready.
const POLL: Duration = Duration::from_millis(5);
/// A start that takes longer than this says so through `progress`.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says where the cluster is and how it is run.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Folder that holds the cluster (`pg/`), its socket, its lock and its log. Made when missing.
    pub data_dir: PathBuf,
    /// Folder with `postgres` and `initdb`; looked for in the usual places when `None`.
    pub bin_dir: Option<PathBuf>,
    /// Longest wait for a server that answers, in seconds, creation and recovery included.
    pub ready_seconds_max: u64,
    /// Whether a commit is on the disk before it is acknowledged. Off loses data in a power cut: for tests only.
    pub fsync: bool,
}

impl EmbeddedOptions {
    /// The safe settings for a cluster in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), bin_dir: None, ready_seconds_max: READY_SECONDS_MAX, fsync: true }
    }
}

/// Where the cluster belongs when nobody says otherwise: `/var/lib/sphereconnect` for root (the server drops to another
/// user, who could not enter root's home), the user's data folder for everybody else.
///
/// # Errors
/// [`EmbeddedError::NoHome`] when the user has no home folder.
pub fn default_data_dir() -> Result<PathBuf, EmbeddedError> {
    if account::is_root() {
        return Ok(PathBuf::from("/var/lib/sphereconnect"));
    }
    let dirs = directories::ProjectDirs::from("", "", "sphereconnect").ok_or(EmbeddedError::NoHome)?;
    Ok(dirs.data_dir().to_path_buf())
}

/// Whether there is a cluster in the folder, running or not.
#[must_use]
pub fn is_made(data_dir: &Path) -> bool {
    data_dir.join("pg/PG_VERSION").exists()
}

/// A running cluster, ours or shared. Dropping it stops the server when it is ours.
#[derive(Debug)]
pub struct Embedded {
    cluster: Cluster,
    ready_max: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the server that last answered listens.
    socket_dir: PathBuf,
    /// The server, while it is ours.
    server: Option<Server>,
}

impl Embedded {
    /// Makes the cluster when it is missing, starts it or joins the one another program runs, and makes
    /// [`DATABASE`]. Blocks; `progress` is told, in a few words, what takes long.
    ///
    /// # Errors
    /// Every [`EmbeddedError`]; each names what to do about it.
    pub fn open(options: &EmbeddedOptions, progress: &dyn Fn(&str)) -> Result<Self, EmbeddedError> {
        let embedded = Self {
            cluster: Cluster::find(options)?,
            ready_max: Duration::from_secs(options.ready_seconds_max),
            state: Mutex::default(),
        };
        embedded.bring_up(progress)?;
        Ok(embedded)
    }

    /// Starts the server again when it is gone, because it crashed or because the program that owned it left. Costs a
    /// few milliseconds when all is well. Blocks up to `ready_seconds_max`.
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub fn ensure_running(&self) -> Result<(), EmbeddedError> {
        self.bring_up(&|text| tracing::info!(what = text, "the embedded database"))
    }

    /// How to connect to `database` as [`KEEPER`]. The socket may move when another program starts the server, so ask
    /// again after [`Embedded::ensure_running`].
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        probe::connect_options(&self.state().socket_dir, database)
    }

    /// The folder of the socket the server listens on.
    pub fn socket_dir(&self) -> PathBuf {
        self.state().socket_dir.clone()
    }

    /// Whether this program started the server and stops it when it leaves.
    pub fn is_owner(&self) -> bool {
        self.state().server.as_ref().is_some_and(|server| server.ended().is_none())
    }

    /// The process id of the server's first process, while the server is up.
    pub fn pid(&self) -> Option<u32> {
        self.cluster.postmaster().and_then(|postmaster| u32::try_from(postmaster.pid).ok())
    }

    /// The folder with PostgreSQL's programs, `pg_dump` among them.
    pub fn bin_dir(&self) -> &Path {
        &self.cluster.binaries.dir
    }

    /// PostgreSQL's version as its own program prints it, `15.18` for example.
    pub fn version(&self) -> &str {
        &self.cluster.binaries.version
    }

    /// The file with the server's own messages.
    pub fn log_path(&self) -> PathBuf {
        self.cluster.log.path.clone()
    }

    /// Stops the server when it is ours; returns when it is down. Blocks for at most half a minute, a tenth of a second
    /// as a rule.
    pub fn close(self) {
        drop(self);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bring_up(&self, progress: &dyn Fn(&str)) -> Result<(), EmbeddedError> {
        let mut state = self.state();
        let began = Instant::now();
        let mut told = false;
        loop {
            state.server.take_if(|server| server.ended().is_some());
            let answer = self.cluster.ask();
            match answer {
                Answer::Ready(socket_dir) => {
                    state.socket_dir = socket_dir;
                    return Ok(());
                }
                Answer::Refused(source) => return Err(EmbeddedError::Refused { source }),
                // Ours, up, and not reachable: somebody cleaned the socket away. Only a new start makes a new one.
                Answer::Unreachable => drop(state.server.take()),
                Answer::Absent => {}
            }
            if let Some(lock) = self.cluster.try_lock()? {
                state.server = Some(self.start(lock, began, progress)?);
                continue;
            }
            if began.elapsed() > self.ready_max {
                return Err(self.cluster.not_ready(self.ready_max));
            }
            if !told && began.elapsed() > PATIENCE {
                told = true;
                progress("waiting for another program to start or stop the database");
            }
            thread::sleep(POLL);
        }
    }

    /// Starts the server and waits until it says that it is ready. `lock` is held, so the folder is ours alone.
    fn start(&self, lock: std::fs::File, began: Instant, progress: &dyn Fn(&str)) -> Result<Server, EmbeddedError> {
        self.cluster.prepare(&lock, began + self.ready_max, progress)?;
        let command = self.cluster.server_command(&lock)?;
        let mut server = Server::start(command, lock)
            .map_err(|source| EmbeddedError::Spawn { program: self.cluster.binaries.postgres(), source })?;
        let (started, mut told) = (Instant::now(), false);
        loop {
            if self.cluster.postmaster().is_some_and(|postmaster| postmaster.ready && postmaster.pid == server.pid()) {
                return Ok(server);
            }
            if let Some(status) = server.ended() {
                return Err(self.cluster.died(status));
            }
            if began.elapsed() > self.ready_max {
                server.stop();
                return Err(self.cluster.not_ready(self.ready_max));
            }
            if !told && started.elapsed() > PATIENCE {
                told = true;
                progress("the database is getting ready; after a power cut it first repairs itself");
            }
            thread::sleep(POLL);
        }
    }
}
