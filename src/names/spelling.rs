//! Written words → sounds, by the rules of `spelling.txt`; and the forms that are written in sounds (`ipa:`).

use std::sync::LazyLock;

use super::sound::{Phone, phone, phones_of};

/// The rules, as people read them.
const RULES: &str = include_str!("spelling.txt");
/// How the letters are called, for words that have no vowel to say them by.
const LETTER_NAMES: &[(char, &str)] = &[
    ('a', "E"),
    ('b', "bi"),
    ('c', "si"),
    ('d', "di"),
    ('e', "i"),
    ('f', "ef"),
    ('g', "Gi"),
    ('h', "EC"),
    ('i', "Y"),
    ('j', "GE"),
    ('k', "kE"),
    ('l', "el"),
    ('m', "em"),
    ('n', "en"),
    ('o', "o"),
    ('p', "pi"),
    ('q', "kju"),
    ('r', "Ar"),
    ('s', "es"),
    ('t', "ti"),
    ('u', "ju"),
    ('v', "vi"),
    ('w', "d@b@lju"),
    ('x', "eks"),
    ('y', "wY"),
    ('z', "zi"),
];
/// IPA signs and what they are here; two signs that are one sound come first.
const IPA: &[(&str, &str)] = &[
    ("tʃ", "C"),
    ("dʒ", "G"),
    ("t͡ʃ", "C"),
    ("d͡ʒ", "G"),
    ("ʧ", "C"),
    ("ʤ", "G"),
    ("eɪ", "E"),
    ("aɪ", "Y"),
    ("aʊ", "W"),
    ("ɔɪ", "J"),
    ("oʊ", "o"),
    ("əʊ", "o"),
    ("ɝ", "@r"),
    ("ɚ", "@r"),
    ("ɜː", "@r"),
    ("ɜ", "@"),
    ("ə", "@"),
    ("ʌ", "@"),
    ("ɐ", "@"),
    ("ɨ", "I"),
    ("iː", "i"),
    ("i", "i"),
    ("ɪ", "I"),
    ("y", "u"),
    ("ø", "@"),
    ("œ", "@"),
    ("e", "e"),
    ("ɛ", "e"),
    ("æ", "a"),
    ("a", "a"),
    ("ɑ", "A"),
    ("ɒ", "A"),
    ("ɔ", "O"),
    ("o", "o"),
    ("ʊ", "U"),
    ("u", "u"),
    ("ɹ", "r"),
    ("ɾ", "r"),
    ("ʁ", "r"),
    ("ʀ", "r"),
    ("r", "r"),
    ("ɫ", "l"),
    ("ɬ", "l"),
    ("l", "l"),
    ("ʎ", "lj"),
    ("ɲ", "nj"),
    ("ŋ", "N"),
    ("n", "n"),
    ("m", "m"),
    ("ɱ", "m"),
    ("θ", "T"),
    ("ð", "D"),
    ("ʃ", "S"),
    ("ʂ", "S"),
    ("ɕ", "S"),
    ("ʒ", "Z"),
    ("ʑ", "Z"),
    ("x", "k"),
    ("χ", "k"),
    ("ç", "h"),
    ("ɣ", "g"),
    ("ɡ", "g"),
    ("g", "g"),
    ("j", "j"),
    ("w", "w"),
    ("ʍ", "w"),
    ("β", "v"),
    ("ʋ", "v"),
    ("ɸ", "f"),
    ("p", "p"),
    ("b", "b"),
    ("t", "t"),
    ("d", "d"),
    ("k", "k"),
    ("c", "k"),
    ("q", "k"),
    ("f", "f"),
    ("v", "v"),
    ("s", "s"),
    ("z", "z"),
    ("h", "h"),
    ("ɦ", "h"),
];

#[derive(Debug)]
struct Rule {
    left: Vec<char>,
    letters: Vec<char>,
    right: Vec<char>,
    sounds: Vec<Phone>,
}

/// The rules by their first letter, in the order of the file.
static BY_LETTER: LazyLock<[Vec<Rule>; 26]> = LazyLock::new(|| {
    let mut by_letter: [Vec<Rule>; 26] = Default::default();
    for rule in RULES.lines().filter_map(parse) {
        let letter = rule.letters.first().and_then(|letter| place(*letter));
        if let Some(rules) = letter.and_then(|at| by_letter.get_mut(at)) {
            rules.push(rule);
        }
    }
    by_letter
});

/// One line of the file; none for a comment.
fn parse(line: &str) -> Option<Rule> {
    let line = line.trim();
    if line.starts_with('#') || line.is_empty() {
        return None;
    }
    let (pattern, sounds) = line.split_once(char::is_whitespace)?;
    let (left, rest) = pattern.split_once('(')?;
    let (letters, right) = rest.split_once(')')?;
    let sounds = if sounds.trim() == "-" { Vec::new() } else { phones_of(sounds.trim())? };
    Some(Rule {
        left: left.chars().collect(),
        letters: letters.chars().collect(),
        right: right.chars().collect(),
        sounds,
    })
}

fn place(letter: char) -> Option<usize> {
    letter.is_ascii_lowercase().then(|| letter as usize - 'a' as usize)
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// The sounds of one word of small English letters; other signs are passed over.
pub(super) fn of_word(word: &[char], out: &mut Vec<Phone>) {
    if is_spelled_out(word) {
        for letter in word {
            let name = LETTER_NAMES.iter().find(|(one, _)| one == letter);
            out.extend(name.and_then(|(_, sounds)| phones_of(sounds)).unwrap_or_default());
        }
        return;
    }
    let mut at = 0;
    while let Some(letter) = word.get(at) {
        let rules = place(*letter).and_then(|place| BY_LETTER.get(place));
        let rule = rules.into_iter().flatten().find(|rule| rule.fits(word, at));
        let (used, sounds) = rule.map_or((1, [].as_slice()), |rule| (rule.letters.len(), rule.sounds.as_slice()));
        for sound in sounds {
            // One long consonant is said once.
            if out.last() != Some(sound) {
                out.push(*sound);
            }
        }
        at += used;
    }
}

/// Whether a word is said letter by letter.
pub(super) fn is_spelled_out(word: &[char]) -> bool {
    let voiceless = !word.iter().any(|letter| is_vowel(*letter));
    voiceless || word.len() == 1 && word != ['a']
}

/// The sound a letter has where nothing else is known of it.
pub(super) fn of_sound(letter: char, out: &mut Vec<Phone>) {
    let rules = place(letter).and_then(|place| BY_LETTER.get(place));
    out.extend(rules.and_then(|rules| rules.last()).into_iter().flat_map(|rule| rule.sounds.iter().copied()));
}

impl Rule {
    fn fits(&self, word: &[char], at: usize) -> bool {
        let end = at + self.letters.len();
        word.get(at..end).is_some_and(|here| here == self.letters)
            && self.left.iter().rev().enumerate().all(|(back, sign)| {
                let letter = at.checked_sub(back + 1).and_then(|one| word.get(one));
                fits_sign(*sign, letter.copied(), '^')
            })
            && self.fits_right(word, end)
    }

    fn fits_right(&self, word: &[char], end: usize) -> bool {
        self.right.iter().enumerate().all(|(ahead, sign)| match sign {
            'M' => is_magic(word.get(end + ahead..).unwrap_or_default()),
            _ => fits_sign(*sign, word.get(end + ahead).copied(), '$'),
        })
    }
}

fn fits_sign(sign: char, letter: Option<char>, edge: char) -> bool {
    match (sign, letter) {
        ('^' | '$', None) => sign == edge,
        ('V', Some(letter)) => is_vowel(letter),
        ('C', Some(letter)) => !is_vowel(letter),
        ('E', Some(letter)) => matches!(letter, 'e' | 'i' | 'y'),
        (sign, Some(letter)) => sign == letter,
        (_, None) => false,
    }
}

/// One consonant and a final e that lengthens the vowel before: "ake", "akes", "aker", "aven".
fn is_magic(rest: &[char]) -> bool {
    let [consonant, 'e', ending @ ..] = rest else { return false };
    let ends = matches!(ending, [] | ['s' | 'd' | 'r' | 'n'] | ['r', 's'] | ['n', 's']);
    !is_vowel(*consonant) && *consonant != 'x' && ends
}

/// The sounds of an IPA form; signs of stress and length, and unknown ones, are passed over.
pub(super) fn of_ipa(ipa: &str) -> Vec<Phone> {
    let mut out = Vec::new();
    let mut rest = ipa;
    while let Some(first) = rest.chars().next() {
        let known = IPA.iter().find(|(sign, _)| rest.starts_with(sign));
        let used = known.map_or(first.len_utf8(), |(sign, _)| sign.len());
        out.extend(known.into_iter().flat_map(|(_, sounds)| sounds.chars().filter_map(phone)));
        rest = rest.get(used..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::sound::signs;

    #[test]
    fn every_line_of_the_rules_is_one() {
        let lines = RULES.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let bad: Vec<&str> = lines.filter(|line| parse(line).is_none()).collect();
        assert!(bad.is_empty(), "{bad:?}");
        // Every letter has a last rule that always fits.
        for (at, rules) in BY_LETTER.iter().enumerate() {
            let last = rules.last().map(|rule| (rule.letters.len(), rule.left.len() + rule.right.len()));
            assert_eq!(last, Some((1, 0)), "letter {at}");
        }
    }

    #[test]
    fn english_words_are_said() {
        for (word, said) in [
            ("knight", "nYt"),
            ("night", "nYt"),
            ("phantom", "fantAm"),
            ("kestrel", "kestr@l"),
            ("raven", "rEv@n"),
            ("quill", "kwIl"),
            ("echo", "eko"),
            ("x", "eks"),
            ("hq", "ECkju"),
            ("falcon", "falk@n"),
            ("fire", "fYr"),
            ("wraith", "rET"),
            ("", ""),
        ] {
            let mut out = Vec::new();
            of_word(&word.chars().collect::<Vec<_>>(), &mut out);
            assert_eq!(signs(&out), said, "{word}");
        }
    }

    #[test]
    fn ipa_is_read() {
        for (ipa, said) in
            [("ˈzoʊi", "zoi"), ("/ˈkwiːvə/", "kwiv@"), ("ʃɪˈvɔːn", "SIvOn"), ("tʃɜːtʃ", "C@rC"), ("", "")]
        {
            assert_eq!(signs(&of_ipa(ipa)), said, "{ipa}");
        }
    }
}
