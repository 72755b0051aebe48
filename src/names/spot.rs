//! Finding names in running words, without knowing what is expected where.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::form::Sounding;
use super::{Candidate, Roster};
use crate::domain::Kind;

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
        for start in 0..words.len() {
            for end in start + 1..=(start + SPAN_WORDS_MAX).min(words.len()) {
                let Some(span) = words.get(start..end) else { continue };
                let heard = span.join(" ");
                let sounding = Sounding::new(&heard);
                let edge = [span.first(), span.last()].into_iter().flatten().any(|word| is_ordinary(word));
                let best = if edge || span.len() > ALIKE_WORDS_MAX {
                    self.best_of_each(self.exactly(&sounding, |_: Kind| true, SPOT_MIN).collect())
                } else {
                    self.candidates(&sounding, |_: Kind| true, SPOT_MIN)
                };
                found.extend(best.first().map(|best| Mention { span: start..end, heard, candidate: *best }));
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
