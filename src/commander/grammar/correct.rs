//! Self-corrections: "give it to Mako, no, to Wulfgar", "assign, sorry, release scout the route".

use super::lists::Lists;
use super::several::is_free;
use super::words::Words;
use super::{Grammar, Reading, Scope};
use crate::domain::Kind;
use crate::intent::{Field, Intent, numbers, times, values};

/// The least score of a name that takes the place of another.
const NAME_MIN: f32 = 0.8;
/// The longest piece that is corrected, in words.
const PIECE_WORDS_MAX: usize = 9;
/// Small words before a corrected piece.
const SMALL: &[&str] = &[
    "to",
    "for",
    "as",
    "at",
    "of",
    "on",
    "by",
    "in",
    "into",
    "the",
    "a",
    "an",
    "squad",
    "task",
    "objective",
    "it",
    "is",
    "with",
    "make",
    "that",
    "set",
];
/// Words that may follow a corrected piece.
const TRAILING: &[&str] = &["instead", "priority", "percent", "squad", "complete", "done", "rather", "please"];

impl Grammar {
    /// Puts the corrected piece in the place of the former. `None` when nothing is corrected, `Some(None)` when it
    /// cannot be told what. With `paused` only what has a pause before it counts as a correction.
    pub(super) fn corrected(&self, words: &Words, scope: &Scope<'_>, paused: bool) -> Option<Option<Reading>> {
        let total = words.len();
        let is_mark = |at: usize| {
            let length = Lists::at(&self.lists.corrections, &words.plain, at)?;
            // A correction ends nowhere: something comes after it.
            let pauses = words.is_paused(at) || words.is_paused(at + length);
            (at > 0 && at + length < total && (!paused || pauses)).then_some((at, length))
        };
        // The last one: what went before it may hold others.
        let (at, length) = (1..total).rev().find_map(is_mark)?;
        // "no, wait, I mean": all of them are one.
        let (mut start, mut after) = (at, at + length);
        while let Some((earlier, _)) =
            (1..start).rev().find_map(|at| is_mark(at).filter(|(at, length)| at + length == start))
        {
            start = earlier;
        }
        while let Some(more) =
            Lists::at(&self.lists.corrections, &words.plain, after).filter(|more| after + more < total)
        {
            after += more;
        }
        let left = words.slice(0..start);
        let right = self.prepare(words.slice(after..total), scope, &[], false);
        Some(self.put_for(&left, &right, scope))
    }

    fn put_for(&self, left: &Words, right: &Words, scope: &Scope<'_>) -> Option<Reading> {
        let before = self.corrected(left, scope, true).unwrap_or_else(|| self.read_all(left, scope));
        // A whole new order replaces the one before it; of several, it cannot be told which.
        if let Some(reading) = self.read_all(right, scope).filter(is_whole) {
            let one = before.as_ref().is_none_or(|all| all.intents.len() == 1);
            return one.then_some(reading);
        }
        if let Some(reading) = before.as_ref().and_then(|before| self.with_piece(before, right, scope)) {
            return Some(reading);
        }
        self.spliced(left, right, scope)
    }

    /// The orders with one piece of the last one replaced: the one piece that the words can be.
    fn with_piece(&self, before: &Reading, right: &Words, scope: &Scope<'_>) -> Option<Reading> {
        let ends = std::iter::once(right.len()).chain(
            (1..right.len())
                .filter(|at| right.is_paused(*at) || right.plain.get(*at).is_some_and(|word| word == "and")),
        );
        for end in ends {
            let piece = bare(&right.slice(0..end));
            if piece.plain.is_empty() || piece.len() > PIECE_WORDS_MAX {
                continue;
            }
            let rest = right.slice(end..right.len());
            let joint = rest
                .plain
                .iter()
                .take_while(|word| Lists::at(&self.lists.joints, std::slice::from_ref(*word), 0).is_some())
                .count();
            let rest = self.prepare(rest.slice(joint..rest.len()), scope, &[], false);
            let more = if rest.plain.is_empty() {
                Some(Vec::new())
            } else {
                self.read_all(&rest, scope).map(|one| one.intents)
            };
            let (Some(more), Some((last, others))) = (more, before.intents.split_last()) else { continue };
            let fitting: Vec<Field> = last
                .fields
                .iter()
                .map(|(field, _)| *field)
                .filter(|field| is_piece(last, *field, &piece, scope))
                .collect();
            if let [field] = fitting.as_slice() {
                let mut fixed = last.clone();
                if let Some(place) = fixed.fields.iter_mut().find(|(one, _)| one == field) {
                    place.1 = piece.text(0..piece.len());
                }
                let intents = others.iter().cloned().chain([fixed]).chain(more).collect();
                return Some(Reading { intents, known: true, score: before.score, guessed: before.guessed });
            }
        }
        None
    }

    /// What went before was no order yet: its end gives way to the new words ("set it to sixty, I mean seventy percent").
    fn spliced(&self, left: &Words, right: &Words, scope: &Scope<'_>) -> Option<Reading> {
        let shortest = left.len().saturating_sub(PIECE_WORDS_MAX).max(1);
        let cuts = (shortest..left.len()).rev();
        let readings = cuts.filter_map(|cut| {
            // Free text takes anything: only where the same word is said again is it plain where it goes on.
            let again = left.plain.get(cut) == right.plain.first();
            let reading = self.read_all(&left.slice(0..cut).joined(right), scope)?;
            let free = reading.intents.iter().any(|one| one.fields.iter().any(|(field, _)| is_free(*field)));
            (is_whole(&reading) && (again || !free)).then_some(reading)
        });
        let mut best: Option<Reading> = None;
        for reading in readings {
            if best.as_ref().is_none_or(|one| reading.score > one.score + 1e-4) {
                best = Some(reading);
            }
        }
        best
    }
}

/// Whether it is an order that could stand by itself, with something said in it.
fn is_whole(reading: &Reading) -> bool {
    reading.intents.iter().all(|one| one.action.is_change() && !one.fields.is_empty() || one.action.is_question())
}

/// Without the small words around a piece.
fn bare(words: &Words) -> Words {
    let is_one = |list: &[&str], word: &&String| list.contains(&word.as_str());
    let start = words.plain.iter().take_while(|word| is_one(SMALL, word)).count();
    let end = words.len() - words.plain.iter().skip(start).rev().take_while(|word| is_one(TRAILING, word)).count();
    words.slice(start..end.max(start))
}

/// Whether the words can be this piece of the order.
fn is_piece(intent: &Intent, field: Field, words: &Words, scope: &Scope<'_>) -> bool {
    let text = words.text(0..words.len());
    let named = |kind: Kind| scope.roster.resolve(kind, &text).best().is_some_and(|(_, score)| score >= NAME_MIN);
    match field {
        Field::Objective => named(Kind::Objective),
        Field::Task => named(Kind::Task),
        Field::Member | Field::Lead => named(Kind::Member) || crate::intent::is_speaker(&text),
        Field::Squad => named(Kind::Squad),
        Field::Category => named(Kind::Category),
        Field::Rank => named(Kind::Rank),
        Field::Priority => values::priority(&text).is_some(),
        Field::Status if intent.action.as_str().starts_with("task.") => values::task_status(&text).is_some(),
        Field::Status => values::objective_status(&text).is_some(),
        Field::Percent => values::percent(&text).is_some(),
        Field::Availability => values::availability(&text).is_some(),
        Field::Section => values::section(&text).is_some(),
        Field::Amount | Field::Target => numbers::number(&text).is_some(),
        Field::Duration => times::minutes(&text).is_some(),
        Field::Start | Field::End => {
            let epoch = times::Now { at: chrono::DateTime::UNIX_EPOCH, zone: chrono_tz::Tz::UTC };
            times::moment(&text, &epoch).is_some()
        }
        _ => false,
    }
}
