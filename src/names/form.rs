//! The forms a name is known in, and how alike a form and the heard words are.

use rphonetic::{DoubleMetaphone, Encoder};

use super::distance::Pattern;
use super::{Entry, is_ordinary};
use crate::domain::Kind;

/// How much an exact match of a short form ("Nightfall") is worth, so that a full name stays ahead of it.
const SHORT_FORM_WEIGHT: f32 = 0.96;
/// How much one telling word of a task's or an objective's name is worth ("the beacons"). It has to be that very word.
pub(super) const TELLING_WORD_WEIGHT: f32 = 0.9;
/// The shortest telling word, in letters.
const TELLING_LETTERS_MIN: usize = 4;
/// How much the stored respelling is worth, so that a name that is written so stays ahead of one that only sounds so.
const RESPELLED_WEIGHT: f32 = 0.995;
/// How much letters count beside sound codes.
const LETTERS_SHARE: f32 = 0.6;
/// The longest sound code compared; the usual four sounds are too few for a task's name.
const CODE_CHARS_MAX: usize = 16;
/// Words that carry nothing in a name.
const ARTICLES: &[&str] = &["the", "a", "an"];
/// Words in front of a proper name that people leave out.
const TITLES: &[&str] = &["operation", "project", "mission", "objective", "task", "squad", "team", "wing", "group"];

/// Encodes words into sound codes.
#[derive(Debug)]
pub(super) struct Sounds(DoubleMetaphone);

impl Default for Sounds {
    fn default() -> Self {
        Self(DoubleMetaphone::new(Some(CODE_CHARS_MAX)))
    }
}

/// Some words, prepared for comparison.
#[derive(Debug, Clone)]
pub(super) struct Sounding {
    /// Letters and digits only, lower-case, articles left out.
    squashed: String,
    /// The same with letters that sound alike made one.
    folded: Vec<char>,
    code: Vec<char>,
    /// A bit for every letter or digit that occurs in `folded`.
    letters: u64,
    /// The digits alone.
    digits: String,
}

impl Sounding {
    pub(super) fn new(words: &str, sounds: &Sounds) -> Self {
        let squashed = squash(words);
        let folded: Vec<char> = fold(&squashed);
        // The encoder knows the letters of English only, and stumbles over others.
        let english: String = spell_digits(&squashed).chars().filter(char::is_ascii_alphabetic).collect();
        let code = sounds.0.encode(&english).chars().collect();
        let letters = folded.iter().fold(0, |set, letter| set | bit(*letter));
        let digits = digits(&squashed);
        Self { squashed, folded, code, letters, digits }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.squashed.is_empty()
    }
}

/// One way a name is said.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) entry: usize,
    pub(super) kind: Kind,
    sounding: Sounding,
    weight: f32,
}

impl Form {
    /// Whether only the same letters count, because so short a form is too easily like another word.
    fn is_exact_only(&self) -> bool {
        self.weight <= TELLING_WORD_WEIGHT
    }

    /// A cheap bound: `false` when the score certainly stays below `least`.
    pub(super) fn may_reach(&self, heard: &Heard, least: f32) -> bool {
        let heard = &heard.sounding;
        let (a, b) = (self.sounding.folded.len(), heard.folded.len());
        let longer = a.max(b);
        if longer == 0 {
            return false;
        }
        // Each letter that one side alone has costs at least one edit, two such letters at least one between them.
        let foreign = (self.sounding.letters ^ heard.letters).count_ones() as usize;
        let edits = a.abs_diff(b).max(foreign.div_ceil(2));
        #[expect(clippy::cast_precision_loss, reason = "names are short")]
        let letters = 1.0 - edits as f32 / longer as f32;
        letters * LETTERS_SHARE + (1.0 - LETTERS_SHARE) >= least
    }

    /// Whether both are full names that sound the same, letter for letter.
    pub(super) fn is_said_like(&self, other: &Self) -> bool {
        self.weight >= RESPELLED_WEIGHT
            && other.weight >= RESPELLED_WEIGHT
            && self.sounding.squashed == other.sounding.squashed
    }

    /// How alike, 0 to 1; some number below `least` when it is certain to be below.
    pub(super) fn score(&self, heard: &Heard, least: f32) -> f32 {
        if heard.sounding.squashed == self.sounding.squashed {
            return self.weight;
        }
        // "Haul 300 Crates" is not a misheard "Haul 200 Crates".
        let counts = (&self.sounding.digits, &heard.sounding.digits);
        if self.is_exact_only() || (!counts.0.is_empty() && !counts.1.is_empty() && counts.0 != counts.1) {
            return 0.0;
        }
        let letters = heard.letters.likeness(&self.sounding.folded);
        let most = letters * LETTERS_SHARE + (1.0 - LETTERS_SHARE);
        if most < least {
            return most;
        }
        let alike = letters * LETTERS_SHARE + heard.code.likeness(&self.sounding.code) * (1.0 - LETTERS_SHARE);
        // Only the same letters are an exact name.
        alike.min(0.985) * self.weight
    }
}

/// Words that were heard, prepared to be compared with every form.
#[derive(Debug)]
pub(super) struct Heard {
    sounding: Sounding,
    letters: Pattern,
    code: Pattern,
}

impl Heard {
    pub(super) fn new(words: &str, sounds: &Sounds) -> Self {
        let sounding = Sounding::new(words, sounds);
        let (letters, code) = (Pattern::new(&sounding.folded), Pattern::new(&sounding.code));
        Self { sounding, letters, code }
    }

    /// How many letters there are.
    pub(super) fn letters(&self) -> usize {
        self.sounding.folded.len()
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Letters and digits only, lower-case, accents dropped, articles left out (unless nothing else is there).
#[must_use]
pub fn squash(words: &str) -> String {
    let lower = words.to_lowercase();
    let parts: Vec<String> = lower
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .map(|part| part.strip_suffix("'s").or_else(|| part.strip_suffix("’s")).unwrap_or(part))
        .map(|part| part.chars().filter(|c| c.is_alphanumeric()).map(plain).collect())
        .filter(|part: &String| !part.is_empty())
        .collect();
    let kept: String = parts.iter().filter(|part| !ARTICLES.contains(&part.as_str())).map(String::as_str).collect();
    if kept.is_empty() { parts.concat() } else { kept }
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

fn bit(letter: char) -> u64 {
    match letter {
        'a'..='z' => 1 << (u32::from(letter) - u32::from('a')),
        '0'..='9' => 1 << (26 + u32::from(letter) - u32::from('0')),
        _ => 1 << 40,
    }
}

/// Makes letters that sound alike one, so that "castrel" and "kestrel" differ in a vowel only.
fn fold(squashed: &str) -> Vec<char> {
    let text = squashed.replace("ph", "f").replace("ck", "k").replace("qu", "kw").replace("gh", "g").replace('x', "ks");
    let letters: Vec<char> = text.chars().collect();
    let mut out: Vec<char> = Vec::with_capacity(letters.len());
    for (at, letter) in letters.iter().copied().enumerate() {
        let next = letters.get(at + 1).copied();
        let folded = match letter {
            'c' if matches!(next, Some('e' | 'i' | 'y')) => 's',
            'c' | 'q' => 'k',
            'z' => 's',
            'y' => 'i',
            'v' if next.is_none() => 'f',
            other => other,
        };
        if out.last() != Some(&folded) {
            out.push(folded);
        }
    }
    out
}

/// Sound codes know letters only; a digit is spelled by its first sounds.
fn spell_digits(text: &str) -> String {
    const SPELLED: [&str; 10] = ["zero", "wun", "too", "three", "for", "five", "siks", "seven", "ate", "nine"];
    text.chars()
        .map(|c| {
            let digit = c.to_digit(10).and_then(|digit| SPELLED.get(digit as usize));
            digit.map_or_else(|| c.to_string(), |word| (*word).to_owned())
        })
        .collect()
}

/// Every way the entry's name is said.
pub(super) fn forms_of(at: usize, entry: &Entry, sounds: &Sounds) -> Vec<Form> {
    let mut said: Vec<(String, f32)> = vec![(entry.name.clone(), 1.0)];
    let speakable = speakable(&entry.name);
    if squash(&speakable) != squash(&entry.name) {
        said.push((speakable, RESPELLED_WEIGHT));
    }
    for one in entry.phonetic.iter().flat_map(|all| all.split(';')).map(str::trim).filter(|one| !one.is_empty()) {
        said.push((one.strip_prefix("ipa:").map_or_else(|| one.to_owned(), from_ipa), RESPELLED_WEIGHT));
    }
    said.extend(short_forms(entry).into_iter().map(|short| (short, SHORT_FORM_WEIGHT)));
    said.extend(telling_words(entry).into_iter().map(|word| (word, TELLING_WORD_WEIGHT)));
    let mut forms: Vec<Form> = Vec::with_capacity(said.len());
    for (text, weight) in said {
        let sounding = Sounding::new(&text, sounds);
        let known = forms.iter().any(|form| form.sounding.squashed == sounding.squashed);
        if !known && !sounding.is_empty() {
            forms.push(Form { entry: at, kind: entry.kind, sounding, weight });
        }
    }
    forms
}

/// The name as the recogniser would write it: gamer spelling made speakable, everything else as it stands.
pub(super) fn said(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphabetic() || c.is_whitespace() || matches!(c, '\'' | '-'));
    if plain { name.to_owned() } else { speakable(name).trim().to_owned() }
}

/// "xX_D4rkSt4r_Xx" as one would say it: "dark star".
fn speakable(name: &str) -> String {
    let trimmed = name.trim_matches('_');
    let core = ["xX", "Xx", "XX", "xx"]
        .iter()
        .find_map(|frame| {
            let inner = trimmed.strip_prefix(frame)?;
            let end = inner.len().checked_sub(2)?;
            inner.get(end..).filter(|tail| tail.eq_ignore_ascii_case("xx")).and_then(|_| inner.get(..end))
        })
        .unwrap_or(trimmed);
    let mixed = core.chars().any(|c| c.is_ascii_digit()) && core.chars().any(char::is_alphabetic);
    let mut out = String::new();
    let letters: Vec<char> = core.chars().collect();
    for (at, letter) in letters.iter().copied().enumerate() {
        let before = at.checked_sub(1).and_then(|one| letters.get(one)).copied();
        let between = before.is_some_and(char::is_alphabetic) || letters.get(at + 1).is_some_and(|c| c.is_alphabetic());
        let decoded = match letter {
            '_' | '-' | '.' => ' ',
            '4' | '@' if mixed && between => 'a',
            '3' if mixed && between => 'e',
            '1' | '!' if mixed && between => 'i',
            '0' if mixed && between => 'o',
            '5' | '$' if mixed && between => 's',
            '7' if mixed && between => 't',
            other => other,
        };
        if letter.is_uppercase() && before.is_some_and(char::is_lowercase) {
            out.push(' ');
        }
        out.push(decoded);
    }
    out
}

/// The short forms people use: first and last name, a title left out.
fn short_forms(entry: &Entry) -> Vec<String> {
    let words: Vec<&str> = entry.name.split_whitespace().collect();
    let titled = |word: &&str| TITLES.contains(&word.to_lowercase().as_str());
    let mut out = Vec::new();
    if let [first, rest @ ..] = words.as_slice()
        && !rest.is_empty()
    {
        if titled(first) {
            out.push(rest.join(" "));
        }
        if let [start @ .., last] = words.as_slice()
            && titled(last)
        {
            out.push(start.join(" "));
        }
        if entry.kind == Kind::Member {
            out.extend(words.iter().filter(|word| word.chars().count() > 2).map(|word| (*word).to_owned()));
            let respelled = entry.phonetic.iter().flat_map(|all| all.split(';')).map(str::trim);
            out.extend(respelled.flat_map(|one| split_respelling(one, &words)));
        }
    }
    out
}

/// The words of a task's or an objective's name that are no everyday words.
fn telling_words(entry: &Entry) -> Vec<String> {
    let words: Vec<&str> = entry.name.split_whitespace().collect();
    if !matches!(entry.kind, Kind::Task | Kind::Objective) || words.len() < 2 {
        return Vec::new();
    }
    let telling = |word: &&&str| word.chars().count() >= TELLING_LETTERS_MIN && !is_ordinary(word);
    words.iter().filter(telling).map(|word| (*word).to_owned()).collect()
}

/// Divides the respelling of "Aoife Brannigan" ("ee fa bran i gan") between its two names, by the share of letters.
fn split_respelling(respelling: &str, words: &[&str]) -> Vec<String> {
    let syllables: Vec<&str> = respelling.split_whitespace().collect();
    let ([first, last], true) = (words, syllables.len() >= 2 && !respelling.starts_with("ipa:")) else {
        return Vec::new();
    };
    let total: usize = syllables.iter().map(|one| one.len()).sum();
    let share = total * first.len() / (first.len() + last.len()).max(1);
    let mut so_far = 0;
    let cut = syllables.iter().position(|one| {
        so_far += one.len();
        so_far >= share
    });
    let cut = cut.map_or(1, |at| at + 1).clamp(1, syllables.len() - 1);
    let (head, tail) = syllables.split_at(cut);
    vec![head.join(" "), tail.join(" ")]
}

/// A rough respelling of an IPA form, enough to compare by sound.
fn from_ipa(ipa: &str) -> String {
    ipa.chars()
        .map(|sound| {
            match sound {
                'ə' | 'ʌ' | 'ɐ' | 'ɜ' | 'ɝ' | 'ɚ' => "u",
                'æ' | 'ɑ' | 'ɒ' => "a",
                'ɛ' => "e",
                'ɪ' => "i",
                'ɔ' => "o",
                'ʊ' => "u",
                'ʃ' => "sh",
                'ʒ' => "zh",
                'θ' | 'ð' => "th",
                'ŋ' => "ng",
                'ɹ' | 'ɾ' | 'ʁ' => "r",
                'j' => "y",
                'x' => "kh",
                'ɡ' => "g",
                'ˈ' | 'ˌ' | 'ː' | '.' | '/' | '[' | ']' => "",
                other => return other.to_string(),
            }
            .to_owned()
        })
        .collect()
}
