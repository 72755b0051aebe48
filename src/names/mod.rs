//! Pure: words as they were heard × the guild's roster → who or what was meant.
//!
//! Every name is known in several *forms*: as written, as it would be said when it is written in gamer spelling, its
//! stored `phonetic` respellings, and the short forms people use ("Nightfall"). A candidate's score is how alike the
//! best form and the words are in letters and in sound; 1 is an exact name, and an exact name always wins.

mod distance;
mod form;
mod spot;

use uuid::Uuid;

use crate::domain::{Kind, Named, SquadId};
pub use form::squash;
pub use spot::{Mention, is_ordinary};

use form::{Form, Heard, Sounds};

/// The score from which a candidate is taken where a name of its kind is expected.
pub const TAKE_MIN: f32 = 0.74;
/// The same for long names, of which more may be misheard before another could be meant.
pub const TAKE_LONG_MIN: f32 = 0.68;
/// From how many letters a name is long.
const LONG_LETTERS: usize = 11;
/// How far the best candidate must be ahead of the next; closer is an ambiguity, and is asked about.
pub const MARGIN_MIN: f32 = 0.07;
/// The score below which a name that was typed, and so not misheard, is read back before anything is changed.
const TYPED_SURE_MIN: f32 = 0.86;
/// The score of a name that is written or respelled exactly so; it wins over whatever only comes close.
const EXACT_MIN: f32 = 0.99;
/// The score from which a candidate is worth naming in a question ("did you mean …?").
pub const SUGGEST_MIN: f32 = 0.55;
/// The most names a guild's roster holds.
pub const NAMES_MAX: usize = 20_000;

/// One thing of the guild that can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Where it is stored.
    pub id: Uuid,
    /// How the guild writes it.
    pub name: String,
    /// How it is said, when the spelling does not tell: respellings or `ipa:` forms, separated by `;`.
    pub phonetic: Option<String>,
    /// What tells it from another of the same name, as said in a question: "of Anvil", "in Operation Nightfall".
    pub hint: String,
    /// The objective, for a task.
    pub parent: Option<Uuid>,
    /// Whether it is still going on; of two of the same name, the one that is goes before the one that is over.
    pub open: bool,
}

/// Everything in a guild that can be named by voice, prepared for matching.
#[derive(Debug, Default)]
pub struct Roster {
    entries: Vec<Entry>,
    forms: Vec<Form>,
    sounds: Sounds,
}

/// A candidate for what was heard.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'r> {
    /// The entry.
    pub entry: &'r Entry,
    /// How alike, 0 to 1.
    pub score: f32,
}

/// What the roster makes of some words, where a name of one kind is expected.
#[derive(Debug, Clone)]
pub enum Match<'r> {
    /// Nothing comes close; the candidates are near misses, best first, for a suggestion.
    Unknown(Vec<Candidate<'r>>),
    /// One, clearly.
    One(Candidate<'r>),
    /// Several that cannot be told apart by what was heard, best first.
    Several(Vec<Candidate<'r>>),
}

/// Whether a name of this score is better read back before something is changed: it was found by one telling word of it
/// ("the bridge" for "Take the Bridge"), or it was typed and only comes close.
#[must_use]
pub fn is_unsure(score: f32, by_ear: bool) -> bool {
    let by_one_word = (score - form::TELLING_WORD_WEIGHT).abs() < 1e-6;
    by_one_word || (!by_ear && score < TYPED_SURE_MIN)
}

/// How alike two texts are, letter by letter: 1 for the same, 0 for nothing in common.
#[must_use]
pub fn text_likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_levenshtein(a, b)
}

impl Roster {
    /// Prepares the entries; those past [`NAMES_MAX`] are left out.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.truncate(NAMES_MAX);
        let sounds = Sounds::default();
        let forms = entries.iter().enumerate().flat_map(|(at, entry)| form::forms_of(at, entry, &sounds)).collect();
        Self { entries, forms, sounds }
    }

    /// Everything in it, in the order it was given.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of an id.
    #[must_use]
    pub fn get(&self, kind: Kind, id: Uuid) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.kind == kind && entry.id == id)
    }

    /// Who or what the words mean, where a name of this kind is expected.
    #[must_use]
    pub fn resolve(&self, kind: Kind, words: &str) -> Match<'_> {
        let heard = Heard::new(words, &self.sounds);
        let take = if heard.letters() >= LONG_LETTERS { TAKE_LONG_MIN } else { TAKE_MIN };
        judge(self.candidates(&heard, |one| one == kind, SUGGEST_MIN), take)
    }

    /// Everything of this kind that is at least so much like the words, best first.
    #[must_use]
    pub fn alike(&self, kind: Kind, words: &str, least: f32) -> Vec<Candidate<'_>> {
        self.candidates(&Heard::new(words, &self.sounds), |one| one == kind, least)
    }

    /// The names that the recogniser is told to expect, the most useful first: what is open, then the members, those
    /// of the speaker's squad before the others, then squads and categories. Written as they are said, since the
    /// recogniser knows sounds and not spellings.
    #[must_use]
    pub fn bias(&self, squad: Option<&Named<SquadId>>, most: usize) -> Vec<String> {
        let own = squad.map(|squad| format!("of {}", squad.name));
        let mut places: Vec<(u8, &Entry)> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let place = match entry.kind {
                    Kind::Objective if entry.open => 0,
                    Kind::Task if entry.open => 1,
                    Kind::Member if own.as_ref() == Some(&entry.hint) => 2,
                    Kind::Member => 3,
                    Kind::Squad => 4,
                    Kind::Category => 5,
                    _ => return None,
                };
                Some((place, entry))
            })
            .collect();
        places.sort_by_key(|(place, _)| *place);
        places.into_iter().take(most).map(|(_, entry)| form::said(&entry.name)).collect()
    }

    /// The entry and every other of its kind that is said exactly like it but written otherwise, all with its score.
    #[must_use]
    pub fn said_alike<'r>(&'r self, one: Candidate<'r>) -> Vec<Candidate<'r>> {
        let own: Vec<&Form> = self.forms.iter().filter(|form| std::ptr::eq(self.entry_of(form), one.entry)).collect();
        let mut alike = vec![one];
        for form in &self.forms {
            let entry = self.entry_of(form);
            let other = entry.kind == one.entry.kind && squash(&entry.name) != squash(&one.entry.name);
            let known = alike.iter().any(|known| std::ptr::eq(known.entry, entry));
            if other && !known && own.iter().any(|mine| mine.is_said_like(form)) {
                alike.push(Candidate { entry, score: one.score });
            }
        }
        alike
    }

    fn entry_of(&self, form: &Form) -> &Entry {
        &self.entries[form.entry]
    }

    /// The candidates from `least` upwards, best first, each entry once.
    fn candidates(&self, heard: &Heard, wanted: impl Fn(Kind) -> bool, least: f32) -> Vec<Candidate<'_>> {
        let mut best: Vec<(usize, f32)> = Vec::new();
        for form in &self.forms {
            if !wanted(form.kind) || !form.may_reach(heard, least) {
                continue;
            }
            let score = form.score(heard, least);
            if score < least {
                continue;
            }
            match best.last_mut() {
                // The forms of an entry follow one another.
                Some((entry, so_far)) if *entry == form.entry => *so_far = so_far.max(score),
                _ => best.push((form.entry, score)),
            }
        }
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        best.into_iter()
            .filter_map(|(entry, score)| self.entries.get(entry).map(|entry| Candidate { entry, score }))
            .collect()
    }
}

fn judge(candidates: Vec<Candidate<'_>>, take: f32) -> Match<'_> {
    let Some(best) = candidates.first().copied().filter(|best| best.score >= take) else {
        return Match::Unknown(candidates);
    };
    let near: Vec<Candidate<'_>> = candidates
        .into_iter()
        .filter(
            |one| if best.score >= EXACT_MIN { one.score >= best.score } else { one.score > best.score - MARGIN_MIN },
        )
        .collect();
    let open: Vec<Candidate<'_>> =
        near.iter().copied().filter(|one| one.entry.open && one.score >= best.score).collect();
    match (near.as_slice(), open.as_slice()) {
        ([only], _) => Match::One(*only),
        // All the same name: a finished task of last week does not stand in the way of today's.
        (_, [only]) if near.iter().all(|one| one.score >= best.score) => Match::One(*only),
        _ => Match::Several(near),
    }
}

#[cfg(test)]
mod tests;
