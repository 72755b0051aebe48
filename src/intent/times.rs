//! Pure: moments and lengths of time as people say them, relative to a given now.
//!
//! Clock times are read in UTC, the game's own clock.

use chrono::{DateTime, Datelike, Days, Duration, NaiveTime, Utc, Weekday};

use super::values::number;

/// The furthest ahead an order may be scheduled, in days.
pub const DAYS_AHEAD_MAX: i64 = 366;

/// A length of time in whole minutes: "thirty minutes", "two hours", "an hour and a half", "half an hour".
#[must_use]
pub fn minutes(text: &str) -> Option<i64> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    match words.join(" ").as_str() {
        "half an hour" | "a half hour" | "half hour" => return Some(30),
        "an hour and a half" | "one and a half hours" | "one hour and a half" => return Some(90),
        "a quarter of an hour" | "quarter of an hour" => return Some(15),
        _ => {}
    }
    let mut total = 0.0;
    let mut count: Vec<&str> = Vec::new();
    let mut complete = false;
    for word in words {
        let factor = match word.trim_matches(|c: char| !c.is_alphanumeric()) {
            "minute" | "minutes" | "mins" | "min" => Some(1.0),
            "hour" | "hours" => Some(60.0),
            "day" | "days" => Some(1440.0),
            "week" | "weeks" => Some(10_080.0),
            _ => None,
        };
        match factor {
            Some(factor) => {
                let value = match count.join(" ").trim_start_matches("and ") {
                    "a" | "an" => 1.0,
                    "half a" | "half an" => 0.5,
                    "a couple of" | "a couple" => 2.0,
                    other => number(other)?,
                };
                total += value * factor;
                count.clear();
                complete = true;
            }
            None => {
                complete = false;
                count.push(word);
            }
        }
    }
    let bounded = (0.0..=DAYS_AHEAD_MAX as f64 * 1440.0).contains(&total);
    #[expect(clippy::cast_possible_truncation, reason = "bounded by a year of minutes")]
    (complete && bounded && total >= 1.0).then_some(total.round() as i64)
}

/// A moment: "in two hours", "thirty minutes from now", "at twenty hundred", "tomorrow at eight pm", "friday nineteen
/// thirty", "now". A clock time that has passed today means tomorrow, unless the day was said.
#[must_use]
pub fn moment(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let lower = text.to_lowercase().replace(['.', ','], "");
    let text = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_start_matches("for ").trim_start_matches("at ").trim_start_matches("on ");
    if matches!(text, "now" | "right now" | "immediately") {
        return Some(now);
    }
    let length = text
        .strip_prefix("in ")
        .or_else(|| text.strip_suffix(" from now"))
        .or_else(|| text.strip_suffix(" time").filter(|_| text.starts_with("in ")));
    if let Some(minutes) = length.and_then(minutes) {
        return Some(now + Duration::minutes(minutes));
    }
    let mut day = None;
    let mut clock_words = Vec::new();
    for word in text.split_whitespace() {
        match word {
            "today" | "tonight" => day = Some(0),
            "tomorrow" => day = Some(1),
            "at" | "on" | "next" | "hours" | "utc" | "zulu" | "o'clock" | "oclock" => {}
            other => match weekday(other) {
                Some(wanted) => day = Some(days_until(now.weekday(), wanted)),
                None => clock_words.push(other),
            },
        }
    }
    if clock_words.is_empty() {
        let start = now.date_naive().checked_add_days(Days::new(day.filter(|one| *one > 0)?))?;
        return Some(start.and_time(NaiveTime::MIN).and_utc());
    }
    let evening = text.contains("tonight");
    let time = clock(&clock_words, evening)?;
    let at = now.date_naive().checked_add_days(Days::new(day.unwrap_or(0)))?.and_time(time).and_utc();
    match day {
        None if at <= now => at.checked_add_days(Days::new(1)),
        _ => Some(at),
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    let long = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    long.contains(&word).then(|| word.parse().ok())?
}

fn days_until(today: Weekday, wanted: Weekday) -> u64 {
    let ahead = (7 + u64::from(wanted.num_days_from_monday()) - u64::from(today.num_days_from_monday())) % 7;
    if ahead == 0 { 7 } else { ahead }
}

/// "twenty hundred", "nineteen thirty", "1930", "19:30", "eight pm", "eight thirty", "noon".
fn clock(words: &[&str], evening: bool) -> Option<NaiveTime> {
    let (words, half) = match words.split_last() {
        Some((&("pm" | "p"), rest)) => (rest, Some(12)),
        Some((&"am", rest)) => (rest, Some(0)),
        Some((&"m", [rest @ .., "p"])) => (rest, Some(12)),
        Some((&"m", [rest @ .., "a"])) => (rest, Some(0)),
        _ => (words, None),
    };
    let time = |hour: f64, minute: f64| -> Option<NaiveTime> {
        let whole = |value: f64, below: f64| (value.fract() == 0.0 && (0.0..below).contains(&value)).then_some(value);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 0 to 60")]
        let (hour, minute) = (whole(hour, 24.0)? as u32, whole(minute, 60.0)? as u32);
        let hour = match half {
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(shift) => hour % 12 + shift,
            None if evening && (1..=11).contains(&hour) => hour + 12,
            None => hour,
        };
        NaiveTime::from_hms_opt(hour, minute, 0)
    };
    match words {
        ["noon"] => return time(12.0, 0.0),
        ["midnight"] => return time(0.0, 0.0),
        _ => {}
    }
    let joined = words.join(" ");
    if let Some((hour, minute)) = joined.split_once(':') {
        return time(number(hour)?, number(minute)?);
    }
    if let Some(hour) = joined.strip_suffix(" hundred") {
        return time(number(hour)?, 0.0);
    }
    if let [digits] = words
        && digits.len() == 4
        && digits.chars().all(|c| c.is_ascii_digit())
    {
        return time(number(digits.get(..2)?)?, number(digits.get(2..)?)?);
    }
    if let Some(hour) = number(&joined)
        && hour < 24.0
    {
        return time(hour, 0.0);
    }
    (1..words.len()).find_map(|cut| {
        let (hour, minute) = words.split_at(cut);
        time(number(&hour.join(" "))?, number(&minute.join(" "))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<String> {
        // A Wednesday.
        let now = DateTime::parse_from_rfc3339("2026-03-04T12:00:00Z").map(|one| one.to_utc()).ok()?;
        moment(text, now).map(|one| one.format("%a %d %H:%M").to_string())
    }

    #[test]
    fn moments_as_spoken() {
        for (text, expected) in [
            ("in two hours", Some("Wed 04 14:00")),
            ("thirty minutes from now", Some("Wed 04 12:30")),
            ("at twenty hundred", Some("Wed 04 20:00")),
            ("twenty hundred hours", Some("Wed 04 20:00")),
            ("at eight", Some("Thu 05 08:00")),
            ("tonight at eight", Some("Wed 04 20:00")),
            ("tomorrow at eight pm", Some("Thu 05 20:00")),
            ("friday at nineteen thirty", Some("Fri 06 19:30")),
            ("friday at 19:30", Some("Fri 06 19:30")),
            ("1930", Some("Wed 04 19:30")),
            ("tomorrow", Some("Thu 05 00:00")),
            ("wednesday", Some("Wed 11 00:00")),
            ("in half an hour", Some("Wed 04 12:30")),
            ("noon tomorrow", Some("Thu 05 12:00")),
            ("later", None),
            ("at twenty five hundred", None),
            ("in ten thousand days", None),
            ("", None),
        ] {
            assert_eq!(at(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn lengths_as_spoken() {
        for (text, expected) in [
            ("thirty minutes", Some(30)),
            ("two hours", Some(120)),
            ("an hour and a half", Some(90)),
            ("one hour and thirty minutes", Some(90)),
            ("1.5 hours", Some(90)),
            ("thirty", None),
            ("minutes", None),
        ] {
            assert_eq!(minutes(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_words_are_survived(text in "\\PC*") {
            let _ = (minutes(&text), moment(&text, DateTime::UNIX_EPOCH));
        }
    }
}
