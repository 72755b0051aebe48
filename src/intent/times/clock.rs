//! Times of the clock as people say them.

use chrono::NaiveTime;

use super::super::numbers::{digit, number};
use super::time;

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Morning,
    Afternoon,
    Evening,
}

/// A time of the clock that may be in the morning or in the evening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    hour: u32,
    minute: u32,
    /// Whether the hour can be one of the evening as well.
    twelve: bool,
    part: Option<Part>,
}

impl Clock {
    /// The times that can be meant; `part` is what was said with the day.
    pub(super) fn ways(self, part: Option<Part>) -> Vec<NaiveTime> {
        let part = self.part.or(part);
        let hours = if !self.twelve {
            vec![self.hour]
        } else {
            let (early, late) = (self.hour % 12, self.hour % 12 + 12);
            match part {
                Some(Part::Morning) => vec![early],
                // "Midnight tonight" and "one tonight" are past twelve.
                Some(Part::Afternoon | Part::Evening) => vec![late],
                None => vec![early, late],
            }
        };
        hours.into_iter().filter_map(|hour| time(hour, self.minute)).collect()
    }
}

/// "twenty hundred", "nineteen thirty", "1930", "19:30", "eight pm", "oh eight thirty", "half past eight in the
/// evening", "noon".
pub(super) fn clock(words: &[&str]) -> Option<Clock> {
    let (words, part) = split_part(words);
    let words = words.strip_suffix(&["hours"]).unwrap_or(words);
    match words {
        ["noon" | "midday"] => return exact(12, 0, None),
        ["midnight"] => return exact(0, 0, None),
        _ => {}
    }
    past_or_to(words, part).or_else(|| plain(words, part))
}

/// The words without "pm", "in the evening" and the like.
fn split_part<'a, 'b>(words: &'a [&'b str]) -> (&'a [&'b str], Option<Part>) {
    match words {
        [rest @ .., "pm"] | [rest @ .., "p", "m"] => (rest, Some(Part::Evening)),
        [rest @ .., "am"] | [rest @ .., "a", "m"] => (rest, Some(Part::Morning)),
        [rest @ .., "in", "the", "morning"] => (rest, Some(Part::Morning)),
        [rest @ .., "in", "the", "afternoon"] => (rest, Some(Part::Afternoon)),
        [rest @ .., "in", "the", "evening"] | [rest @ .., "at", "night"] => (rest, Some(Part::Evening)),
        _ => (words, None),
    }
}

fn exact(hour: u32, minute: u32, part: Option<Part>) -> Option<Clock> {
    time(hour, minute).map(|_| Clock { hour, minute, twelve: false, part })
}

/// An hour as people say it: one to twelve may be in the morning or in the evening.
fn spoken(hour: u32, minute: u32, part: Option<Part>) -> Option<Clock> {
    time(hour, minute)?;
    let twelve = (1..=12).contains(&hour);
    // "Twenty pm" is no time.
    (twelve || part.is_none()).then_some(Clock { hour, minute, twelve, part })
}

/// "half past eight", "quarter to nine", "ten past seven", "half eight".
fn past_or_to(words: &[&str], part: Option<Part>) -> Option<Clock> {
    let at = words.iter().position(|word| matches!(*word, "past" | "to" | "after"));
    let Some(at) = at else {
        let [half, hour @ ..] = words else { return None };
        let hour = whole(&hour.join(" "), 12)?;
        return (*half == "half" && hour > 0).then(|| spoken(hour, 30, part)).flatten();
    };
    let (minutes, hour) = words.split_at(at);
    let minutes = match minutes.strip_suffix(&["minutes"]).unwrap_or(minutes) {
        ["half"] => 30,
        ["quarter"] | ["a", "quarter"] => 15,
        other => whole(&other.join(" "), 59).filter(|value| *value > 0)?,
    };
    let (word, hour) = hour.split_first()?;
    let hour = match strip_oclock(hour) {
        ["noon" | "midday"] => 12,
        ["midnight"] => 0,
        other => whole(&other.join(" "), 23)?,
    };
    if *word == "to" {
        let before = (hour + 23) % 24;
        // "Quarter to one" is before one, whichever one that is.
        let before = if hour == 1 { 12 } else { before };
        return spoken(before, 60 - minutes, part);
    }
    spoken(hour, minutes, part)
}

fn strip_oclock<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    words.strip_suffix(&["o'clock"]).or_else(|| words.strip_suffix(&["oclock"])).unwrap_or(words)
}

fn plain(words: &[&str], part: Option<Part>) -> Option<Clock> {
    let oclock = strip_oclock(words);
    if oclock.len() < words.len() {
        return spoken(whole(&oclock.join(" "), 12)?, 0, part);
    }
    let joined = words.join(" ");
    if let Some((hour, minute)) = joined.split_once(':') {
        let minute = Some(minute).filter(|one| one.len() == 2)?;
        return hours(hour, whole(minute, 59)?, part);
    }
    if let [rest @ .., "hundred"] = words {
        // A clock of twenty-four hours has no morning.
        return exact(military(rest)?, 0, part.filter(|_| false));
    }
    if let [digits] = words
        && (digits.len() == 4 || (digits.len() == 3 && part.is_some()))
        && digits.chars().all(|c| c.is_ascii_digit())
    {
        let (hour, minute) = digits.split_at(digits.len() - 2);
        let (hour, minute) = (whole(hour, 23)?, whole(minute, 59)?);
        return if part.is_some() { spoken(hour, minute, part) } else { exact(hour, minute, None) };
    }
    if let Some(hour) = whole(&joined, 23).filter(|_| !is_padded(words)) {
        return spoken(hour, 0, part);
    }
    (1..words.len()).find_map(|cut| {
        let (hour, minute) = words.split_at(cut);
        let minute = match minute {
            [zero, one] if digit(zero) == Some(0) => digit(one)?,
            [ten] | [ten, _] if ten.len() > 1 => whole(&minute.join(" "), 59).filter(|value| *value > 9)?,
            [tens, ones] => digit(tens)? * 10 + digit(ones)?,
            _ => return None,
        };
        if is_padded(hour) || hour.len() == 2 && digit(hour.first()?).is_some() {
            return exact(military(hour)?, minute, None);
        }
        spoken(whole(&hour.join(" "), 23)?, minute, part)
    })
}

/// "8:30" may be in the evening, "08:30" and "20:30" are what they are.
fn hours(hour: &str, minute: u32, part: Option<Part>) -> Option<Clock> {
    let value = whole(hour, 23)?;
    if hour.starts_with('0') || hour.starts_with("oh") {
        exact(value, minute, None)
    } else {
        spoken(value, minute, part)
    }
}

/// Whether it begins with a nought: "oh eight", "zero six".
fn is_padded(words: &[&str]) -> bool {
    words.len() > 1 && words.first().and_then(|word| digit(word)) == Some(0)
}

/// An hour of the clock of twenty-four: "twenty", "oh eight", "two zero".
fn military(words: &[&str]) -> Option<u32> {
    whole(&words.join(" "), 23)
}

fn whole(text: &str, most: u32) -> Option<u32> {
    let value = number(text).filter(|value| value.fract() == 0.0 && *value <= f64::from(most))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and at most 59")]
    Some(value as u32)
}
