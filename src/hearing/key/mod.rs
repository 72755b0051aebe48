//! The key that is held to talk: wherever it is, whatever program has the keyboard.
//!
//! ```text
//! terminal, X, kernel devices, joysticks ─▶ Trigger ─▶ Switch ─▶ KeyEvent ─▶ the ear
//! a socket, a signal ──────────────────────────┘   (hold, toggle, auto, open)
//! ```

mod chord;
mod evdev;
mod joystick;
mod names;
mod reader;
mod settings;
mod stdin;
mod switch;
mod x11;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

pub use chord::{Button, Chord, Modifier};
use chord::{Chords, Meaning, Role};
use reader::Movement;
pub use reader::{Reader, press_any};
pub use settings::{KeyError, Mode, Source, TalkSettings};
pub use switch::{Switch, TAP};

/// Key events that may wait to be read; a person cannot be that far ahead.
pub const KEY_EVENTS_MAX: usize = 16;
/// Movements of keys that may wait to be judged.
pub const TRIGGERS_MAX: usize = 64;
/// How often a thread looks whether it is still wanted, when nothing moves.
const LOOK: Duration = Duration::from_millis(250);
/// How long a source rests before it looks for its devices again.
const RETRY: Duration = Duration::from_secs(2);

/// What the ear is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEvent {
    /// Listen.
    Press,
    /// That was all.
    Release,
    /// Forget what is being said.
    Discard,
    /// The source is closed, or the player wants to stop the program.
    Quit,
}

/// What can be sent through [`Keys::sender`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The talk key went down; what that means is for the mode to say.
    Down,
    /// The talk key went up.
    Up,
    /// Talk, until [`Trigger::Stop`].
    Start,
    /// That was all.
    Stop,
    /// Talk, or when that is being done, that was all.
    Toggle,
    /// Forget what is being said.
    Discard,
    /// Stop the program.
    Quit,
}

/// The running talk key. Dropping it ends its threads.
#[derive(Debug)]
pub struct Keys {
    triggers: SyncSender<Trigger>,
    stop: Arc<AtomicBool>,
    instruction: String,
    warning: Option<&'static str>,
}

impl Keys {
    /// Starts the threads of the key: one that reads for each kind of device that was set, and one named `talk-key`
    /// that makes presses and releases of it. [`KeyEvent::Quit`] is the last event.
    ///
    /// # Errors
    /// When the key cannot be read here; see [`KeyError`].
    pub fn start(settings: &TalkSettings) -> Result<(Self, Receiver<KeyEvent>), KeyError> {
        let (triggers, taken) = sync_channel(TRIGGERS_MAX);
        let (events, receiver) = sync_channel(KEY_EVENTS_MAX);
        let mut keys = Self {
            triggers,
            stop: Arc::new(AtomicBool::new(false)),
            instruction: instruction(settings),
            warning: None,
        };
        let switch = Switch::new(settings.mode, settings.grace, settings.longest);
        let stop = Arc::clone(&keys.stop);
        let thread = std::thread::Builder::new().name("talk-key".to_owned());
        thread.spawn(move || judge(switch, &taken, &events, &stop))?;
        if settings.key.is_none() {
            stdin::read(keys.sender())?;
        }
        let set = [(&settings.key, Role::Talk), (&settings.discard_key, Role::Discard)];
        let set = set.into_iter().filter_map(|(chord, role)| Some((chord.clone()?, role)));
        let set: Vec<_> = set.map(|(chord, role)| (Reader::of(chord.button(), settings.source), chord, role)).collect();
        for reader in Reader::ALL {
            let here = set.iter().filter(|(own, _, _)| *own == reader);
            let here: Vec<_> = here.map(|(_, chord, role)| (chord.clone(), *role)).collect();
            if !here.is_empty() {
                keys.warning = keys.warning.or(reader.warning());
                reader.read(&keys.stop, watch(Chords::new(here), keys.sender()))?;
            }
        }
        Ok((keys, receiver))
    }

    /// Where something else than the key, a socket or a signal, may say when to listen. Use `try_send` where nothing may
    /// wait: at most [`TRIGGERS_MAX`] triggers do.
    #[must_use]
    pub fn sender(&self) -> SyncSender<Trigger> {
        self.triggers.clone()
    }

    /// What does not work as one would expect, if anything.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        self.warning
    }

    /// What to tell the player.
    #[must_use]
    pub fn instruction(&self) -> &str {
        &self.instruction
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Tries whether the keys that are set can be read here: how, in words.
///
/// # Errors
/// Why not, and what to do; see [`KeyError`].
pub fn check(settings: &TalkSettings) -> Result<String, KeyError> {
    let chords: Vec<_> = [&settings.key, &settings.discard_key].into_iter().flatten().collect();
    let mut said = if settings.key.is_none() { vec!["Enter in the terminal".to_owned()] } else { Vec::new() };
    for reader in Reader::ALL {
        if chords.iter().any(|chord| Reader::of(chord.button(), settings.source) == reader) {
            said.push(reader.check()?);
            said.extend(reader.warning().map(str::to_owned));
        }
    }
    Ok(format!("{}; {}", instruction(settings), said.join("; ")))
}

fn instruction(settings: &TalkSettings) -> String {
    let Some(key) = &settings.key else {
        return match settings.mode {
            Mode::Open => {
                "say my name and what you want; Enter closes and opens the microphone, q and Enter stops".into()
            }
            _ if stdin::is_null() => "`sphereconnect talk toggle` to talk, and again to send".into(),
            _ => "press Enter to talk and Enter again to send; q and Enter stops".into(),
        };
    };
    let how = match settings.mode {
        Mode::Hold => format!("hold {key} to talk"),
        Mode::Toggle => format!("press {key} to talk and again to send"),
        Mode::Auto => format!("hold {key} to talk, or tap it to talk and again to send"),
        Mode::Open => format!("say my name and what you want; {key} closes and opens the microphone"),
    };
    match &settings.discard_key {
        Some(discard) => format!("{how}; {discard} discards"),
        None => how,
    }
}

/// Makes triggers of movements.
fn watch(mut chords: Chords, triggers: SyncSender<Trigger>) -> impl FnMut(Movement) -> bool + Send {
    move |movement| {
        let meaning = match movement {
            Movement::Down(button) => chords.on(button, true),
            Movement::Up(button) => chords.on(button, false),
            Movement::Gone => chords.clear(),
        };
        let trigger = match meaning {
            Some(Meaning::TalkDown) => Trigger::Down,
            Some(Meaning::TalkUp) => Trigger::Up,
            Some(Meaning::Discard) => Trigger::Discard,
            None => return true,
        };
        triggers.send(trigger).is_ok()
    }
}

/// The thread that makes presses and releases.
fn judge(mut switch: Switch, triggers: &Receiver<Trigger>, events: &SyncSender<KeyEvent>, stop: &AtomicBool) {
    let began = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let left = switch.deadline().map_or(LOOK, |at| at.saturating_sub(began.elapsed()).min(LOOK));
        let trigger = match triggers.recv_timeout(left) {
            Ok(trigger) => Some(trigger),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Trigger::Quit),
        };
        let now = began.elapsed();
        let timed = switch.tick(now);
        let moved = trigger.and_then(|trigger| switch.on(trigger, now));
        for event in [timed, moved].into_iter().flatten() {
            if events.send(event).is_err() || event == KeyEvent::Quit {
                return;
            }
        }
    }
}
