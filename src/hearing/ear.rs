//! The thread that listens: the microphone, the key and the detector of speech come together here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver as KeyReceiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::{Sender, error::TrySendError};

use super::endpoint::{Effect, Endpoint, Event};
use super::key::KeyEvent;
use super::levels::{LevelTrouble, Levels};
use super::microphone::{Microphone, MicrophoneError, Opening};
use super::vad::{FRAME_SAMPLES, Pace, Vad, frames_in};
use super::{HearingEvent, HearingSettings, UTTERANCES_MAX};
use crate::domain::{SAMPLE_RATE, Utterance};

/// How often the microphone is read when no key moves.
const POLL: Duration = Duration::from_millis(10);
/// How long to wait for the sound of a tail before the utterance ends without it, as one that lost sound.
const TAIL_WAIT: Duration = Duration::from_secs(1);
/// The first rest before a microphone that went away is opened again; each further one is twice as long.
const REST_FIRST: Duration = Duration::from_millis(250);
/// The longest of these rests.
const REST_MAX: Duration = Duration::from_secs(8);
/// The clock on the wall goes on while the machine sleeps, the other one does not: so far apart they tell of a sleep.
const SLEEP_MIN: Duration = Duration::from_secs(3);

/// With an open microphone, an utterance ends after so much quiet.
const HANGOVER: u32 = frames_in(700);
/// With an open microphone, less speech than this was a cough or a click.
const SPOKEN_MIN: u32 = frames_in(160);
/// A pause so long may be the end: what was said so far is sent ahead.
const DRAFT_PAUSE: u32 = frames_in(200);
/// When the key goes up, so much quiet is enough for that.
const DRAFT_QUIET: u32 = frames_in(60);
/// What is shorter is not worth it.
const DRAFT_SAMPLES_MIN: usize = SAMPLE_RATE as usize * 6 / 10;

/// What a running ear counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) utterances: AtomicU64,
    pub(super) overruns: AtomicU64,
    pub(super) reopened: AtomicU64,
    pub(super) drafts: AtomicU64,
}

/// What is shared with the handle.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) stop: AtomicBool,
    pub(super) covered: AtomicBool,
    pub(super) counters: Counters,
}

/// Where sound comes from at the moment.
pub(super) enum Source {
    Here(Box<Microphone>),
    Opening(Opening),
    Resting { until: Instant },
}

/// The thread's state.
pub(super) struct Ear {
    settings: HearingSettings,
    endpoint: Endpoint,
    source: Source,
    /// The rest before the next attempt to open the microphone.
    rest: Duration,
    clocks: (Instant, SystemTime),
    tail_since: Instant,
    frames: Vec<f32>,
    vad: Vad,
    pace: Pace,
    /// The utterance that goes on was sent ahead, and nothing was said since.
    drafted: bool,
    /// With an open microphone: whether the key leaves it open, and whether somebody speaks.
    open: bool,
    speaking: bool,
    /// What was said of this microphone's level.
    told: Vec<LevelTrouble>,
    outlet: Outlet,
    shared: Arc<Shared>,
}

impl Ear {
    pub(super) fn new(settings: &HearingSettings, source: Source, outlet: Outlet, shared: Arc<Shared>) -> Self {
        Self {
            settings: settings.clone(),
            endpoint: Endpoint::new(settings.pre_roll_ms, settings.tail_ms, settings.utterance_ms_max),
            source,
            rest: REST_FIRST,
            clocks: (Instant::now(), SystemTime::now()),
            tail_since: Instant::now(),
            frames: Vec::new(),
            vad: Vad::new(),
            pace: Pace::default(),
            drafted: false,
            open: true,
            speaking: false,
            told: Vec::new(),
            outlet,
            shared,
        }
    }

    pub(super) fn run(mut self, keys: &KeyReceiver<KeyEvent>) {
        while !self.shared.stop.load(Ordering::Relaxed) && !self.outlet.is_closed() {
            let key = match keys.recv_timeout(POLL) {
                Ok(key) => Some(key),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(KeyEvent::Quit),
            };
            // What was captured before the key moved belongs before it.
            self.listen();
            match key {
                Some(KeyEvent::Press) if self.settings.open => self.set_open(true),
                Some(KeyEvent::Release) if self.settings.open => self.set_open(false),
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
        self.apply(Event::Press);
        if !matches!(self.source, Source::Here(_)) {
            self.outlet.tell(HearingEvent::Trouble("the microphone is away".to_owned()));
            // Whatever may still come is not all that was said.
            self.lose();
        }
    }

    fn release(&mut self) {
        self.tail_since = Instant::now();
        self.outlet.tell(HearingEvent::Released);
        if self.pace.quiet() >= DRAFT_QUIET {
            self.draft();
        }
        self.apply(Event::Release);
    }

    fn discard(&mut self) {
        self.speaking = false;
        self.outlet.tell(HearingEvent::Discarded);
        self.apply(Event::Discard);
    }

    fn set_open(&mut self, open: bool) {
        if self.open != open {
            self.open = open;
            self.outlet.tell(if open { HearingEvent::Unmuted } else { HearingEvent::Muted });
            self.forget();
        }
    }

    /// With an open microphone: whatever was heard does not count.
    fn forget(&mut self) {
        self.speaking = false;
        self.apply(Event::Discard);
        self.vad.reset();
        self.pace = Pace::default();
    }

    /// Hands what was captured to the endpoint.
    fn listen(&mut self) {
        let slept = self.slept();
        let Source::Here(microphone) = &mut self.source else {
            self.reopen();
            return self.end_late_tail();
        };
        self.frames.clear();
        let reading = microphone.read(&mut self.frames);
        let gone = match &reading {
            Ok(_) if slept => Some("the machine was asleep".to_owned()),
            Ok(reading) => reading.gone.then(|| "the microphone stopped giving sound".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if reading.is_ok_and(|reading| reading.lost) {
            tracing::warn!("sound from the microphone was lost");
            self.shared.counters.overruns.fetch_add(1, Ordering::Relaxed);
            self.lose();
        }
        self.hear();
        if let Some(why) = gone {
            self.lose();
            tracing::warn!("{why}");
            self.rest = REST_FIRST;
            self.source = Source::Resting { until: Instant::now() };
            if !slept {
                self.outlet.tell(HearingEvent::Trouble(format!("{why}; trying to open it again")));
            }
        }
        self.end_late_tail();
    }

    /// Whether the machine slept since the last look.
    fn slept(&mut self) -> bool {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let (before, wall_before) = std::mem::replace(&mut self.clocks, (now, wall));
        wall.duration_since(wall_before).is_ok_and(|passed| passed > now.duration_since(before) + SLEEP_MIN)
    }

    fn lose(&mut self) {
        self.vad.reset();
        self.apply(Event::Overrun);
    }

    /// Goes through the new sound, piece by piece where it must be known who spoke when.
    fn hear(&mut self) {
        let frames = std::mem::take(&mut self.frames);
        if self.settings.open && (!self.open || self.shared.covered.load(Ordering::Relaxed)) {
            if self.speaking || self.pace.quiet() > 0 || self.pace.is_onset() {
                self.forget();
            }
        } else {
            // Through loudspeakers the reply would be what was said before the key.
            if self.shared.covered.load(Ordering::Relaxed) && !self.settings.headphones && self.endpoint.is_idle() {
                self.apply(Event::Overrun);
            }
            for piece in frames.chunks(FRAME_SAMPLES) {
                self.apply(Event::Frames(piece));
                let pace = &mut self.pace;
                let mut voiced = false;
                self.vad.push(piece, |one| {
                    pace.frame(one);
                    voiced |= one;
                });
                self.drafted &= !voiced;
                if self.settings.open {
                    self.cut();
                } else if self.pace.quiet() >= DRAFT_PAUSE {
                    self.draft();
                }
            }
        }
        self.frames = frames;
    }

    /// With an open microphone: begins and ends utterances by themselves.
    fn cut(&mut self) {
        if !self.speaking && self.pace.is_onset() {
            self.speaking = true;
            self.apply(Event::Press);
        } else if self.speaking && self.pace.quiet() >= HANGOVER {
            self.speaking = false;
            if self.pace.voiced() < SPOKEN_MIN {
                self.apply(Event::Discard);
            } else {
                self.apply(Event::Release);
                self.apply(Event::Silence);
            }
        }
    }

    /// Sends ahead what was said so far, once in a pause, when somebody waits for it.
    fn draft(&mut self) {
        let worth = self.pace.voiced() >= SPOKEN_MIN && self.endpoint.samples() >= DRAFT_SAMPLES_MIN;
        if !self.settings.draft || self.drafted || !worth {
            return;
        }
        if let Some(so_far) = self.endpoint.so_far() {
            self.drafted = true;
            // An older draft that still waits is of no use any more, but it is also of no harm.
            if self.outlet.drafts.try_send(so_far).is_ok() {
                self.shared.counters.drafts.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn end_late_tail(&mut self) {
        if self.endpoint.in_tail() && self.tail_since.elapsed() > TAIL_WAIT {
            // What was said last has not come and never will.
            self.lose();
            self.apply(Event::Silence);
        }
    }

    fn reopen(&mut self) {
        let result: Result<Microphone, MicrophoneError> = match &self.source {
            Source::Here(_) => return,
            Source::Resting { until } if Instant::now() < *until => return,
            Source::Resting { .. } => match Opening::start(self.settings.device.as_deref()) {
                Ok(opening) => {
                    self.source = Source::Opening(opening);
                    return;
                }
                Err(error) => Err(error),
            },
            Source::Opening(opening) => match opening.wait(Duration::ZERO) {
                Some(result) => result,
                None => return,
            },
        };
        match result {
            Ok(microphone) => {
                self.source = Source::Here(Box::new(microphone));
                self.told.clear();
                self.shared.counters.reopened.fetch_add(1, Ordering::Relaxed);
                self.outlet.tell(HearingEvent::Restored);
            }
            Err(error) => {
                tracing::debug!("{error}");
                self.source = Source::Resting { until: Instant::now() + self.rest };
                self.rest = (self.rest * 2).min(REST_MAX);
            }
        }
    }

    fn apply(&mut self, event: Event<'_>) {
        match self.endpoint.on(event) {
            Effect::None => {}
            Effect::Began => {
                self.drafted = false;
                self.pace.begin();
                self.outlet.tell(HearingEvent::Pressed);
            }
            Effect::Ended { utterance, cut } => {
                let trouble = Levels::of(&utterance.samples).and_then(|levels| levels.trouble());
                if let Some(trouble) = trouble.filter(|trouble| !self.told.contains(trouble)) {
                    self.told.push(trouble);
                    self.outlet.tell(HearingEvent::Level(trouble));
                }
                self.shared.counters.utterances.fetch_add(1, Ordering::Relaxed);
                self.outlet.give(utterance, cut);
            }
        }
    }
}

/// Where everything goes. Nothing here waits: the microphone must be read on time.
pub(super) struct Outlet {
    pub(super) utterances: Sender<Utterance>,
    pub(super) drafts: Sender<Utterance>,
    pub(super) events: Sender<HearingEvent>,
}

impl Outlet {
    pub(super) fn is_closed(&self) -> bool {
        self.utterances.is_closed() && self.events.is_closed()
    }

    /// Queues the utterance, or refuses it.
    pub(super) fn give(&self, utterance: Utterance, cut: bool) {
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

    pub(super) fn tell(&self, event: HearingEvent) {
        if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
            tracing::debug!(?event, "event dropped: nobody reads");
        }
    }
}

#[cfg(test)]
mod tests;
