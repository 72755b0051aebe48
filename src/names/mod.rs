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

mod decide;
mod form;
mod handle;
mod index;
mod lookup;
mod sound;
mod spelling;
mod spot;
mod tell;
mod text;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use uuid::Uuid;

use crate::domain::{Kind, Named, SquadId};
pub use lookup::Lookup;
pub use spot::{Mention, is_ordinary};
pub use tell::{Fate, Telling, Told};
pub use text::{ONES, TENS, squash};

use form::{Form, Limits, Sounding};
use index::{End, Index};

/// The probability from which a candidate is taken; below, the program asks. Of those held back none above it was wrong.
pub const TAKE_MIN: f32 = 0.9;
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
    /// The forms by their sounds.
    index: Index,
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
        let index = Index::new(&forms);
        Self { entries, forms, index, exact, ranks }
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

    /// Who or what the words mean, where a name of this kind is expected. For the many places of one utterance
    /// [`Lookup`] is quicker.
    #[must_use]
    pub fn resolve(&self, kind: Kind, words: &str) -> Match<'_> {
        let (own, bare) = self.hits_of(kind, words, RIVAL_MIN);
        self.decide(kind, &own, bare.as_ref())
    }

    /// Everything of this kind that is at least so likely by itself, best first.
    #[must_use]
    pub fn alike(&self, kind: Kind, words: &str, least: f32) -> Vec<Candidate<'_>> {
        let (own, bare) = self.hits_of(kind, words, least);
        self.near(kind, &own, bare.as_ref())
    }

    /// What the words mean, with and without the title or the kind's own word beside the name.
    fn hits_of(&self, kind: Kind, words: &str, least: f32) -> (Hits, Option<Hits>) {
        let said: Vec<&str> = words.split_whitespace().collect();
        let hits = |words: &str| self.hits(&[Sounding::new(words)], Some(kind), least).pop().unwrap_or_default();
        let bare = self.without_kind(kind, &said).and_then(|bare| said.get(bare));
        (hits(words), bare.map(|bare| hits(&bare.join(" "))))
    }

    /// "Sergeant Mako", "the Idris task": which of the words are more than what says which kind of thing is meant.
    fn without_kind<W: AsRef<str>>(&self, kind: Kind, said: &[W]) -> Option<Range<usize>> {
        let around: &[&str] = match kind {
            Kind::Task => &["task", "job", "mission", "assignment"],
            Kind::Objective => &["objective", "operation", "op", "mission", "project"],
            Kind::Squad => &["squad", "squadron", "team", "group", "wing", "flight", "company"],
            Kind::Category => &["category"],
            Kind::Rank => &["rank"],
            Kind::Member => &[],
        };
        let [first, .., last] = said else { return None };
        let is_kind = |word: &W| {
            let plain = squash(word.as_ref());
            let title = || self.ranks.contains(&plain) || TITLES.split(' ').any(|title| title == plain);
            if kind == Kind::Member { title() } else { around.contains(&plain.as_str()) }
        };
        if is_kind(first) {
            Some(1..said.len())
        } else {
            (kind != Kind::Member && is_kind(last)).then(|| 0..said.len() - 1)
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

    /// The candidates of a kind (every kind, when none is given), each by itself, best first, each entry once.
    fn candidates(&self, hits: &Hits, kind: Option<Kind>) -> Vec<Candidate<'_>> {
        let wanted = |hit: &Hit| kind.is_none_or(|kind| self.is_of(kind, hit));
        let mut found: Vec<Hit> = hits.exact.iter().copied().filter(&wanted).collect();
        // Who has that very first or last name goes before those whose first or last name only sounds like it.
        let exact = !found.is_empty();
        let alike = hits.alike.iter().filter(|(_, is_part)| !(exact && *is_part)).map(|(hit, _)| *hit);
        found.extend(alike.filter(&wanted));
        self.best_of_each(found)
    }

    fn is_of(&self, kind: Kind, hit: &Hit) -> bool {
        self.entries.get(hit.0).is_some_and(|entry| entry.kind == kind)
    }

    /// What is meant by at least `least`, for each of some words of which each begins with the sounds of those before.
    fn hits(&self, heard: &[Sounding], kind: Option<Kind>, least: f32) -> Vec<Hits> {
        let exactly = |one| Hits { exact: self.exactly(one, kind, least), alike: Vec::new() };
        let mut found: Vec<Hits> = heard.iter().map(exactly).collect();
        let Some(longest) = heard.last() else { return found };
        let end = |one: &Sounding| End { sounds: one.phones.len(), limits: Limits::new(one.phones.len(), least) };
        let ends: Vec<End> = heard.iter().map(end).collect();
        self.index.near(&longest.phones, &ends, kind, |at, end, cost| {
            let (Some(form), Some(heard), Some(hits)) = (self.forms.get(at), heard.get(end), found.get_mut(end)) else {
                return;
            };
            let score = form.score(heard, cost);
            if score >= least {
                let by = if form.is_word() { By::Word } else { By::Sound };
                hits.alike.push(((form.entry, score, by), form.is_part()));
            }
        });
        found
    }

    /// The entries that have a form of exactly these letters.
    fn exactly(&self, heard: &Sounding, kind: Option<Kind>, least: f32) -> Vec<Hit> {
        let forms = self.exact.get(&heard.squashed).into_iter().flatten().filter_map(|at| self.forms.get(*at));
        let forms = forms.filter(|form| kind.is_none_or(|kind| form.kind == kind) && form.weight >= least);
        forms.map(|form| (form.entry, form.weight, if form.is_word() { By::Word } else { By::Letters })).collect()
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

/// What some words may mean.
#[derive(Debug, Default)]
struct Hits {
    /// Letter for letter.
    exact: Vec<Hit>,
    /// By the sound, and whether it is only a part of the name.
    alike: Vec<(Hit, bool)>,
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
