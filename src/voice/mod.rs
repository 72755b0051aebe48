//! Answers aloud: a cue, then a sentence, on a thread of its own.

mod cue;
mod daemon;
mod output;
mod settings;
mod wav_out;

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use settings::{Engine, VoiceSettings};
pub use wav_out::{VoiceError, write};

use crate::domain::{Cue, TEXT_CHARS_MAX};
use daemon::{Daemon, End};
use output::Output;

/// Cues and sentences that may wait to be heard.
pub const QUEUE_MAX: usize = 8;
/// How long the voice may take to start before the program goes on without waiting for it.
pub const START_WAIT: Duration = Duration::from_secs(6);
/// How long to wait before something that did not answer is tried again.
pub const RETRY_WAIT: Duration = Duration::from_secs(10);
/// What the sound output still holds when a cue has ended for the program.
const OUTPUT_TAIL: Duration = Duration::from_millis(200);

/// A handle to the voice's thread; clones speak with the same voice. Everything returns at once, except
/// [`Voice::start`] and [`Voice::drain`]. When the last handle is dropped, the thread says what it still has and ends.
#[derive(Debug, Clone)]
pub struct Voice {
    /// None when the voice is turned off or could not start: then everything is silently done.
    jobs: Option<SyncSender<Job>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Job {
    what: What,
    /// The job is skipped when [`Voice::stop`] was called since.
    epoch: u64,
}

#[derive(Debug)]
enum What {
    Cue(Cue),
    Speak(String),
}

#[derive(Debug, Default)]
struct Shared {
    /// Counts the calls of [`Voice::stop`].
    epoch: AtomicU64,
    /// Counts what was accepted and not heard, because something did not work.
    unheard: AtomicU64,
    /// Jobs that are not done.
    open: Mutex<usize>,
    idle: Condvar,
}

impl Voice {
    /// Starts the thread named `voice` and waits up to [`START_WAIT`] until it knows what works. Never fails: what does
    /// not work stays silent and is tried again every [`RETRY_WAIT`] when something is to be said; the text says what
    /// it is and what to do, for the player.
    #[must_use]
    pub fn start(settings: VoiceSettings) -> (Self, Option<String>) {
        let shared = Arc::new(Shared::default());
        if !settings.enabled {
            return (Self { jobs: None, shared }, None);
        }
        let (jobs, queue) = sync_channel(QUEUE_MAX);
        let (ready, started) = sync_channel(1);
        let thread_shared = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("voice".to_owned()).spawn(move || {
            let speaker = Speaker::new(settings, thread_shared);
            // Nobody waits any more when starting took too long.
            let _late: Result<(), _> = ready.send(speaker.note());
            speaker.run(&queue);
        });
        if let Err(error) = thread {
            return (Self { jobs: None, shared }, Some(format!("no voice: cannot start its thread: {error}")));
        }
        let note = started.recv_timeout(START_WAIT).unwrap_or_else(|_| {
            let seconds = START_WAIT.as_secs();
            Some(format!("no voice yet: the sound system did not answer within {seconds} s; replies are only shown"))
        });
        (Self { jobs: Some(jobs), shared }, note)
    }

    /// Speaks a sentence after what waits already. False when it will not be spoken: the queue is full or the voice is
    /// off. Text beyond [`TEXT_CHARS_MAX`] characters is left out.
    pub fn speak(&self, text: &str) -> bool {
        let text = speakable(text);
        !text.is_empty() && self.submit(What::Speak(text))
    }

    /// Plays a cue after what waits already. False as with [`Voice::speak`].
    pub fn cue(&self, cue: Cue) -> bool {
        self.submit(What::Cue(cue))
    }

    /// Cuts what is being said and forgets what waits.
    pub fn stop(&self) {
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether something is being said or waits to be.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        *self.shared.open() > 0
    }

    /// Blocks until everything was said, at most for `limit`; true when it was.
    #[must_use]
    pub fn drain(&self, limit: Duration) -> bool {
        let open = self.shared.open();
        if *open == 0 {
            return true;
        }
        let waited = self.shared.idle.wait_timeout_while(open, limit, |open| *open > 0);
        let done = *waited.unwrap_or_else(PoisonError::into_inner).0 == 0;
        if done {
            std::thread::sleep(OUTPUT_TAIL);
        }
        done
    }

    /// How many of the accepted cues and sentences were not played to their end because the speech service or the sound
    /// output did not work; what [`Voice::stop`] cut is not counted.
    #[must_use]
    pub fn unheard(&self) -> u64 {
        self.shared.unheard.load(Ordering::SeqCst)
    }

    fn submit(&self, what: What) -> bool {
        let Some(jobs) = &self.jobs else {
            return false;
        };
        *self.shared.open() += 1;
        let job = Job { what, epoch: self.shared.epoch.load(Ordering::SeqCst) };
        let accepted = jobs.try_send(job).is_ok();
        if !accepted {
            self.shared.done();
            tracing::warn!(limit = QUEUE_MAX, "not said: too much waits to be said");
        }
        accepted
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, usize> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) {
        let mut open = self.open();
        *open = open.saturating_sub(1);
        self.idle.notify_all();
    }
}

/// The thread's state.
struct Speaker {
    settings: VoiceSettings,
    shared: Arc<Shared>,
    speech: Result<Speech, Away>,
    /// When the speech service last left a sentence without an end.
    unanswered_at: Option<Instant>,
    output: Result<Output, Away>,
}

/// What speaks.
enum Speech {
    Service(Daemon),
    Program,
}

impl Speech {
    fn start(settings: &VoiceSettings) -> Result<Self, Away> {
        match settings.engine {
            Engine::System => Daemon::connect(settings).map(Self::Service).map_err(Away::new),
            Engine::Espeak => wav_out::speak("ready", settings).map(|_| Self::Program).map_err(Away::new),
        }
    }
}

/// Something that does not work.
struct Away {
    why: String,
    since: Instant,
}

impl Away {
    fn new(why: impl std::fmt::Display) -> Self {
        Self { why: why.to_string(), since: Instant::now() }
    }
}

impl Speaker {
    fn new(settings: VoiceSettings, shared: Arc<Shared>) -> Self {
        let speech = Speech::start(&settings);
        let output = Output::open().map_err(Away::new);
        Self { settings, shared, speech, unanswered_at: None, output }
    }

    /// What does not work, for the player.
    fn note(&self) -> Option<String> {
        let speech = self.speech.as_ref().err().map(|away| {
            let why = &away.why;
            format!(
                "no speech: {why}; replies are only shown (install speech-dispatcher and speech-dispatcher-espeak-ng)"
            )
        });
        let sound = self.output.as_ref().err().map(|away| {
            let why = &away.why;
            format!("no cues: {why}; there is no sound output (start the sound server or plug in a device)")
        });
        let radio = (self.settings.radio && self.settings.engine == Engine::System)
            .then(|| "no radio sound: it needs voice.engine = \"espeak\"".to_owned());
        let notes: Vec<_> = [speech, sound, radio].into_iter().flatten().collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    fn run(mut self, queue: &Receiver<Job>) {
        for job in queue {
            if job.epoch == self.shared.epoch.load(Ordering::SeqCst) {
                let heard = match job.what {
                    What::Cue(cue) => self.play(cue, job.epoch),
                    What::Speak(text) => self.speak(&text, job.epoch),
                };
                if !heard {
                    self.shared.unheard.fetch_add(1, Ordering::SeqCst);
                }
            }
            self.shared.done();
        }
    }

    /// False when the cue could not be played.
    fn play(&mut self, cue: Cue, epoch: u64) -> bool {
        let gain = self.settings.gain();
        self.sound(epoch, false, |rate| {
            (rate, cue::samples(cue, rate.get()).into_iter().map(|sample| sample * gain).collect())
        })
    }

    /// Plays what is made for the output's rate, which may be of another. False when the output does not work.
    fn sound(&mut self, epoch: u64, radio: bool, make: impl FnOnce(NonZero<u32>) -> (NonZero<u32>, Vec<f32>)) -> bool {
        if self.output.as_ref().is_err_and(|away| away.since.elapsed() >= RETRY_WAIT) {
            self.output = Output::open().map_err(Away::new);
        }
        let Ok(output) = &self.output else {
            return false;
        };
        let (rate, samples) = make(output.rate());
        let played = output.play(samples, rate, radio, || self.shared.epoch.load(Ordering::SeqCst) != epoch);
        if !played {
            tracing::warn!("the sound output does not play any more");
            self.output = Err(Away::new("the sound output does not play any more"));
        }
        played
    }

    /// False when the text could not be spoken to its end.
    fn speak(&mut self, text: &str, epoch: u64) -> bool {
        if self.speech.as_ref().is_err_and(|away| away.since.elapsed() >= RETRY_WAIT) {
            self.speech = Speech::start(&self.settings);
        }
        match &self.speech {
            Err(_) => false,
            Ok(Speech::Service(_)) => self.ask_service(text, epoch),
            Ok(Speech::Program) => match wav_out::speak(text, &self.settings) {
                Ok((rate, samples)) => {
                    let Some(rate) = NonZero::new(rate) else { return false };
                    let samples = samples.into_iter().map(|one| f32::from(one) / f32::from(i16::MAX)).collect();
                    self.sound(epoch, self.settings.radio, |_| (rate, samples))
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    self.speech = Err(Away::new(error));
                    false
                }
            },
        }
    }

    fn ask_service(&mut self, text: &str, epoch: u64) -> bool {
        // Without a sound server every sentence would take its whole limit.
        if self.unanswered_at.is_some_and(|at| at.elapsed() < RETRY_WAIT) {
            return false;
        }
        self.unanswered_at = None;
        // A service that died answers every call with an error; one new connection starts it again.
        for attempt in 0..2 {
            let Ok(Speech::Service(daemon)) = &mut self.speech else {
                return false;
            };
            match daemon.speak(text, || self.shared.epoch.load(Ordering::SeqCst) != epoch) {
                Ok(End::Spoken | End::Cut) => return true,
                Ok(End::Unanswered) => {
                    tracing::warn!("the speech service did not finish a sentence in time");
                    self.unanswered_at = Some(Instant::now());
                    return false;
                }
                Err(error) => {
                    tracing::warn!(attempt, "the speech service failed: {error}");
                    self.speech = Speech::start(&self.settings);
                }
            }
        }
        false
    }
}

/// The text without what a speech program would take for something else: control characters (a NUL ends the program
/// that passes it on) and the brackets espeak-ng reads phonemes from.
fn speakable(text: &str) -> String {
    let plain: String = text
        .chars()
        .take(TEXT_CHARS_MAX)
        .map(|c| if c.is_control() || matches!(c, '[' | ']') { ' ' } else { c })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_made_harmless() {
        for (text, expected) in [
            ("Scout the Route is with Kestrel.", "Scout the Route is with Kestrel."),
            ("one\r\n.\r\ntwo\0three", "one . two three"),
            ("[[h@'loU]] there", "h@'loU there"),
            ("\u{7}\u{1b}[31m", "31m"),
            ("  ", ""),
        ] {
            assert_eq!(speakable(text), expected);
        }
        assert_eq!(speakable(&"x".repeat(TEXT_CHARS_MAX + 5)).len(), TEXT_CHARS_MAX);
    }

    #[test]
    fn a_voice_that_is_off_takes_nothing_and_never_waits() {
        let (voice, note) = Voice::start(VoiceSettings { enabled: false, ..VoiceSettings::default() });
        assert_eq!(note, None);
        assert!(!voice.speak("hello") && !voice.cue(Cue::Done));
        voice.stop();
        assert!(voice.drain(Duration::ZERO));
    }
}
