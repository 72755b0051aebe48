//! Reads a whole utterance: politeness off, corrections done, one order or several, and what was misheard put right.

use super::lists::Lists;
use super::matcher::Care;
use super::words::Words;
use super::{Declined, Grammar, Reading, Scope, Verdict};

/// The most words of an utterance that are looked at; what is longer is not an order in fixed wording.
pub const WORDS_MAX: usize = 64;

impl Grammar {
    /// Reads an utterance. Orders come of it only when the wordings explain all of it.
    #[must_use]
    pub fn read(&self, text: &str, scope: &Scope<'_>) -> Verdict {
        let said = Words::new(text).without(&self.lists.dropped);
        if said.plain.is_empty() || said.len() > WORDS_MAX {
            return Verdict::Nothing;
        }
        let called: Vec<Vec<String>> = scope.called.iter().map(|name| Words::new(name).plain).collect();
        let words = self.prepare(said.clone(), scope, &called, false);
        if self.lists.idioms.contains(&words.plain) {
            return Verdict::Nothing;
        }
        let polite = said.plain.iter().take(5).any(|word| self.lists.polite.contains(word));
        // "… how copy?" asks nothing of the guild.
        let lists = &self.lists;
        let radio = lists.pause.iter().chain(&lists.after).any(|one| said.ends_with(one));
        let asks = text.trim_end().ends_with('?') && !polite && !radio;
        match self.orders(&words, scope, &called) {
            // "Hold the Gate is done?" is a question, whatever a wording makes of it.
            Some(reading) if asks && reading.intents.iter().any(|one| one.action.is_change()) => Verdict::Nothing,
            Some(reading) => Verdict::Orders(reading),
            None => self.declined(&words, scope).map_or(Verdict::Nothing, Verdict::Declined),
        }
    }

    /// What is often heard wrongly is put right, and what may belong to a name taken off, only when the words as they
    /// stand make no order.
    fn orders(&self, words: &Words, scope: &Scope<'_>, called: &[Vec<String>]) -> Option<Reading> {
        if self.is_taken_back(words) {
            return None;
        }
        let read = |words: &Words| self.read_all(words, scope);
        // A correction after a pause is one; without a pause its words may as well be a name's.
        let plain = match self.corrected(words, scope, true) {
            Some(Some(reading)) => return Some(reading),
            // What it corrects cannot be told.
            Some(None) => return None,
            None => read(words),
        };
        if plain.is_some() {
            return plain;
        }
        let mut tried = vec![words.clone()];
        let ended = self.prepare(words.clone(), scope, called, true);
        let lean = self.without_fillers(&ended, scope, called);
        let right = self.put_right(&lean);
        for other in [ended, lean.clone(), right] {
            if tried.iter().all(|one| one.plain != other.plain) {
                if let Some(reading) = read(&other) {
                    return Some(reading);
                }
                tried.push(other);
            }
        }
        self.corrected(&lean, scope, false)
            .unwrap_or_else(|| self.read_one(&lean, scope, Care::Unknown).map(|one| one.reading))
            .or_else(|| self.guessed(&lean, scope))
    }

    /// Whether the utterance ends with words that take all of it back.
    fn is_taken_back(&self, words: &Words) -> bool {
        let ends = |phrase: &&Vec<String>| words.ends_with(phrase);
        self.lists.taken_back.iter().any(|phrase| ends(&phrase))
    }

    /// The words with every known mishearing replaced.
    fn put_right(&self, words: &Words) -> Words {
        let mut out = words.clone();
        for (heard, meant) in &self.lists.heard {
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
        out
    }

    /// The words without those that say nothing, and without a word said twice in a row.
    fn without_fillers(&self, words: &Words, scope: &Scope<'_>, called: &[Vec<String>]) -> Words {
        let mut keep = vec![true; words.len()];
        let mut at = 0;
        while at < words.len() {
            let filler = Lists::at(&self.lists.fillers, &words.plain, at);
            let twice = at > 0 && words.plain.get(at) == words.plain.get(at - 1);
            let length = filler.unwrap_or(usize::from(twice));
            keep.iter_mut().skip(at).take(length).for_each(|one| *one = false);
            at += length.max(1);
        }
        let lean = words.keep(|at| keep.get(at).copied().unwrap_or(true));
        if lean.plain.is_empty() { words.clone() } else { self.prepare(lean, scope, called, true) }
    }

    /// Takes off politeness, the commander's name, who speaks, and noises. `pausing` takes off what ends an order only
    /// after a pause, too.
    pub(super) fn prepare(&self, mut words: Words, scope: &Scope<'_>, called: &[Vec<String>], pausing: bool) -> Words {
        let lists = &self.lists;
        loop {
            let total = words.len();
            let name = called_at_start(&words, called).or_else(|| hailed(&words, called, scope));
            let before = Lists::at(&lists.before, &words.plain, 0).unwrap_or(0);
            words.addressed |= name.is_some();
            words = words.slice(before.max(name.unwrap_or(0)).min(total.saturating_sub(1))..total);
            let length = words.len();
            let paused = |one: &&Vec<String>| words.ends_with(one) && (pausing || words.is_paused(length - one.len()));
            let name = called.iter().filter(paused).map(Vec::len).max();
            let ends = lists.after.iter().filter(|one| words.ends_with(one));
            let after = ends.chain(lists.pause.iter().filter(paused)).map(Vec::len).max();
            words.addressed |= name.is_some();
            words = words.slice(0..length - after.max(name).unwrap_or(0));
            if words.len() == total {
                return words;
            }
        }
    }

    /// Why something that would have been an order is none: it is forbidden, or hangs on a condition.
    fn declined(&self, words: &Words, scope: &Scope<'_>) -> Option<Declined> {
        let total = words.len();
        let holds = |range: std::ops::Range<usize>| {
            let part = self.prepare(words.slice(range), scope, &[], true);
            !part.plain.is_empty()
                && (self
                    .read_all(&part, scope)
                    .or_else(|| self.read_one(&part, scope, Care::Unknown).map(|one| one.reading)))
                .is_some_and(|reading| reading.intents.iter().any(|one| one.action.is_change()))
        };
        if self.is_taken_back(words) {
            return Some(Declined::TakenBack);
        }
        if let Some(length) = Lists::at(&self.lists.negations, &words.plain, 0)
            && length < total
            && holds(length..total)
        {
            return Some(Declined::Negated);
        }
        let condition = (0..total).find(|at| {
            [&self.lists.conditions, &self.lists.whiles].iter().any(|list| Lists::at(list, &words.plain, *at).is_some())
        })?;
        let order = if condition > 0 {
            holds(0..condition)
        } else {
            (1..total).filter(|at| words.is_paused(*at)).any(|at| holds(at..total))
                || (1..total)
                    .filter(|at| words.plain.get(*at).is_some_and(|word| self.lists.starts.contains(word)))
                    .any(|at| holds(at..total))
        };
        order.then_some(Declined::Condition)
    }
}

/// How many words of the beginning are the commander's name, as it is written or in one word.
pub(super) fn called_at_start(words: &Words, called: &[Vec<String>]) -> Option<usize> {
    let fits = |name: &&Vec<String>, length: usize| {
        words.plain.get(..length).is_some_and(|start| start.concat() == name.concat())
    };
    let longest = |name: &Vec<String>| (1..=name.len() + 2).rev().find(|length| fits(&name, *length));
    called.iter().filter(|name| !name.is_empty()).filter_map(longest).max()
}

/// "Kestrel to Aegis, …", "Aegis, this is Kestrel, …": who calls whom. How many words of the beginning say so.
fn hailed(words: &Words, called: &[Vec<String>], scope: &Scope<'_>) -> Option<usize> {
    use crate::domain::Kind;
    use crate::names::Match;
    let somebody = |range: std::ops::Range<usize>| {
        let name = words.plain.get(range).unwrap_or_default().join(" ");
        let known = |kind| !matches!(scope.roster.resolve(kind, &name), Match::Unknown(_));
        known(Kind::Member) || known(Kind::Squad)
    };
    let at = |at: usize| words.plain.get(at).map(String::as_str);
    if at(0) == Some("this") && at(1) == Some("is") {
        let end = (3..=6.min(words.len())).find(|end| words.is_paused(*end))?;
        return (words.addressed && somebody(2..end)).then_some(end);
    }
    let to = (1..=4).find(|place| at(*place) == Some("to"))?;
    let length = called_at_start(&words.slice(to + 1..words.len()), called)?;
    let end = to + 1 + length;
    (words.is_paused(end) && somebody(0..to)).then_some(end)
}
