//! Pure: numbers, shares, priorities, states and sections as people say them.
//!
//! Every function takes the words of one slot, lower-case or not, and answers `None` unless it can explain all of them.

use crate::domain::{Availability, Clearance, ObjectiveStatus, Percent, Priority, TaskStatus};

/// Splits into lower-case words; punctuation falls away, except the point inside a number.
fn words(text: &str) -> Vec<String> {
    // Nothing here is ever below zero: a minus is kept, so that it is no number.
    text.to_lowercase()
        .replace(" -", " minus ")
        .replace(['-', '_'], " ")
        .replace('%', " percent ")
        .split_whitespace()
        .map(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            // "1,500" and "2.5" keep what makes them numbers.
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                word.replace(',', "")
            } else {
                word.chars().filter(|c| c.is_alphanumeric() || *c == '\'').collect()
            }
        })
        .filter(|word| !word.is_empty())
        .collect()
}

fn digit(word: &str) -> Option<u32> {
    Some(match word {
        "zero" | "oh" | "nought" => 0,
        "one" | "won" => 1,
        "two" => 2,
        "three" | "tree" => 3,
        "four" | "fower" => 4,
        "five" | "fife" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" | "ait" => 8,
        "nine" | "niner" => 9,
        _ => return None,
    })
}

fn teen(word: &str) -> Option<u32> {
    Some(match word {
        "ten" => 10,
        "eleven" => 11,
        "twelve" => 12,
        "thirteen" => 13,
        "fourteen" => 14,
        "fifteen" => 15,
        "sixteen" => 16,
        "seventeen" => 17,
        "eighteen" => 18,
        "nineteen" => 19,
        _ => return None,
    })
}

fn tens(word: &str) -> Option<u32> {
    Some(match word {
        "twenty" => 20,
        "thirty" => 30,
        "forty" | "fourty" => 40,
        "fifty" => 50,
        "sixty" => 60,
        "seventy" => 70,
        "eighty" => 80,
        "ninety" => 90,
        _ => return None,
    })
}

fn scale(word: &str) -> Option<f64> {
    Some(match word {
        "hundred" => 1e2,
        "thousand" | "k" | "grand" => 1e3,
        "million" | "mil" | "m" => 1e6,
        "billion" => 1e9,
        _ => return None,
    })
}

/// A number as it is spoken or written: "five hundred", "seven five", "niner", "one point five k", "2.5", "1,500",
/// "200k", "a hundred".
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    number_of(&words(text))
}

fn number_of(words: &[String]) -> Option<f64> {
    if words.is_empty() || words.len() > 12 {
        return None;
    }
    if let [single] = words
        && let Some(value) = written(single)
    {
        return Some(value);
    }
    if let Some(value) = digits_one_by_one(words) {
        return Some(value);
    }
    let (mut total, mut group, mut seen, mut last) = (0.0_f64, 0.0_f64, false, u8::MAX);
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        // `last` holds what may still follow: 3 anything, 2 a ten or below, 1 a digit, 0 only a scale.
        if word == "and" || word == "a" || word == "an" {
            let fits = (word == "and") == seen;
            if !fits || rest.peek().is_none() {
                return None;
            }
        } else if word == "point" {
            let tail: Vec<String> = rest.by_ref().cloned().collect();
            let (fraction, factor) = fraction(&tail)?;
            return Some((total + group + fraction) * factor);
        } else if let Some(value) = scale(word) {
            if value > 100.0 {
                total += if group == 0.0 && !seen { 1.0 } else { group } * value;
                group = 0.0;
            } else {
                group = if group == 0.0 { 1.0 } else { group } * value;
            }
            (seen, last) = (true, 3);
        } else if let Some(value) = tens(word) {
            if seen && last < 2 {
                return None;
            }
            group += f64::from(value);
            (seen, last) = (true, 1);
        } else if let Some(value) = teen(word).or_else(|| digit(word)) {
            if seen && last < 1 {
                return None;
            }
            group += f64::from(value);
            (seen, last) = (true, 0);
        } else {
            let value = written(word)?;
            if seen && last < 2 {
                return None;
            }
            group += value;
            (seen, last) = (true, 0);
        }
    }
    seen.then_some(total + group)
}

/// "500", "2.5", "200k".
fn written(word: &str) -> Option<f64> {
    let (body, factor) = match word.strip_suffix('k') {
        Some(body) => (body, 1e3),
        None => (word, 1.0),
    };
    let plain = !body.is_empty() && body.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value: f64 = plain.then(|| body.parse().ok())??;
    (value.is_finite() && value <= 1e15).then_some(value * factor)
}

/// "seven five" is 75, "one two zero" is 120: the radio's way.
fn digits_one_by_one(words: &[String]) -> Option<f64> {
    if words.len() < 2 {
        return None;
    }
    words.iter().try_fold(0.0, |sum, word| {
        let value = digit(word).or_else(|| word.parse::<u32>().ok().filter(|one| *one < 10))?;
        Some(sum * 10.0 + f64::from(value))
    })
}

/// What follows "point": digits, and perhaps a scale. Answers the fraction and the factor.
fn fraction(words: &[String]) -> Option<(f64, f64)> {
    let (digits, factor) = match words.split_last() {
        Some((last, rest)) if scale(last).is_some() => (rest, scale(last)?),
        _ => (words, 1.0),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0.0;
    let mut place = 0.1;
    for word in digits {
        let one = digit(word).or_else(|| word.parse::<u32>().ok().filter(|one| *one < 10))?;
        value += f64::from(one) * place;
        place /= 10.0;
    }
    Some((value, factor))
}

/// A share: "seventy five percent", "75%", "half", "three quarters", "complete".
#[must_use]
pub fn percent(text: &str) -> Option<Percent> {
    let all = words(text);
    let bare: Vec<String> = all
        .iter()
        .filter(|word| !matches!(word.as_str(), "percent" | "per" | "cent" | "percentage"))
        .cloned()
        .collect();
    let value = match bare.join(" ").as_str() {
        "half" | "a half" | "one half" | "halfway" | "half way" => 50.0,
        "quarter" | "a quarter" | "one quarter" => 25.0,
        "three quarters" | "three quarter" => 75.0,
        "a third" | "one third" => 100.0 / 3.0,
        "two thirds" => 200.0 / 3.0,
        "nothing" | "none" => 0.0,
        "full" | "all" | "fully" => 100.0,
        _ => number_of(&bare)?,
    };
    Percent::new(value)
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
        "completed" | "complete" | "done" | "finished" | "wrapped up" | "accomplished" | "achieved" | "closed" => {
            ObjectiveStatus::Completed
        }
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
