//! The recogniser's handle and its thread.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::drafts;
use super::engine::Engine;
use super::files::{check_model, check_vad};
use super::{SpeechError, SpeechSettings, THREADS_MAX, UTTERANCE_SECONDS_MAX, UTTERANCE_SECONDS_MIN};
use crate::domain::{Heard, Utterance, UtteranceId};

/// How many utterances wait for the thread; a further one waits in [`Recogniser::hear`].
const QUEUE_MAX: usize = 2;

/// What is known of a loaded model.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The model's file.
    pub model: PathBuf,
    /// What it is, for people; its file name when it is not a known model.
    pub title: String,
    /// Whether its checksum is that of a known model.
    pub known: bool,
    /// Whether it knows other languages than English.
    pub multilingual: bool,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// How long checking and loading took, in milliseconds.
    pub load_ms: f64,
    /// How many threads recognise.
    pub threads: usize,
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (megabytes, plural) = (self.bytes / 1_000_000, if self.threads == 1 { "" } else { "s" });
        let Self { title, threads, load_ms, .. } = self;
        write!(f, "{title} ({megabytes} MB), {threads} thread{plural}, loaded in {load_ms:.0} ms")
    }
}

/// A handle to the thread that owns the model. The thread ends when the last handle is dropped, after the utterances
/// it has accepted.
#[derive(Debug, Clone)]
pub struct Recogniser {
    jobs: mpsc::Sender<Job>,
    description: Arc<Description>,
}

/// One utterance on its way to the thread.
struct Job {
    id: UtteranceId,
    samples: Vec<f32>,
    names: Vec<String>,
    /// Where the words go; `None` for the first part of an utterance that is still being said.
    answer: Option<oneshot::Sender<Result<Heard, SpeechError>>>,
}

impl Recogniser {
    /// Checks and loads the models on a thread of their own.
    ///
    /// # Errors
    /// Every [`SpeechError`] of a model that is not there, not whole or cannot be loaded.
    pub async fn start(settings: SpeechSettings) -> Result<Self, SpeechError> {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let (ready, loaded) = oneshot::channel();
        std::thread::Builder::new()
            .name("speech".to_owned())
            .spawn(move || run(&settings, ready, queue))
            .map_err(SpeechError::Thread)?;
        let description = loaded.await.map_err(|_| SpeechError::Stopped)??;
        Ok(Self { jobs, description: Arc::new(description) })
    }

    /// The words of an utterance, or nothing when it holds no speech. `names` are those the guild uses, in a form that
    /// can be spoken, most important first; as many as fit are given to the recogniser to expect.
    ///
    /// # Errors
    /// [`SpeechError::TooLong`]; [`SpeechError::Recognition`]; [`SpeechError::Stopped`] when the thread died.
    pub async fn hear(&self, utterance: Utterance, names: &[String]) -> Result<Heard, SpeechError> {
        let seconds = utterance.seconds();
        if seconds < UTTERANCE_SECONDS_MIN {
            return Ok(Heard::Nothing(format!("too short ({seconds:.1} s); hold the key while you speak")));
        }
        if seconds > UTTERANCE_SECONDS_MAX {
            return Err(SpeechError::TooLong { seconds, max: UTTERANCE_SECONDS_MAX });
        }
        let (answer, answered) = oneshot::channel();
        let job = Job { id: utterance.id, samples: utterance.samples, names: names.to_vec(), answer: Some(answer) };
        self.jobs.send(job).await.map_err(|_| SpeechError::Stopped)?;
        answered.await.map_err(|_| SpeechError::Stopped)?
    }

    /// Recognises the first part of an utterance that is still being said, without waiting. When nothing more is said in
    /// it and the names are the same, [`Recogniser::hear`] has its words at once. Does nothing while others wait.
    pub fn draft(&self, so_far: Utterance, names: Vec<String>) {
        if so_far.seconds() <= UTTERANCE_SECONDS_MAX {
            let job = Job { id: so_far.id, samples: so_far.samples, names, answer: None };
            // A full queue has no time for drafts.
            let _full = self.jobs.try_send(job);
        }
    }

    /// What is known of the loaded model.
    #[must_use]
    pub fn describe(&self) -> &Description {
        &self.description
    }
}

/// The thread: loads, says so, and recognises until every handle is gone.
fn run(
    settings: &SpeechSettings,
    ready: oneshot::Sender<Result<Description, SpeechError>>,
    mut queue: mpsc::Receiver<Job>,
) {
    let (mut engine, description) = match load(settings) {
        Ok(loaded) => loaded,
        Err(error) => {
            // Nobody is left to tell when this fails.
            let _ = ready.send(Err(error));
            return;
        }
    };
    if ready.send(Ok(description)).is_err() {
        return;
    }
    let mut draft = None;
    while let Some(job) = queue.blocking_recv() {
        // The whole utterance is there already: its first part is of no use any more.
        if job.answer.is_none() && !queue.is_empty() {
            continue;
        }
        let heard = catch_unwind(AssertUnwindSafe(|| {
            drafts::recognise(&mut engine, &mut draft, job.id, job.samples, &job.names, settings.prompt_names_max)
        }))
        .unwrap_or_else(|_| Err(SpeechError::Recognition("an internal error".to_owned())));
        match job.answer {
            // A caller that went away wants no answer.
            Some(answer) => {
                draft = None;
                let _ = answer.send(heard.map(|found| found.heard));
            }
            None => draft = heard.ok(),
        }
    }
}

fn load(settings: &SpeechSettings) -> Result<(Engine, Description), SpeechError> {
    let begun = Instant::now();
    let known = check_model(&settings.model)?;
    check_vad(&settings.vad_model)?;
    let unreadable = |source| SpeechError::Unreadable { path: settings.model.clone(), source };
    let bytes = std::fs::metadata(&settings.model).map_err(unreadable)?.len();
    let threads = settings.threads.clamp(1, THREADS_MAX);
    let engine = Engine::load(&settings.model, &settings.vad_model, threads)?;
    let file_name = || settings.model.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let description = Description {
        model: settings.model.clone(),
        title: known.map_or_else(file_name, |known| known.title.to_owned()),
        known: known.is_some(),
        multilingual: engine.multilingual(),
        bytes,
        load_ms: begun.elapsed().as_secs_f64() * 1000.0,
        threads,
    };
    tracing::debug!(stt.model = %description.title, stt.load_ms = description.load_ms, "speech model loaded");
    Ok((engine, description))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use std::path::Path;

    use super::*;
    use crate::domain::UtteranceId;
    use crate::speech::{DEFAULT_MODEL, MODELS_FOLDER, VAD_MODEL};

    fn settings() -> SpeechSettings {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(MODELS_FOLDER);
        let (model, vad_model) = (folder.join(DEFAULT_MODEL), folder.join(VAD_MODEL));
        SpeechSettings { model, vad_model, threads: 1, prompt_names_max: 8 }
    }

    fn utterance(seconds: f32, wave: impl Fn(f32) -> f32) -> Utterance {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small"
        )]
        let samples = (0..(seconds * 16_000.0) as u32).map(|at| wave(at as f32 / 16_000.0)).collect();
        Utterance { id: UtteranceId::new(), source: "test".to_owned(), samples, overrun: false }
    }

    #[tokio::test]
    async fn hears_nothing_in_what_is_no_speech() {
        let recogniser = Recogniser::start(settings()).await.unwrap();
        assert!(recogniser.describe().known, "{}", recogniser.describe());
        let names = ["Kestrel".to_owned(), "a\0b".to_owned()];
        for (seconds, wave) in [
            (0.0, (|_| 0.0) as fn(f32) -> f32),
            (0.2, |_| 0.0),
            (2.0, |_| 0.0),
            (2.0, |t| (t * 120.0 * std::f32::consts::TAU).sin() * 0.5),
            (1.0, |_| f32::NAN),
            (1.0, |t| if t > 0.5 { f32::INFINITY } else { 1e30 }),
            (30.0, |t| (t * 9.0e4).sin()),
        ] {
            let heard = recogniser.hear(utterance(seconds, wave), &names).await.unwrap();
            assert!(matches!(heard, Heard::Nothing(_)), "{seconds} s: {heard:?}");
        }
        let error = recogniser.hear(utterance(30.5, |_| 0.0), &names).await.unwrap_err();
        assert!(error.to_string().contains("30.5 s long, at most 30 s"), "{error}");
    }

    #[tokio::test]
    async fn does_not_start_with_files_that_are_no_models() {
        let good = settings();
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        for (model, vad_model, said) in [
            (&manifest, &good.vad_model, "does not begin like a ggml file"),
            (&good.vad_model, &good.vad_model, "it is a voice detector"),
            (&good.model, &good.model, "it is not the voice detector"),
            (&manifest.join("nothing"), &good.vad_model, "cannot read the model"),
        ] {
            let settings = SpeechSettings { model: model.clone(), vad_model: vad_model.clone(), ..good.clone() };
            let error = Recogniser::start(settings).await.unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
