//! Pure: words as they were heard × the guild's roster → who or what was meant.
//!
//! Every name is known in several *forms*: as written, as gamer spelling is read ("xX_R4ven_Xx"), its stored `phonetic`
//! respellings, and the short forms people use ("Nightfall"). Forms and heard words become sounds (`spelling.txt`), and a
//! form is the more likely the cheaper it is to hear those words for it (`confusions.txt`, measured).
//!
//! A candidate's score is the probability that it is meant. Words that are a form letter for letter have the form's own
//! weight: 1 for the name, and an exact name always wins. All others share what the words leave open: with the odds `o`
//! of each candidate by itself, the best has `o / (1 + the odds of all)`, so near rivals lower it.
//!
//! Calibrated on 916 recordings of 215 names (323 with those held back), said in spoken orders by six synthetic voices and
//! heard by the shipped recogniser: 270 different misheard ones fitted the three numbers in `form`. On 465 recordings of
//! the other names, two of their voices new, in a guild of 250, the first candidate was right: below 0.3 in 8 of 9, to 0.6 in 8 of
//! 12, to 0.8 in 10 of 10, to 0.9 in 5 of 7, and from [`TAKE_MIN`] on in 424 of 424.
//! `cargo test --test it names_as_they_were_heard -- --nocapture` prints it again.

mod form;
mod handle;
mod sound;
mod spelling;
mod spot;
mod tell;
mod text;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::domain::{Kind, Named, SquadId};
pub use spot::{Mention, is_ordinary};
pub use tell::{Fate, Telling, Told};
pub use text::squash;

use form::{Form, Limits, Outline, Sounding};

/// The probability from which a candidate is taken; below, the program asks. Of those held back none above it was wrong.
pub const TAKE_MIN: f32 = 0.9;
/// How much of the whole the candidates of a question have together; with less, none is near.
const SEVERAL_MIN: f32 = 0.8;
/// How many times less likely than the best a candidate is that a question still names.
const SEVERAL_ODDS: f32 = 12.0;
/// What sums of probabilities may be off.
const ROUNDING: f32 = 1e-4;
/// The probability below which a candidate counts for nothing.
const RIVAL_MIN: f32 = 0.05;
/// The score of a name that is written or respelled exactly so; it wins over whatever only comes close.
pub const EXACT_MIN: f32 = 0.99;
/// The score from which a candidate is worth naming in a question ("did you mean …?").
pub const SUGGEST_MIN: f32 = 0.3;
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

/// Titles that people put before a member's name, besides the guild's ranks.
const TITLES: &str = "mister mr miss mrs captain sergeant corporal private lieutenant major colonel general admiral \
                      commodore commander chief officer pilot member player doctor";

/// Everything in a guild that can be named by voice, prepared for matching.
#[derive(Debug, Default)]
pub struct Roster {
    entries: Vec<Entry>,
    forms: Vec<Form>,
    /// One for each form.
    outlines: Vec<Outline>,
    /// The forms of the same letters and digits, by those.
    exact: HashMap<String, Vec<usize>>,
    /// The guild's ranks, squashed.
    ranks: HashSet<String>,
}

/// A candidate for what was heard.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'r> {
    /// The entry.
    pub entry: &'r Entry,
    /// The probability that it is meant, 0 to 1.
    pub score: f32,
    /// By what it was found.
    pub by: By,
}

/// By what a name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The words are the name, a respelling, or a part that people call it by, letter for letter.
    Letters,
    /// The words are one telling word of it ("the bridge" for "Take the Bridge").
    Word,
    /// The words only sound like it.
    Sound,
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

/// Whether a name found so is better read back before something is changed: by one word of it, or by its sound when it
/// was typed, and so not misheard.
#[must_use]
pub fn is_unsure(by: By, by_ear: bool) -> bool {
    match by {
        By::Letters => false,
        By::Word => true,
        By::Sound => !by_ear,
    }
}

impl<'r> Match<'r> {
    /// The likeliest entry and how surely the words are a name at all, when they are one or one of several.
    #[must_use]
    pub fn best(&self) -> Option<(&'r Entry, f32)> {
        match self {
            Self::Unknown(_) => None,
            Self::One(one) => Some((one.entry, one.score)),
            Self::Several(many) => {
                let together = many.iter().map(|one| one.score).sum::<f32>();
                // Whole names that are written alike have all of it each.
                many.first().map(|one| (one.entry, together.min(one.score.max(form::ALIKE_MAX))))
            }
        }
    }
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
        let forms: Vec<Form> = entries.iter().enumerate().flat_map(|(at, entry)| form::forms_of(at, entry)).collect();
        let mut exact: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, form) in forms.iter().enumerate().filter(|(_, form)| !form.sounding.squashed.is_empty()) {
            exact.entry(form.sounding.squashed.clone()).or_default().push(at);
        }
        let ranks = forms.iter().filter(|form| form.kind == Kind::Rank).map(|form| form.sounding.squashed.clone());
        let ranks = ranks.collect();
        let outlines = forms.iter().map(Outline::new).collect();
        Self { entries, forms, outlines, exact, ranks }
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
        let near = self.near(kind, words, RIVAL_MIN);
        // Said like one and written as a part of another: "Raven" may be xX_R4ven_Xx or Raven Castellano.
        let shared = near.first().is_some_and(|best| best.score < 1.0 && best.score > form::ALIKE_MAX);
        let exactly: Vec<Hit> = if shared {
            self.exactly(&Sounding::new(words), |one| one == kind, form::SHORT_FORM_WEIGHT).collect()
        } else {
            Vec::new()
        };
        let written = self.best_of_each(exactly);
        if written.len() > 1 { one_of(written) } else { judge(near) }
    }

    /// Everything of this kind that is at least so likely by itself, best first.
    #[must_use]
    pub fn alike(&self, kind: Kind, words: &str, least: f32) -> Vec<Candidate<'_>> {
        self.near(kind, words, least)
    }

    /// The candidates of a kind, with or without the title or the kind's own word beside the name.
    fn near(&self, kind: Kind, words: &str, least: f32) -> Vec<Candidate<'_>> {
        let mut found = self.candidates(&Sounding::new(words), |one| one == kind, least);
        if let Some(bare) = self.without_kind(kind, words)
            && found.first().is_none_or(|best| best.score < EXACT_MIN)
        {
            for one in self.candidates(&Sounding::new(&bare), |one| one == kind, least) {
                match found.iter_mut().find(|known| std::ptr::eq(known.entry, one.entry)) {
                    Some(known) if known.score >= one.score => {}
                    Some(known) => *known = one,
                    None => found.push(one),
                }
            }
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
        found
    }

    /// "Sergeant Mako", "the Idris task": the words without what only says which kind of thing is meant.
    fn without_kind(&self, kind: Kind, words: &str) -> Option<String> {
        let said: Vec<&str> = words.split_whitespace().collect();
        let plain = |word: &str| squash(word);
        let around: &[&str] = match kind {
            Kind::Task => &["task", "job", "mission", "assignment"],
            Kind::Objective => &["objective", "operation", "op", "mission", "project"],
            Kind::Squad => &["squad", "squadron", "team", "group", "wing", "flight", "company"],
            Kind::Category => &["category"],
            Kind::Rank => &["rank"],
            Kind::Member => &[],
        };
        match said.as_slice() {
            [first, rest @ ..] if !rest.is_empty() && kind == Kind::Member => {
                let first = plain(first);
                (self.ranks.contains(&first) || TITLES.split(' ').any(|title| title == first)).then(|| rest.join(" "))
            }
            [first, rest @ ..] if !rest.is_empty() && around.contains(&plain(first).as_str()) => Some(rest.join(" ")),
            [rest @ .., last] if !rest.is_empty() && around.contains(&plain(last).as_str()) => Some(rest.join(" ")),
            _ => None,
        }
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
        places.into_iter().take(most).map(|(_, entry)| handle::said(&entry.name)).collect()
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
                alike.push(Candidate { entry, ..one });
            }
        }
        alike
    }

    fn entry_of(&self, form: &Form) -> &Entry {
        &self.entries[form.entry]
    }

    /// The candidates from `least` upwards, each by itself, best first, each entry once.
    fn candidates(&self, heard: &Sounding, wanted: impl Fn(Kind) -> bool, least: f32) -> Vec<Candidate<'_>> {
        let mut found: Vec<Hit> = self.exactly(heard, &wanted, least).collect();
        if !heard.phones.is_empty() {
            let limits = Limits::new(heard.phones.len(), least);
            // Who has that very first or last name goes before those whose first or last name only sounds like it.
            let exact = !found.is_empty();
            let worth = |one: &Outline| wanted(one.kind) && !(exact && one.is_part) && one.may_score(heard, &limits);
            let all = self.forms.iter().zip(&self.outlines);
            for (form, _) in all.filter(|(_, outline)| worth(outline)) {
                let score = form.score(heard, &limits);
                if score >= least {
                    let by = if form.is_word() { By::Word } else { By::Sound };
                    found.push((form.entry, score, by));
                }
            }
        }
        self.best_of_each(found)
    }

    /// The entries that have a form of exactly these letters.
    fn exactly(&self, heard: &Sounding, wanted: impl Fn(Kind) -> bool, least: f32) -> impl Iterator<Item = Hit> {
        let forms = self.exact.get(&heard.squashed).into_iter().flatten().filter_map(|at| self.forms.get(*at));
        let forms = forms.filter(move |form| wanted(form.kind) && form.weight >= least);
        forms.map(|form| (form.entry, form.weight, if form.is_word() { By::Word } else { By::Letters }))
    }

    fn best_of_each(&self, mut found: Vec<Hit>) -> Vec<Candidate<'_>> {
        found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        found.dedup_by_key(|one| one.0);
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        let all = found.into_iter();
        all.filter_map(|(at, score, by)| self.entries.get(at).map(|entry| Candidate { entry, score, by })).collect()
    }
}

/// An entry's place, how likely it is by itself, and by what it was found.
type Hit = (usize, f32, By);

/// What the candidates come to, each given by itself, best first.
fn judge(mut candidates: Vec<Candidate<'_>>) -> Match<'_> {
    let Some(best) = candidates.first().copied() else { return Match::Unknown(candidates) };
    // A whole name letter for letter leaves nothing open.
    if best.score > form::ALIKE_MAX {
        candidates.retain(|one| one.score >= best.score);
        return one_of(candidates);
    }
    let odds = |score: f32| score / (1.0 - score).max(f32::EPSILON);
    let all: f32 = candidates.iter().map(|one| odds(one.score)).sum::<f32>() + 1.0;
    for one in &mut candidates {
        one.score = odds(one.score) / all;
    }
    let best = candidates.first().map_or(0.0, |one| one.score);
    let near: Vec<Candidate<'_>> = candidates.iter().copied().filter(|one| one.score * SEVERAL_ODDS >= best).collect();
    let together: f32 = near.iter().map(|one| one.score).sum();
    let taken = best >= TAKE_MIN - ROUNDING;
    if taken || (near.len() > 1 && together >= SEVERAL_MIN) {
        let near = if taken { near.into_iter().take(1).collect() } else { near };
        return one_of(near);
    }
    Match::Unknown(candidates)
}

/// The only one; of several of one name, the one that is still open.
fn one_of(near: Vec<Candidate<'_>>) -> Match<'_> {
    let open: Vec<Candidate<'_>> = near.iter().copied().filter(|one| one.entry.open).collect();
    match (near.as_slice(), open.as_slice()) {
        ([only], _) => Match::One(*only),
        // All the same name: a finished task of last week does not stand in the way of today's.
        (_, [only]) if near.iter().all(|one| one.score >= only.score) => Match::One(*only),
        _ => Match::Several(near),
    }
}

/// A name as it is said: gamer spelling made speakable, every other as it stands.
#[must_use]
pub fn said(name: &str) -> String {
    handle::said(name)
}

/// The sounds of words, one sign each as `spelling.txt` explains them.
#[must_use]
pub fn sounds(words: &str) -> String {
    sound::signs(&text::sounds_of(&text::plain_words(words)))
}

#[cfg(test)]
mod tests;
