//! Names in one utterance, looked up wherever somebody may stand: what begins at the same word is compared together.

use std::cell::OnceCell;
use std::ops::Range;

use super::form::{Sounding, Word};
use super::{Hits, Match, RIVAL_MIN, Roster};
use crate::domain::Kind;

/// The roster beside the words of one utterance. What was looked up once is kept.
#[derive(Debug)]
pub struct Lookup<'r, 'w> {
    roster: &'r Roster,
    words: &'w [String],
    /// The longest run of words that is a name.
    longest: usize,
    prepared: Vec<Word>,
    /// For each first word, what each run that begins there may mean, the shortest first.
    known: Vec<OnceCell<Vec<Hits>>>,
}

impl<'r, 'w> Lookup<'r, 'w> {
    /// Names are looked for in runs of up to `longest` words.
    #[must_use]
    pub fn new(roster: &'r Roster, words: &'w [String], longest: usize) -> Self {
        let prepared = words.iter().map(|word| Word::new(word)).collect();
        Self { roster, words, longest, prepared, known: words.iter().map(|_| OnceCell::new()).collect() }
    }

    /// Who or what a run of words means, where a name of this kind is expected: the same as [`Roster::resolve`].
    #[must_use]
    pub fn resolve(&self, kind: Kind, run: Range<usize>) -> Match<'r> {
        let Some(own) = self.hits(run.clone()) else { return Match::Unknown(Vec::new()) };
        let bare = self.words.get(run.clone()).and_then(|said| self.roster.without_kind(kind, said));
        let bare = bare.map(|bare| run.start + bare.start..run.start + bare.end);
        self.roster.decide(kind, own, bare.and_then(|bare| self.hits(bare)))
    }

    fn hits(&self, run: Range<usize>) -> Option<&Hits> {
        let all = self.known.get(run.start)?.get_or_init(|| self.look_up(run.start));
        all.get(run.len().checked_sub(1)?)
    }

    fn look_up(&self, start: usize) -> Vec<Hits> {
        let run = self.prepared.get(start..(start + self.longest).min(self.prepared.len())).unwrap_or_default();
        // An article counts by itself, and not before other words.
        let articles = run.iter().take_while(|word| word.is_article()).count();
        let heard: Vec<Sounding> = (1..=run.len()).filter_map(|end| run.get(..end)).map(Sounding::joined).collect();
        let (alone, together) = heard.split_at(articles);
        let alone = alone.iter().flat_map(|one| self.roster.hits(std::slice::from_ref(one), None, RIVAL_MIN));
        alone.chain(self.roster.hits(together, None, RIVAL_MIN)).collect()
    }
}
