//! A finished turn, as scripts and people get it.

use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::{Cue, UtteranceId};
use crate::show;

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The database was changed.
    Applied,
    /// A question was answered.
    Answered,
    /// Something has to be chosen, added or confirmed first.
    Asked,
    /// Not permitted.
    Refused,
    /// Nothing for us: silence, noise, chatter.
    Ignored,
    /// Something went wrong.
    Failed,
}

/// What was wrong, for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TurnError {
    /// A fixed word.
    pub kind: &'static str,
    /// The explanation.
    pub detail: String,
}

/// Milliseconds by stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Milliseconds {
    /// Recognition.
    pub speech: f64,
    /// The roster made ready.
    pub names: f64,
    /// Understanding, a model's thinking included.
    pub route: f64,
    /// The database: the view before and the change after.
    pub store: f64,
    /// Finding the words of the reply.
    pub reply: f64,
    /// From the end of the utterance to the reply.
    pub total: f64,
}

/// A finished turn: what `--json` prints, one object a line.
#[derive(Debug, Clone, Serialize)]
pub struct Turn {
    /// The utterance's id.
    pub turn: UtteranceId,
    /// A file as it was given, `typed`, or `microphone`.
    pub source: String,
    /// The words as they were heard.
    pub heard: Option<String>,
    /// The mean probability of the recogniser's tokens.
    pub confidence: Option<f32>,
    /// Names that were looked up.
    pub mentions: Vec<Value>,
    /// `local`, `llm` or `none`.
    pub route: &'static str,
    /// The commands with stored names.
    pub commands: Value,
    /// How it ended.
    pub outcome: Ending,
    /// The words of the reply.
    pub reply: String,
    /// What was wrong.
    pub error: Option<TurnError>,
    /// Milliseconds by stage.
    pub ms: Milliseconds,
    /// The tone of the reply.
    #[serde(skip)]
    pub cue: Cue,
    /// The reply with names written as they are said.
    #[serde(skip)]
    pub spoken: String,
}

impl Turn {
    /// A turn of which nothing is known but where it came from.
    pub(crate) fn begin(turn: UtteranceId, source: String) -> Self {
        Self {
            turn,
            source,
            heard: None,
            confidence: None,
            mentions: Vec::new(),
            route: "none",
            commands: json!([]),
            outcome: Ending::Failed,
            reply: String::new(),
            error: None,
            ms: Milliseconds::default(),
            cue: Cue::Failed,
            spoken: String::new(),
        }
    }
}

impl Turn {
    /// Writes into the turn's span how it ended and where its time went, and no word of it.
    pub(super) fn trace(&self, span: &tracing::Span) {
        let (outcome, ms) = (show::ending(self.outcome), &self.ms);
        span.record("outcome", outcome).record("route", self.route);
        for (field, ms) in [
            ("speech_ms", ms.speech),
            ("names_ms", ms.names),
            ("route_ms", ms.route),
            ("store_ms", ms.store),
            ("total_ms", ms.total),
        ] {
            span.record(field, ms);
        }
        tracing::info!("a turn was taken");
    }
}

impl Milliseconds {
    /// To a tenth each.
    pub(super) fn rounded(self) -> Self {
        let tenth = |ms: f64| (ms * 10.0).round() / 10.0;
        Self {
            speech: tenth(self.speech),
            names: tenth(self.names),
            route: tenth(self.route),
            store: tenth(self.store),
            reply: tenth(self.reply),
            total: tenth(self.total),
        }
    }
}

/// Milliseconds since a moment.
pub(super) fn since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}
