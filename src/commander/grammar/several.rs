//! Several orders in one breath.

use super::lists::Lists;
use super::matcher::{Care, One};
use super::words::{Pause, Words};
use super::{Grammar, Reading, Scope};
use crate::domain::Kind;
use crate::intent::recent::Recent;
use crate::intent::{Action, Field, Intent};
use crate::names::Match;

/// The most orders in one breath.
pub const ORDERS_MAX: usize = 6;
/// From which score one order explains its words so well that it is not looked for several.
const WHOLE_MIN: f32 = 0.985;

impl Grammar {
    /// One order, or several joined by "and", "then", a pause and the like, whichever explains the words better.
    pub(super) fn read_all(&self, words: &Words, scope: &Scope<'_>) -> Option<Reading> {
        let reading = self.read_rest(words, scope, None, ORDERS_MAX)?;
        (reading.intents.len() <= ORDERS_MAX).then_some(reading)
    }

    /// Reads what is left; `before` is the order that went before, whose first words may be left out ("assign A to
    /// Kestrel and B to Yrsa").
    fn read_rest(
        &self,
        words: &Words,
        scope: &Scope<'_>,
        before: Option<&Words>,
        orders_max: usize,
    ) -> Option<Reading> {
        let whole = self.read_one(words, scope, Care::Strict).or_else(|| {
            let elliptic = before?.clone().joined(words);
            let head = before?.len();
            let one = self.read_one(&elliptic, scope, Care::Strict)?;
            // It has to be an order of the same form, with its own names after the same words; free words could be any.
            let free = one.reading.intents.iter().any(|intent| intent.fields.iter().any(|(field, _)| is_free(*field)));
            (one.head == head && !free).then_some(one)
        });
        let whole = whole.map(|one| one.reading);
        if orders_max < 2 || whole.as_ref().is_some_and(|one| one.score >= WHOLE_MIN) {
            return whole;
        }
        let mut best = whole;
        let total = words.len();
        for at in 1..total {
            let joint = self.joint(words, at);
            let rest = at + joint;
            if (joint == 0 && !words.is_paused(at)) || rest >= total {
                continue;
            }
            let Some(left) = self.read_one(&words.slice(0..at), scope, Care::Strict) else { continue };
            if !may_go_on(&left.reading, words.pause(rest)) {
                continue;
            }
            let recent = noted(scope, &left.reading.intents);
            let scope = Scope { recent: &recent, ..*scope };
            let next = self.prepare(words.slice(rest..total), &scope, &[], false);
            let head = words.slice(0..left.head);
            let Some(right) = self.read_rest(&next, &scope, Some(&head), orders_max - 1) else { continue };
            if right.intents.iter().any(|one| !may_stand_beside(one)) {
                continue;
            }
            let One { reading: left, .. } = left;
            let guessed = left.guessed || right.guessed;
            #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
            let score = {
                let (left_part, right_part) = (at as f32, (total - rest) as f32);
                (left.score * left_part + right.score * right_part + joint as f32) / total as f32
            };
            if best.as_ref().is_none_or(|one| score > one.score) {
                let mut intents: Vec<Intent> = left.intents;
                // "Jumping into the verse, mark me in game" is one order, said twice.
                let new: Vec<Intent> = right.intents.into_iter().filter(|one| !intents.contains(one)).collect();
                intents.extend(new);
                best = Some(Reading { intents, known: true, score, guessed });
            }
        }
        best
    }

    /// How many words at a place join two orders; every one of "and then also".
    fn joint(&self, words: &Words, at: usize) -> usize {
        let mut length = 0;
        while let Some(more) = Lists::at(&self.lists.joints, &words.plain, at + length) {
            length += more;
        }
        length
    }
}

/// Whether another order may follow: a text goes on to the end of the utterance, unless a new sentence begins.
fn may_go_on(left: &Reading, pause: Pause) -> bool {
    let text = |one: &Intent| matches!(one.action, Action::ObjectiveDescribe | Action::GuildBroadcast);
    left.intents.iter().all(|one| may_stand_beside(one) && (!text(one) || pause == Pause::Full))
}

/// Whether it can be one of several: an order with its pieces, no bare word of conversation.
fn may_stand_beside(one: &Intent) -> bool {
    !one.fields.is_empty()
}

/// Whether any words at all can stand in the piece.
pub(super) fn is_free(field: Field) -> bool {
    matches!(field, Field::Name | Field::Text | Field::Brief | Field::Description | Field::Message | Field::Tasks)
}

/// What was last spoken of, once these orders are said.
fn noted(scope: &Scope<'_>, intents: &[Intent]) -> Recent {
    let mut recent = scope.recent.clone();
    for intent in intents {
        for (field, words) in &intent.fields {
            let kind = match field {
                Field::Objective => Kind::Objective,
                Field::Task => Kind::Task,
                Field::Member | Field::Lead => Kind::Member,
                Field::Squad => Kind::Squad,
                _ => continue,
            };
            let known = recent.find(kind, words).cloned();
            let named = match scope.roster.resolve(kind, words) {
                Match::One(one) => Some((Some(one.entry.id), one.entry.name.clone())),
                // Which one it is will be asked; that it is one is enough here.
                Match::Several(_) => Some((None, words.clone())),
                Match::Unknown(_) => None,
            };
            if let Some((id, name)) = known.map(|one| (one.id, one.name)).or(named) {
                recent.note(kind, id, &name);
            }
        }
        // What is made here can be spoken of at once.
        if let (Some(name), Some(kind)) = (intent.words(Field::Name), made(intent.action)) {
            recent.note(kind, None, name);
        }
    }
    recent
}

fn made(action: Action) -> Option<Kind> {
    match action {
        Action::ObjectiveCreate => Some(Kind::Objective),
        Action::TaskCreate => Some(Kind::Task),
        Action::SquadCreate => Some(Kind::Squad),
        _ => None,
    }
}
