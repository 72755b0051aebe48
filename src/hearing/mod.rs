//! Turns sound and a key into utterances: from a microphone while a key is held, or from a recording.

mod ear;
pub mod endpoint;
pub mod key;
pub mod levels;
pub mod microphone;
pub mod resample;
mod vad;
pub mod wav;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver as KeyReceiver;

use tokio::sync::mpsc::{Receiver, channel};

use crate::domain::{Utterance, UtteranceId};
use ear::{Ear, Outlet, Shared, Source};
use key::KeyEvent;
use levels::LevelTrouble;
use microphone::{Microphone, MicrophoneError};

/// Utterances that may wait for their turn. One more is refused: a stale order is worse than a refused one.
pub const UTTERANCES_MAX: usize = 2;
/// Events that may wait to be read; more are dropped.
pub const EVENTS_MAX: usize = 32;
/// Drafts that may wait; more are dropped.
pub const DRAFTS_MAX: usize = 1;

/// What hearing needs to know.
#[derive(Debug, Clone)]
pub struct HearingSettings {
    /// The input device by name, or the default one.
    pub device: Option<String>,
    /// What is kept of the sound before the key goes down, in milliseconds; at most [`endpoint::EDGE_MS_MAX`].
    pub pre_roll_ms: u32,
    /// What is still taken after the key goes up, in milliseconds; at most [`endpoint::EDGE_MS_MAX`].
    pub tail_ms: u32,
    /// The longest utterance, in milliseconds; at most [`endpoint::UTTERANCE_MS_MAX`].
    pub utterance_ms_max: u32,
    /// Whether what was said so far is sent ahead in a pause, so that it is recognised by the time the key goes up.
    pub draft: bool,
    /// Whether the microphone is always open and utterances begin and end by themselves; the key closes and opens it.
    pub open: bool,
    /// Whether the microphone cannot hear the program's own voice; otherwise nothing of before the key is kept while
    /// it speaks.
    pub headphones: bool,
}

impl Default for HearingSettings {
    fn default() -> Self {
        Self {
            device: None,
            pre_roll_ms: endpoint::PRE_ROLL_MS_DEFAULT,
            tail_ms: endpoint::TAIL_MS_DEFAULT,
            utterance_ms_max: endpoint::UTTERANCE_MS_MAX,
            draft: true,
            open: false,
            headphones: false,
        }
    }
}

/// What happens besides utterances, for cues and for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HearingEvent {
    /// The key went down, or with an open microphone, somebody speaks.
    Pressed,
    /// The key went up.
    Released,
    /// What was being said is forgotten.
    Discarded,
    /// The utterance waits for its turn.
    Accepted {
        /// Which one.
        id: UtteranceId,
        /// Whether it reached the longest length and was cut off.
        cut: bool,
    },
    /// [`UTTERANCES_MAX`] utterances wait already; this one was thrown away.
    Refused,
    /// An open microphone was closed by the key.
    Muted,
    /// It is open again.
    Unmuted,
    /// The level of the sound is not good; said once for each microphone and kind.
    Level(LevelTrouble),
    /// Something does not work; hearing keeps trying.
    Trouble(String),
    /// The microphone works again.
    Restored,
    /// The last event: the key's source is closed, or hearing was stopped.
    Closed,
}

/// A running ear. Dropping it stops listening; what was accepted stays in the queue of utterances.
#[derive(Debug)]
pub struct Hearing {
    shared: Arc<Shared>,
}

/// What a running ear has counted since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Complete utterances, refused ones included.
    pub utterances: u64,
    /// How often sound was lost because the program or the sound system was too slow.
    pub overruns: u64,
    /// How often the microphone had to be opened again.
    pub reopened: u64,
    /// How often what was said so far was sent ahead.
    pub drafts: u64,
}

/// What a running ear sends.
#[derive(Debug)]
pub struct Heard {
    /// Complete utterances; closed once hearing has stopped.
    pub utterances: Receiver<Utterance>,
    /// What was said so far of the utterance that goes on, under its id; see [`HearingSettings::draft`].
    pub drafts: Receiver<Utterance>,
    /// What happens besides.
    pub events: Receiver<HearingEvent>,
}

impl Hearing {
    /// Opens the microphone (this blocks up to [`microphone::OPEN_WAIT`]) and listens on a thread named `hearing`
    /// until the key's source closes, [`Hearing::stop`] is called, or both receivers are dropped.
    ///
    /// # Errors
    /// When the microphone cannot be opened; one that goes away later is opened again.
    pub fn start(settings: &HearingSettings, keys: KeyReceiver<KeyEvent>) -> Result<(Self, Heard), MicrophoneError> {
        let microphone = Microphone::open(settings.device.as_deref())?;
        let (utterances, utterances_out) = channel(UTTERANCES_MAX);
        let (drafts, drafts_out) = channel(DRAFTS_MAX);
        let (events, events_out) = channel(EVENTS_MAX);
        let shared = Arc::new(Shared::default());
        let ear = Ear::new(
            settings,
            Source::Here(Box::new(microphone)),
            Outlet { utterances, drafts, events },
            Arc::clone(&shared),
        );
        std::thread::Builder::new().name("hearing".to_owned()).spawn(move || ear.run(&keys))?;
        Ok((Self { shared }, Heard { utterances: utterances_out, drafts: drafts_out, events: events_out }))
    }

    /// While the program itself speaks, an open microphone hears nothing, and a key that goes down has nothing before
    /// it, unless the player wears headphones.
    pub fn cover(&self, covered: bool) {
        self.shared.covered.store(covered, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let counters = &self.shared.counters;
        let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            utterances: of(&counters.utterances),
            overruns: of(&counters.overruns),
            reopened: of(&counters.reopened),
            drafts: of(&counters.drafts),
        }
    }

    /// Stops listening. An utterance that is being spoken is dropped; accepted ones stay in the queue.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    fn utterance() -> Utterance {
        Utterance { id: UtteranceId::new(), source: "microphone".to_owned(), samples: vec![0.0; 16], overrun: false }
    }

    #[test]
    fn the_newest_utterance_is_refused_when_two_wait() {
        let (utterances, mut taken) = channel(UTTERANCES_MAX);
        let (events, mut told) = channel(EVENTS_MAX);
        let outlet = Outlet { utterances, drafts: channel(1).0, events };
        let sent: Vec<_> = (0..3).map(|_| utterance()).collect();
        let ids: Vec<_> = sent.iter().map(|utterance| utterance.id).collect();
        for utterance in sent {
            outlet.give(utterance, false);
        }
        assert_eq!(told.try_recv().unwrap(), HearingEvent::Accepted { id: ids[0], cut: false });
        assert_eq!(told.try_recv().unwrap(), HearingEvent::Accepted { id: ids[1], cut: false });
        assert_eq!(told.try_recv().unwrap(), HearingEvent::Refused);
        drop(outlet);
        // What was accepted survives the end of hearing.
        assert_eq!(taken.try_recv().unwrap().id, ids[0]);
        assert_eq!(taken.try_recv().unwrap().id, ids[1]);
        assert!(taken.try_recv().is_err());
    }

    #[test]
    fn events_that_nobody_reads_do_not_block() {
        let (utterances, _taken) = channel(UTTERANCES_MAX);
        let (events, _told) = channel(EVENTS_MAX);
        let outlet = Outlet { utterances, drafts: channel(1).0, events };
        for _ in 0..2 * EVENTS_MAX {
            outlet.tell(HearingEvent::Pressed);
        }
    }
}
