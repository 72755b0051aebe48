//! The settings of the daemon: its socket, its numbers, its log.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// Settings of the running daemon.
#[derive(Debug, Clone, Default)]
pub struct Daemon {
    /// The folder of its socket; `None` for the system's folder of running programs, else the data folder.
    pub folder: Option<PathBuf>,
    /// Where its numbers are served; always an address of this machine alone.
    pub metrics: Option<SocketAddr>,
}

/// Settings of the log.
#[derive(Debug, Clone)]
pub struct Log {
    /// What is logged, in the form of `tracing`'s filter.
    pub filter: String,
    /// Where it is kept besides; a file a day, with the date in its name.
    pub file: Option<PathBuf>,
    /// How many days' files are kept.
    pub keep_files: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileDaemon {
    folder: String,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileMetrics {
    listen: String,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLog {
    filter: String,
    pub(super) keep_words: bool,
    file: String,
    keep_files: usize,
}

impl Daemon {
    /// Checks what the file says.
    pub(super) fn check(daemon: FileDaemon, metrics: &FileMetrics, problems: &mut Vec<String>) -> Self {
        let metrics = match metrics.listen.parse::<SocketAddr>() {
            _ if metrics.listen.is_empty() => None,
            Ok(address) if address.ip().is_loopback() => Some(address),
            _ => {
                let listen = &metrics.listen;
                let remedy = "write an address of this machine alone, such as 127.0.0.1:9464";
                problems.push(format!("metrics.listen {listen:?} cannot be used; {remedy}"));
                None
            }
        };
        Self { folder: Some(daemon.folder).filter(|one| !one.is_empty()).map(PathBuf::from), metrics }
    }
}

impl Log {
    /// Checks what the file says.
    pub(super) fn check(log: FileLog, problems: &mut Vec<String>) -> Self {
        if !(1..=366).contains(&log.keep_files) {
            problems.push(format!("log.keep_files must be 1 to 366, not {}", log.keep_files));
        }
        let file = Some(log.file).filter(|one| !one.is_empty()).map(PathBuf::from);
        if file.as_ref().is_some_and(|file| file.file_stem().is_none()) {
            problems.push("log.file must name a file, such as sphereconnect.log".to_owned());
        }
        Self { filter: log.filter, file, keep_files: log.keep_files }
    }
}
