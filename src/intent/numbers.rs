//! Pure: numbers as people say and write them.

use crate::names::{ONES, TENS};

/// The most words of a number.
const WORDS_MAX: usize = 12;
/// The greatest number that is understood.
const NUMBER_MAX: f64 = 1e15;

/// Splits into lower-case words; punctuation falls away, except the point inside a number.
pub(super) fn words(text: &str) -> Vec<String> {
    // Nothing here is ever below zero: a minus is kept, so that it is no number.
    format!(" {}", text.to_lowercase())
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

pub(super) fn digit(word: &str) -> Option<u32> {
    Some(match word {
        "oh" | "nought" | "o" => 0,
        "won" => 1,
        "tree" => 3,
        "fower" => 4,
        "fife" => 5,
        "ait" => 8,
        "niner" => 9,
        _ => return (0..10).zip(ONES).find(|(_, one)| *one == word).map(|(value, _)| value),
    })
}

fn teen(word: &str) -> Option<u32> {
    (0..).zip(ONES).skip(10).find(|(_, one)| *one == word).map(|(value, _)| value)
}

fn tens(word: &str) -> Option<u32> {
    if word == "fourty" {
        return Some(40);
    }
    (0..).zip(TENS).skip(2).find(|(_, one)| *one == word).map(|(value, _)| value * 10)
}

fn scale(word: &str) -> Option<f64> {
    Some(match word {
        "hundred" | "hundreds" => 1e2,
        "thousand" | "k" | "grand" | "thousands" => 1e3,
        "million" | "mil" | "m" | "millions" => 1e6,
        "billion" | "bil" => 1e9,
        _ => return None,
    })
}

/// A number as it is spoken or written: "five hundred", "seven five", "niner", "one point five k", "2.5", "1,500",
/// "200k", "a hundred", "half a million", "two and a half thousand", "a couple of", "a dozen". Never below zero.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    number_of(&words(text)).filter(|value| value.is_finite() && *value <= NUMBER_MAX)
}

fn number_of(all: &[String]) -> Option<f64> {
    if all.is_empty() || all.len() > WORDS_MAX {
        return None;
    }
    let plain: Vec<&str> = all.iter().map(String::as_str).collect();
    plain_number(&plain).or_else(|| in_pieces(&plain))
}

/// Pieces of a scale ("half a million"), counts by name ("a couple of thousand") and halves ("two and a half thousand").
fn in_pieces(words: &[&str]) -> Option<f64> {
    // "a couple of" leaves its "of" behind.
    let words = words.strip_suffix(&["of"]).filter(|rest| rest.ends_with(&["couple"])).unwrap_or(words);
    let scales = words.iter().rev().take_while(|word| scale(word).is_some()).count();
    let (head, tail) = words.split_at(words.len() - scales);
    let factor: f64 = tail.iter().filter_map(|word| scale(word)).product();
    let of = head.strip_suffix(&["of", "a"]).or_else(|| head.strip_suffix(&["of"])).unwrap_or(head);
    let count = match of {
        ["couple"] | ["a", "couple"] => Some(2.0),
        ["dozen"] | ["a", "dozen"] => Some(12.0),
        ["half", "a", "dozen"] | ["half", "dozen"] => Some(6.0),
        [count @ .., "dozen"] => plain_number(count).map(|count| count * 12.0),
        _ => None,
    };
    if let Some(count) = count {
        return Some(count * factor);
    }
    if let Some((whole, part)) = with_part(head) {
        return Some((whole + part) * factor);
    }
    // "half a million": without a scale it is a share, not a number.
    let part = head.strip_suffix(&["a"]).filter(|rest| rest.last() != Some(&"of")).unwrap_or(of);
    (scales > 0).then(|| part_of(part)).flatten().map(|part| part * factor)
}

/// "two and a half", "one and three quarters".
fn with_part(words: &[&str]) -> Option<(f64, f64)> {
    let at = words.iter().rposition(|word| *word == "and")?;
    let (whole, part) = words.split_at(at);
    Some((plain_number(whole)?, part_of(part.get(1..)?)?))
}

/// "half", "a quarter", "two thirds", "nine tenths": less than one.
fn part_of(words: &[&str]) -> Option<f64> {
    let (count, name) = match words {
        ["a" | "one", name] | [name] => (1.0, *name),
        [count, name] => (plain_number(&[count])?, *name),
        _ => return None,
    };
    let parts = match name.strip_suffix('s').unwrap_or(name) {
        "half" | "halve" => 2.0,
        "third" => 3.0,
        "quarter" => 4.0,
        "fifth" => 5.0,
        "sixth" => 6.0,
        "eighth" => 8.0,
        "tenth" => 10.0,
        _ => return None,
    };
    // "A third" alone, but "thirds" only counted.
    let counted = words.len() == 2 || matches!(name, "half" | "quarter");
    (counted && count < parts).then_some(count / parts)
}

/// A share in percent, from words without a number of percent: "half", "three quarters", "a third".
pub(super) fn share(all: &[String]) -> Option<f64> {
    let plain: Vec<&str> = all.iter().map(String::as_str).collect();
    let plain = plain.strip_suffix(&["way"]).or_else(|| plain.strip_suffix(&["of", "the", "way"])).unwrap_or(&plain);
    part_of(plain).map(|part| part * 100.0)
}

fn plain_number(words: &[&str]) -> Option<f64> {
    if let [single] = words
        && let Some(value) = written(single)
    {
        return Some(value);
    }
    if let Some(value) = digits_one_by_one(words) {
        return Some(value);
    }
    let (mut total, mut group, mut seen, mut last) = (0.0_f64, 0.0_f64, false, u8::MAX);
    let mut rest = words.iter().copied().peekable();
    while let Some(word) = rest.next() {
        // `last` holds what may still follow: 3 anything, 2 a ten or below, 1 a digit, 0 only a scale.
        if word == "and" || word == "a" || word == "an" {
            let fits = (word == "and") == seen;
            // "a hundred" is one, "a five" is none.
            let counts = word == "and" || rest.peek().is_some_and(|next| scale(next).is_some());
            if !fits || !counts || rest.peek().is_none() {
                return None;
            }
        } else if word == "point" {
            let tail: Vec<&str> = rest.by_ref().collect();
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

/// "500", "2.5", "200k", "3m".
fn written(word: &str) -> Option<f64> {
    let (body, factor) = match (word.strip_suffix('k'), word.strip_suffix('m')) {
        (Some(body), _) => (body, 1e3),
        (_, Some(body)) => (body, 1e6),
        _ => (word, 1.0),
    };
    let plain = !body.is_empty() && body.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value: f64 = plain.then(|| body.parse().ok())??;
    (value.is_finite() && value <= NUMBER_MAX).then_some(value * factor)
}

fn one_digit(word: &str) -> Option<u32> {
    digit(word).or_else(|| word.parse::<u32>().ok().filter(|one| *one < 10 && word.len() == 1))
}

/// "seven five" is 75, "one two zero" is 120: the radio's way.
fn digits_one_by_one(words: &[&str]) -> Option<f64> {
    if words.len() < 2 {
        return None;
    }
    words.iter().try_fold(0.0, |sum, word| Some(sum * 10.0 + f64::from(one_digit(word)?)))
}

/// What follows "point": digits, and perhaps a scale. Answers the fraction and the factor.
fn fraction(words: &[&str]) -> Option<(f64, f64)> {
    let (digits, factor) = match words.split_last() {
        Some((last, rest)) if scale(last).is_some() => (rest, scale(last)?),
        _ => (words, 1.0),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0.0;
    let mut place = 0.1;
    // "twenty five" after the point is two digits.
    let two = match digits {
        [ten, one] => tens(ten).zip(one_digit(one)).map(|(ten, one)| f64::from(ten + one) / 100.0),
        [ten] => tens(ten).map(|ten| f64::from(ten) / 100.0),
        _ => None,
    };
    if let Some(value) = two {
        return Some((value, factor));
    }
    for word in digits {
        value += f64::from(one_digit(word)?) * place;
        place /= 10.0;
    }
    Some((value, factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_spoken() {
        for (text, expected) in [
            ("500", Some(500.0)),
            ("1,500", Some(1500.0)),
            ("2.5k", Some(2500.0)),
            ("3m", Some(3e6)),
            ("five hundred", Some(500.0)),
            ("twelve hundred", Some(1200.0)),
            ("one hundred and twenty", Some(120.0)),
            ("niner", Some(9.0)),
            ("fower fife", Some(45.0)),
            ("seven five", Some(75.0)),
            ("one two zero", Some(120.0)),
            ("five oh oh", Some(500.0)),
            ("one point five k", Some(1500.0)),
            ("two point seven five", Some(2.75)),
            ("two million three hundred thousand", Some(2_300_000.0)),
            ("half a million", Some(500_000.0)),
            ("a quarter of a million", Some(250_000.0)),
            ("three quarters of a million", Some(750_000.0)),
            ("a couple of", Some(2.0)),
            ("a couple of thousand", Some(2000.0)),
            ("a dozen", Some(12.0)),
            ("two dozen", Some(24.0)),
            ("half a dozen", Some(6.0)),
            ("two and a half thousand", Some(2500.0)),
            ("one and a half million", Some(1.5e6)),
            ("two and a half", Some(2.5)),
            ("a hundred", Some(100.0)),
            ("fifty k", Some(50_000.0)),
            ("half", None),
            ("a five", None),
            ("minus five", None),
            ("-5", None),
            ("twenty thirty", None),
            ("some", None),
            ("", None),
            ("of", None),
            ("and a half", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(crate::intent::fuzz_cases()))]

        #[test]
        fn any_words_are_survived_and_no_number_is_below_zero(text in "\\PC{0,60}") {
            proptest::prop_assert!(number(&text).is_none_or(|value| (0.0..=NUMBER_MAX).contains(&value)), "{text}");
        }

        #[test]
        fn words_of_numbers_in_any_order_are_survived(words in proptest::collection::vec(proptest::sample::select(vec![
            "a", "half", "quarter", "of", "and", "point", "million", "k", "hundred", "five", "twenty", "twelve", "dozen",
            "couple", "3", "2.5k", "percent", "oh", "thirds", "minus",
        ]), 0..14)) {
            let text = words.join(" ");
            proptest::prop_assert!(number(&text).is_none_or(|value| (0.0..=NUMBER_MAX).contains(&value)), "{text}");
        }

        #[test]
        fn what_is_written_is_read_as_it_is(value in 0_u32..2_000_000_000) {
            proptest::prop_assert_eq!(number(&value.to_string()), Some(f64::from(value)));
        }
    }
}
