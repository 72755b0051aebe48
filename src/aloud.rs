//! How a turn's reply is heard: the cue, the words, and as a file where there is no sound.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::config::Config;
use crate::domain::Cue;
use crate::parts::{self, Failure};
use crate::show;
use crate::turn::Turn;
use crate::voice::{self, Voice};

/// The longest wait for the last reply to be spoken.
const LAST_WORDS_MAX: Duration = Duration::from_secs(30);

/// Lets replies be heard.
#[derive(Debug, Clone)]
pub struct Aloud {
    voice: Voice,
    cues: bool,
    words: bool,
    folder: Option<PathBuf>,
    settings: voice::VoiceSettings,
    written: usize,
}

impl Aloud {
    /// Starts the voice when it is wanted, and says once why it cannot. `folder` is where replies are written as WAV
    /// files; it is made now, so that a folder that cannot be written stops the first turn and not the second.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn start(config: &Config, enabled: bool, folder: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(folder) = &folder {
            let made = std::fs::create_dir_all(folder);
            made.with_context(|| format!("cannot write replies to {}", folder.display())).map_err(Failure::usage)?;
        }
        let (voice, note) = Voice::start(parts::voice(config, enabled));
        if let Some(note) = note {
            eprintln!("{note}");
        }
        let settings = parts::voice(config, true);
        let (cues, words) = (config.voice.cues, config.voice.enabled);
        Ok(Self { voice, cues, words, folder, settings, written: 0 })
    }

    /// The voice itself, to be stopped when somebody speaks.
    #[must_use]
    pub fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Plays a cue, when cues are wanted.
    pub fn cue(&self, cue: Cue) {
        if self.cues && !self.voice.cue(cue) {
            tracing::debug!("a cue was not played");
        }
    }

    /// Lets a turn's reply be heard. What does not work is said and stops nothing: the turn is over already.
    pub fn reply(&mut self, turn: &Turn) {
        self.cue(turn.cue);
        if self.words && turn.cue != Cue::Nothing && !self.voice.speak(&turn.spoken) {
            tracing::debug!("a reply was not spoken");
        }
        self.written += 1;
        if let Some(folder) = &self.folder {
            let outcome = show::ending(turn.outcome);
            if let Err(error) = voice::write(folder, self.written, outcome, turn.cue, &turn.spoken, &self.settings) {
                eprintln!("{:#}", anyhow::Error::new(error));
            }
        }
    }

    /// Speaks what is no turn's reply, when words are wanted.
    pub fn say(&self, text: &str) {
        if self.words && !self.voice.speak(text) {
            tracing::debug!("a message was not spoken");
        }
    }

    /// Waits until the last reply was spoken.
    pub fn finish(&self) {
        if !self.voice.drain(LAST_WORDS_MAX) {
            tracing::warn!("the last reply was not spoken to its end");
        }
    }
}
