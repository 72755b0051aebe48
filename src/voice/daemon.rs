//! Speaks through the system's speech service (speech-dispatcher on Linux).

use std::mem::ManuallyDrop;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use tts::{Tts, UtteranceId};

use super::VoiceSettings;

/// How often a running sentence is asked whether it is to be cut.
const POLL: Duration = Duration::from_millis(20);
/// The least time a sentence is given to end.
const END_WAIT_MIN: Duration = Duration::from_secs(4);
/// The most time a sentence is given to end.
const END_WAIT_MAX: Duration = Duration::from_secs(90);
/// What one character may take at the slowest rate.
const CHARACTER_WAIT: Duration = Duration::from_millis(250);
/// Ends that may wait to be read.
const ENDS_MAX: usize = 16;

/// A connection to the speech service.
///
/// It is never dropped: the service's thread calls back into a table from which dropping takes the entry, and a callback
/// that comes late then ends the whole program. A connection is only replaced when the service died, so what stays
/// behind is small and rare.
pub(super) struct Daemon {
    tts: ManuallyDrop<Tts>,
    ends: Receiver<UtteranceId>,
}

/// How a sentence ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was spoken.
    Spoken,
    /// It was cut because that was asked for.
    Cut,
    /// The service did not say that it ended; without a sound server it never does.
    Unanswered,
}

impl Daemon {
    /// Connects; starts the service when it does not run yet, which may take some seconds.
    pub(super) fn connect(settings: &VoiceSettings) -> Result<Self, tts::Error> {
        let mut tts = ManuallyDrop::new(Tts::default()?);
        let (ended, ends) = sync_channel(ENDS_MAX);
        let stopped = ended.clone();
        // The callbacks run while a table is locked: they must neither wait nor speak.
        tts.on_utterance_end(Some(Box::new(move |id| {
            let _full: Result<(), _> = ended.try_send(id);
        })))?;
        tts.on_utterance_stop(Some(Box::new(move |id| {
            let _full: Result<(), _> = stopped.try_send(id);
        })))?;
        // A service that cannot set one of these still speaks.
        for (what, set) in [
            ("rate", tts.set_rate(f32::from(settings.rate.clamp(-100, 100))).is_ok()),
            ("pitch", tts.set_pitch(f32::from(settings.pitch.clamp(-100, 100))).is_ok()),
            ("volume", tts.set_volume(f32::from(settings.volume.clamp(-100, 100))).is_ok()),
        ] {
            if !set {
                tracing::warn!("the speech service does not take the {what}");
            }
        }
        choose(&mut tts, &settings.voice);
        Ok(Self { tts, ends })
    }

    /// Speaks the text and waits for its end, with a limit that follows its length. Cuts it as soon as `cut` says so.
    pub(super) fn speak(&mut self, text: &str, cut: impl Fn() -> bool) -> Result<End, tts::Error> {
        for _late in self.ends.try_iter() {}
        let spoken = self.tts.speak(text, false)?;
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let limit = CHARACTER_WAIT.saturating_mul(characters).clamp(END_WAIT_MIN, END_WAIT_MAX);
        let deadline = Instant::now() + limit;
        loop {
            match self.ends.recv_timeout(POLL) {
                Ok(id) if spoken.is_none() || spoken == Some(id) => return Ok(End::Spoken),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(POLL),
            }
            let end = if cut() {
                End::Cut
            } else if Instant::now() >= deadline {
                End::Unanswered
            } else {
                continue;
            };
            self.tts.stop()?;
            return Ok(end);
        }
    }
}

/// Chooses the voice by name or by language; an empty name leaves the service's own.
fn choose(tts: &mut Tts, wanted: &str) {
    if wanted.is_empty() {
        return;
    }
    let found = tts.voices().unwrap_or_default().into_iter().find(|voice| {
        voice.name().eq_ignore_ascii_case(wanted) || voice.language().as_str().eq_ignore_ascii_case(wanted)
    });
    let chosen = found.is_some_and(|voice| tts.set_voice(&voice).is_ok());
    if !chosen {
        tracing::warn!(voice = wanted, "the speech service has no such voice; its own is used");
    }
}
