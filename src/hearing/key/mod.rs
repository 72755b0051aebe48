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
mod stdin;
mod switch;
mod x11;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

pub use chord::{Button, Chord, Modifier};
use chord::{Chords, Meaning, Role};
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

/// What a press of the key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Talk while it is down.
    #[default]
    Hold,
    /// Talk from one press to the next.
    Toggle,
    /// A tap is [`Mode::Toggle`], a longer press [`Mode::Hold`].
    Auto,
    /// The microphone is always open and hears by itself when somebody speaks; the key closes and opens it.
    Open,
}

impl Mode {
    /// What the settings call it.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Hold, "hold"), (Self::Toggle, "toggle"), (Self::Auto, "auto"), (Self::Open, "open")];
}

impl FromStr for Mode {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(mode, _)| *mode).ok_or_else(|| KeyError::Mode(text.to_owned()))
    }
}

/// Where keys and the mouse are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// X on an X desktop, else the kernel's devices, and X where these may not be read.
    #[default]
    Auto,
    /// The X server.
    X11,
    /// The kernel's devices below `/dev/input`, which know no desktop; Linux only.
    Evdev,
}

impl FromStr for Source {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match text {
            "auto" => Ok(Self::Auto),
            "x11" => Ok(Self::X11),
            "evdev" => Ok(Self::Evdev),
            other => Err(KeyError::Source(other.to_owned())),
        }
    }
}

/// Which key it is and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalkSettings {
    /// The talk key; `None` is Enter in the terminal.
    pub key: Option<Chord>,
    /// The key that discards what is being said.
    pub discard_key: Option<Chord>,
    /// Where keys and the mouse are read.
    pub source: Source,
    /// What a press means.
    pub mode: Mode,
    /// How long the key may be up without being let go.
    pub grace: Duration,
    /// When talking ends by itself.
    pub longest: Duration,
}

impl Default for TalkSettings {
    fn default() -> Self {
        Self {
            key: None,
            discard_key: None,
            source: Source::Auto,
            mode: Mode::Hold,
            grace: Duration::from_millis(30),
            longest: Duration::from_secs(30),
        }
    }
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No key has that name.
    #[error(
        "no key is called {0:?}; write \"stdin\", a key such as \"F13\", \"ctrl+F8\" or \"rightctrl\", \"mouse:8\", or \
         \"joystick:288\""
    )]
    Unknown(String),
    /// No mode has that name.
    #[error("no mode of the talk key is called {0:?}; choose hold, toggle, auto or open")]
    Mode(String),
    /// No source has that name.
    #[error("no source of keys is called {0:?}; choose auto, x11 or evdev")]
    Source(String),
    /// There is no X server.
    #[error("cannot read keys from X ({0}); set DISPLAY, or talk.source = \"evdev\"")]
    Display(String),
    /// The kernel's devices are closed to this user.
    #[error(
        "none of the {0} input devices may be read; run `sudo usermod -aG input $USER`, then log out and in, or bind \
         `sphereconnect talk toggle` to a key in the desktop's own settings"
    )]
    Forbidden(usize),
    /// There is no keyboard and no mouse.
    #[error("no keyboard or mouse is below /dev/input; plug one in, or set talk.key = \"stdin\"")]
    NoDevices,
    /// The joysticks cannot be read.
    #[error("cannot read joysticks ({0}); check that udev runs, or choose a key of the keyboard")]
    Joystick(String),
    /// The system gave no thread.
    #[error("cannot start the talk key's thread; close other programs and try again")]
    Thread(#[from] std::io::Error),
}

/// One place where buttons are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The X server.
    X11,
    /// The kernel's devices.
    Evdev,
    /// Joysticks.
    Joystick,
}

impl Reader {
    /// Every reader.
    pub const ALL: [Self; 3] = [Self::X11, Self::Evdev, Self::Joystick];

    /// Tries it: what it reads, in words.
    ///
    /// # Errors
    /// Why it cannot work and what to do; see [`KeyError`].
    pub fn check(self) -> Result<String, KeyError> {
        match self {
            Self::X11 => x11::check(),
            Self::Evdev => evdev::check(),
            Self::Joystick => joystick::check(),
        }
    }

    /// The reader that can see the chord's button.
    fn of(button: Button, source: Source) -> Self {
        match (button, source) {
            (Button::Joystick(_), _) => Self::Joystick,
            (_, Source::X11) => Self::X11,
            (_, Source::Evdev) => Self::Evdev,
            (_, Source::Auto) => Self::auto(),
        }
    }

    /// X sees every key only on a desktop of its own; a Wayland desktop shows it the keys of X programs alone.
    fn auto() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let (x, wayland) = (set("DISPLAY"), set("WAYLAND_DISPLAY"));
        if x && (!wayland || evdev::check().is_err()) { Self::X11 } else { Self::Evdev }
    }

    /// Reads on a thread of its own until `stop` is set or `take` says that nothing more is wanted.
    fn read(self, stop: &Arc<AtomicBool>, take: impl FnMut(Movement) -> bool + Send + 'static) -> Result<(), KeyError> {
        match self {
            Self::X11 => x11::read(Arc::clone(stop), take),
            Self::Evdev => evdev::read(Arc::clone(stop), take),
            Self::Joystick => joystick::read(Arc::clone(stop), take),
        }
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X11 => "X11",
            Self::Evdev => "evdev",
            Self::Joystick => "joystick",
        })
    }
}

/// What a reader sees.
#[derive(Debug, Clone, Copy)]
enum Movement {
    Down(Button),
    Up(Button),
    /// The device is gone, and with it whatever was held.
    Gone,
}

/// The running talk key. Dropping it ends its threads.
#[derive(Debug)]
pub struct Keys {
    triggers: SyncSender<Trigger>,
    stop: Arc<AtomicBool>,
    instruction: String,
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
        let keys = Self { triggers, stop: Arc::new(AtomicBool::new(false)), instruction: instruction(settings) };
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

fn instruction(settings: &TalkSettings) -> String {
    let Some(key) = &settings.key else {
        return match settings.mode {
            Mode::Open => {
                "say my name and what you want; Enter closes and opens the microphone, q and Enter stops".into()
            }
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

/// The name of the first key, mouse button or joystick button that is pressed within `patience`, as the settings take
/// it; `None` when nothing was. The left and the right mouse button do not count, and a modifier counts when it goes up
/// alone.
///
/// # Errors
/// When no reader works; the error is that of the keyboard.
pub fn press_any(source: Source, patience: Duration) -> Result<Option<String>, KeyError> {
    let stop = Arc::new(AtomicBool::new(false));
    let (found, shown) = sync_channel(1);
    let keyboard = Reader::of(Button::Mouse(1), source);
    let mut started = Vec::new();
    for reader in [keyboard, Reader::Joystick] {
        let (found, mut held) = (found.clone(), Vec::new());
        started.push(reader.read(&stop, move |movement| {
            let chord = show(movement, &mut held);
            // A full queue: another reader was first.
            chord.is_none_or(|chord| found.try_send(chord.to_string()).is_err())
        }));
    }
    drop(found);
    if let (true, Some(Err(error))) = (started.iter().all(Result::is_err), started.into_iter().next()) {
        return Err(error);
    }
    let chord = shown.recv_timeout(patience).ok();
    stop.store(true, Ordering::Relaxed);
    Ok(chord)
}

/// The chord that a movement shows, if it does.
fn show(movement: Movement, held: &mut Vec<Button>) -> Option<Chord> {
    match movement {
        Movement::Down(Button::Mouse(1 | 3)) | Movement::Gone => None,
        Movement::Down(button) if Modifier::of(button).is_some() => {
            held.push(button);
            None
        }
        Movement::Down(button) => Some(Chord::shown(held, button)),
        Movement::Up(button) => {
            let alone = held.as_slice() == [button];
            held.retain(|one| *one != button);
            alone.then(|| Chord::shown(&[], button))
        }
    }
}
