//! Pure: moments and lengths of time as people say them, relative to a given now in the speaker's time zone.
//!
//! A clock time that may be morning or evening ("at eight") means the next one that comes. "Utc", "zulu" and "server
//! time" name the zone; without them it is the speaker's.

mod clock;
mod day;

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::numbers::number;
use clock::Clock;
use day::Day;

/// The furthest ahead an order may be scheduled, in days.
pub const DAYS_AHEAD_MAX: i64 = 366;
/// The most words of a moment.
const WORDS_MAX: usize = 12;

/// The moment of speaking, and the zone the speaker's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The moment.
    pub at: DateTime<Utc>,
    /// The zone.
    pub zone: Tz,
}

/// A length of time in whole minutes: "thirty minutes", "two hours", "an hour and a half", "half an hour".
#[must_use]
pub fn minutes(text: &str) -> Option<i64> {
    let lower = text.to_lowercase().replace('-', " ");
    let words: Vec<&str> =
        lower.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    if words.len() > WORDS_MAX {
        return None;
    }
    let mut total = 0.0;
    let mut count: Vec<&str> = Vec::new();
    // The unit that was said last: "an hour and a half" and "two hours thirty" go on from it.
    let mut unit: Option<f64> = None;
    for word in words {
        let Some(factor) = unit_minutes(word) else {
            count.push(word);
            continue;
        };
        let counted = count.strip_prefix(&["and"]).filter(|_| unit.is_some()).unwrap_or(&count);
        total += counted_units(counted)? * factor;
        count.clear();
        unit = Some(factor);
    }
    let unit = unit?;
    total += match count.as_slice() {
        [] => 0.0,
        ["and", part @ ..] if counted_part(part).is_some() => counted_part(part)? * unit,
        left if unit == 60.0 => number(&left.join(" ")).filter(|left| (1.0..60.0).contains(left))?,
        _ => return None,
    };
    let bounded = (1.0..=DAYS_AHEAD_MAX as f64 * 1440.0).contains(&total);
    #[expect(clippy::cast_possible_truncation, reason = "bounded by a year of minutes")]
    bounded.then_some(total.round() as i64)
}

fn unit_minutes(word: &str) -> Option<f64> {
    Some(match word {
        "minute" | "minutes" | "mins" | "min" => 1.0,
        "hour" | "hours" | "hrs" | "hr" => 60.0,
        "day" | "days" => 1440.0,
        "week" | "weeks" => 10_080.0,
        _ => return None,
    })
}

/// "a", "half an", "three quarters of an", "two and a half", "a couple of", "ninety".
fn counted_units(count: &[&str]) -> Option<f64> {
    match count {
        ["a" | "an" | "another"] => return Some(1.0),
        ["a", "half"] => return Some(0.5),
        _ => {}
    }
    let part = count.strip_suffix(&["an"]).or_else(|| count.strip_suffix(&["a"]));
    if let Some(part) = part.map(|part| part.strip_suffix(&["of"]).unwrap_or(part)).and_then(counted_part) {
        return Some(part);
    }
    counted_part(count).or_else(|| number(&count.join(" ")))
}

fn counted_part(words: &[&str]) -> Option<f64> {
    Some(match words {
        ["half"] | ["a" | "one", "half"] => 0.5,
        ["quarter"] | ["a" | "one", "quarter"] => 0.25,
        ["three", "quarters"] => 0.75,
        _ => return None,
    })
}

/// A moment: "in two hours", "thirty minutes from now", "at twenty hundred", "tomorrow at eight pm", "friday nineteen
/// thirty", "half past eight tonight", "on the third of december at noon", "now".
#[must_use]
pub fn moment(text: &str, now: &Now) -> Option<DateTime<Utc>> {
    let words = moment_words(text);
    if words.is_empty() || words.len() > WORDS_MAX {
        return None;
    }
    let plain: Vec<&str> = words.iter().map(String::as_str).collect();
    let (words, zone) = in_zone(&plain, now.zone);
    let (local, zone_now) = (now.at.with_timezone(&zone), now.at);
    let furthest = zone_now.checked_add_signed(Duration::days(DAYS_AHEAD_MAX))?;
    let within = |one: DateTime<Utc>| (one <= furthest).then_some(one);
    if matches!(words, ["now"] | ["right" | "just", "now"] | ["immediately"] | ["at", "once"] | ["right", "away"]) {
        return Some(now.at);
    }
    if let Some(minutes) = ahead(words) {
        return now.at.checked_add_signed(Duration::minutes(minutes)).and_then(within);
    }
    // The day and the clock may stand in either order; small words lie between them.
    (0..=words.len()).find_map(|cut| {
        let (first, second) = words.split_at(cut);
        let (first, second) = (between(first), between(second));
        let both = |day: &[&str], time: &[&str]| {
            let day = if day.is_empty() { Day::any() } else { day::day(day, local.date_naive())? };
            let time = if time.is_empty() { None } else { Some(clock::clock(time)?) };
            at(day, time, zone, now.at)
        };
        both(first, second).or_else(|| both(second, first)).and_then(within)
    })
}

fn moment_words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace("p.m", "pm").replace("a.m", "am").replace(['-', ','], " ");
    lower
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).replace('.', ":"))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Without the small words that stand before a day or a time.
fn between<'a, 'b>(mut words: &'a [&'b str]) -> &'a [&'b str] {
    while let [small, rest @ ..] = words
        && matches!(*small, "at" | "on" | "for" | "by" | "before" | "until" | "till" | "around" | "from")
    {
        words = rest;
    }
    words
}

/// The words without a zone's name, and the zone.
fn in_zone<'a, 'b>(words: &'a [&'b str], own: Tz) -> (&'a [&'b str], Tz) {
    match words {
        [rest @ .., "utc" | "zulu" | "gmt" | "z"] | [rest @ .., "server" | "game" | "universe", "time"] => {
            (rest, Tz::UTC)
        }
        [rest @ .., "local" | "my" | "our", "time"] | [rest @ .., "local"] => (rest, own),
        all => (all, own),
    }
}

/// "in two hours", "two hours from now", "within the hour" in minutes.
fn ahead(words: &[&str]) -> Option<i64> {
    let words = between(words);
    let length = match words {
        ["in" | "within", rest @ .., "time"] | ["in" | "within", rest @ ..] | [rest @ .., "from", "now"] => rest,
        ["after", rest @ ..] => rest,
        _ => return None,
    };
    let length = length.strip_prefix(&["the"]).map_or_else(|| length.join(" "), |rest| format!("a {}", rest.join(" ")));
    minutes(&length)
}

/// The moment of a day and a time, in a zone.
fn at(day: Day, time: Option<Clock>, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let Some(time) = time else {
        // A day without a time begins with it; an evening has its hour.
        let moment = in_utc(day.date?.and_time(day.part_begins()), zone)?;
        // An evening that has begun goes on.
        let begun = if day.part.is_some() { moment.max(now) } else { moment };
        return (day.is_ahead || begun >= now).then_some(begun);
    };
    let today = now.with_timezone(&zone).date_naive();
    let dates = match day.date {
        Some(date) => vec![date],
        None => vec![today, today.succ_opt()?],
    };
    let candidates = dates
        .iter()
        .flat_map(|date| time.ways(day.part).into_iter().filter_map(move |time| in_utc(date.and_time(time), zone)));
    let all: Vec<DateTime<Utc>> = candidates.collect();
    // What was said of today and is over is over: nothing is scheduled into the past.
    all.into_iter().filter(|one| *one > now).min()
}

/// A local time in UTC. One that the clocks jump over is an hour later; of two, it is the first.
fn in_utc(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(one) | LocalResult::Ambiguous(one, _) => Some(one.to_utc()),
        LocalResult::None => zone.from_local_datetime(&(local + Duration::hours(1))).earliest().map(|one| one.to_utc()),
    }
}

/// A time of the clock.
fn time(hour: u32, minute: u32) -> Option<NaiveTime> {
    NaiveTime::from_hms_opt(hour, minute, 0)
}

#[cfg(test)]
mod tests;
