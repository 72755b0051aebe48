//! The running daemon from outside: a local socket that takes the talk key and tells how it goes, signals, and numbers.
//!
//! ```text
//! sphereconnect talk │ one JSON object a line              ┌─▶ hand ─▶ the same key events as the talk key
//! sphereconnect status ──────▶ place ─▶ serve ─▶ desk ─────┤
//! SIGUSR1, SIGUSR2, … ───────▶ signals ──────────┘         └─▶ board: state, last turns, latencies, counts
//! ```

pub mod board;
pub mod client;
pub mod desk;
pub mod hand;
pub mod metrics;
pub mod notes;
pub mod place;
pub mod reload;
pub mod serve;
pub mod service;
pub mod signals;
pub mod status;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cli::Talk;

/// The longest request, in bytes without its line end.
pub const REQUEST_BYTES_MAX: usize = 4 * 1024;
/// The longest answer that a client reads, in bytes.
pub const ANSWER_BYTES_MAX: u64 = 256 * 1024;
/// How long a connection may take for one request, and for taking its answer.
pub const REQUEST_WAIT: Duration = Duration::from_secs(5);
/// How long a client waits for an answer.
pub const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// What can be asked of the daemon: one of these as JSON on one line, such as `{"do":"talk","key":"toggle"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Moves the talk key.
    Talk {
        /// How.
        key: Talk,
    },
    /// Tells how the daemon is.
    Status,
}

/// What is answered: `{"ok":true,…}`, or `{"ok":false,"error":"…"}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it was done.
    pub ok: bool,
    /// Why not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// How the daemon is; of [`Request::Status`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Box<board::Report>>,
}

impl Answer {
    /// What did not work.
    #[must_use]
    pub fn failed(error: impl std::fmt::Display) -> Self {
        Self { ok: false, error: Some(error.to_string()), status: None }
    }

    /// It was done.
    #[must_use]
    pub fn done() -> Self {
        Self { ok: true, error: None, status: None }
    }

    /// How the daemon is.
    #[must_use]
    pub fn status(report: board::Report) -> Self {
        Self { ok: true, error: None, status: Some(Box::new(report)) }
    }
}

/// Why the daemon cannot be reached from outside, or cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is one already.
    #[error(
        "sphereconnect runs already{}; `sphereconnect status` shows how it is; end it first{}, or give this one a folder \
         of its own with daemon.folder",
        .pid.map(|pid| format!(" as process {pid}")).unwrap_or_default(),
        .pid.map(|pid| format!(" with `kill {pid}`")).unwrap_or_default()
    )]
    Running {
        /// Its process, as far as it has said so.
        pid: Option<u32>,
    },
    /// Nobody listens.
    #[error("no daemon runs here (nobody listens at {0}); start one with `sphereconnect run`")]
    NoDaemon(String),
    /// The folder belongs to others or lets them in.
    #[error("the folder {0} must belong to you alone; run `chmod 700` on it, or name another with daemon.folder")]
    Open(String),
    /// A file that is no socket is in its place.
    #[error("{0} is no socket; move it away, or name another folder with daemon.folder")]
    NoSocket(String),
    /// The system refused.
    #[error("cannot {what} {path}: {source}; name another folder with daemon.folder")]
    System {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The daemon did not answer in time or in form.
    #[error("the daemon did not answer: {0}; look at its output, and end it if it hangs")]
    Mute(String),
}
