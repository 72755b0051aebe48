//! Speech: an [`Utterance`](crate::domain::Utterance) becomes the words that were said, or nothing.
//!
//! The recogniser is whisper.cpp on a thread of its own, with its context cut to the utterance, which makes it
//! quick, and everything this needs to stay honest: a voice detector before it, a filter that ends a repeat while it
//! comes, and a guard that refuses invented words after it. It is told the guild's names, so that it spells them.

mod drafts;
mod engine;
mod files;
mod guard;
mod prompt;
mod recogniser;
mod repeat;

use std::path::PathBuf;

pub use files::{
    DEFAULT_MODEL, KNOWN_MODELS, KnownModel, MODELS_FOLDER, ModelFiles, VAD_MODEL, check_model, check_vad, find_models,
    sha256_file, verify,
};
pub use recogniser::{Description, Recogniser};

/// The shortest sound that is listened to, in seconds.
pub const UTTERANCE_SECONDS_MIN: f64 = 0.3;
/// The longest utterance, in seconds: what the recogniser hears at once.
pub const UTTERANCE_SECONDS_MAX: f64 = 30.0;
/// How many names the recogniser is told when nothing else is set.
pub const PROMPT_NAMES_DEFAULT: usize = 20;
/// The most threads a recogniser may use; more make it slower.
pub const THREADS_MAX: usize = 8;

/// How to set up a [`Recogniser`].
#[derive(Debug, Clone)]
pub struct SpeechSettings {
    /// The speech model's file.
    pub model: PathBuf,
    /// The voice detector's file.
    pub vad_model: PathBuf,
    /// How many threads recognise, 1 to [`THREADS_MAX`]; see [`SpeechSettings::threads_default`].
    pub threads: usize,
    /// How many names at most the recogniser is told to expect; 0 tells it none. A limit of tokens holds as well.
    pub prompt_names_max: usize,
}

impl SpeechSettings {
    /// Settings for these files with everything else as it comes.
    #[must_use]
    pub fn new(files: ModelFiles) -> Self {
        Self {
            model: files.model,
            vad_model: files.vad_model,
            threads: Self::threads_default(),
            prompt_names_max: PROMPT_NAMES_DEFAULT,
        }
    }

    /// One thread fewer than there are cores, 1 to 4: the threads wait by spinning, and a game needs the cores too.
    #[must_use]
    pub fn threads_default() -> usize {
        std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1)).clamp(1, 4)
    }
}

/// Why there is no recogniser, or no words.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// A model is at none of these places.
    #[error("no speech model at {}; copy it to one of these places, or set SPHERECONNECT_MODEL", list(places))]
    Missing {
        /// Every place that was looked at.
        places: Vec<PathBuf>,
    },
    /// A model's file cannot be read.
    #[error("cannot read the model \"{}\"; check that it is a file and that you may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file with the name of a known model holds something else.
    #[error(
        "the model \"{}\" is damaged or another one (its SHA-256 is {found}, it should be {expected}); copy it \
         from the project's models/ again, or give a model of your own another file name",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The checksum the known model has.
        expected: String,
        /// The checksum of what is there.
        found: String,
    },
    /// The file is no model.
    #[error("\"{}\" is no ggml model that can be used: {why}", path.display())]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The library could not load the file.
    #[error("cannot load the model \"{}\"; verify it with `sphereconnect models verify`, and that memory is free", path.display())]
    Load {
        /// The file.
        path: PathBuf,
    },
    /// The utterance is longer than the recogniser hears at once.
    #[error("the utterance is {seconds:.1} s long, at most {max:.0} s can be heard; say it in shorter orders")]
    TooLong {
        /// How long it is.
        seconds: f64,
        /// How long it may be: [`UTTERANCE_SECONDS_MAX`].
        max: f64,
    },
    /// The library gave up on an utterance.
    #[error("the recogniser failed ({0}); say it again")]
    Recognition(String),
    /// The thread could not be started.
    #[error("cannot start the speech thread; close other programs and try again")]
    Thread(#[source] std::io::Error),
    /// The thread is gone.
    #[error("the speech thread has stopped; restart sphereconnect")]
    Stopped,
}

/// The places as people read them.
fn list(places: &[PathBuf]) -> String {
    places.iter().map(|place| format!("\"{}\"", place.display())).collect::<Vec<_>>().join(", ")
}
