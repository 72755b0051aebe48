//! SIGHUP: the settings are read again, and those that can change while the daemon runs do.

use std::sync::Arc;

use super::desk::Desk;
use crate::aloud::Aloud;
use crate::cli::Global;
use crate::config::Config;
use crate::parts;
use crate::telemetry::Telemetry;
use crate::turn::Turns;

/// Settings that the commander is made of.
const COMMANDER: &[&str] = &["endpoint.", "guild.wordings"];
/// Settings by which turns are taken.
const TURNS: &[&str] = &[
    "endpoint.confirm",
    "guild.confirm_ranks",
    "guild.timezone",
    "hearing.must_be_called",
    "log.keep_words",
    "speech.prompt_names_max",
];
/// Settings of the voice.
const VOICE: &[&str] = &["voice."];
/// Settings of what is logged.
const LOG: &[&str] = &["log.filter"];
/// Settings of that name that nevertheless stay as they were at the start.
const FIXED: &[&str] = &["voice.notify"];

/// Reads the settings again and says on standard error what came of it. What cannot be used changes nothing.
pub async fn reload(config: &mut Config, global: &Global, telemetry: &Telemetry, desk: &Desk, turns: &mut Turns) {
    let read = Config::load(global.config.as_deref(), |name| std::env::var(name).ok());
    let newer = match read {
        Ok(newer) => newer,
        Err(error) => return eprintln!("the old settings stay: {error}"),
    };
    let changed = config.differences(&newer);
    match apply(&changed, &newer, global, telemetry, desk, turns).await {
        Ok(()) => {}
        Err(error) => return eprintln!("the old settings stay: {error:#}"),
    }
    *config = newer;
    let (live, later): (Vec<String>, Vec<String>) = changed.into_iter().partition(|one| is_live(one));
    match live.as_slice() {
        [] => eprintln!("the settings were read again; none that can change now has changed"),
        live => eprintln!("the settings were read again; changed: {}", live.join(", ")),
    }
    if !later.is_empty() {
        eprintln!("these need a restart: {}", later.join(", "));
    }
}

fn is_live(setting: &str) -> bool {
    let all = [COMMANDER, TURNS, VOICE, LOG];
    !FIXED.contains(&setting) && all.iter().any(|kind| touches(kind, setting))
}

fn touches(kind: &[&str], setting: &str) -> bool {
    kind.iter().any(|one| setting == *one || (one.ends_with('.') && setting.starts_with(one)))
}

/// What may fail comes before what changes.
async fn apply(
    changed: &[String],
    newer: &Config,
    global: &Global,
    telemetry: &Telemetry,
    desk: &Desk,
    turns: &mut Turns,
) -> anyhow::Result<()> {
    let has = |kind: &[&str]| changed.iter().any(|one| is_live(one) && touches(kind, one));
    let commander = match has(COMMANDER) {
        true => Some(parts::commander(newer).map_err(|failure| failure.error)?),
        false => None,
    };
    if has(LOG) {
        telemetry.set_filter(&newer.log.filter)?;
    }
    if has(VOICE) {
        // Starting a voice waits for the sound system.
        let config = newer.clone();
        let started =
            tokio::task::spawn_blocking(move || Aloud::start(&config, config.voice.enabled || config.voice.cues, None));
        desk.set_aloud(started.await?.map_err(|failure| failure.error)?);
    }
    if let Some(commander) = commander {
        desk.set_commander(Arc::clone(&commander));
        turns.set_commander(commander);
        turns.prewarm();
    }
    if has(TURNS) {
        turns.set_settings(parts::turn_settings(newer, global.dry_run));
    }
    desk.board.set(|setting| setting.keep_words = newer.keep_words);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_live;

    #[test]
    fn what_needs_a_restart_is_told_from_what_does_not() {
        for (setting, live) in [
            ("voice.rate", true),
            ("voice.notify", false),
            ("endpoint.url", true),
            ("guild.wordings", true),
            ("guild.name", false),
            ("log.filter", true),
            ("log.file", false),
            ("hearing.must_be_called", true),
            ("hearing.microphone", false),
            ("database.url", false),
            ("metrics.listen", false),
        ] {
            assert_eq!(is_live(setting), live, "{setting}");
        }
    }
}
