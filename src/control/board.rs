//! What the daemon knows about itself: what it is doing, its last turns, how long they took, and how they ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::hearing::HearingEvent;
use crate::show;
use crate::turn::{Ending, Milliseconds, Turn};

/// Turns that are told one by one.
pub const TURNS_MAX: usize = 10;
/// Turns whose times are kept for the percentiles.
pub const TIMES_MAX: usize = 500;
/// What a turn's error is called when sound was lost on its way.
const LOST: &str = "overrun";

/// What the daemon is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for the key.
    Idle,
    /// The key is down, or the microphone is open.
    Listening,
    /// Somebody speaks into an open microphone.
    Hearing,
    /// A turn is being taken.
    Thinking,
    /// A reply is being spoken.
    Speaking,
    /// It does what it has accepted, and ends.
    Stopping,
}

/// One turn, without its words unless they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How it ended.
    pub outcome: String,
    /// `local`, `llm` or `none`.
    pub route: String,
    /// Milliseconds in all.
    pub ms: f64,
    /// What was heard, where the settings keep words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub heard: Option<String>,
}

/// How long one stage took, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The stage, as in a turn's `ms`.
    pub stage: String,
    /// Half of the turns took at most so long.
    pub p50: f64,
    /// Nineteen of twenty took at most so long.
    pub p95: f64,
}

/// What became of the utterances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utterances {
    /// Got their turn, or wait for it.
    pub accepted: u64,
    /// Thrown away because too many waited.
    pub refused: u64,
    /// Not acted on because sound was lost on its way.
    pub lost: u64,
}

/// What the daemon was told to work with, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The guild.
    pub guild: String,
    /// Who speaks.
    pub member: String,
    /// The microphone as the settings name it.
    pub microphone: String,
    /// How the talk key is moved.
    pub key: String,
    /// Where the database is.
    pub database: String,
    /// Whether the microphone hears without a key; the last turns are then those that were for the commander.
    pub open_microphone: bool,
    /// Whether words are kept, and so told.
    pub keep_words: bool,
}

/// How the daemon is: what `status --json` prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// What it is doing.
    pub state: State,
    /// Its process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// When it began to listen.
    pub since: DateTime<Utc>,
    /// Seconds since then.
    pub uptime_s: u64,
    /// What it works with.
    #[serde(flatten)]
    pub setting: Setting,
    /// What is wrong with the microphone, while something is.
    pub microphone_trouble: Option<String>,
    /// The endpoint's host, and `there`, `proving` or `away`; nothing where none is set.
    pub endpoint: Option<String>,
    /// What is wrong with the database, when something is.
    pub database_trouble: Option<String>,
    /// Turns by how they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// What became of the utterances.
    pub utterances: Utterances,
    /// By stage, over the last [`TIMES_MAX`] turns in which something was said.
    pub latency_ms: Vec<Latency>,
    /// The last turns, the newest first.
    pub turns: Vec<Line>,
}

/// Keeps what there is to tell. Every part of the daemon writes to it, and whoever asks reads.
#[derive(Debug)]
pub struct Board {
    began: Instant,
    since: DateTime<Utc>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    setting: Setting,
    speaking: bool,
    muted: bool,
    taking: bool,
    stopping: bool,
    trouble: Option<String>,
    outcomes: BTreeMap<String, u64>,
    utterances: Utterances,
    times: VecDeque<Milliseconds>,
    turns: VecDeque<Line>,
}

impl Board {
    /// An empty board of a daemon that begins now.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        let inner = Mutex::new(Inner { setting, ..Inner::default() });
        Self { began: Instant::now(), since: Utc::now(), inner }
    }

    /// The settings were read again.
    pub fn set(&self, change: impl FnOnce(&mut Setting)) {
        change(&mut self.inner().setting);
    }

    /// Something happened at the microphone or the key.
    pub fn event(&self, event: &HearingEvent) {
        let mut inner = self.inner();
        match event {
            HearingEvent::Pressed => inner.speaking = true,
            HearingEvent::Accepted { .. } => {
                inner.speaking = false;
                inner.utterances.accepted += 1;
            }
            HearingEvent::Refused => {
                inner.speaking = false;
                inner.utterances.refused += 1;
            }
            HearingEvent::Released | HearingEvent::Discarded | HearingEvent::Closed => inner.speaking = false,
            HearingEvent::Muted => inner.muted = true,
            HearingEvent::Unmuted => inner.muted = false,
            HearingEvent::Level(trouble) => inner.trouble = Some(trouble.to_string()),
            HearingEvent::Trouble(text) => inner.trouble = Some(text.clone()),
            HearingEvent::Restored => inner.trouble = None,
        }
    }

    /// A turn begins.
    pub fn taking(&self) {
        self.inner().taking = true;
    }

    /// A turn is over.
    pub fn took(&self, turn: &Turn) {
        let mut inner = self.inner();
        inner.taking = false;
        *inner.outcomes.entry(show::ending(turn.outcome).to_owned()).or_default() += 1;
        inner.utterances.lost += u64::from(is_lost(turn));
        // Silence and chatter would make every stage look quick.
        let ignored = turn.outcome == Ending::Ignored;
        if !ignored {
            keep(&mut inner.times, turn.ms, TIMES_MAX);
        }
        if ignored && inner.setting.open_microphone {
            return;
        }
        let line = Line {
            at: Utc::now(),
            outcome: show::ending(turn.outcome).to_owned(),
            route: turn.route.to_owned(),
            ms: turn.ms.total,
            heard: turn.heard.clone().filter(|_| inner.setting.keep_words),
        };
        keep(&mut inner.turns, line, TURNS_MAX);
    }

    /// No more is accepted.
    pub fn stopping(&self) {
        self.inner().stopping = true;
    }

    /// How it is now; what lies outside is filled in by who asks.
    #[must_use]
    pub fn report(&self, speaking: bool) -> Report {
        let inner = self.inner();
        let state = match () {
            () if inner.stopping => State::Stopping,
            () if inner.speaking && inner.setting.open_microphone => State::Hearing,
            () if inner.speaking => State::Listening,
            () if inner.taking => State::Thinking,
            () if speaking => State::Speaking,
            () if inner.setting.open_microphone && !inner.muted => State::Listening,
            () => State::Idle,
        };
        Report {
            state,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            uptime_s: self.began.elapsed().as_secs(),
            setting: inner.setting.clone(),
            microphone_trouble: inner.trouble.clone(),
            endpoint: None,
            database_trouble: None,
            outcomes: inner.outcomes.clone(),
            utterances: inner.utterances,
            latency_ms: latencies(&inner.times),
            turns: inner.turns.iter().rev().cloned().collect(),
        }
    }

    /// Nothing panics while it is held, and its numbers are right at any time.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether sound of this turn's utterance was lost.
#[must_use]
pub fn is_lost(turn: &Turn) -> bool {
    turn.error.as_ref().is_some_and(|error| error.kind == LOST)
}

fn keep<T>(all: &mut VecDeque<T>, one: T, most: usize) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(one);
}

/// The stages of a turn's milliseconds by name.
#[must_use]
pub fn stages(ms: &Milliseconds) -> [(&'static str, f64); 6] {
    [
        ("speech", ms.speech),
        ("names", ms.names),
        ("route", ms.route),
        ("store", ms.store),
        ("reply", ms.reply),
        ("total", ms.total),
    ]
}

fn latencies(times: &VecDeque<Milliseconds>) -> Vec<Latency> {
    if times.is_empty() {
        return Vec::new();
    }
    let names = stages(&Milliseconds::default()).map(|(name, _)| name);
    let one = |(at, name): (usize, &str)| {
        let mut all: Vec<f64> = times.iter().map(|ms| stages(ms)[at].1).collect();
        all.sort_by(f64::total_cmp);
        Latency { stage: name.to_owned(), p50: percentile(&all, 50), p95: percentile(&all, 95) }
    };
    names.into_iter().enumerate().map(one).collect()
}

/// The least of the sorted values that so many of a hundred do not pass.
fn percentile(sorted: &[f64], hundredths: usize) -> f64 {
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UtteranceId;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&hundred, 50), percentile(&hundred, 95)), (50.0, 95.0));
        assert_eq!((percentile(&[7.0], 50), percentile(&[7.0], 95)), (7.0, 7.0));
        assert_eq!((percentile(&[1.0, 2.0, 3.0], 50), percentile(&[1.0, 2.0, 3.0], 95)), (2.0, 3.0));
        assert_eq!(percentile(&[], 50), 0.0);
    }

    #[test]
    fn a_board_keeps_what_it_says_and_no_word_unless_words_are_kept() {
        let board = Board::new(Setting::default());
        let mut turn = Turn::begin(UtteranceId::new(), "microphone".to_owned());
        turn.heard = Some("a secret".to_owned());
        for at in 0..TIMES_MAX + 5 {
            turn.ms.total = f64::from(u32::try_from(at).unwrap_or_default());
            board.took(&turn);
        }
        let report = board.report(false);
        assert_eq!((report.turns.len(), report.outcomes["failed"]), (TURNS_MAX, 505));
        assert_eq!(report.turns[0].ms, 504.0, "the newest first");
        assert_eq!(report.latency_ms[5], Latency { stage: "total".to_owned(), p50: 254.0, p95: 479.0 });
        assert!(!serde_json::to_string(&report).is_ok_and(|text| text.contains("a secret")));
        board.set(|setting| setting.keep_words = true);
        board.took(&turn);
        assert_eq!(board.report(false).turns[0].heard.as_deref(), Some("a secret"));
    }

    #[test]
    fn the_state_follows_the_key_the_turn_and_the_voice() {
        let board = Board::new(Setting::default());
        assert_eq!(board.report(false).state, State::Idle);
        board.event(&HearingEvent::Pressed);
        assert_eq!(board.report(true).state, State::Listening);
        board.event(&HearingEvent::Accepted { id: UtteranceId::new(), cut: false });
        board.taking();
        assert_eq!(board.report(true).state, State::Thinking);
        board.took(&Turn::begin(UtteranceId::new(), "microphone".to_owned()));
        assert_eq!(board.report(true).state, State::Speaking);
        board.stopping();
        assert_eq!(board.report(true).state, State::Stopping);
        let counts = board.report(false).utterances;
        assert_eq!(counts, Utterances { accepted: 1, refused: 0, lost: 0 });
    }

    #[test]
    fn an_open_microphone_listens_until_it_is_closed() {
        let board = Board::new(Setting { open_microphone: true, ..Setting::default() });
        let state = || board.report(false).state;
        assert_eq!(state(), State::Listening);
        board.event(&HearingEvent::Pressed);
        assert_eq!(state(), State::Hearing);
        board.event(&HearingEvent::Released);
        board.event(&HearingEvent::Muted);
        assert_eq!(state(), State::Idle);
        let mut chatter = Turn::begin(UtteranceId::new(), "microphone".to_owned());
        chatter.outcome = Ending::Ignored;
        board.took(&chatter);
        let report = board.report(false);
        assert_eq!((report.outcomes["ignored"], report.turns.len(), report.latency_ms.len()), (1, 0, 0));
    }
}
