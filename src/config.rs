//! `config.toml` and the environment → a [`Config`] that is valid by construction, or every problem at once.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

mod daemon;
mod table;
mod talk;

use crate::commander::wire::Dialect;
use crate::hearing::key::{Mode, TalkSettings};
use crate::secrets::Secrets;
use crate::voice::Engine;
use daemon::{FileDaemon, FileLog, FileMetrics};
use table::{Read, merge};

pub use daemon::{Daemon, Log};
pub use table::user_file;

/// The documented defaults; also what a user copies to begin with.
pub const DEFAULT_TEXT: &str = include_str!("../config.toml");

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the environment says to sign in with.
    pub secrets: Secrets,
    /// Which guild, when `--guild` does not say.
    pub guild: Option<String>,
    /// Which member, when `--as` does not say.
    pub member: Option<String>,
    /// The time zone in which times are said.
    pub timezone: chrono_tz::Tz,
    /// The guild's own wordings, read beside those that ship.
    pub wordings: Option<PathBuf>,
    /// Where the embedded database and the program's own files live.
    pub data_dir: PathBuf,
    /// Where the guild's data is.
    pub database: Database,
    /// The recogniser.
    pub speech: Speech,
    /// The microphone and the key.
    pub hearing: Hearing,
    /// The talk key.
    pub talk: TalkSettings,
    /// The language model's endpoint; `None` when no URL is set.
    pub endpoint: Option<Endpoint>,
    /// Whether an order that the model understood is read back and confirmed before it is applied.
    pub confirm_model_orders: bool,
    /// Whether a change of rank is confirmed first.
    pub confirm_ranks: bool,
    /// The spoken reply.
    pub voice: Voice,
    /// Whether the journal keeps the words that were heard.
    pub keep_words: bool,
    /// The running daemon.
    pub daemon: Daemon,
    /// What is logged, and where it is kept.
    pub log: Log,
    read: Read,
}

/// Settings of the database.
#[derive(Debug, Clone)]
pub struct Database {
    /// A server's URL; `None` for the embedded database.
    pub url: Option<SecretString>,
    /// The folder of PostgreSQL's programs; `None` to look for it.
    pub bin_dir: Option<PathBuf>,
    /// How long a start of the embedded server may take.
    pub ready_seconds_max: u64,
    /// How many connections the program holds at most.
    pub connections_max: u32,
    /// How long one statement may take.
    pub statement: Duration,
}

/// Settings of the recogniser.
#[derive(Debug, Clone)]
pub struct Speech {
    /// The model file; `None` for the one that ships.
    pub model: Option<PathBuf>,
    /// How many threads; `None` for one fewer than the machine has.
    pub threads: Option<usize>,
    /// How many of the guild's names the recogniser is told.
    pub prompt_names_max: usize,
}

/// Settings of microphone and key.
#[derive(Debug, Clone)]
pub struct Hearing {
    /// The microphone's name or a part of it; `None` for the system's default.
    pub microphone: Option<String>,
    /// Whether what is heard counts only with the commander's name.
    pub must_be_called: bool,
    /// How much sound from before the key is kept.
    pub preroll: Duration,
    /// How much sound after the key's release is kept.
    pub tail: Duration,
    /// Whether recognition begins in a pause, before the key goes up.
    pub draft: bool,
    /// Whether the microphone cannot hear the program's own voice.
    pub headphones: bool,
}

/// Settings of the endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Base URL of the server.
    pub url: String,
    /// How it is spoken to; `None` lets the address decide.
    pub dialect: Option<Dialect>,
    /// Its key.
    pub key: Option<SecretString>,
    /// The model's name there.
    pub model: String,
    /// The budget of one utterance.
    pub deadline: Duration,
    /// The longest wait for a connection.
    pub connect: Duration,
    /// How many failures in a row end the waiting.
    pub failures_max: u32,
    /// The rest before the first try whether it is back.
    pub rest: Duration,
}

/// Settings of the voice.
#[derive(Debug, Clone)]
pub struct Voice {
    /// Whether replies are spoken by `run`; `--speak` asks for it elsewhere.
    pub enabled: bool,
    /// Speed, -100 to 100, 0 is the voice's own.
    pub rate: i8,
    /// Pitch, -100 to 100.
    pub pitch: i8,
    /// Loudness, 0 to 100.
    pub volume: u8,
    /// Who speaks the words.
    pub engine: Engine,
    /// Whether words sound as through a radio set.
    pub radio: bool,
    /// Whether cues sound.
    pub cues: bool,
    /// Whether questions and failures are shown on the desktop too.
    pub notify: bool,
    /// The voice of written replies (`--reply-wav`), as espeak-ng names it.
    pub espeak_voice: String,
}

/// Every problem of the settings, each with its place and remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings cannot be used:\n{}", .0.iter().fold(String::new(), |mut all, one| { let _ = writeln!(all, "  {one}"); all }))]
pub struct ConfigError(pub Vec<String>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    guild: Guild,
    database: FileDatabase,
    speech: FileSpeech,
    hearing: FileHearing,
    talk: talk::FileTalk,
    endpoint: FileEndpoint,
    voice: FileVoice,
    daemon: FileDaemon,
    metrics: FileMetrics,
    log: FileLog,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Guild {
    name: String,
    member: String,
    timezone: String,
    wordings: String,
    confirm_ranks: bool,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDatabase {
    url: String,
    data_dir: String,
    bin_dir: String,
    ready_seconds_max: u64,
    connections_max: u32,
    statement_seconds_max: u64,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSpeech {
    model: String,
    threads: usize,
    prompt_names_max: usize,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileHearing {
    microphone: String,
    must_be_called: bool,
    preroll_ms: u64,
    tail_ms: u64,
    draft: bool,
    headphones: bool,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEndpoint {
    url: String,
    dialect: String,
    model: String,
    deadline_ms: u64,
    connect_ms: u64,
    failures_max: u32,
    rest_ms: u64,
    confirm: bool,
}
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileVoice {
    enabled: bool,
    cues: bool,
    notify: bool,
    rate: i8,
    pitch: i8,
    volume: u8,
    engine: Engine,
    radio: bool,
    espeak_voice: String,
}

impl Config {
    /// Reads the defaults, then the file, then the environment; each overrides what came before.
    ///
    /// # Errors
    /// Every problem at once: an unreadable file, an unknown key with a suggestion, a value out of its range.
    pub fn load(file: Option<&Path>, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let one = |problem: String| ConfigError(vec![problem]);
        let own = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    one(format!("cannot read {}: {error}; name another file with --config", path.display()))
                })?;
                let name = path.display().to_string();
                text.parse::<toml::Table>().map_err(|error| one(format!("{name}: {error}")))?
            }
            None => toml::Table::new(),
        };
        let mut table: toml::Table =
            DEFAULT_TEXT.parse().map_err(|error| one(format!("built-in settings: {error}")))?;
        let mut problems = Vec::new();
        merge(&mut table, own, "", &mut problems);
        if !problems.is_empty() {
            return Err(ConfigError(problems));
        }
        let read = Read(table.clone());
        let file: File = table.try_into().map_err(|error| one(error.to_string().trim().to_owned()))?;
        Ok(Self { read, ..check(file, &environment)? })
    }

    /// The settings that another reading of them has otherwise, each as `table.key`.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        self.read.differences(&other.read)
    }
}

fn check(file: File, environment: &impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    let mut range = |place: &str, value: u64, least: u64, most: u64| {
        if !(least..=most).contains(&value) {
            problems.push(format!("{place} must be {least} to {most}, not {value}"));
        }
    };
    range("database.ready_seconds_max", file.database.ready_seconds_max, 1, 3600);
    range("database.connections_max", u64::from(file.database.connections_max), 2, 100);
    range("database.statement_seconds_max", file.database.statement_seconds_max, 1, 3600);
    range("speech.threads", file.speech.threads as u64, 0, 64);
    range("speech.prompt_names_max", file.speech.prompt_names_max as u64, 0, 60);
    range("hearing.preroll_ms", file.hearing.preroll_ms, 0, 2000);
    range("hearing.tail_ms", file.hearing.tail_ms, 0, 2000);
    range("talk.grace_ms", file.talk.grace_ms, 0, 500);
    range("talk.longest_ms", file.talk.longest_ms, 1_000, 30_000);
    range("endpoint.deadline_ms", file.endpoint.deadline_ms, 100, 120_000);
    range("endpoint.connect_ms", file.endpoint.connect_ms, 50, 60_000);
    range("endpoint.failures_max", u64::from(file.endpoint.failures_max), 1, 100);
    range("endpoint.rest_ms", file.endpoint.rest_ms, 50, 3_600_000);
    range("voice.volume", u64::from(file.voice.volume), 0, 100);
    for (place, value) in [("voice.rate", file.voice.rate), ("voice.pitch", file.voice.pitch)] {
        if !(-100..=100).contains(&value) {
            problems.push(format!("{place} must be -100 to 100, not {value}"));
        }
    }
    let timezone = zone(&file.guild.timezone).unwrap_or_else(|problem| {
        problems.push(problem);
        chrono_tz::Tz::UTC
    });
    let talk = file.talk.settings().unwrap_or_else(|problem| {
        problems.push(problem);
        TalkSettings::default()
    });
    let dialect = Dialect::parse(&file.endpoint.dialect);
    if dialect.is_none() && file.endpoint.dialect != "auto" {
        let all = Dialect::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        problems.push(format!("endpoint.dialect must be auto, {all}, not {}", file.endpoint.dialect));
    }
    let keep_words = file.log.keep_words;
    let daemon = Daemon::check(file.daemon, &file.metrics, &mut problems);
    let log = Log::check(file.log, &mut problems);
    if !problems.is_empty() {
        return Err(ConfigError(problems));
    }
    let data_dir =
        environment("SPHERECONNECT_DATA_DIR").filter(|own| !own.is_empty()).unwrap_or(file.database.data_dir);
    let data_dir = if data_dir.is_empty() {
        crate::store::embedded::default_data_dir().map_err(|error| ConfigError(vec![error.to_string()]))?
    } else {
        PathBuf::from(data_dir)
    };
    let text = |name: &str, value: String| {
        environment(name).filter(|own| !own.is_empty()).or(Some(value)).filter(|value| !value.is_empty())
    };
    let some = |value: String| (!value.is_empty()).then_some(value);
    let endpoint = text("SPHERECONNECT_LLM_URL", file.endpoint.url).map(|url| Endpoint {
        url,
        dialect,
        key: environment("SPHERECONNECT_LLM_KEY").filter(|key| !key.is_empty()).map(SecretString::from),
        model: text("SPHERECONNECT_LLM_MODEL", file.endpoint.model).unwrap_or_default(),
        deadline: Duration::from_millis(file.endpoint.deadline_ms),
        connect: Duration::from_millis(file.endpoint.connect_ms),
        failures_max: file.endpoint.failures_max,
        rest: Duration::from_millis(file.endpoint.rest_ms),
    });
    Ok(Config {
        secrets: Secrets::load(environment),
        guild: some(file.guild.name),
        member: some(file.guild.member),
        timezone,
        wordings: some(file.guild.wordings).map(PathBuf::from),
        data_dir,
        database: Database {
            url: text("SPHERECONNECT_DATABASE_URL", file.database.url).map(SecretString::from),
            bin_dir: some(file.database.bin_dir).map(PathBuf::from),
            ready_seconds_max: file.database.ready_seconds_max,
            connections_max: file.database.connections_max,
            statement: Duration::from_secs(file.database.statement_seconds_max),
        },
        speech: Speech {
            model: text("SPHERECONNECT_MODEL", file.speech.model).map(PathBuf::from),
            threads: Some(file.speech.threads).filter(|one| *one > 0),
            prompt_names_max: file.speech.prompt_names_max,
        },
        hearing: Hearing {
            microphone: some(file.hearing.microphone),
            must_be_called: file.hearing.must_be_called || talk.mode == Mode::Open,
            preroll: Duration::from_millis(file.hearing.preroll_ms),
            tail: Duration::from_millis(file.hearing.tail_ms),
            draft: file.hearing.draft,
            headphones: file.hearing.headphones,
        },
        talk,
        endpoint,
        confirm_model_orders: file.endpoint.confirm,
        confirm_ranks: file.guild.confirm_ranks,
        voice: Voice {
            enabled: file.voice.enabled,
            rate: file.voice.rate,
            pitch: file.voice.pitch,
            volume: file.voice.volume,
            cues: file.voice.cues,
            engine: file.voice.engine,
            radio: file.voice.radio,
            notify: file.voice.notify,
            espeak_voice: file.voice.espeak_voice,
        },
        keep_words,
        daemon,
        log,
        read: Read::default(),
    })
}

/// The zone of a setting; the system's own when nothing is set, and UTC when the system has none that is known.
fn zone(name: &str) -> Result<chrono_tz::Tz, String> {
    if name.is_empty() {
        let own = iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok());
        return Ok(own.unwrap_or(chrono_tz::Tz::UTC));
    }
    name.parse().map_err(|_| format!("guild.timezone {name:?} is no IANA time zone, such as Europe/Berlin or UTC"))
}

#[cfg(test)]
mod tests;
