//! What was taken back, in words: each row as it is again.

use serde_json::{Map, Value};

use super::{LISTED_MAX, full_stop, percent, planned};
use crate::outcome::{Restored, Undo};

/// What became of the wish to take the last change back.
#[must_use]
pub fn undo(undo: &Undo) -> String {
    match undo {
        Undo::Undone { changes, .. } => taken_back(changes),
        Undo::Nothing => "There is nothing of yours to take back.".to_owned(),
        Undo::Standing => "Sorry, your rank no longer covers what you did then. Nothing was changed.".to_owned(),
        Undo::Changed { what: Some(what), by: Some(by) } => {
            format!("Somebody changed it since: {by} changed {what}. Nothing was changed.")
        }
        Undo::Changed { what: Some(what), by: None } => format!("Somebody changed {what} since. Nothing was changed."),
        Undo::Changed { .. } => "Somebody changed it since. Nothing was changed.".to_owned(),
        Undo::Used { what: Some(what) } => format!("Others use {what} by now. Nothing was changed."),
        Undo::Used { what: None } => "Others use it by now. Nothing was changed.".to_owned(),
        Undo::Impossible => "That cannot be put back as it was any more. Nothing was changed.".to_owned(),
    }
}

/// What is back comes first, then what is as it was, then what is gone again.
fn taken_back(changes: &[Restored]) -> String {
    let place = |one: &&Restored| match (&one.after, &one.before) {
        (None, _) => 0,
        (_, None) => 2,
        _ => 1,
    };
    let mut ordered: Vec<&Restored> = changes.iter().collect();
    ordered.sort_by_key(place);
    let made: Vec<&str> = changes
        .iter()
        .filter(|one| one.before.is_none() && one.kind == "objective")
        .filter_map(|one| one.name.as_deref())
        .collect();
    // A category's link goes with its objective.
    let told = |one: &&&Restored| {
        one.kind != "category_link" || !name_in(&one.after, "objective").is_some_and(|name| made.contains(&name))
    };
    let all: Vec<String> = ordered.iter().filter(told).flat_map(|one| sentences(one)).collect();
    if all.is_empty() {
        return "Your last change is taken back.".to_owned();
    }
    let shown = all.iter().take(LISTED_MAX).map(|one| full_stop(one)).collect::<Vec<_>>().join(" ");
    let more = all.len().saturating_sub(LISTED_MAX);
    let more = if more > 0 { format!(" And {more} more.") } else { String::new() };
    format!("Taken back: {shown}{more}")
}

fn name_in<'v>(fields: &'v Option<Value>, key: &str) -> Option<&'v str> {
    fields.as_ref()?.get(key)?.as_str()
}

fn sentences(one: &Restored) -> Vec<String> {
    let name = one.name.as_deref().unwrap_or("it");
    let thing = match one.kind.as_str() {
        "objective" | "task" | "squad" | "rank" | "category" => format!("{} {name}", one.kind),
        _ => name.to_owned(),
    };
    if one.kind == "category_link" {
        let fields = if one.before.is_some() { &one.before } else { &one.after };
        let (objective, category) = (name_in(fields, "objective"), name_in(fields, "category"));
        let how = if one.before.is_some() { "is in category" } else { "is no longer in category" };
        let again = if one.before.is_some() { " again" } else { "" };
        return objective.zip(category).map(|(one, other)| format!("{one} {how} {other}{again}")).into_iter().collect();
    }
    match (&one.before, &one.after) {
        (None, _) => vec![format!("{} is gone again", capital(&thing))],
        (_, None) => vec![format!("{} is back", capital(&thing))],
        (Some(Value::Object(before)), Some(after)) => changed(&one.kind, name, before, after),
        _ => vec![format!("{} is as it was", capital(&thing))],
    }
}

/// A sentence for each field that is what it was.
fn changed(kind: &str, name: &str, before: &Map<String, Value>, after: &Value) -> Vec<String> {
    let mut all = Vec::new();
    // Progress follows the status; it is worth a word when it went alone.
    let alone = |key: &str| key != "progress" || !before.contains_key("status");
    for (key, value) in before.iter().filter(|(key, _)| alone(key)) {
        let text = value.as_str();
        let said = match (kind, key.as_str(), text) {
            ("task", "lead", Some(lead)) => format!("{name} is with {lead} again"),
            ("task", "lead", None) => format!("{name} is free again"),
            ("squad", "lead", Some(lead)) => format!("{lead} leads squad {name} again"),
            ("squad", "lead", None) => format!("squad {name} has no lead again"),
            (_, "lead", Some(lead)) => format!("{lead} leads {name} again"),
            (_, "lead", None) => format!("{name} has no lead again"),
            ("member", "squad", Some(squad)) => format!("{name} is in squad {squad} again"),
            ("member", "squad", None) => format!("{name} is in no squad again"),
            (_, "squad", Some(squad)) => format!("{name} is with squad {squad} again"),
            (_, "squad", None) => format!("{name} is with no squad again"),
            (_, "status" | "availability", Some(word)) => format!("{name} is {} again", word.replace('_', " ")),
            (_, "priority", Some(word)) => format!("{name} has {word} priority again"),
            ("member", "rank", Some(rank)) => format!("{name} is {rank} again"),
            ("member", "rank", None) => format!("{name} has no rank again"),
            (_, "progress", _) => match value.as_f64() {
                Some(share) => format!("{name} is at {} again", percent(share)),
                None => format!("{name} is as it was"),
            },
            (_, "schedule", _) => match planned(Some(value)) {
                plan if plan.is_empty() => format!("{name} is not scheduled again"),
                plan => format!("{name} is scheduled{plan} again"),
            },
            (_, "description", _) => {
                all.extend(sections(name, value, after.get("description"), before.contains_key("progress")));
                continue;
            }
            _ => format!("{name} is as it was"),
        };
        if !all.contains(&said) {
            all.push(said);
        }
    }
    all.iter().map(|one| capital(one)).collect()
}

/// Which sections of a description are as they were; figures go without saying where the progress is said.
fn sections(name: &str, before: &Value, after: Option<&Value>, with_progress: bool) -> Vec<String> {
    let differs = |key: &str| before.get(key) != after.and_then(|all| all.get(key));
    let texts = ["brief", "tactical", "classified"].into_iter().filter(|key| differs(key));
    let mut all: Vec<String> = texts.map(|key| format!("the {key} section of {name} is as it was")).collect();
    if differs("metrics") && !with_progress {
        all.push(format!("the figures of {name} are as they were"));
    }
    if all.is_empty() && !differs("metrics") {
        all.push(format!("{name} is as it was"));
    }
    all
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
