//! Finding names in running words, without knowing what is expected where.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::form::{Sounding, Word};
use super::{Candidate, Hits, Roster};

/// The score from which a run of words that nothing announced is taken for a name.
pub const SPOT_MIN: f32 = 0.89;
/// The longest run of words looked at.
pub const SPAN_WORDS_MAX: usize = 6;
/// The most words of one utterance that are looked at.
pub const WORDS_MAX: usize = 96;
/// The longest run that may only sound like a name; longer ones have to be one letter for letter.
const ALIKE_WORDS_MAX: usize = 4;

/// A name found in what was heard.
#[derive(Debug, Clone)]
pub struct Mention<'r> {
    /// Which words, counted from the first.
    pub span: Range<usize>,
    /// The words as they were heard.
    pub heard: String,
    /// Who or what, and how alike.
    pub candidate: Candidate<'r>,
}

/// Words of everyday speech: never taken for a name unless they are one exactly.
static ORDINARY: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("ordinary.txt").split_whitespace().collect());

/// Whether a word is everyday speech rather than somebody's name.
#[must_use]
pub fn is_ordinary(word: &str) -> bool {
    ORDINARY.contains(word.to_lowercase().as_str())
}

impl Roster {
    /// Finds the names in running words: the best non-overlapping runs, an exact name before one that only sounds
    /// alike, longer before shorter. Runs of everyday words are left alone unless they are a name exactly.
    #[must_use]
    pub fn spot(&self, words: &[&str]) -> Vec<Mention<'_>> {
        let words = words.get(..words.len().min(WORDS_MAX)).unwrap_or(words);
        let mut found: Vec<Mention<'_>> = Vec::new();
        let prepared: Vec<Word> = words.iter().map(|word| Word::new(word)).collect();
        let ordinary: Vec<bool> = words.iter().map(|word| is_ordinary(word)).collect();
        for start in 0..words.len() {
            let ends = start + 1..=(start + SPAN_WORDS_MAX).min(words.len());
            let heard: Vec<Sounding> =
                ends.clone().filter_map(|end| prepared.get(start..end)).map(Sounding::joined).collect();
            // Everyday words at an edge and long runs have to be a name letter for letter.
            let edge = |at: usize| ordinary.get(at) == Some(&true);
            let alike = |end: usize| !edge(start) && !edge(end - 1) && end - start <= ALIKE_WORDS_MAX;
            let (loose, strict): (Vec<usize>, Vec<usize>) = ends.partition(|end| alike(*end));
            let sounding = |end: &usize| heard.get(end - start - 1);
            let sounds: Vec<Sounding> = loose.iter().filter_map(sounding).cloned().collect();
            let hits = self.hits(&sounds, None, SPOT_MIN).into_iter().zip(loose);
            let letters = |one| Hits { exact: self.exactly(one, None, SPOT_MIN), ..Hits::default() };
            let exact = strict.iter().filter_map(|end| sounding(end).map(|one| (letters(one), *end)));
            for (hits, end) in hits.chain(exact) {
                let best = self.candidates(&hits, None).first().copied();
                let heard = || words.get(start..end).unwrap_or_default().join(" ");
                found.extend(best.map(|candidate| Mention { span: start..end, heard: heard(), candidate }));
            }
        }
        found.sort_by(|a, b| {
            let rank = |one: &Mention<'_>| (one.candidate.score >= 0.95, one.span.len());
            rank(b).cmp(&rank(a)).then(b.candidate.score.total_cmp(&a.candidate.score))
        });
        let mut taken: Vec<Mention<'_>> = Vec::new();
        for mention in found {
            if taken.iter().all(|one| one.span.end <= mention.span.start || mention.span.end <= one.span.start) {
                taken.push(mention);
            }
        }
        taken.sort_by_key(|one| one.span.start);
        taken
    }
}
