//! What can be asked of a daemon that runs, and how one is made to run by itself.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

/// How the talk key of the running daemon is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum Talk {
    /// The key goes down: listen
    Start,
    /// The key goes up: that was all
    Stop,
    /// Down when it is up, up when it is down
    Toggle,
    /// What was said since it went down is thrown away
    Discard,
}

/// Commands about the system's own starting of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Service {
    /// Print a systemd user unit that runs the daemon with these options
    Print,
}
