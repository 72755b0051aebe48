//! Days as people say them.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, Weekday};

use super::super::numbers::number;
use super::clock::Part;
use super::time;

/// The day of a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    /// `None`: it was not said.
    pub(super) date: Option<NaiveDate>,
    pub(super) part: Option<Part>,
    /// Whether it is a later day than today.
    pub(super) is_ahead: bool,
}

impl Day {
    /// A day that was not said.
    pub(super) fn any() -> Self {
        Self { date: None, part: None, is_ahead: false }
    }

    /// When a day begins of which no time was said.
    pub(super) fn part_begins(self) -> NaiveTime {
        let hour = match self.part {
            None => 0,
            Some(Part::Morning) => 8,
            Some(Part::Afternoon) => 14,
            Some(Part::Evening) => 20,
        };
        time(hour, 0).unwrap_or(NaiveTime::MIN)
    }
}

/// "today", "tonight", "tomorrow evening", "this friday", "the day after tomorrow", "the third of december", "december
/// third", "in two weeks".
pub(super) fn day(words: &[&str], today: NaiveDate) -> Option<Day> {
    let (words, part) = match words {
        ["tonight"] => return Some(Day { date: Some(today), part: Some(Part::Evening), is_ahead: false }),
        ["this", part] if named_part(part).is_some() => {
            return Some(Day { date: Some(today), part: named_part(part), is_ahead: false });
        }
        [rest @ .., "in", "the", part] if named_part(part).is_some() => (rest, named_part(part)),
        [rest @ .., part] if named_part(part).is_some() && !rest.is_empty() => (rest, named_part(part)),
        _ => (words, None),
    };
    let date = date(words, today)?;
    Some(Day { date: Some(date), part, is_ahead: date > today })
}

fn named_part(word: &str) -> Option<Part> {
    Some(match word {
        "morning" => Part::Morning,
        "afternoon" => Part::Afternoon,
        "evening" | "night" => Part::Evening,
        _ => return None,
    })
}

fn date(words: &[&str], today: NaiveDate) -> Option<NaiveDate> {
    let after = |days: u64| today.checked_add_days(Days::new(days));
    match words {
        ["today"] => return Some(today),
        ["tomorrow"] => return after(1),
        ["day", "after", "tomorrow"] | ["the", "day", "after", "tomorrow"] => return after(2),
        ["next", "week"] | ["a", "week", "from", "today"] => return after(7),
        ["in", rest @ ..] if rest.last().is_some_and(|unit| unit.starts_with("day") || unit.starts_with("week")) => {
            let minutes = super::minutes(&rest.join(" ")).filter(|minutes| minutes % 1440 == 0)?;
            return after(u64::try_from(minutes / 1440).ok()?);
        }
        _ => {}
    }
    let plain = match words {
        ["this" | "next" | "coming" | "the", rest @ ..] if rest.len() < 3 => {
            rest.strip_prefix(&["coming"]).or_else(|| rest.strip_prefix(&["next"])).unwrap_or(rest)
        }
        other => other,
    };
    if let [word] = plain
        && let Some(wanted) = weekday(word)
    {
        return after(days_until(today.weekday(), wanted));
    }
    of_month(words, today)
}

fn weekday(word: &str) -> Option<Weekday> {
    let long = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    long.contains(&word).then(|| word.parse().ok())?
}

/// How many days until the next of that name; the same day of the week is a week ahead.
fn days_until(today: Weekday, wanted: Weekday) -> u64 {
    let ahead = (7 + u64::from(wanted.num_days_from_monday()) - u64::from(today.num_days_from_monday())) % 7;
    if ahead == 0 { 7 } else { ahead }
}

/// "the third of december", "december the third", "3 december", "the twenty first".
fn of_month(words: &[&str], today: NaiveDate) -> Option<NaiveDate> {
    let words: Vec<&str> = words.iter().copied().filter(|word| !matches!(*word, "the" | "of")).collect();
    let (month, day) = match words.as_slice() {
        [day @ .., name] if month(name).is_some() => (month(name), day),
        [name, day @ ..] if month(name).is_some() => (month(name), day),
        day => (None, day),
    };
    let (number, ordinal) = ordinal(day)?;
    let Some(month) = month else {
        // "The third" is a day of this month or the next one; "three" is none.
        if !ordinal {
            return None;
        }
        let this = NaiveDate::from_ymd_opt(today.year(), today.month(), number).filter(|one| *one > today);
        let next = today.with_day(1)?.checked_add_months(Months::new(1))?;
        return this.or_else(|| next.with_day(number));
    };
    let this = NaiveDate::from_ymd_opt(today.year(), month, number).filter(|one| *one >= today);
    this.or_else(|| NaiveDate::from_ymd_opt(today.year() + 1, month, number))
}

fn month(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    (1..).zip(MONTHS).find(|(_, name)| *name == word).map(|(number, _)| number)
}

/// A day of the month, and whether it was said as one ("third", "21st").
fn ordinal(words: &[&str]) -> Option<(u32, bool)> {
    const FIRST: [&str; 19] = [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
    ];
    let of_word = |word: &str| (1..).zip(FIRST).find(|(_, name)| *name == word).map(|(number, _)| number);
    let valid = |number: u32| (1..=31).contains(&number).then_some(number);
    match words {
        ["twentieth"] => return Some((20, true)),
        ["thirtieth"] => return Some((30, true)),
        ["twenty", ones] if of_word(ones).is_some_and(|ones| ones < 10) => return Some((20 + of_word(ones)?, true)),
        ["thirty", "first"] => return Some((31, true)),
        [word] if of_word(word).is_some() => return Some((of_word(word)?, true)),
        [word] => {
            let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let ending = word.get(digits.len()..)?;
            if !digits.is_empty() && matches!(ending, "st" | "nd" | "rd" | "th") {
                return Some((digits.parse().ok().and_then(valid)?, true));
            }
        }
        _ => {}
    }
    let value = number(&words.join(" ")).filter(|value| value.fract() == 0.0 && (1.0..=31.0).contains(value))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 31")]
    Some((value as u32, false))
}
