//! Pure: numbers, shares, priorities, states and sections as people say them.
//!
//! Every function takes the words of one slot, lower-case or not, and answers `None` unless it can explain all of them.

use super::numbers::{number, share, words};
use crate::domain::{Availability, Clearance, Name, ObjectiveStatus, Percent, Priority, TaskStatus};

/// A share: "seventy five percent", "75%", "half", "three quarters", "complete"; a third is a whole 33.
#[must_use]
pub fn percent(text: &str) -> Option<Percent> {
    let all = words(text);
    let bare: Vec<String> = all
        .iter()
        .filter(|word| !matches!(word.as_str(), "percent" | "per" | "cent" | "percentage"))
        .cloned()
        .collect();
    let marked = bare.len() < all.len();
    let value = match bare.join(" ").as_str() {
        "halfway" | "half way" => 50.0,
        "nothing" | "none" => 0.0,
        "full" | "all" | "fully" => 100.0,
        _ => share(&bare).filter(|_| !marked).map(f64::round).or_else(|| number(&bare.join(" ")))?,
    };
    Percent::new(value)
}

/// The most tasks that are created together with their objective.
pub const NEW_TASKS_MAX: usize = 10;

/// The names of new tasks, one after another: "scout the route, refuel the Idris and guard the gate". Nothing when one
/// is no name, two are the same, or there are more than [`NEW_TASKS_MAX`].
#[must_use]
pub fn new_tasks(text: &str) -> Option<Vec<Name>> {
    const JOINTS: &[&str] = &["and", "then", "plus"];
    let mut spoken: Vec<Vec<&str>> = vec![Vec::new()];
    for word in text.split_whitespace() {
        let (plain, ends) = word.strip_suffix([',', ';']).map_or((word, false), |plain| (plain, true));
        let joins = JOINTS.contains(&plain.to_lowercase().as_str());
        if let Some(last) = spoken.last_mut().filter(|_| !joins) {
            last.push(plain);
        }
        if joins || ends {
            spoken.push(Vec::new());
        }
    }
    let names =
        spoken.iter().filter(|words| !words.is_empty()).map(|words| Name::new(&tidy_name(&words.join(" "))).ok());
    let names = names.collect::<Option<Vec<Name>>>()?;
    let mut lower: Vec<String> = names.iter().map(|name| name.as_str().to_lowercase()).collect();
    lower.sort();
    lower.dedup();
    (lower.len() == names.len() && (1..=NEW_TASKS_MAX).contains(&names.len())).then_some(names)
}

/// Whether the words are a share and say so: "half", "forty percent"; "forty" alone may be anything.
#[must_use]
pub fn is_share(text: &str) -> bool {
    let all = words(text);
    let marked = all.iter().any(|word| matches!(word.as_str(), "percent" | "cent" | "percentage" | "halfway" | "half"));
    (marked || share(&all).is_some()) && percent(text).is_some()
}

/// A priority in the community's words.
#[must_use]
pub fn priority(text: &str) -> Option<Priority> {
    let all = words(text);
    let bare: Vec<&str> =
        all.iter().map(String::as_str).filter(|word| !matches!(*word, "priority" | "the" | "a")).collect();
    Some(match bare.join(" ").as_str() {
        "critical" | "urgent" | "top" | "highest" | "emergency" | "drop everything" | "most urgent" | "maximum"
        | "immediate" => Priority::Critical,
        "high" | "important" | "hi" | "higher" | "elevated" => Priority::High,
        "medium" | "normal" | "regular" | "standard" | "average" | "default" | "moderate" => Priority::Medium,
        "low" | "lowest" | "lower" | "minor" | "no rush" | "unimportant" | "whenever" => Priority::Low,
        _ => return None,
    })
}

fn state(text: &str) -> String {
    let all = words(text);
    all.iter()
        .map(String::as_str)
        .filter(|word| !matches!(*word, "the" | "as" | "now" | "fully" | "status"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// An objective's state in the community's words.
#[must_use]
pub fn objective_status(text: &str) -> Option<ObjectiveStatus> {
    Some(match state(text).as_str() {
        "active" | "activated" | "live" | "open" | "reopened" | "in progress" | "underway" | "under way"
        | "running" | "resumed" => ObjectiveStatus::Active,
        "completed" | "complete" | "done" | "finished" | "wrapped up" | "sorted" | "sorted out" | "dealt with"
        | "taken care of" | "handled" | "accomplished" | "achieved" | "closed" => ObjectiveStatus::Completed,
        "cancelled" | "canceled" | "cancel" | "scrubbed" | "aborted" | "called off" | "scrapped" | "dropped" => {
            ObjectiveStatus::Cancelled
        }
        "on hold" | "hold" | "onhold" | "paused" | "parked" | "suspended" | "on ice" => ObjectiveStatus::OnHold,
        _ => return None,
    })
}

/// A task's state in the community's words.
#[must_use]
pub fn task_status(text: &str) -> Option<TaskStatus> {
    Some(match state(text).as_str() {
        "pending" | "open" | "not started" | "to do" | "todo" | "reopened" | "waiting" => TaskStatus::Pending,
        "in progress" | "started" | "active" | "underway" | "under way" | "running" | "begun" | "being done" => {
            TaskStatus::InProgress
        }
        other => match objective_status(other)? {
            ObjectiveStatus::Completed => TaskStatus::Completed,
            ObjectiveStatus::Cancelled => TaskStatus::Cancelled,
            ObjectiveStatus::OnHold => TaskStatus::OnHold,
            ObjectiveStatus::Active => TaskStatus::InProgress,
        },
    })
}

/// An availability in the community's words.
#[must_use]
pub fn availability(text: &str) -> Option<Availability> {
    Some(match state(text).as_str() {
        "online" | "available" | "on line" | "back" | "here" | "free" | "ready" | "on" => Availability::Online,
        "busy" | "afk" | "a f k" | "away" | "occupied" | "unavailable" | "not available" | "away from keyboard" => {
            Availability::Busy
        }
        "offline" | "off line" | "off" | "gone" | "logging off" | "logged off" | "signing off" | "out" => {
            Availability::Offline
        }
        "in game" | "ingame" | "in the game" | "in verse" | "in the verse" | "playing" | "flying" => {
            Availability::InGame
        }
        _ => return None,
    })
}

/// A section of a description.
#[must_use]
pub fn section(text: &str) -> Option<Clearance> {
    let all = words(text);
    let bare: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|word| !matches!(*word, "the" | "section" | "part" | "details" | "notes"))
        .collect();
    Some(match bare.join(" ").as_str() {
        "brief" | "briefing" | "summary" => Clearance::Brief,
        "tactical" | "tactics" | "plan" => Clearance::Tactical,
        "classified" | "secret" => Clearance::Classified,
        _ => return None,
    })
}

/// A name for something new, from the words it was ordered with: number words become digits, spelled-out letters
/// close up, and the first letter is a capital. "collect five hundred S C U of gold" → "Collect 500 SCU of gold".
#[must_use]
pub fn tidy_name(text: &str) -> String {
    let source: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| matches!(c, ',' | '.' | '!' | '?' | ';' | ':' | '"')))
        .filter(|word| !word.is_empty())
        .collect();
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(word) = source.get(at) {
        let letters =
            source.iter().skip(at).take_while(|one| one.len() == 1 && one.chars().all(char::is_uppercase)).count();
        if letters >= 2 {
            out.push(source.iter().skip(at).take(letters).copied().collect());
            at += letters;
            continue;
        }
        let numbered = (2..=6.min(source.len() - at)).rev().find_map(|length| {
            let slice = source.get(at..at + length)?;
            let value = number(&slice.join(" ")).filter(|value| value.fract() == 0.0 && *value >= 10.0)?;
            Some((length, value))
        });
        if let Some((length, value)) = numbered {
            out.push(format!("{value:.0}"));
            at += length;
        } else {
            out.push((*word).to_owned());
            at += 1;
        }
    }
    let joined = out.join(" ");
    let mut letters = joined.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// A unit as it is written, from how it is spelled out: "s c u of gold" → "SCU of gold".
#[must_use]
pub fn tidy_unit(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut words: Vec<String> = Vec::new();
    let mut letters = String::new();
    for word in lower.split_whitespace() {
        let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        if word.chars().count() == 1 {
            letters.push_str(&word);
        } else {
            words.extend((!letters.is_empty()).then(|| std::mem::take(&mut letters)));
            words.push(word);
        }
    }
    words.extend((!letters.is_empty()).then_some(letters));
    let written = |word: &String| match word.as_str() {
        "scu" => "SCU".to_owned(),
        "auec" | "uec" => "aUEC".to_owned(),
        _ => word.clone(),
    };
    words.iter().filter(|word| !word.is_empty()).map(written).collect::<Vec<_>>().join(" ")
}

/// Free text with a capital at its start and without the full stop the recogniser adds.
#[must_use]
pub fn sentence(words: &str) -> String {
    let trimmed = words.trim().trim_end_matches(['.', ',']).trim();
    let mut letters = trimmed.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests;
