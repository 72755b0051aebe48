//! The places where buttons are read, and the button that a player shows.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::{Button, Chord, KeyError, Modifier, Source, evdev, joystick, x11};

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

    /// What this reader does not see here.
    pub(super) fn warning(self) -> Option<&'static str> {
        let on_wayland = self == Self::X11 && is_set("WAYLAND_DISPLAY");
        on_wayland.then_some(
            "on a Wayland desktop X sees only the keys of X programs, such as most games; for every program join the group \
             input (`sudo usermod -aG input $USER`, then log out and in)",
        )
    }

    /// The reader that can see the chord's button.
    pub(super) fn of(button: Button, source: Source) -> Self {
        match (button, source) {
            (Button::Joystick(_), _) => Self::Joystick,
            (_, Source::X11) => Self::X11,
            (_, Source::Evdev) => Self::Evdev,
            (_, Source::Auto) => Self::auto(),
        }
    }

    /// X sees every key only on a desktop of its own; a Wayland desktop shows it the keys of X programs alone.
    fn auto() -> Self {
        let (x, wayland) = (is_set("DISPLAY"), is_set("WAYLAND_DISPLAY"));
        if x && (!wayland || evdev::check().is_err()) { Self::X11 } else { Self::Evdev }
    }

    /// Reads on a thread of its own until `stop` is set or `take` says that nothing more is wanted.
    pub(super) fn read(
        self,
        stop: &Arc<AtomicBool>,
        take: impl FnMut(Movement) -> bool + Send + 'static,
    ) -> Result<(), KeyError> {
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
pub(super) enum Movement {
    Down(Button),
    Up(Button),
    /// The device is gone, and with it whatever was held.
    Gone,
}

/// Whether a variable of the environment says something.
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
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
