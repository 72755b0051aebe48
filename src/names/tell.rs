//! What the roster makes of words, told in full: for somebody who wonders why a name is not understood.

use super::form::Sounding;
use super::{Match, RIVAL_MIN, Roster, sound};
use crate::domain::Kind;

/// What would happen to words where a name of a kind is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The first candidate is taken.
    Taken,
    /// The program asks which candidate is meant.
    Asked,
    /// Nobody is near enough; the program says so, and names whoever comes close.
    Unknown,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Told {
    /// The stored name.
    pub name: String,
    /// What tells it from others of the name.
    pub hint: String,
    /// The probability that it is meant, 0 to 1, next to all others.
    pub score: f32,
    /// The same by itself, as if there were no others.
    pub alone: f32,
    /// The form of the name that fits best, as it would be written.
    pub form: String,
    /// The sounds of that form, in the signs of `spelling.txt`.
    pub sounds: String,
}

/// What words come to, for one kind.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Telling {
    /// The kind that was expected.
    pub kind: Kind,
    /// The words.
    pub heard: String,
    /// Their sounds, in the signs of `spelling.txt`.
    pub sounds: String,
    /// What would happen.
    pub fate: Fate,
    /// The candidates, best first.
    pub candidates: Vec<Told>,
}

impl Roster {
    /// What these words come to where a name of this kind is expected, with at most `most` candidates.
    #[must_use]
    pub fn tell(&self, kind: Kind, words: &str, most: usize) -> Telling {
        let alone = self.alike(kind, words, RIVAL_MIN);
        let (fate, candidates) = match self.resolve(kind, words) {
            Match::One(one) => (Fate::Taken, vec![one]),
            Match::Several(several) => (Fate::Asked, several),
            Match::Unknown(near) => (Fate::Unknown, near),
        };
        let mut told: Vec<Told> = Vec::new();
        for one in candidates.iter().chain(&alone) {
            if told.len() >= most
                || told.iter().any(|known| known.name == one.entry.name && known.hint == one.entry.hint)
            {
                continue;
            }
            let own =
                alone.iter().find(|other| std::ptr::eq(other.entry, one.entry)).map_or(one.score, |own| own.score);
            // Whoever is beside one that was taken has what that one left.
            let listed = candidates.iter().any(|other| std::ptr::eq(other.entry, one.entry));
            let left = 1.0 - candidates.first().map_or(0.0, |best| best.score);
            let score = if listed { one.score } else { own.min(left) };
            let (form, sounds) = self.best_form(kind, words, one.entry);
            let (name, hint) = (one.entry.name.clone(), one.entry.hint.clone());
            told.push(Told { name, hint, score, alone: own, form, sounds });
        }
        Telling { kind, heard: words.to_owned(), sounds: super::sounds(words), fate, candidates: told }
    }

    /// The form of an entry that the words fit best, and its sounds.
    fn best_form(&self, kind: Kind, words: &str, entry: &super::Entry) -> (String, String) {
        let said: Vec<&str> = words.split_whitespace().collect();
        let bare = self.without_kind(kind, &said).and_then(|bare| said.get(bare));
        let ways = [Some(words.to_owned()), bare.map(|bare| bare.join(" "))];
        let mut best = (0.0, String::new(), String::new());
        for heard in ways.into_iter().flatten().map(|way| Sounding::new(&way)) {
            for form in self.forms.iter().filter(|form| std::ptr::eq(self.entry_of(form), entry)) {
                let exact = !heard.squashed.is_empty() && form.sounding.squashed == heard.squashed;
                let score = if exact { form.weight } else { form.score(&heard, form.cost(&heard)) };
                if score > best.0 {
                    best = (score, form.words.clone(), sound::signs(&form.sounding.phones));
                }
            }
        }
        (best.1, best.2)
    }
}
