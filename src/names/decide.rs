//! From candidates that stand each by itself to what is meant: one, one of several, or nobody.

use super::form;
use super::{Candidate, EXACT_MIN, Hits, Match, Roster, TAKE_MIN};
use crate::domain::Kind;

/// How much of the whole the candidates of a question have together; with less, none is near.
const SEVERAL_MIN: f32 = 0.8;
/// How many times less likely than the best a candidate is that a question still names.
const SEVERAL_ODDS: f32 = 12.0;
/// What sums of probabilities may be off.
const ROUNDING: f32 = 1e-4;

impl Roster {
    /// What words mean that come to these hits, as they are and without the kind's own word.
    pub(super) fn decide(&self, kind: Kind, own: &Hits, bare: Option<&Hits>) -> Match<'_> {
        let near = self.near(kind, own, bare);
        // Said like one and written as a part of another: "Raven" may be xX_R4ven_Xx or Raven Castellano.
        if near.first().is_some_and(|best| best.score < 1.0 && best.score > form::ALIKE_MAX) {
            let written = own.exact.iter().filter(|(_, weight, _)| *weight >= form::SHORT_FORM_WEIGHT);
            let written = self.best_of_each(written.copied().filter(|hit| self.is_of(kind, hit)).collect());
            if written.len() > 1 {
                return one_of(written);
            }
        }
        judge(near)
    }

    /// The candidates of a kind, each by itself, best first.
    pub(super) fn near(&self, kind: Kind, own: &Hits, bare: Option<&Hits>) -> Vec<Candidate<'_>> {
        let mut found = self.candidates(own, Some(kind));
        if let Some(bare) = bare
            && found.first().is_none_or(|best| best.score < EXACT_MIN)
        {
            for one in self.candidates(bare, Some(kind)) {
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
}

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
