//! Which actions the words make possible, before any model is asked.

use serde_json::Value;

use super::actions::{ACTIONS, ANSWER, Action, CALLED, FIRST, HELD, JOINING, LEAVING, PERSON, SELF, THING, UNWILLING};
use super::{CANDIDATES_MAX, Candidate, ORDERS_MAX, free, kind_of, shown, vet};
use crate::domain::Kind;

/// The actions the model may choose from for these words; empty when they can hold no order, so that nobody need be
/// asked. An action is offered when a name was found for every name it needs, when its telling words were said, and
/// when it uses every kind of name that was found: a name that was said belongs to the order. Words that ask are only
/// ever answered; `open` says whether the model may answer from the guild's data.
#[must_use]
pub fn offers(words: &str, candidates: &[Candidate<'_>], open: bool) -> Vec<&'static str> {
    let spoken = vet::words_of(words);
    let asking = free::is_question(words);
    let open = open && free::is_open_question(words, candidates);
    let fits = |action: &&Action| match action.name {
        ANSWER => open,
        name => (!asking || name.starts_with("ask.")) && is_offered(action, candidates, &spoken),
    };
    ACTIONS.iter().filter(fits).map(|action| action.name).collect()
}

/// Whether something was said that can fill a field: a name of its kind, or the speaker themselves.
pub(super) fn said(action: &Action, field: &str, candidates: &[Candidate<'_>], spoken: &[String]) -> bool {
    kind_of(field).is_none_or(|kind| !heard(action, kind, candidates, spoken).is_empty())
}

/// The words that can fill a field of this kind, each once.
pub(super) fn heard(action: &Action, kind: Kind, candidates: &[Candidate<'_>], spoken: &[String]) -> Vec<Value> {
    let mut names: Vec<Value> = Vec::new();
    for candidate in candidates.iter().filter(|candidate| candidate.kind == kind).take(CANDIDATES_MAX) {
        let name = Value::from(shown(candidate));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    // Who takes a task claims it, and "my brother" is not the speaker.
    let own = match action.name {
        "task.assign" => &[],
        "ask.tasks" => FIRST,
        _ => SELF,
    };
    if kind == Kind::Member && any_of(spoken, own) {
        names.push(Value::from("me"));
    }
    // "Kestrel takes care of it": what it is, is known where the conversation is known. Without any name, "it" is chatter.
    let pronouns = match kind {
        Kind::Task | Kind::Objective => THING,
        Kind::Member => PERSON,
        _ => &[],
    };
    if names.is_empty() && !candidates.is_empty() {
        // Of "it is late" nothing is spoken of.
        let stands = |word: &str| {
            let next = |at: usize| spoken.get(at + 1).is_none_or(|next| !matches!(next.as_str(), "is" | "was" | "has"));
            spoken.iter().enumerate().any(|(at, one)| one == word && next(at))
        };
        names.extend(pronouns.iter().filter(|word| stands(word)).map(|word| Value::from(*word)));
    }
    names
}

fn is_offered(action: &Action, candidates: &[Candidate<'_>], spoken: &[String]) -> bool {
    let asks = action.name.starts_with("ask.");
    if !asks && any_of(spoken, HELD) {
        return false;
    }
    if action.name == "task.claim" && any_of(spoken, UNWILLING) {
        return false;
    }
    if action.name == "member.set_squad" && any_of(spoken, LEAVING) {
        return false;
    }
    if !action.cues.iter().all(|cues| any_of(spoken, cues) || (cues.contains(&"ten") && has_digit(spoken))) {
        return false;
    }
    if !action.required.iter().all(|any| any.iter().any(|field| said(action, field, candidates, spoken))) {
        return false;
    }
    // What is called something may have any word in its name, names of others too. What is called off is not.
    let called = |pair: &[String]| matches!(pair, [one, next] if CALLED.contains(&one.as_str()) && next != "off");
    if spoken.windows(2).any(called) {
        return action.fields.contains(&"name");
    }
    let uses = |kind: Kind| action.fields.iter().any(|field| kind_of(field) == Some(kind));
    if several(candidates) {
        candidates.iter().any(|candidate| uses(candidate.kind))
    } else {
        candidates.iter().all(|candidate| uses(candidate.kind))
    }
}

/// The orders these words can hold: one, unless something joins another to it.
pub(super) fn orders_max(candidates: &[Candidate<'_>], spoken: &[String]) -> usize {
    if several(candidates) {
        ORDERS_MAX
    } else if any_of(spoken, JOINING) {
        2
    } else {
        1
    }
}

/// Whether two names of one kind were said. With each kind at most once there is one order, which uses them all;
/// otherwise there may be several, which share the names.
fn several(candidates: &[Candidate<'_>]) -> bool {
    candidates
        .iter()
        .enumerate()
        .any(|(at, one)| candidates.iter().skip(at + 1).any(|other| other.kind == one.kind && other.heard != one.heard))
}

fn any_of(spoken: &[String], words: &[&str]) -> bool {
    spoken.iter().any(|word| words.contains(&word.as_str()))
}

fn has_digit(spoken: &[String]) -> bool {
    spoken.iter().any(|word| word.contains(|c: char| c.is_ascii_digit()))
}
