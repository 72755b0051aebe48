//! Decides where an utterance begins and ends. Pure: time is counted in samples, so no clock is needed.

use std::collections::VecDeque;

use crate::domain::{SAMPLE_RATE, Utterance, UtteranceId};

/// The pre-roll unless set otherwise, in milliseconds: what was heard just before the key went down.
pub const PRE_ROLL_MS_DEFAULT: u32 = 300;
/// The tail unless set otherwise, in milliseconds: what is still taken after the key went up.
pub const TAIL_MS_DEFAULT: u32 = 150;
/// The longest pre-roll and the longest tail, in milliseconds.
pub const EDGE_MS_MAX: u32 = 2_000;
/// The longest utterance, in milliseconds; what the recogniser takes at once.
pub const UTTERANCE_MS_MAX: u32 = 30_000;
/// What an utterance from the microphone says about where it came from.
pub const SOURCE: &str = "microphone";

/// What can happen.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The key went down.
    Press,
    /// The key went up.
    Release,
    /// What is being said is to be forgotten.
    Discard,
    /// Sound, mono at [`SAMPLE_RATE`].
    Frames(&'a [f32]),
    /// Sound was lost just before the next frames.
    Overrun,
    /// No more frames will come for now: a tail that is being taken ends here.
    Silence,
}

/// What follows from it.
#[derive(Debug)]
pub enum Effect {
    /// Nothing to do.
    None,
    /// An utterance began.
    Began,
    /// An utterance is complete.
    Ended {
        /// What was said.
        utterance: Utterance,
        /// Whether it was cut off because it reached the longest length, with the key still down.
        cut: bool,
    },
}

/// The state machine between the key and the recogniser.
#[derive(Debug)]
pub struct Endpoint {
    state: State,
    pre_roll: VecDeque<f32>,
    pre_roll_max: usize,
    tail_max: usize,
    samples_max: usize,
    id: UtteranceId,
    samples: Vec<f32>,
    overrun: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The key is up.
    Idle,
    /// The key is down.
    Talking,
    /// The key went up; so many samples are still taken.
    Tail(usize),
    /// The key is down, but the utterance already reached its longest length.
    Spent,
}

impl Endpoint {
    /// Lengths in milliseconds; each is held to its limit ([`EDGE_MS_MAX`], [`UTTERANCE_MS_MAX`]).
    #[must_use]
    pub fn new(pre_roll_ms: u32, tail_ms: u32, utterance_ms_max: u32) -> Self {
        let pre_roll_max = samples_in(pre_roll_ms.min(EDGE_MS_MAX));
        let samples_max = samples_in(utterance_ms_max.min(UTTERANCE_MS_MAX)).max(1);
        Self {
            state: State::Idle,
            pre_roll: VecDeque::with_capacity(pre_roll_max),
            pre_roll_max,
            tail_max: samples_in(tail_ms.min(EDGE_MS_MAX)),
            samples_max,
            id: UtteranceId::new(),
            samples: Vec::new(),
            overrun: false,
        }
    }

    /// Takes one event.
    ///
    /// A press during the tail goes on with the same utterance: keys bounce. What was taken as the end of one utterance
    /// never comes again as the pre-roll of the next.
    pub fn on(&mut self, event: Event<'_>) -> Effect {
        match (event, self.state) {
            (Event::Press, State::Idle | State::Spent) => self.begin(),
            (Event::Press, State::Tail(_)) => {
                self.state = State::Talking;
                Effect::None
            }
            (Event::Release, State::Talking) => {
                self.state = State::Tail(self.tail_max);
                if self.tail_max == 0 { self.end(false, State::Idle) } else { Effect::None }
            }
            // Neither the utterance nor the next one's pre-roll has anything of it.
            (Event::Discard, _) => {
                self.state = State::Idle;
                self.samples.clear();
                self.pre_roll.clear();
                Effect::None
            }
            (Event::Release, State::Spent) => {
                self.state = State::Idle;
                Effect::None
            }
            (Event::Frames(frames), State::Idle | State::Spent) => {
                self.remember(frames);
                Effect::None
            }
            (Event::Frames(frames), State::Talking) => self.take(frames, None),
            (Event::Frames(frames), State::Tail(left)) => self.take(frames, Some(left)),
            (Event::Overrun, State::Talking | State::Tail(_)) => {
                self.overrun = true;
                Effect::None
            }
            // A pre-roll with a hole is worse than a shorter one.
            (Event::Overrun, State::Idle | State::Spent) => {
                self.pre_roll.clear();
                Effect::None
            }
            (Event::Silence, State::Tail(_)) => self.end(false, State::Idle),
            (Event::Press, State::Talking)
            | (Event::Release, State::Idle | State::Tail(_))
            | (Event::Silence, State::Idle | State::Talking | State::Spent) => Effect::None,
        }
    }

    /// Whether nothing is being said.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Spent)
    }

    /// Whether the key is up and the tail is still being taken.
    #[must_use]
    pub fn in_tail(&self) -> bool {
        matches!(self.state, State::Tail(_))
    }

    /// What was said so far of an utterance that goes on, unless some of it was lost.
    #[must_use]
    pub fn so_far(&self) -> Option<Utterance> {
        let going_on = matches!(self.state, State::Talking | State::Tail(_)) && !self.overrun;
        going_on.then(|| Utterance {
            id: self.id,
            source: SOURCE.to_owned(),
            samples: self.samples.clone(),
            overrun: false,
        })
    }

    /// How many samples the utterance has so far.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples.len()
    }

    fn begin(&mut self) -> Effect {
        self.samples = Vec::with_capacity(self.samples_max.min(samples_in(EDGE_MS_MAX)));
        self.samples.extend(self.pre_roll.drain(..));
        self.samples.truncate(self.samples_max);
        self.id = UtteranceId::new();
        self.overrun = false;
        self.state = State::Talking;
        Effect::Began
    }

    /// Appends up to the end of the tail, if the key is up, and up to the longest length.
    fn take(&mut self, frames: &[f32], tail_left: Option<usize>) -> Effect {
        let room = self.samples_max - self.samples.len();
        let wanted = tail_left.map_or(room, |left| left.min(room));
        let (taken, rest) = frames.split_at(frames.len().min(wanted));
        self.samples.extend_from_slice(taken);
        let effect = match tail_left {
            Some(_) if taken.len() == wanted => self.end(false, State::Idle),
            Some(left) => {
                self.state = State::Tail(left - taken.len());
                Effect::None
            }
            None if taken.len() == wanted => self.end(true, State::Spent),
            None => Effect::None,
        };
        self.remember(rest);
        effect
    }

    fn end(&mut self, cut: bool, next: State) -> Effect {
        self.state = next;
        let utterance = Utterance {
            id: self.id,
            source: SOURCE.to_owned(),
            samples: std::mem::take(&mut self.samples),
            overrun: std::mem::take(&mut self.overrun),
        };
        Effect::Ended { utterance, cut }
    }

    /// Keeps the newest frames as pre-roll.
    fn remember(&mut self, frames: &[f32]) {
        let newest = frames.get(frames.len().saturating_sub(self.pre_roll_max)..).unwrap_or(&[]);
        let surplus = (self.pre_roll.len() + newest.len()).saturating_sub(self.pre_roll_max);
        self.pre_roll.drain(..surplus);
        self.pre_roll.extend(newest);
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::new(PRE_ROLL_MS_DEFAULT, TAIL_MS_DEFAULT, UTTERANCE_MS_MAX)
    }
}

fn samples_in(milliseconds: u32) -> usize {
    (u64::from(milliseconds) * u64::from(SAMPLE_RATE) / 1_000) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a script of events; every sample carries its number, so that a result shows exactly what was taken.
    /// `p` press, `r` release, `o` overrun, `s` silence, a number so many samples. The endpoint has 4 samples of
    /// pre-roll, 2 of tail and 10 at most.
    fn check(script: &str, expected: &str) {
        let mut endpoint = Endpoint::new(0, 0, 1);
        (endpoint.pre_roll_max, endpoint.tail_max, endpoint.samples_max) = (4, 2, 10);
        let mut clock = 0_u16;
        let mut seen = Vec::new();
        for word in script.split(' ') {
            let frames: Vec<f32>;
            let event = match word {
                "p" => Event::Press,
                "r" => Event::Release,
                "x" => Event::Discard,
                "o" => Event::Overrun,
                "s" => Event::Silence,
                count => {
                    let end = clock + count.parse::<u16>().unwrap_or_default();
                    frames = (clock..end).map(f32::from).collect();
                    clock = end;
                    Event::Frames(&frames)
                }
            };
            match endpoint.on(event) {
                Effect::None => {}
                Effect::Began => seen.push("began".to_owned()),
                Effect::Ended { utterance, cut } => {
                    let whole = utterance.samples.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
                    seen.push(format!(
                        "{}..{}{}{}{}",
                        utterance.samples.first().copied().unwrap_or(-1.0),
                        utterance.samples.last().map_or(-1.0, |last| last + 1.0),
                        if whole { "" } else { " with a hole" },
                        if utterance.overrun { " overrun" } else { "" },
                        if cut { " cut" } else { "" },
                    ));
                }
            }
        }
        assert_eq!(seen.join(", "), expected, "{script}");
    }

    #[test]
    fn an_utterance_has_pre_roll_and_tail() {
        check("8 p 3 r 5", "began, 4..13");
        check("2 p 3 r 5", "began, 0..7");
        check("p 3 r 1 1 1", "began, 0..5");
        check("p 3 r 1 s", "began, 0..4");
        check("8 p r 2", "began, 4..10");
        check("1 1 1 1 1 1 p r 2", "began, 2..8");
        check("8 p 3 s 1", "began");
    }

    #[test]
    fn what_makes_no_sense_changes_nothing() {
        check("r 3 r s o", "");
        check("8 p p 3 r r 5 r", "began, 4..13");
    }

    #[test]
    fn nothing_is_heard_twice() {
        check("8 p 3 r 5 p 1 r 2", "began, 4..13, began, 13..19");
        check("8 p 3 r 2 p 1 r 2", "began, 4..13, began, 13..16");
    }

    #[test]
    fn a_bouncing_key_goes_on() {
        check("8 p 1 r 1 p 2 r 2", "began, 4..14");
    }

    #[test]
    fn the_longest_utterance_ends_by_itself() {
        check("8 p 20", "began, 4..14 cut");
        check("8 p 20 r 5 p 1 r 9", "began, 4..14 cut, began, 29..36");
        check("8 p 20 3 p 1 r 9", "began, 4..14 cut, began, 27..34");
        check("8 p 5 r 20", "began, 4..14");
        check("8 p 2 2 2", "began, 4..14 cut");
        check("8 p 2 2 1 r 2", "began, 4..14");
    }

    #[test]
    fn what_is_discarded_is_gone() {
        check("8 p 3 x 5 r 5", "began");
        check("8 p 3 r 1 x 5 s 1", "began");
        check("8 p 3 x 1 p 2 r 2", "began, began, 11..16");
        check("8 x 1 p 2 r 2", "began, 8..13");
        check("8 p 20 x r 1 p 2 r 2", "began, 4..14 cut, began, 28..33");
    }

    #[test]
    fn lost_sound_marks_the_utterance_it_belongs_to() {
        check("8 p 1 o 1 r 2", "began, 4..12 overrun");
        check("8 p 1 r o 2", "began, 4..11 overrun");
        check("8 o 2 p 1 r 2", "began, 8..13");
        check("8 p 1 o 1 r 2 p 1 r 2", "began, 4..12 overrun, began, 12..15");
    }

    #[test]
    fn limits_are_held() {
        let endpoint = Endpoint::new(u32::MAX, u32::MAX, u32::MAX);
        assert_eq!((endpoint.pre_roll_max, endpoint.tail_max, endpoint.samples_max), (32_000, 32_000, 480_000));
        let endpoint = Endpoint::default();
        assert_eq!((endpoint.pre_roll_max, endpoint.tail_max, endpoint.samples_max), (4_800, 2_400, 480_000));
    }
}
