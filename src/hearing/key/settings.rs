//! Which key it is, what it does, and why it cannot be used.

use std::str::FromStr;
use std::time::Duration;

use super::Chord;

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
