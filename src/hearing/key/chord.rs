//! What a player calls a key: "F13", "ctrl+F8", "mouse:8", "joystick:288". Pure.

use std::fmt;
use std::str::FromStr;

use super::KeyError;
use super::names;

/// The keys that are kept in mind as held at once; a person has ten fingers.
const HELD_MAX: usize = 32;

/// One thing that can be held down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Button {
    /// A key of the keyboard, by the kernel's number for it.
    Key(u16),
    /// A button of the mouse, counted as X does: 1 left, 2 middle, 3 right, 8 and 9 at the thumb.
    Mouse(u8),
    /// A button of a joystick, by the system's number for it.
    Joystick(u16),
}

/// A key that gives another one a further meaning while it is held, on either side of the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modifier {
    /// Control.
    Ctrl,
    /// Shift.
    Shift,
    /// Alt.
    Alt,
    /// The key with the system's sign.
    Super,
}

impl Modifier {
    const ALL: [(Self, &'static str, [u16; 2]); 4] = [
        (Self::Ctrl, "ctrl", [29, 97]),
        (Self::Shift, "shift", [42, 54]),
        (Self::Alt, "alt", [56, 100]),
        (Self::Super, "super", [125, 126]),
    ];

    /// Which modifier a button is, if it is one.
    #[must_use]
    pub fn of(button: Button) -> Option<Self> {
        let Button::Key(code) = button else { return None };
        Self::ALL.iter().find(|(_, _, codes)| codes.contains(&code)).map(|(modifier, _, _)| *modifier)
    }
}

/// A button and what must be held with it. What else is held does not matter: a game needs the shift key, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chord {
    modifiers: Vec<Modifier>,
    button: Button,
}

impl Chord {
    /// The button with those modifiers that are among the held ones, for a player who shows the key.
    #[must_use]
    pub(super) fn shown(held: &[Button], button: Button) -> Self {
        let held = |modifier: &Modifier| held.iter().any(|one| Modifier::of(*one) == Some(*modifier));
        let modifiers = Modifier::ALL.iter().map(|(modifier, _, _)| *modifier).filter(held).collect();
        Self { modifiers, button }
    }

    /// The button itself.
    #[must_use]
    pub fn button(&self) -> Button {
        self.button
    }

    fn fits(&self, held: &[Button], button: Button) -> bool {
        let is_held = |modifier: &Modifier| held.iter().any(|one| Modifier::of(*one) == Some(*modifier));
        self.button == button && self.modifiers.iter().all(is_held)
    }
}

impl FromStr for Chord {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let unknown = || KeyError::Unknown(text.to_owned());
        let mut parts = text.split('+').map(str::trim).rev();
        let last = parts.next().unwrap_or_default().to_lowercase();
        let button = if let Some(number) = last.strip_prefix("mouse:") {
            // 4 to 7 are the wheel.
            let number = number.parse().ok().filter(|number| matches!(number, 1..=3 | 8..=15));
            Button::Mouse(number.ok_or_else(unknown)?)
        } else if let Some(number) = last.strip_prefix("joystick:") {
            Button::Joystick(number.parse().map_err(|_| unknown())?)
        } else {
            Button::Key(names::code(&last).ok_or_else(unknown)?)
        };
        let mut modifiers = Vec::new();
        for part in parts {
            let found = Modifier::ALL.iter().find(|(_, name, _)| part.eq_ignore_ascii_case(name));
            modifiers.push(found.ok_or_else(unknown)?.0);
        }
        // In one order, so that what is the same looks the same.
        let is_wanted = |modifier: &Modifier| modifiers.contains(modifier);
        let modifiers: Vec<_> = Modifier::ALL.iter().map(|(modifier, _, _)| *modifier).filter(is_wanted).collect();
        if matches!(button, Button::Joystick(_)) && !modifiers.is_empty() {
            return Err(unknown());
        }
        Ok(Self { modifiers, button })
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, name, _) in Modifier::ALL.iter().filter(|(modifier, _, _)| self.modifiers.contains(modifier)) {
            write!(f, "{name}+")?;
        }
        match self.button {
            Button::Key(code) => f.write_str(names::name(code).unwrap_or("?")),
            Button::Mouse(number) => write!(f, "mouse:{number}"),
            Button::Joystick(number) => write!(f, "joystick:{number}"),
        }
    }
}

/// What a chord does that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Talk,
    Discard,
}

/// Watches single buttons for the chords that were set. One for each source: it knows what is held there.
#[derive(Debug, Clone)]
pub(super) struct Chords {
    chords: Vec<(Chord, Role)>,
    held: Vec<Button>,
    talking: bool,
}

/// What a button meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    TalkDown,
    TalkUp,
    Discard,
}

impl Chords {
    pub(super) fn new(chords: Vec<(Chord, Role)>) -> Self {
        Self { chords, held: Vec::new(), talking: false }
    }

    /// Takes one movement. Of two chords that fit, the one with more modifiers is meant.
    pub(super) fn on(&mut self, button: Button, down: bool) -> Option<Meaning> {
        if !down {
            self.held.retain(|held| *held != button);
            let is_talk = self.chords.iter().any(|(chord, role)| *role == Role::Talk && chord.button == button);
            return (is_talk && std::mem::take(&mut self.talking)).then_some(Meaning::TalkUp);
        }
        if self.held.contains(&button) {
            // The keyboard repeats what is held.
            return None;
        }
        let fitting = self.chords.iter().filter(|(chord, _)| chord.fits(&self.held, button));
        let role = fitting.max_by_key(|(chord, _)| chord.modifiers.len()).map(|(_, role)| *role);
        if self.held.len() == HELD_MAX {
            self.held.remove(0);
        }
        self.held.push(button);
        match role? {
            Role::Talk => {
                self.talking = true;
                Some(Meaning::TalkDown)
            }
            Role::Discard => Some(Meaning::Discard),
        }
    }

    /// Lets go of everything: the source is gone.
    pub(super) fn clear(&mut self) -> Option<Meaning> {
        self.held.clear();
        std::mem::take(&mut self.talking).then_some(Meaning::TalkUp)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    #[test]
    fn a_chord_is_read_and_written() {
        for (text, written) in [
            ("F13", "f13"),
            ("ctrl+F8", "ctrl+f8"),
            ("Shift + Ctrl + a", "ctrl+shift+a"),
            ("mouse:8", "mouse:8"),
            ("super+mouse:9", "super+mouse:9"),
            ("joystick:288", "joystick:288"),
            ("RightCtrl", "rightctrl"),
            ("pause", "pause"),
        ] {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.to_string(), written, "{text}");
            assert_eq!(chord.to_string().parse::<Chord>().unwrap(), chord, "{text}");
        }
        for text in
            ["", "+", "ctrl+", "hyper+a", "mouse:", "mouse:4", "mouse:99", "joystick:x", "ctrl+joystick:1", "F99"]
        {
            let error = text.parse::<Chord>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")) && error.contains("ctrl+F8"), "{error}");
        }
    }

    /// Plays movements (`+name` down, `-name` up) to a talk key and a key that discards.
    fn check(talk: &str, discard: &str, script: &str, expected: &str) {
        let chords = [(talk, Role::Talk), (discard, Role::Discard)];
        let mut chords = Chords::new(chords.map(|(text, role)| (text.parse().unwrap(), role)).to_vec());
        let mut seen = Vec::new();
        for word in script.split_whitespace() {
            let (down, name) = word.split_at(1);
            let chord: Chord = name.parse().unwrap();
            match chords.on(chord.button(), down == "+") {
                Some(Meaning::TalkDown) => seen.push("down"),
                Some(Meaning::TalkUp) => seen.push("up"),
                Some(Meaning::Discard) => seen.push("discard"),
                None => {}
            }
        }
        assert_eq!(seen.join(" "), expected, "{talk} {discard}: {script}");
    }

    #[test]
    fn buttons_become_what_they_mean() {
        check("f8", "f9", "+f8 -f8 +f9 -f9", "down up discard");
        check("f8", "f9", "+f8 +f8 +f8 -f8 -f8", "down up");
        check("f8", "f9", "+leftshift +w +f8 -leftshift -w -f8", "down up");
        check("ctrl+f8", "f9", "+f8 -f8 +rightctrl +f8 -rightctrl -f8", "down up");
        check("f8", "ctrl+f8", "+f8 -f8 +leftctrl +f8 -f8", "down up discard");
        check("rightctrl", "f9", "+leftctrl -leftctrl +rightctrl -rightctrl", "down up");
        check("mouse:8", "mouse:9", "+mouse:1 +mouse:8 -mouse:1 -mouse:8 +mouse:9", "down up discard");
        check("joystick:288", "joystick:289", "+joystick:288 +joystick:289 -joystick:288", "down discard up");
    }

    #[test]
    fn what_is_forgotten_as_held_does_not_grow() {
        let mut chords = Chords::new(vec![("f8".parse().unwrap(), Role::Talk)]);
        for code in 0..1000 {
            chords.on(Button::Joystick(code), true);
        }
        assert_eq!(chords.held.len(), HELD_MAX);
        assert_eq!(chords.on(Button::Key(66), true), Some(Meaning::TalkDown));
        assert_eq!((chords.clear(), chords.clear()), (Some(Meaning::TalkUp), None));
    }
}
