//! Tries every part and says what to do about each that fails.

use std::time::Duration;

use serde_json::json;

use crate::config::Config;
use crate::domain::{Utterance, UtteranceId};
use crate::parts::{self, EXIT_DONE, EXIT_PART, Failure};
use crate::voice::{self, Voice};
use crate::{demo, hearing, show};

/// The longest wait for the voice to say its test sentence.
const VOICE_WAIT: Duration = Duration::from_secs(8);

/// What became of one part.
struct Finding {
    part: &'static str,
    /// Whether `run` can work without it.
    needed: bool,
    result: Result<String, String>,
}

/// Examines the parts one after another and prints a line for each. The exit code is 3 when a part that is needed for
/// orders from recordings or typed words is missing; the microphone, the voice and the endpoint may be.
///
/// # Errors
/// Never for a part that fails; that is a finding.
pub async fn run(config: &Config, json: bool) -> Result<u8, Failure> {
    let findings = [
        Finding { part: "speech", needed: true, result: speech(config).await }.show(json),
        Finding { part: "database", needed: true, result: database(config).await }.show(json),
        Finding { part: "endpoint", needed: false, result: endpoint(config).await }.show(json),
        Finding { part: "talk key", needed: false, result: Ok("Enter in the terminal where `run` runs".to_owned()) }
            .show(json),
        Finding { part: "microphone", needed: false, result: microphone(config).await }.show(json),
        Finding { part: "voice", needed: false, result: spoken(config).await }.show(json),
        Finding { part: "reply files", needed: false, result: reply_files(config).await }.show(json),
    ];
    let missing = findings.iter().any(|one| one.needed && one.result.is_err());
    Ok(if missing { EXIT_PART } else { EXIT_DONE })
}

impl Finding {
    /// Prints the finding, as soon as it is there.
    fn show(self, json: bool) -> Self {
        let Self { part, needed, result } = &self;
        let (works, text) = match result {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        if json {
            show::line(json!({"part": part, "works": works, "needed": needed, "detail": text}));
        } else {
            let mark = match (works, needed) {
                (true, _) => "ok",
                (false, true) => "FAILS",
                (false, false) => "absent",
            };
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

async fn microphone(config: &Config) -> Result<String, String> {
    let device = config.hearing.microphone.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let opened = hearing::microphone::Microphone::open(device.as_deref());
        opened
            .map(|open| format!("{} at {} samples a second", open.device(), open.rate()))
            .map_err(|error| error.to_string())
    });
    tried.await.unwrap_or_else(|_| Err("the microphone could not be tried".to_owned()))
}

async fn spoken(config: &Config) -> Result<String, String> {
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
