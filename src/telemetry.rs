//! Which log lines exist and where they go: to standard error and to a file, filtered; and a trace of where the time
//! went. None of them holds spoken words.

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_chrome::{ChromeLayerBuilder, FlushGuard, TraceStyle};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use crate::config::Log;

/// The log while the program runs; dropping it completes the trace.
pub struct Telemetry {
    filter: reload::Handle<EnvFilter, Registry>,
    verbose: u8,
    _trace: Option<FlushGuard>,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("verbose", &self.verbose).finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Logs by another filter from now on; `-v` goes before it.
    ///
    /// # Errors
    /// When the filter cannot be read.
    pub fn set_filter(&self, text: &str) -> anyhow::Result<()> {
        let filter = filter(text, self.verbose)?;
        self.filter.reload(filter).context("the log takes no other filter")
    }
}

/// Starts logging. `verbose` counts the `-v`s and overrides the setting. `trace` is the file that gets every turn's
/// stages in Chrome's form, complete when the program ends.
///
/// # Errors
/// When the filter of the settings cannot be read, or a file cannot be written.
pub fn start(log: &Log, verbose: u8, trace: Option<&Path>) -> anyhow::Result<Telemetry> {
    let (filter, handle) = reload::Layer::new(filter(&log.filter, verbose)?);
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .compact();
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![stderr.boxed()];
    if let Some(file) = &log.file {
        let kept = tracing_subscriber::fmt::layer().with_writer(daily(file, log.keep_files)?).with_ansi(false);
        layers.push(kept.boxed());
    }
    let mut layers = vec![layers.with_filter(filter).boxed()];
    let mut guard = None;
    if let Some(trace) = trace {
        let file = File::create(trace).with_context(|| format!("cannot write the trace {}", trace.display()))?;
        let builder = ChromeLayerBuilder::new().writer(file).trace_style(TraceStyle::Async).include_args(true);
        let (chrome, flush) = builder.build();
        // Only this program's own spans: what others put into theirs is not known.
        layers.push(chrome.with_filter(Targets::new().with_target("sphereconnect", tracing::Level::DEBUG)).boxed());
        guard = Some(flush);
    }
    let started = tracing_subscriber::registry().with(layers).try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))?;
    Ok(Telemetry { filter: handle, verbose, _trace: guard })
}

fn filter(setting: &str, verbose: u8) -> anyhow::Result<EnvFilter> {
    let text = match verbose {
        0 => setting,
        1 => "warn,sphereconnect=info",
        2 => "info,sphereconnect=debug",
        _ => "debug,sphereconnect=trace",
    };
    EnvFilter::builder().parse(text).map_err(|error| {
        anyhow::anyhow!("log.filter cannot be read: {error}; write for example \"warn\" or \"sphereconnect=debug\"")
    })
}

/// One file a day beside the named one, which is a link to today's; those past `keep` are removed.
fn daily(file: &Path, keep: usize) -> anyhow::Result<RollingFileAppender> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let mut builder = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(keep);
    builder = builder.filename_prefix(text(file.file_stem()).unwrap_or_default());
    builder = builder.filename_suffix(text(file.extension()).unwrap_or_else(|| "log".to_owned()));
    if file.extension().is_some() {
        builder = builder.latest_symlink(text(file.file_name()).unwrap_or_default());
    }
    builder.build(folder).with_context(|| format!("cannot write the log {}; set another log.file", file.display()))
}
