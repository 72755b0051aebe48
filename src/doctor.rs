//! Tries every part and says what to do about each that fails.

use std::time::Duration;

use serde_json::json;

use crate::config::Config;
use crate::control::board::Report;
use crate::control::{Answer, ControlError, Request, client};
use crate::domain::{Utterance, UtteranceId};
use crate::hearing::key;
use crate::hearing::levels::LevelTrouble;
use crate::parts::{self, EXIT_DONE, EXIT_PART, Failure};
use crate::setup::meter;
use crate::voice::{self, Voice};
use crate::{demo, show};

/// The longest wait for the voice to say its test sentence.
const VOICE_WAIT: Duration = Duration::from_secs(8);

/// How long the microphone is recorded.
const RECORDING: Duration = Duration::from_secs(2);

/// What became of one part.
struct Finding {
    part: &'static str,
    /// Whether `run` can work without it.
    needed: bool,
    result: Result<Works, String>,
}

/// How a part works that does.
enum Works {
    Well(String),
    /// It works, but what comes of it will be poor.
    Poorly(String),
}

/// Examines the parts one after another and prints a line for each. The exit code is 3 when a part that is needed for
/// orders from recordings or typed words is missing; the key, the microphone, the voice and the endpoint may be. While a
/// daemon runs, its microphone is left to it.
///
/// # Errors
/// Never for a part that fails; that is a finding.
pub async fn run(config: &Config, json: bool) -> Result<u8, Failure> {
    let daemon = client::ask(config, Request::Status);
    let running = daemon.as_ref().ok().and_then(|answer| answer.status.as_deref());
    let findings = [
        needed("speech", speech(config).await).show(json),
        needed("database", database(config).await).show(json),
        optional("endpoint", well(endpoint(config).await)).show(json),
        optional("talk key", well(talk_key(config).await)).show(json),
        optional("microphone", microphone(config, running).await).show(json),
        optional("voice", well(spoken(config, running).await)).show(json),
        optional("reply files", well(reply_files(config).await)).show(json),
        optional("daemon", well(told(&daemon))).show(json),
    ];
    let missing = findings.iter().any(|one| one.needed && one.result.is_err());
    Ok(if missing { EXIT_PART } else { EXIT_DONE })
}

fn needed(part: &'static str, result: Result<String, String>) -> Finding {
    Finding { part, needed: true, result: well(result) }
}

fn optional(part: &'static str, result: Result<Works, String>) -> Finding {
    Finding { part, needed: false, result }
}

fn well(result: Result<String, String>) -> Result<Works, String> {
    result.map(Works::Well)
}

impl Finding {
    /// Prints the finding, as soon as it is there.
    fn show(self, json: bool) -> Self {
        let Self { part, needed, result } = &self;
        let (mark, text) = match result {
            Ok(Works::Well(text)) => ("ok", text),
            Ok(Works::Poorly(text)) => ("poor", text),
            Err(text) => (if *needed { "FAILS" } else { "absent" }, text),
        };
        if json {
            let (works, poor) = (result.is_ok(), mark == "poor");
            show::line(json!({"part": part, "works": works, "poor": poor, "needed": needed, "detail": text}));
        } else {
            show::line(format_args!("{mark:<7} {part:<12} {text}"));
        }
        self
    }
}

async fn speech(config: &Config) -> Result<String, String> {
    let recogniser = parts::recogniser(config).await.map_err(|failure| format!("{:#}", failure.error))?;
    let folder = trial_folder(config);
    let tried = demo::test_recording(&folder);
    remove(&folder);
    let (sentence, samples) = tried.map_err(|error| format!("{error:#}"))?;
    let utterance = Utterance { id: UtteranceId::new(), source: "test".to_owned(), samples, overrun: false };
    let seconds = utterance.seconds();
    let began = std::time::Instant::now();
    let heard = recogniser.hear(utterance, &[]).await.map_err(|error| error.to_string())?;
    let took = began.elapsed().as_millis();
    match heard {
        crate::domain::Heard::Words(words) => Ok(format!(
            "{}; {seconds:.1} s of speech (\"{sentence}\") heard in {took} ms as \"{}\"",
            recogniser.describe(),
            words.text
        )),
        crate::domain::Heard::Nothing(why) => Err(format!("the bundled test recording was not heard: {why}")),
    }
}

async fn database(config: &Config) -> Result<String, String> {
    let store = parts::store(config).await.map_err(|failure| format!("{:#}", failure.error))?;
    let status = store.status().await.map_err(|error| error.to_string())?;
    store.close().await;
    let place =
        if status.embedded { format!("embedded, in {}", config.data_dir.display()) } else { "server".to_owned() };
    let guilds = match status.guilds {
        None => "its guilds are not this login's to list".to_owned(),
        Some(0) => "no guild yet: `sphereconnect guild import FILE.toml`".to_owned(),
        Some(count) => format!("{count} guild{}", if count == 1 { "" } else { "s" }),
    };
    Ok(format!("PostgreSQL {} ({place}), {} migrations, {guilds}", status.version, status.migrations))
}

async fn endpoint(config: &Config) -> Result<String, String> {
    let commander = parts::commander(config).map_err(|failure| format!("{:#}", failure.error))?;
    match commander.endpoint() {
        None => {
            Err("none is set, so only fixed wordings are understood; set endpoint.url or SPHERECONNECT_LLM_URL"
                .to_owned())
        }
        Some(endpoint) => endpoint.check().await.map_err(|error| error.to_string()),
    }
}

async fn talk_key(config: &Config) -> Result<String, String> {
    let talk = config.talk.clone();
    let tried = tokio::task::spawn_blocking(move || key::check(&talk).map_err(|error| error.to_string()));
    tried.await.unwrap_or_else(|_| Err("the talk key could not be tried".to_owned()))
}

/// Records for a moment and says why words will not be understood.
async fn microphone(config: &Config, running: Option<&Report>) -> Result<Works, String> {
    if let Some(report) = running {
        let (pid, name) = (report.pid, &report.setting.microphone);
        let trouble = report.microphone_trouble.as_ref();
        return match trouble {
            None => Ok(Works::Well(format!("{name}, in use by the daemon (process {pid}) and not tried"))),
            Some(trouble) => Ok(Works::Poorly(format!("{name}, in use by the daemon (process {pid}): {trouble}"))),
        };
    }
    eprintln!("say something for {} seconds …", RECORDING.as_secs());
    let device = config.hearing.microphone.clone();
    let tried = tokio::task::spawn_blocking(move || meter::record(device.as_deref(), RECORDING, |_| ())).await;
    let trial = tried.unwrap_or_else(|_| Err("the microphone could not be tried".to_owned()))?;
    let said = format!("{} at {} samples a second, {}", trial.device, trial.rate, meter::describe(&trial.levels));
    match trial.levels.trouble() {
        None => Ok(Works::Well(said)),
        Some(trouble @ LevelTrouble::Silent) => Err(format!("{said}: {trouble}")),
        Some(trouble @ LevelTrouble::Faint) => Ok(Works::Poorly(format!("{said}: nobody spoke, or {trouble}"))),
        Some(trouble) => Ok(Works::Poorly(format!("{said}: {trouble}"))),
    }
}

/// What the daemon says of itself.
fn told(daemon: &Result<Answer, ControlError>) -> Result<String, String> {
    match daemon {
        Ok(Answer { status: Some(report), .. }) => {
            let Report { pid, uptime_s, .. } = report.as_ref();
            Ok(format!("runs as process {pid} for {uptime_s} s; `sphereconnect status` tells more"))
        }
        Ok(answer) => Err(answer.error.clone().unwrap_or_else(|| "the daemon did not say how it is".to_owned())),
        Err(ControlError::NoDaemon(_)) => Ok("none runs here; `sphereconnect run` starts one".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn spoken(config: &Config, running: Option<&Report>) -> Result<String, String> {
    // What is spoken now would be heard as an order.
    if let Some(report) = running.filter(|report| report.setting.open_microphone) {
        return Ok(format!(
            "not tried: the microphone of the daemon (process {}) is open and would hear it",
            report.pid
        ));
    }
    let settings = parts::voice(config, true);
    let tried = tokio::task::spawn_blocking(move || {
        let (voice, note) = Voice::start(settings);
        if let Some(note) = note {
            return Err(note);
        }
        let queued = voice.speak("SphereConnect is ready.");
        if queued && voice.drain(VOICE_WAIT) {
            Ok("spoke its test sentence".to_owned())
        } else {
            Err("it did not finish its test sentence".to_owned())
        }
    });
    tried.await.unwrap_or_else(|_| Err("the voice could not be tried".to_owned()))
}

async fn reply_files(config: &Config) -> Result<String, String> {
    let (settings, folder) = (parts::voice(config, true), trial_folder(config));
    let tried = tokio::task::spawn_blocking(move || {
        let written = voice::write(&folder, 1, "test", crate::domain::Cue::Done, "Ready.", &settings);
        remove(&folder);
        written.map(|_| "replies can be written with --reply-wav".to_owned()).map_err(|error| error.to_string())
    });
    tried.await.unwrap_or_else(|_| Err("reply files could not be tried".to_owned()))
}

/// A folder of the program's own: a name in a folder that others may write to could be a link of theirs.
fn trial_folder(config: &Config) -> std::path::PathBuf {
    config.data_dir.join(format!("doctor-{}", std::process::id()))
}

fn remove(folder: &std::path::Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::debug!(%error, "the trial's folder stays");
    }
}
