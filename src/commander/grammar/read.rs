//! Reads a whole utterance: politeness off, one order or several, and what was misheard put right.

use super::words::Words;
use super::{Grammar, Reading, guard};
use crate::intent::Action;
use crate::names::Roster;

/// The most words of an utterance that are looked at; what is longer is not an order in fixed wording.
pub const WORDS_MAX: usize = 64;
/// The most orders in one breath.
pub const ORDERS_MAX: usize = 6;

impl Grammar {
    /// Reads an utterance, or `None` when no wording explains all of it. `called` are the names the commander answers
    /// to.
    #[must_use]
    pub fn read(&self, text: &str, roster: &Roster, called: &[String]) -> Option<Reading> {
        let called: Vec<Vec<String>> = called.iter().map(|name| Words::new(name).plain).collect();
        let said = Words::new(text);
        let words = self.prepare(said.clone(), &called, false);
        if words.plain.is_empty() || words.len() > WORDS_MAX {
            return None;
        }
        // What may belong to a name is taken off, and what is often heard wrongly put right, only when the words as
        // they stand make no order.
        let read = |words: &Words| self.read_all(words, roster, ORDERS_MAX);
        let ended = self.prepare(words.clone(), &called, true);
        let reading = read(&words)
            .or_else(|| if ended.plain == words.plain { None } else { read(&ended) })
            .or_else(|| self.put_right(&ended).and_then(|words| read(&words)))
            .or_else(|| self.read_one(&ended, roster, true))?;
        let asks = text.trim_end().ends_with('?') && !guard::is_polite_order(&said.plain);
        // "Hold the Gate is done?" is a question, whatever a wording makes of it.
        let changes = reading.intents.iter().any(|one| one.action.is_change());
        if asks && changes { None } else { Some(reading) }
    }

    /// The words with every known mishearing replaced, or `None` when there is none.
    fn put_right(&self, words: &Words) -> Option<Words> {
        let mut out = words.clone();
        for (heard, meant) in &self.heard {
            let mut at = 0;
            while at + heard.len() <= out.plain.len() {
                if out.plain.get(at..at + heard.len()).is_some_and(|here| here == heard) {
                    out.replace(at, heard.len(), meant);
                    at += meant.len().max(1);
                } else {
                    at += 1;
                }
            }
        }
        (out.plain != words.plain).then_some(out)
    }

    /// One order, or several joined by "and", "then" and the like, whichever explains the words better.
    fn read_all(&self, words: &Words, roster: &Roster, orders_max: usize) -> Option<Reading> {
        let whole = self.read_one(words, roster, false);
        if orders_max < 2 || whole.as_ref().is_some_and(|one| one.score >= 0.99) {
            return whole;
        }
        let mut best = whole;
        let total = words.len();
        for at in 1..total.saturating_sub(1) {
            let joint = words.plain.iter().skip(at).take_while(|word| is_joint(word)).count();
            if joint == 0 || at + joint >= total || words.plain.get(at - 1).is_some_and(|word| is_joint(word)) {
                continue;
            }
            let Some(left) = self.read_one(&words.slice(0..at), roster, false) else { continue };
            let rest = self.prepare(words.slice(at + joint..total), &[], false);
            let Some(right) = self.read_all(&rest, roster, orders_max - 1) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
            let score = {
                let (left_part, right_part) = (at as f32, (total - at - joint) as f32);
                (left.score * left_part + right.score * right_part + joint as f32) / total as f32
            };
            let changes = |one: &Reading| one.intents.iter().all(|intent| !intent.fields.is_empty());
            // A text goes on to the end of the utterance: "and" belongs to it.
            if left.intents.iter().any(|one| one.action == Action::ObjectiveDescribe) {
                continue;
            }
            if changes(&left) && changes(&right) && best.as_ref().is_none_or(|one| score > one.score) {
                let intents = left.intents.into_iter().chain(right.intents).collect();
                best = Some(Reading { intents, known: true, score });
            }
        }
        best
    }

    /// Takes off politeness, the commander's name and noises. `pausing` takes off what ends an order only after a pause,
    /// too.
    fn prepare(&self, words: Words, called: &[Vec<String>], pausing: bool) -> Words {
        let mut words = words.without(&self.dropped);
        loop {
            let total = words.len();
            let before = self.before.iter().chain(called).filter(|one| words.starts_with(one)).map(Vec::len).max();
            words = words.slice(before.unwrap_or(0)..total);
            let length = words.len();
            let paused = |one: &&Vec<String>| words.ends_with(one) && (pausing || words.is_paused(length - one.len()));
            let ends = self.after.iter().filter(|one| words.ends_with(one));
            let after = ends.chain(self.pause.iter().chain(called).filter(paused)).map(Vec::len).max();
            words = words.slice(0..length - after.unwrap_or(0));
            if words.len() == total {
                return words;
            }
        }
    }
}

fn is_joint(word: &str) -> bool {
    matches!(word, "and" | "then" | "also" | "plus")
}
