//! Turns sound and a key into utterances: from a microphone while a key is held, or from a recording.

pub mod endpoint;
pub mod key;
pub mod microphone;
pub mod resample;
pub mod wav;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver as KeyReceiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

use crate::domain::{Utterance, UtteranceId};
use endpoint::{Effect, Endpoint, Event};
use microphone::{Microphone, MicrophoneError};
use key::KeyEvent;

/// Utterances that may wait for their turn. One more is refused: a stale order is worse than a refused one.
pub const UTTERANCES_MAX: usize = 2;
/// Events that may wait to be read; more are dropped.
pub const EVENTS_MAX: usize = 32;
/// How often the microphone is read when no key moves.
const POLL: Duration = Duration::from_millis(10);
/// How long to wait for the sound of a tail before the utterance ends without it.
const TAIL_WAIT: Duration = Duration::from_secs(1);
/// How long to wait before a microphone that went away is opened again.
const REOPEN_WAIT: Duration = Duration::from_secs(2);

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
}

impl Default for HearingSettings {
    fn default() -> Self {
        Self {
            device: None,
            pre_roll_ms: endpoint::PRE_ROLL_MS_DEFAULT,
            tail_ms: endpoint::TAIL_MS_DEFAULT,
            utterance_ms_max: endpoint::UTTERANCE_MS_MAX,
        }
    }
}

/// What happens besides utterances, for cues and for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HearingEvent {
    /// The key went down; the player is speaking.
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
    stop: Arc<AtomicBool>,
}

/// What a running ear sends.
#[derive(Debug)]
pub struct Heard {
    /// Complete utterances; closed once hearing has stopped.
    pub utterances: Receiver<Utterance>,
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
        let (events, events_out) = channel(EVENTS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let ear = Ear {
            endpoint: Endpoint::new(settings.pre_roll_ms, settings.tail_ms, settings.utterance_ms_max),
            device: settings.device.clone(),
            microphone: Some(microphone),
            away_since: Instant::now(),
            tail_since: Instant::now(),
            frames: Vec::new(),
            outlet: Outlet { utterances, events },
            stop: Arc::clone(&stop),
        };
        std::thread::Builder::new().name("hearing".to_owned()).spawn(move || ear.run(&keys))?;
        Ok((Self { stop }, Heard { utterances: utterances_out, events: events_out }))
    }

    /// Stops listening. An utterance that is being spoken is dropped; accepted ones stay in the queue.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The thread's state.
struct Ear {
    endpoint: Endpoint,
    device: Option<String>,
    microphone: Option<Microphone>,
    away_since: Instant,
    tail_since: Instant,
    frames: Vec<f32>,
    outlet: Outlet,
    stop: Arc<AtomicBool>,
}

impl Ear {
    fn run(mut self, keys: &KeyReceiver<KeyEvent>) {
        while !self.stop.load(Ordering::Relaxed) && !self.outlet.is_closed() {
            let key = match keys.recv_timeout(POLL) {
                Ok(key) => Some(key),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(KeyEvent::Quit),
            };
            // What was captured before the key moved belongs before it.
            self.listen();
            match key {
                Some(KeyEvent::Press) => self.press(),
                Some(KeyEvent::Release) => self.release(),
                Some(KeyEvent::Discard) => self.discard(),
                Some(KeyEvent::Quit) => break,
                None => {}
            }
        }
        // A key that was let go just before the end still gets its whole sentence.
        while self.endpoint.in_tail() {
            std::thread::sleep(POLL);
            self.listen();
        }
        self.outlet.tell(HearingEvent::Closed);
    }

    fn press(&mut self) {
        if self.microphone.is_none() {
            self.outlet.tell(HearingEvent::Trouble("the microphone is away".to_owned()));
        }
        self.apply(|endpoint, _| endpoint.on(Event::Press));
    }

    fn release(&mut self) {
        self.tail_since = Instant::now();
        self.outlet.tell(HearingEvent::Released);
        self.apply(|endpoint, _| endpoint.on(Event::Release));
    }

    fn discard(&mut self) {
        self.outlet.tell(HearingEvent::Discarded);
        self.apply(|endpoint, _| endpoint.on(Event::Discard));
    }

    /// Hands what was captured to the endpoint.
    fn listen(&mut self) {
        let Some(microphone) = &mut self.microphone else {
            self.reopen();
            return self.end_late_tail();
        };
        self.frames.clear();
        let reading = microphone.read(&mut self.frames);
        let gone = match &reading {
            Ok(reading) => reading.gone.then(|| "the microphone stopped giving sound".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if reading.is_ok_and(|reading| reading.lost) {
            tracing::warn!("sound from the microphone was lost");
            self.apply(|endpoint, _| endpoint.on(Event::Overrun));
        }
        self.apply(|endpoint, frames| endpoint.on(Event::Frames(frames)));
        if let Some(why) = gone {
            self.microphone = None;
            self.away_since = Instant::now();
            self.apply(|endpoint, _| endpoint.on(Event::Overrun));
            tracing::warn!("{why}");
            self.outlet.tell(HearingEvent::Trouble(format!("{why}; trying to open it again")));
        }
        self.end_late_tail();
    }

    fn end_late_tail(&mut self) {
        if self.endpoint.in_tail() && self.tail_since.elapsed() > TAIL_WAIT {
            self.apply(|endpoint, _| endpoint.on(Event::Silence));
        }
    }

    fn reopen(&mut self) {
        if self.away_since.elapsed() < REOPEN_WAIT {
            return;
        }
        match Microphone::open(self.device.as_deref()) {
            Ok(microphone) => {
                self.microphone = Some(microphone);
                self.outlet.tell(HearingEvent::Restored);
            }
            Err(error) => tracing::debug!("{error}"),
        }
        self.away_since = Instant::now();
    }

    fn apply(&mut self, step: impl FnOnce(&mut Endpoint, &[f32]) -> Effect) {
        match step(&mut self.endpoint, &self.frames) {
            Effect::None => {}
            Effect::Began => self.outlet.tell(HearingEvent::Pressed),
            Effect::Ended { utterance, cut } => self.outlet.give(utterance, cut),
        }
    }
}

/// Where everything goes. Nothing here waits: the microphone must be read on time.
struct Outlet {
    utterances: Sender<Utterance>,
    events: Sender<HearingEvent>,
}

impl Outlet {
    fn is_closed(&self) -> bool {
        self.utterances.is_closed() && self.events.is_closed()
    }

    /// Queues the utterance, or refuses it.
    fn give(&self, utterance: Utterance, cut: bool) {
        let id = utterance.id;
        match self.utterances.try_send(utterance) {
            Ok(()) => self.tell(HearingEvent::Accepted { id, cut }),
            Err(TrySendError::Full(_)) => {
                tracing::warn!(limit = UTTERANCES_MAX, "utterance refused: too many wait");
                self.tell(HearingEvent::Refused);
            }
            Err(TrySendError::Closed(_)) => {}
        }
    }

    fn tell(&self, event: HearingEvent) {
        if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
            tracing::debug!(?event, "event dropped: nobody reads");
        }
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
        let outlet = Outlet { utterances, events };
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
        let outlet = Outlet { utterances, events };
        for _ in 0..2 * EVENTS_MAX {
            outlet.tell(HearingEvent::Pressed);
        }
    }
}
