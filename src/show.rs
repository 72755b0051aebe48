//! How turns look in a terminal, for people and for scripts.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::lint::Warning;
use crate::names::{Fate, Telling};
use crate::store::{Count, GuildSummary, ImportReport};
use crate::turn::{Ending, Turn};

/// Where nothing can be overwritten, at most one line in so much time says how it goes.
const PLAIN_PAUSE: Duration = Duration::from_secs(1);
/// How long something takes before it is worth a word.
const PATIENCE: Duration = Duration::from_millis(80);

/// Prints a line. A reader who has gone away (`… | head -1`) stops no order.
pub fn line(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
        tracing::debug!(%error, "standard output is closed");
    }
}

/// Prints a turn: one JSON object on one line, or a clear line a stage for people.
pub fn turn(turn: &Turn, json: bool) {
    if json {
        match serde_json::to_string(turn) {
            Ok(text) => line(text),
            Err(error) => tracing::error!(%error, "a turn cannot be written as JSON"),
        }
        return;
    }
    let heard = turn.heard.as_deref().unwrap_or("(nothing)");
    let source = std::path::Path::new(&turn.source)
        .file_name()
        .map_or(turn.source.as_str().into(), |name| name.to_string_lossy());
    line(format_args!("{source}"));
    line(format_args!("  heard       {heard}"));
    if let Some(understood) = commands(turn) {
        line(format_args!("  understood  {understood} ({})", turn.route));
    }
    line(format_args!("  {:<11} {}", ending(turn.outcome), turn.reply));
    let ms = &turn.ms;
    line(format_args!(
        "  took        {:.0} ms: speech {:.0}, names {:.1}, understanding {:.1}, database {:.1}",
        ms.total, ms.speech, ms.names, ms.route, ms.store
    ));
}

/// Prints what an import did.
pub fn import(report: &ImportReport, json: bool) {
    if json {
        line(serde_json::json!(report));
        return;
    }
    let sum = |part: fn(&Count) -> usize| report.tables.iter().map(|(_, count)| part(count)).sum::<usize>();
    let (created, changed, unchanged) = (sum(|one| one.created), sum(|one| one.changed), sum(|one| one.unchanged));
    line(format_args!("{}: {created} created, {changed} changed, {unchanged} unchanged", report.guild));
    for warning in &report.warnings {
        line(format_args!("  note: {warning}"));
    }
}

/// Prints what some words come to where a name is expected.
pub fn telling(telling: &Telling) {
    let fate = match telling.fate {
        Fate::Taken => "taken",
        Fate::Asked => "asked which",
        Fate::Unknown => "unknown",
    };
    line(format_args!("\"{}\" ({}) as a {}: {fate}", telling.heard, telling.sounds, telling.kind));
    for one in &telling.candidates {
        let name = if one.hint.is_empty() { one.name.clone() } else { format!("{}, {}", one.name, one.hint) };
        line(format_args!(
            "  {:>5.3}  {name:<40} by itself {:.3}, as \"{}\" ({})",
            one.score, one.alone, one.form, one.sounds
        ));
    }
}

/// Prints what the names of a guild will be confused with.
pub fn warnings(warnings: &[Warning], json: bool) {
    if json {
        line(serde_json::json!(warnings));
        return;
    }
    for one in warnings {
        line(one);
    }
    if warnings.is_empty() {
        line("every name can be said, and told from the others of its kind");
    }
}

/// Prints the guilds.
pub fn guilds(guilds: &[GuildSummary], json: bool) {
    if json {
        line(serde_json::json!(guilds));
        return;
    }
    for one in guilds {
        line(format_args!("{}: {} members, {} objectives, {} tasks", one.name, one.members, one.objectives, one.tasks));
    }
}

/// The commands of a turn in one line, or `None` when there are none.
#[must_use]
pub fn commands(turn: &Turn) -> Option<String> {
    Some(orders(&turn.commands)).filter(|all| !all.is_empty())
}

/// A list of commands in one line.
#[must_use]
pub fn orders(commands: &serde_json::Value) -> String {
    commands.as_array().into_iter().flatten().map(one_command).collect::<Vec<_>>().join("; ")
}

fn one_command(command: &serde_json::Value) -> String {
    let Some(pieces) = command.as_object() else { return command.to_string() };
    let action = pieces.get("action").and_then(serde_json::Value::as_str).unwrap_or_default();
    let rest: Vec<String> = pieces
        .iter()
        .filter(|(key, _)| *key != "action")
        .map(|(key, value)| {
            format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), |text| format!("\"{text}\"")))
        })
        .collect();
    format!("{action} {}", rest.join(" ")).trim_end().to_owned()
}

/// The word for an ending.
#[must_use]
pub fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Applied => "done",
        Ending::Answered => "answered",
        Ending::Asked => "asked",
        Ending::Refused => "refused",
        Ending::Ignored => "ignored",
        Ending::Failed => "failed",
    }
}

/// Tells on standard error what takes long: a turning sign at a terminal, plain lines elsewhere.
#[derive(Debug, Clone)]
pub struct Waiting {
    bar: ProgressBar,
    plain: bool,
    last: Arc<Mutex<Option<Instant>>>,
}

impl Waiting {
    /// Nothing is shown until [`Waiting::say`].
    #[must_use]
    pub fn new() -> Self {
        let plain = !std::io::stderr().is_terminal();
        let bar = if plain { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        Self { bar, plain, last: Arc::default() }
    }

    /// Says what is being waited for.
    pub fn say(&self, what: &str) {
        if self.plain {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_none_or(|last| last.elapsed() >= PLAIN_PAUSE) {
                *last = Some(Instant::now());
                // A reader who has gone away stops nothing.
                drop(writeln!(std::io::stderr().lock(), "{what} …"));
            }
        } else {
            self.bar.set_message(what.to_owned());
            self.bar.enable_steady_tick(PATIENCE);
        }
    }

    /// The wait is over; the line goes away.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self::new()
    }
}
