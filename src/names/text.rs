//! Written names and heard words in their plain forms: letters only for what is exact, sounds for what is alike.

use super::sound::Phone;
use super::spelling;

/// Words that carry nothing in a name.
const ARTICLES: &[&str] = &["the", "a", "an"];
/// The most sounds of a name or of heard words that are compared; a name of 120 letters may have more.
pub(super) const SOUNDS_MAX: usize = 64;

/// Letters and digits only, lower-case, accents dropped, articles left out (unless nothing else is there).
#[must_use]
pub fn squash(words: &str) -> String {
    plain_words(words).concat()
}

/// The words in small letters and digits, without accents, possessives and articles (unless nothing else is there).
pub(super) fn plain_words(words: &str) -> Vec<String> {
    let parts: Vec<String> = parts(words).collect();
    let telling = |part: &&String| !is_article(part);
    if parts.iter().any(|part| telling(&part)) {
        parts.into_iter().filter(|part| telling(&part)).collect()
    } else {
        parts
    }
}

/// The same with the articles.
pub(super) fn parts(words: &str) -> impl Iterator<Item = String> {
    let lower = words.to_lowercase();
    let parts: Vec<String> = lower
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .map(|part| part.strip_suffix("'s").or_else(|| part.strip_suffix("’s")).unwrap_or(part))
        .map(|part| part.chars().filter(|c| c.is_alphanumeric()).map(plain).collect())
        .filter(|part: &String| !part.is_empty())
        .map(|part| ordinal(&part).map_or(part, str::to_owned))
        .collect();
    parts.into_iter()
}

pub(super) fn is_article(part: &str) -> bool {
    ARTICLES.contains(&part)
}

/// "3rd", as the recogniser writes it, and "third" are one.
fn ordinal(word: &str) -> Option<&'static str> {
    const WRITTEN: [&str; 10] = ["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th"];
    const SAID: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    WRITTEN.iter().position(|one| *one == word).and_then(|at| SAID.get(at).copied())
}

fn plain(letter: char) -> char {
    match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ł' => 'l',
        'ś' | 'š' => 's',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

/// The sounds of plain words, at most [`SOUNDS_MAX`].
pub(super) fn sounds_of(words: &[String]) -> Vec<Phone> {
    let mut out = Vec::new();
    for word in words {
        let mut rest = word.as_str();
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c: char| c.is_ascii_digit() != first.is_ascii_digit()).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            if first.is_ascii_digit() {
                for word in read_number(piece).split(' ') {
                    spelling::of_word(&word.chars().collect::<Vec<_>>(), &mut out);
                }
            } else {
                spelling::of_word(&piece.chars().collect::<Vec<_>>(), &mut out);
            }
            rest = after;
        }
    }
    out.truncate(SOUNDS_MAX);
    out
}

/// The numbers from 0 to 19 in words.
pub const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
/// The tens from 20 to 90 in words, each at the place of its tenth.
pub const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// The sounds of a respelling; a consonant alone is its sound there, unless all are letters ("x q z t").
pub(super) fn sounds_of_respelling(syllables: &[String]) -> Vec<Phone> {
    let lone = |one: &String| one.len() == 1 && !one.starts_with(['a', 'e', 'i', 'o', 'u', 'y']);
    if syllables.iter().all(|one| one.len() == 1) {
        return sounds_of(syllables);
    }
    let mut out = Vec::new();
    for syllable in syllables {
        if lone(syllable) {
            spelling::of_sound(syllable.chars().next().unwrap_or_default(), &mut out);
        } else {
            out.extend(sounds_of(std::slice::from_ref(syllable)));
        }
    }
    out.truncate(SOUNDS_MAX);
    out
}

/// A number as it is read aloud in a name: up to 99 as a number, longer ones digit by digit.
pub(super) fn read_number(digits: &str) -> String {
    let small = digits.parse::<usize>().ok().filter(|_| digits.len() <= 2 && !digits.starts_with('0'));
    let word = |at: usize| ONES.get(at).copied().unwrap_or_default();
    match small {
        Some(number) if number < 20 => word(number).to_owned(),
        Some(number) => {
            let tens = TENS.get(number / 10).copied().unwrap_or_default();
            if number % 10 == 0 { tens.to_owned() } else { format!("{tens} {}", word(number % 10)) }
        }
        None => read_digits(digits),
    }
}

/// A number digit by digit: "four zero four".
pub(super) fn read_digits(digits: &str) -> String {
    let words = digits.chars().filter_map(|c| c.to_digit(10)).filter_map(|one| ONES.get(one as usize).copied());
    words.collect::<Vec<_>>().join(" ")
}

/// The numbers among plain words, digit by digit: "seventy seven", "seven seven" and "77" are one.
pub(super) fn digits_of<W: AsRef<str>>(words: &[W]) -> String {
    let mut out = String::new();
    let mut tens = false;
    for word in words.iter().map(AsRef::as_ref) {
        let digits: String = word.chars().filter(char::is_ascii_digit).collect();
        if !digits.is_empty() {
            out.push_str(&digits);
            tens = false;
            continue;
        }
        let one = ONES.iter().position(|one| *one == word);
        let ten = TENS.iter().position(|ten| !word.is_empty() && *ten == word);
        match (one, ten) {
            // "Seventy seven": the seven takes the place of the nought.
            (Some(number), _) => {
                if tens && (1..10).contains(&number) {
                    out.pop();
                }
                out.push_str(&number.to_string());
                tens = false;
            }
            (None, Some(ten)) => {
                out.push_str(&(ten * 10).to_string());
                tens = true;
            }
            _ if word == "hundred" && !out.is_empty() => out.push_str("00"),
            _ if word == "thousand" && !out.is_empty() => out.push_str("000"),
            _ => tens = false,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        for (digits, read) in
            [("7", "seven"), ("77", "seventy seven"), ("40", "forty"), ("07", "zero seven"), ("404", "four zero four")]
        {
            assert_eq!(read_number(digits), read);
        }
        for (words, digits) in [
            ("seventy seven", "77"),
            ("seven seven", "77"),
            ("77", "77"),
            ("three hundred crates", "300"),
            ("kestrel", ""),
        ] {
            assert_eq!(digits_of(&plain_words(words)), digits, "{words}");
        }
    }

    #[test]
    fn articles_and_accents_fall_away() {
        for (words, squashed) in [("The Dark-Star's", "darkstar"), ("Zoë", "zoe"), ("the", "the"), ("", "")] {
            assert_eq!(squash(words), squashed, "{words}");
        }
    }
}
