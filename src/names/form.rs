//! The forms a name is known in, and how likely heard words mean a form.

use super::handle;
use super::sound::{COSTS, Phone};
use super::spelling;
use super::text::{self, SOUNDS_MAX};
use super::{Entry, is_ordinary};
use crate::domain::Kind;

/// How much an exact match of a short form ("Nightfall") is worth, so that a full name stays ahead of it.
pub(super) const SHORT_FORM_WEIGHT: f32 = 0.94;
/// How much one telling word of a task's or an objective's name is worth ("the beacons"). It has to be that very word.
const TELLING_WORD_WEIGHT: f32 = 0.9;
/// The shortest telling word, in letters.
const TELLING_LETTERS_MIN: usize = 4;
/// How much the stored respelling is worth, so that a name that is written so stays ahead of one that only sounds so.
const RESPELLED_WEIGHT: f32 = 0.995;
/// The most that words are worth which are not the name letter for letter.
pub(super) const ALIKE_MAX: f32 = 0.985;
/// Words in front of a proper name that people leave out.
const TITLES: &[&str] = &["operation", "project", "mission", "objective", "task", "squad", "team", "wing", "group"];

/// The probability that words were said for a form, looking at nothing else, is
/// `1 / (1 + exp(-(BASE + PER_SOUND * sounds - PER_COST * cost)))`: `sounds` is how many the two have on average, `cost`
/// the distance of `confusions.txt` in units of an unrelated sound. Fitted by maximum likelihood; see `names` for how.
const BASE: f32 = -0.69;
const PER_SOUND: f32 = 1.35;
const PER_COST: f32 = 4.73;
/// A part of a name has to be heard so many times better than a name. Chosen, not fitted: the recordings hold few.
const PART_STRICTNESS: f32 = 1.4;

/// Some words, prepared for comparison.
#[derive(Debug, Clone)]
pub(super) struct Sounding {
    /// Letters and digits only, lower-case, articles left out.
    pub(super) squashed: String,
    pub(super) phones: Vec<Phone>,
    /// The numbers in it, one after the other.
    digits: String,
}

impl Sounding {
    pub(super) fn new(words: &str) -> Self {
        let words: Vec<Word> = words.split_whitespace().map(Word::new).collect();
        Self::joined(&words)
    }

    /// Of several words together; articles are left out, unless nothing else is there.
    pub(super) fn joined(words: &[Word]) -> Self {
        let parts = || words.iter().flat_map(|word| &word.parts);
        let telling = parts().any(|part| !text::is_article(&part.plain));
        let kept: Vec<&Part> = parts().filter(|part| !telling || !text::is_article(&part.plain)).collect();
        let mut phones: Vec<Phone> = Vec::new();
        for part in &kept {
            // One long consonant is said once, across words too.
            let merges = part.merges && part.phones.first() == phones.last();
            phones.extend(part.phones.iter().skip(usize::from(merges)));
        }
        phones.truncate(SOUNDS_MAX);
        let plain: Vec<&str> = kept.iter().map(|part| part.plain.as_str()).collect();
        Self { squashed: plain.concat(), phones, digits: text::digits_of(&plain) }
    }

    /// Of a respelling: a consonant alone among its syllables is a sound and no letter's name ("tie g").
    fn respelled(words: &str) -> Self {
        let mut out = Self::new(words);
        out.phones = text::sounds_of_respelling(&text::plain_words(words));
        out
    }

    /// Of a form that is written in IPA.
    fn of_ipa(ipa: &str) -> Self {
        let mut phones = spelling::of_ipa(ipa);
        phones.truncate(SOUNDS_MAX);
        Self { squashed: String::new(), phones, digits: String::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.squashed.is_empty() && self.phones.is_empty()
    }
}

/// One written word, prepared for comparison by itself and beside others.
#[derive(Debug)]
pub(super) struct Word {
    parts: Vec<Part>,
}

/// What stands between the signs of a written word.
#[derive(Debug)]
struct Part {
    /// In plain letters.
    plain: String,
    phones: Vec<Phone>,
    /// Whether its first sound and the same sound before it are one.
    merges: bool,
}

impl Word {
    pub(super) fn new(word: &str) -> Self {
        let part = |plain: String| {
            let phones = text::sounds_of(std::slice::from_ref(&plain));
            let letters: Vec<char> = plain.chars().take_while(|c| !c.is_ascii_digit()).collect();
            let merges = letters.is_empty() || !spelling::is_spelled_out(&letters);
            Part { plain, phones, merges }
        };
        Self { parts: text::parts(word).map(part).collect() }
    }

    /// Whether it is left out beside other words.
    pub(super) fn is_article(&self) -> bool {
        self.parts.iter().all(|part| text::is_article(&part.plain))
    }
}

/// One way a name is said.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) entry: usize,
    pub(super) kind: Kind,
    /// The words, as they would be written.
    pub(super) words: String,
    pub(super) sounding: Sounding,
    pub(super) weight: f32,
    /// Whether the name is said so in full, as far as the guild has told.
    said: bool,
}

impl Form {
    /// Whether it is one telling word.
    pub(super) fn is_word(&self) -> bool {
        self.weight <= TELLING_WORD_WEIGHT
    }

    /// Whether both are full names that sound the same.
    pub(super) fn is_said_like(&self, other: &Self) -> bool {
        let (a, b) = (&self.sounding, &other.sounding);
        let same = (!a.squashed.is_empty() && a.squashed == b.squashed) || a.phones == b.phones;
        self.said && other.said && same && a.digits == b.digits
    }

    /// The probability that the heard words mean this form, looking at nothing else, when hearing them for it costs so
    /// many hundredths; 0 when they cannot mean it.
    pub(super) fn score(&self, heard: &Sounding, cost: u16) -> f32 {
        let sounding = &self.sounding;
        // "Haul 300 Crates" is not a misheard "Haul 200 Crates".
        let other_number = !sounding.digits.is_empty() && !heard.digits.is_empty() && sounding.digits != heard.digits;
        // A telling word is so short a form that it is too easily like another word.
        if other_number || (self.is_word() && cost > 0) {
            return 0.0;
        }
        let strictness = if self.is_part() { PART_STRICTNESS } else { 1.0 };
        let odds =
            log_odds(sounding.phones.len(), heard.phones.len()) - strictness * PER_COST * f32::from(cost) / 100.0;
        (1.0 / (1.0 + (-odds).exp())).min(ALIKE_MAX).min(self.weight)
    }

    /// Whether it is only a part of the name.
    pub(super) fn is_part(&self) -> bool {
        self.weight <= SHORT_FORM_WEIGHT
    }

    /// What it costs to hear the words for it, in hundredths.
    pub(super) fn cost(&self, heard: &Sounding) -> u16 {
        COSTS.distance(&self.sounding.phones, &heard.phones)
    }
}

#[expect(clippy::cast_precision_loss, reason = "names are short")]
fn log_odds(said: usize, heard: usize) -> f32 {
    BASE + PER_SOUND * (said + heard) as f32 / 2.0
}

/// However long a name is, words that cost more hundredths than this are not it; the dearest that was right had 390.
const COST_MAX: f32 = 450.0;
/// The same where only what is sure is looked for.
const COST_SURE_MAX: f32 = 250.0;
/// From which least probability only what is sure is looked for.
const SURE_MIN: f32 = 0.5;

/// For each length of a form the most that the distance may be for a probability.
#[derive(Debug)]
pub(super) struct Limits([u16; SOUNDS_MAX + 1]);

impl Limits {
    /// For heard words of so many sounds, and the least probability that counts.
    pub(super) fn new(heard: usize, least: f32) -> Self {
        let needed = (least / (1.0 - least)).ln();
        let mut limits = [0; SOUNDS_MAX + 1];
        for (said, limit) in limits.iter_mut().enumerate() {
            let most = (log_odds(said, heard) - needed) / PER_COST * 100.0;
            let most = most.min(if least > SURE_MIN { COST_SURE_MAX } else { COST_MAX });
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
            let most = most.clamp(0.0, 10_000.0) as u16;
            *limit = most;
        }
        Self(limits)
    }

    /// The most for a form of so many sounds.
    pub(super) fn of(&self, said: usize) -> u16 {
        self.0.get(said).copied().unwrap_or(0)
    }
}

/// Every way the entry's name is said.
pub(super) fn forms_of(at: usize, entry: &Entry) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut add = |words: &str, sounding: Sounding, weight: f32, said: bool| {
        let same = |form: &&mut Form| {
            form.sounding.squashed == sounding.squashed && (!form.sounding.squashed.is_empty() || form.words == words)
        };
        match forms.iter_mut().find(same) {
            Some(known) => known.said |= said,
            None if sounding.is_empty() => {}
            None => forms.push(Form { entry: at, kind: entry.kind, words: words.to_owned(), sounding, weight, said }),
        }
    };
    let respellings: Vec<&str> =
        entry.phonetic.iter().flat_map(|all| all.split(';')).map(str::trim).filter(|one| !one.is_empty()).collect();
    let by_spelling = respellings.is_empty();
    let readings = handle::readings(&entry.name);
    add(&entry.name, Sounding::new(&entry.name), 1.0, by_spelling && readings.full.is_empty());
    for words in &readings.full {
        add(words, Sounding::new(words), RESPELLED_WEIGHT, by_spelling);
    }
    for words in respellings {
        match words.strip_prefix("ipa:") {
            Some(ipa) => add(words, Sounding::of_ipa(ipa), RESPELLED_WEIGHT, true),
            None => add(words, Sounding::respelled(words), RESPELLED_WEIGHT, true),
        }
    }
    for words in readings.short.iter().chain(&short_forms(entry)) {
        add(words, Sounding::new(words), SHORT_FORM_WEIGHT, false);
    }
    for words in &telling_words(entry) {
        add(words, Sounding::new(words), TELLING_WORD_WEIGHT, false);
    }
    forms
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
            let telling = |word: &&&str| word.chars().count() > 2 && word.chars().all(char::is_alphanumeric);
            out.extend(words.iter().filter(telling).map(|word| (*word).to_owned()));
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
