//! What came of a turn → its record and the words of its reply.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Ending, Outcome, Turn, TurnError, Turns, record::since};
use crate::domain::Cue;
use crate::intent::resolve::Found;
use crate::names::{self, Roster};
use crate::outcome::Undo;
use crate::reply::{self, Reply};
use crate::store::StoreError;

impl Turns {
    /// Puts the outcome into words.
    pub(super) fn finish(&mut self, outcome: &Outcome, turn: &mut Turn) {
        let began = Instant::now();
        let (ending, reply, error) = match outcome {
            Outcome::Carried { done, answers, commands } => {
                turn.commands = json!(commands);
                let answers = answers.iter().map(reply::answer);
                let text = std::iter::once(reply::done(done)).chain(answers).filter(|one| !one.is_empty());
                let text = text.collect::<Vec<_>>().join(" ");
                let ending = if done.is_empty() { Ending::Answered } else { Ending::Applied };
                let cue = if done.is_empty() { Cue::Question } else { Cue::Done };
                (ending, Reply::new(cue, text), None)
            }
            Outcome::Before(past) => {
                turn.commands = past.commands.clone();
                turn.route = if past.route == "llm" { "llm" } else { "local" };
                let (ending, cue) = match past.outcome.as_str() {
                    "refused" => (Ending::Refused, Cue::Refused),
                    "answered" => (Ending::Answered, Cue::Question),
                    _ => (Ending::Applied, Cue::Done),
                };
                let error =
                    (ending == Ending::Refused).then(|| TurnError { kind: "denied", detail: past.reply.clone() });
                (ending, Reply::new(cue, past.reply.clone()), error)
            }
            Outcome::Ask(question) => (Ending::Asked, Reply::new(Cue::Question, reply::question(question)), None),
            Outcome::Confirm(commands) => {
                turn.commands = json!(commands);
                (Ending::Asked, Reply::new(Cue::Question, reply::confirm(commands)), None)
            }
            Outcome::Refused { denied, commands } => {
                turn.commands = json!(commands);
                let error = TurnError { kind: "denied", detail: denied.to_string() };
                (Ending::Refused, Reply::new(Cue::Refused, reply::refused(denied)), Some(error))
            }
            Outcome::TookBack(undo, commands) => {
                turn.commands = json!(commands);
                let reply = reply::undo(undo);
                let (ending, cue) = match undo {
                    Undo::Undone { .. } => (Ending::Applied, Cue::Done),
                    Undo::Nothing => (Ending::Answered, Cue::Question),
                    _ => (Ending::Refused, Cue::Refused),
                };
                let error = (ending == Ending::Refused).then(|| TurnError { kind: "denied", detail: reply.clone() });
                (ending, Reply::new(cue, reply), error)
            }
            Outcome::Said(cue, ending, kind, text) => {
                let error = (!matches!(ending, Ending::Answered)).then(|| TurnError { kind, detail: text.clone() });
                (*ending, Reply::new(*cue, text.clone()), error)
            }
            Outcome::Failed(error) => {
                tracing::error!(error = %chain(error), kind = error.kind(), "turn failed");
                let detail = error.to_string();
                let text = match error {
                    StoreError::Uncertain(_) => format!("I am not sure: {detail}."),
                    _ => format!("That did not work: {detail}. Nothing was changed."),
                };
                (Ending::Failed, Reply::new(Cue::Failed, text), Some(TurnError { kind: error.kind(), detail }))
            }
        };
        let reply = match self.commander.news() {
            Some(news) => Reply::new(reply.cue, format!("{} {news}", reply.text)),
            None => reply,
        };
        turn.outcome = ending;
        turn.cue = reply.cue;
        turn.reply = reply.text.clone();
        turn.error = error;
        if ending != Ending::Ignored {
            self.last_reply = Some(reply);
        }
        turn.ms.reply += since(began);
    }
}

/// The names that were looked up, as the record shows them.
pub(super) fn mentions(found: &[Found]) -> Vec<Value> {
    found
        .iter()
        .map(|one| {
            let score = (f64::from(one.score) * 1000.0).round() / 1000.0;
            json!({"heard": one.heard, "kind": one.kind, "name": one.name, "score": score})
        })
        .collect()
}

/// The reply with names written as they are said: by their respelling, or gamer spelling made speakable.
pub(super) fn pronounced(text: &str, roster: &Roster) -> String {
    let mut out = text.to_owned();
    for entry in roster.entries().iter().filter(|entry| text.contains(&entry.name)) {
        let respelled = entry
            .phonetic
            .as_deref()
            .and_then(|all| all.split(';').map(str::trim).find(|one| !one.is_empty() && !one.starts_with("ipa:")));
        let said = respelled.map_or_else(|| names::said(&entry.name), str::to_owned);
        if said != entry.name {
            out = replace_whole(&out, &entry.name, &said);
        }
    }
    out
}

/// Replaces a name where it stands as a word of its own.
fn replace_whole(text: &str, name: &str, said: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(name) {
        let open = before.chars().next_back().or_else(|| out.chars().next_back()).is_none_or(|c| !c.is_alphanumeric());
        let whole = open && after.chars().next().is_none_or(|c| !c.is_alphanumeric());
        out.push_str(before);
        out.push_str(if whole { said } else { name });
        rest = after;
    }
    out + rest
}

/// An error with everything that led to it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}
