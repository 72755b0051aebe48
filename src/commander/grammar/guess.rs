//! What was misheard without being known for it: a word of a wording that was written as another that sounds like it.
//!
//! Only a guess, which has to be confirmed: at most two words are taken for others, every name has to be plain, and one
//! order has to be ahead of all others.

use uuid::Uuid;

use super::words::Words;
use super::{Grammar, Reading, Scope};
use crate::domain::Kind;
use crate::intent::{Action, Field};
use crate::names::{Entry, Match, Roster, is_ordinary};

/// The longest utterance that is guessed at, in words.
const WORDS_MAX: usize = 14;
/// How alike a word has to sound.
const ALIKE_MIN: f32 = 0.72;
/// The most words that a word is taken for.
const TAKEN_MAX: usize = 3;
/// The most readings that are tried.
const TRIES_MAX: usize = 120;
/// The least score of a name in a guessed order.
const NAME_MIN: f32 = 0.8;
/// How far the best guess has to be ahead.
const MARGIN_MIN: f32 = 0.02;

/// The words of all wordings in their order, to be found by sound.
pub(super) fn vocabulary<'w>(words: impl Iterator<Item = &'w String>) -> Roster {
    let entry = |word: &String| Entry {
        kind: Kind::Member,
        id: Uuid::nil(),
        name: word.clone(),
        phonetic: None,
        hint: String::new(),
        parent: None,
        open: true,
    };
    let mut all: Vec<&String> = words.filter(|word| word.len() > 2).collect();
    all.sort_unstable();
    all.dedup();
    Roster::new(all.into_iter().map(entry).collect())
}

impl Grammar {
    /// The one order that the words most likely were, when some of them were misheard.
    pub(super) fn guessed(&self, words: &Words, scope: &Scope<'_>) -> Option<Reading> {
        // What denies, doubts or tells is not guessed at.
        let told = words.plain.iter().any(|word| word.ends_with("ed"));
        let turned = told || words.plain.iter().any(|word| self.lists.is_guard(word));
        if words.len() > WORDS_MAX || words.len() < 3 || turned {
            return None;
        }
        let mut best: Vec<(f32, Reading)> = Vec::new();
        let mut tries = 0;
        let once = self.with_a_word_taken(words);
        let twice = once.iter().flat_map(|(likeness, other)| {
            self.with_a_word_taken(other).into_iter().map(move |(more, third)| (likeness * more, third))
        });
        for (likeness, other) in once.iter().cloned().chain(twice) {
            tries += 1;
            if tries > TRIES_MAX {
                break;
            }
            let Some(reading) = self.read_all(&other, scope).filter(|one| is_plain(one, scope)) else { continue };
            let score = reading.score * likeness;
            match best.iter_mut().find(|(_, one)| one.intents == reading.intents) {
                Some(known) => known.0 = known.0.max(score),
                None => best.push((score, reading)),
            }
        }
        best.sort_by(|a, b| b.0.total_cmp(&a.0));
        let next = best.get(1).map_or(0.0, |(score, _)| *score);
        let (score, reading) = best.into_iter().next()?;
        (score >= next + MARGIN_MIN).then_some(Reading { score, guessed: true, ..reading })
    }

    /// Every way in which one word, or two that belong together, is another word of the wordings; and the first word
    /// as an order's word that ran into a name ("petraid" for "put trade").
    fn with_a_word_taken(&self, words: &Words) -> Vec<(f32, Words)> {
        let mut found = Vec::new();
        for at in 0..words.len() {
            for length in 1..=2.min(words.len() - at) {
                let said = words.plain.get(at..at + length).unwrap_or_default();
                // An everyday word, or one of the wordings', was meant as it was said.
                if said.iter().any(|word| is_ordinary(word) && length == 1 || self.is_worded(word)) {
                    continue;
                }
                let said = said.concat();
                for (likeness, taken) in self.sounding_like(&said) {
                    let mut other = words.clone();
                    other.replace(at, length, &[taken]);
                    found.push((likeness, other));
                }
            }
        }
        if let Some(first) = words.plain.first().filter(|word| word.is_ascii() && word.len() > 5) {
            for cut in 2..=4 {
                let (head, tail) = first.split_at(cut);
                for (likeness, taken) in self.sounding_like(head) {
                    if self.lists.starts.contains(&taken) {
                        let mut other = words.clone();
                        other.replace(0, 1, &[taken, tail.to_owned()]);
                        found.push((likeness * 0.95, other));
                    }
                }
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found
    }

    /// Whether the word stands in a wording, as it is written.
    pub(super) fn is_worded(&self, word: &str) -> bool {
        self.vocabulary.entries().binary_search_by(|entry| entry.name.as_str().cmp(word)).is_ok()
    }

    fn sounding_like(&self, said: &str) -> Vec<(f32, String)> {
        let alike = self.vocabulary.alike(Kind::Member, said, ALIKE_MIN);
        let other = alike.into_iter().filter(|one| one.entry.name != said);
        other.take(TAKEN_MAX).map(|one| (one.score, one.entry.name.clone())).collect()
    }
}

/// Whether every name in the orders is plain, and nothing in them is free to be anything.
fn is_plain(reading: &Reading, scope: &Scope<'_>) -> bool {
    let named = |kind: Kind, words: &str| match scope.roster.resolve(kind, words) {
        Match::One(one) => one.score >= NAME_MIN,
        Match::Several(_) | Match::Unknown(_) => crate::intent::is_speaker(words),
    };
    let mut names = 0;
    let fits = reading.intents.iter().all(|intent| {
        intent.action != Action::SquadDisband
            && intent.action.is_change()
            && intent.fields.iter().all(|(field, words)| {
                let kind = match field {
                    Field::Objective => Kind::Objective,
                    Field::Task => Kind::Task,
                    Field::Member | Field::Lead => Kind::Member,
                    Field::Squad => Kind::Squad,
                    Field::Category => Kind::Category,
                    Field::Rank => Kind::Rank,
                    Field::Name | Field::Brief | Field::Description | Field::Message => return false,
                    Field::Text => return words == "leave",
                    _ => return true,
                };
                names += 1;
                named(kind, words)
            })
    });
    fits && names > 0
}
