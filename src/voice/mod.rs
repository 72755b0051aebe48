//! Answers aloud: a cue, then a sentence, on a thread of its own.

mod cue;
mod daemon;
mod output;
mod wav_out;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// How the voice sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceSettings {
    /// Whether anything is played at all. Replies written as files do not ask for this.
    pub enabled: bool,
    /// How fast, -100 to 100; 0 is normal.
    pub rate: i8,
    /// How high, -100 to 100; 0 is normal.
    pub pitch: i8,
    /// How loud, -100 (silent) to 100 (full, the default).
    pub volume: i8,
    /// The voice: a name that espeak-ng knows (`en-us`), or one of the speech service's. Empty takes the default.
    pub voice: String,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self { enabled: true, rate: 0, pitch: 0, volume: 100, voice: String::new() }
    }
}

impl VoiceSettings {
    /// The factor for samples, 0 to 1.
    fn gain(&self) -> f32 {
        (f32::from(self.volume.clamp(-100, 100)) + 100.0) / 200.0
    }

    /// espeak-ng's speed: 80 to 450, 175 is normal.
    fn words_per_minute(&self) -> i32 {
        let rate = i32::from(self.rate.clamp(-100, 100));
        175 + rate * if rate < 0 { 95 } else { 275 } / 100
    }

    /// espeak-ng's pitch: 0 to 99.
    fn espeak_pitch(&self) -> i32 {
        (50 + i32::from(self.pitch.clamp(-100, 100)) / 2).min(99)
    }

    /// espeak-ng's amplitude: 0 to 100.
    fn espeak_amplitude(&self) -> i32 {
        (i32::from(self.volume.clamp(-100, 100)) + 100) / 2
    }
}

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
    daemon: Result<Daemon, Away>,
    /// When the speech service last left a sentence without an end.
    unanswered_at: Option<Instant>,
    output: Result<Output, Away>,
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
        let daemon = Daemon::connect(&settings).map_err(Away::new);
        let output = Output::open().map_err(Away::new);
        Self { settings, shared, daemon, unanswered_at: None, output }
    }

    /// What does not work, for the player.
    fn note(&self) -> Option<String> {
        let speech = self.daemon.as_ref().err().map(|away| {
            let why = &away.why;
            format!(
                "no speech: {why}; replies are only shown (install speech-dispatcher and speech-dispatcher-espeak-ng)"
            )
        });
        let sound = self.output.as_ref().err().map(|away| {
            let why = &away.why;
            format!("no cues: {why}; there is no sound output (start the sound server or plug in a device)")
        });
        let notes: Vec<_> = [speech, sound].into_iter().flatten().collect();
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
        if self.output.as_ref().is_err_and(|away| away.since.elapsed() >= RETRY_WAIT) {
            self.output = Output::open().map_err(Away::new);
        }
        let Ok(output) = &self.output else {
            return false;
        };
        let gain = self.settings.gain();
        let samples = cue::samples(cue, output.rate()).into_iter().map(|sample| sample * gain).collect();
        let played = output.play(samples, || self.shared.epoch.load(Ordering::SeqCst) != epoch);
        if !played {
            tracing::warn!("the sound output does not play any more");
            self.output = Err(Away::new("the sound output does not play any more"));
        }
        played
    }

    /// False when the text could not be spoken to its end.
    fn speak(&mut self, text: &str, epoch: u64) -> bool {
        if self.daemon.as_ref().is_err_and(|away| away.since.elapsed() >= RETRY_WAIT) {
            self.daemon = Daemon::connect(&self.settings).map_err(Away::new);
        }
        // Without a sound server every sentence would take its whole limit.
        if self.unanswered_at.is_some_and(|at| at.elapsed() < RETRY_WAIT) {
            return false;
        }
        self.unanswered_at = None;
        // A service that died answers every call with an error; one new connection starts it again.
        for attempt in 0..2 {
            let Ok(daemon) = &mut self.daemon else {
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
                    self.daemon = Daemon::connect(&self.settings).map_err(Away::new);
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
    fn settings_are_held_to_what_espeak_takes() {
        for (value, expected) in
            [(-128, (80, 0, 0)), (-100, (80, 0, 0)), (0, (175, 50, 50)), (100, (450, 99, 100)), (127, (450, 99, 100))]
        {
            let settings = VoiceSettings { rate: value, pitch: value, volume: value, ..VoiceSettings::default() };
            let got = (settings.words_per_minute(), settings.espeak_pitch(), settings.espeak_amplitude());
            assert_eq!(got, expected, "{value}");
            assert!((0.0..=1.0).contains(&settings.gain()));
        }
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
