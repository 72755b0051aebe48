//! Which log lines exist and where they go: to standard error, filtered, without spoken words.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging. `verbose` counts the `-v`s and overrides the setting.
///
/// # Errors
/// When the filter of the settings cannot be read.
pub fn start(filter: &str, verbose: u8) -> anyhow::Result<()> {
    let filter = match verbose {
        0 => filter,
        1 => "warn,sphereconnect=info",
        2 => "info,sphereconnect=debug",
        _ => "debug,sphereconnect=trace",
    };
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        anyhow::anyhow!("log.filter cannot be read: {error}; write for example \"warn\" or \"sphereconnect=debug\"")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .compact()
        .try_init()
        .map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
