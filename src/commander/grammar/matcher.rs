//! Walks an utterance through the tree of wordings.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use chrono::DateTime;

use super::{Grammar, SlotKind, stem};
use crate::domain::Kind;
use crate::intent::{Field, Intent, times, values};
use crate::names::{Match, Roster, is_ordinary};

/// The most words of an utterance that are looked at; what is longer is not an order in fixed wording.
pub const WORDS_MAX: usize = 64;
/// The longest name or value, in words.
const SLOT_WORDS_MAX: usize = 9;
/// The longest name that nobody in the guild has and that is still asked about.
const UNKNOWN_WORDS_MAX: usize = 4;
/// The most steps one utterance may take through the tree.
const STEPS_MAX: usize = 200_000;
/// The most orders in one breath.
pub const ORDERS_MAX: usize = 6;
/// What a word of free text is worth beside an explained one.
const FREE_WORTH: f32 = 0.5;
/// Small words that the recogniser loses between two names ("the Mole to" → "the Molta"); one an order may be missing.
const LOSABLE: [&str; 4] = ["to", "of", "as", "for"];
/// What a lost word costs.
const LOST_COST: f32 = 0.7;
/// What a word is worth that only sounds like the wording's.
const ALIKE_WORTH: f32 = 0.85;
/// The least score of a name that is made of everyday words only.
const ORDINARY_NAME_MIN: f32 = 0.9;

/// The words of an utterance, as the grammar looks at them.
#[derive(Debug, Clone, Default)]
pub struct Words {
    plain: Vec<String>,
    raw: Vec<String>,
}

impl Words {
    /// Splits what was heard; hyphens part words, other punctuation falls away.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut words = Self::default();
        let spaced = text.replace(['-', '–', '—', '/', '…'], " ").replace('%', " percent ").replace('’', "'");
        for raw in spaced.split_whitespace() {
            let raw = raw.trim_matches(|c: char| !(c.is_alphanumeric() || c == '\''));
            // "S.C.U." closes up; the point of "2.5" and the one in "19.30" stay.
            let digits = raw.starts_with(|c: char| c.is_ascii_digit());
            let plain: String = raw
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || *c == '\'' || (digits && matches!(c, '.' | ':')))
                .collect();
            let plain = plain.trim_matches('\'').to_owned();
            if !plain.is_empty() {
                words.plain.push(plain);
                words.raw.push(raw.to_owned());
            }
        }
        words
    }

    /// The words in lower case, without punctuation.
    #[must_use]
    pub fn plain(&self) -> &[String] {
        &self.plain
    }

    fn slice(&self, range: Range<usize>) -> Self {
        let part = |all: &[String]| all.get(range.clone()).unwrap_or_default().to_vec();
        Self { plain: part(&self.plain), raw: part(&self.raw) }
    }

    fn text(&self, range: Range<usize>) -> String {
        self.raw.get(range).unwrap_or_default().join(" ")
    }

    fn starts_with(&self, words: &[String]) -> bool {
        !words.is_empty() && words.len() < self.plain.len() && self.plain.starts_with(words)
    }

    fn ends_with(&self, words: &[String]) -> bool {
        !words.is_empty() && words.len() < self.plain.len() && self.plain.ends_with(words)
    }

    fn replace(&mut self, at: usize, count: usize, by: &[String]) {
        self.plain.splice(at..at + count, by.iter().cloned());
        self.raw.splice(at..at + count, by.iter().cloned());
    }
}

/// What the grammar made of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The orders, in the order in which they were said.
    pub intents: Vec<Intent>,
    /// Whether every name in them is known. When not, the names were placed by the wording alone.
    pub known: bool,
    /// How well the words are explained, at most 1.
    pub score: f32,
}

#[derive(Debug, Clone, Default)]
struct Path {
    fields: Vec<(Field, Range<usize>)>,
    worth: f32,
    literals: usize,
    names: usize,
    unknown: usize,
    lost: usize,
}

struct Walk<'a> {
    grammar: &'a Grammar,
    roster: &'a Roster,
    words: Words,
    stems: Vec<String>,
    names: RefCell<HashMap<(Kind, usize, usize), Option<f32>>>,
    lenient: bool,
    steps: usize,
    best: Option<(f32, usize, Path, usize)>,
    rival: bool,
}

impl Grammar {
    /// Reads an utterance, or `None` when no wording explains all of it. `called` are the names the commander answers
    /// to.
    #[must_use]
    pub fn read(&self, text: &str, roster: &Roster, called: &[String]) -> Option<Reading> {
        let words = self.prepare(Words::new(text), called);
        if words.plain.is_empty() || words.plain.len() > WORDS_MAX {
            return None;
        }
        // What is often heard wrongly is put right only when the words as they stand make no order.
        let put_right = || self.put_right(&words).and_then(|words| self.read_all(&words, roster, ORDERS_MAX));
        self.read_all(&words, roster, ORDERS_MAX).or_else(put_right).or_else(|| self.read_one(&words, roster, true))
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
        let total = words.plain.len();
        for at in 1..total.saturating_sub(1) {
            let joint = words.plain.iter().skip(at).take_while(|word| is_joint(word)).count();
            if joint == 0 || at + joint >= total || words.plain.get(at - 1).is_some_and(|word| is_joint(word)) {
                continue;
            }
            let Some(left) = self.read_one(&words.slice(0..at), roster, false) else { continue };
            let rest = self.prepare(words.slice(at + joint..total), &[]);
            let Some(right) = self.read_all(&rest, roster, orders_max - 1) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
            let score = {
                let (left_part, right_part) = (at as f32, (total - at - joint) as f32);
                (left.score * left_part + right.score * right_part + joint as f32) / total as f32
            };
            let changes = |one: &Reading| one.intents.iter().all(|intent| !intent.fields.is_empty());
            if changes(&left) && changes(&right) && best.as_ref().is_none_or(|one| score > one.score) {
                let intents = left.intents.into_iter().chain(right.intents).collect();
                best = Some(Reading { intents, known: true, score });
            }
        }
        best
    }

    fn read_one(&self, words: &Words, roster: &Roster, lenient: bool) -> Option<Reading> {
        let mut walk = Walk {
            grammar: self,
            roster,
            words: words.clone(),
            stems: words.plain.iter().map(|word| stem(word)).collect(),
            names: RefCell::default(),
            lenient,
            steps: 0,
            best: None,
            rival: false,
        };
        walk.step(0, 0, &mut Path::default());
        let rival = walk.rival;
        let (worth, _, path, rule) = walk.best.take()?;
        if rival {
            return None;
        }
        let rule = self.rules.get(rule)?;
        let said = path.fields.iter().map(|(field, range)| (*field, words.text(range.clone())));
        let intent = Intent { action: rule.action, fields: rule.fixed.iter().cloned().chain(said).collect() };
        #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
        let score = worth / words.plain.len() as f32;
        Some(Reading { intents: vec![intent], known: path.unknown == 0, score })
    }

    /// Takes off politeness, the commander's name and noises.
    fn prepare(&self, mut words: Words, called: &[String]) -> Words {
        let kept: Vec<usize> = (0..words.plain.len())
            .filter(|at| words.plain.get(*at).is_some_and(|word| !self.dropped.contains(word)))
            .collect();
        if !kept.is_empty() {
            let pick = |all: &[String]| kept.iter().filter_map(|at| all.get(*at).cloned()).collect::<Vec<_>>();
            words = Words { plain: pick(&words.plain), raw: pick(&words.raw) };
        }
        let called: Vec<Vec<String>> = called.iter().map(|name| Words::new(name).plain).collect();
        loop {
            let before = words.plain.len();
            if let Some(cut) =
                self.before.iter().chain(&called).filter(|one| words.starts_with(one)).map(Vec::len).max()
            {
                words = words.slice(cut..before);
            }
            let length = words.plain.len();
            if let Some(cut) = self.after.iter().chain(&called).filter(|one| words.ends_with(one)).map(Vec::len).max() {
                words = words.slice(0..length - cut);
            }
            if words.plain.len() == before {
                break;
            }
        }
        words
    }
}

fn is_joint(word: &str) -> bool {
    matches!(word, "and" | "then" | "also" | "plus")
}

impl Walk<'_> {
    fn step(&mut self, node: usize, at: usize, path: &mut Path) {
        self.steps += 1;
        let grammar = self.grammar;
        let Some(here) = grammar.nodes.get(node).filter(|_| self.steps < STEPS_MAX) else { return };
        let total = self.words.plain.len();
        if at == total {
            for rule in &here.rules {
                self.finish(*rule, path);
            }
            return;
        }
        let said = self.stems.get(at).map(String::as_str).unwrap_or_default();
        let alike = grammar.alike.get(said).into_iter().flatten().map(|word| (word.as_str(), ALIKE_WORTH));
        let own = here.words.get_key_value(said).map(|(word, _)| (word.as_str(), 1.0));
        for (word, worth) in own.into_iter().chain(alike) {
            let Some(next) = here.words.get(word) else { continue };
            path.worth += worth;
            path.literals += 1;
            self.step(*next, at + 1, path);
            path.worth -= worth;
            path.literals -= 1;
        }
        if path.lost == 0 && path.names > 0 {
            path.lost = 1;
            path.worth -= LOST_COST;
            for next in LOSABLE.iter().filter_map(|word| here.words.get(*word)) {
                self.step(*next, at, path);
            }
            path.lost = 0;
            path.worth += LOST_COST;
        }
        for (field, kind, next) in &here.slots {
            let longest = if *kind == SlotKind::Free { total - at } else { SLOT_WORDS_MAX.min(total - at) };
            for length in (1..=longest).rev() {
                let Some(worth) = self.fits(*kind, at, length, path) else { continue };
                let (was, unknown) = (path.clone(), worth < 0.0);
                #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
                let words = length as f32;
                path.worth += worth.max(0.0) * words;
                path.unknown += usize::from(unknown);
                path.names += usize::from(!unknown && matches!(kind, SlotKind::Name(_)));
                path.fields.push((*field, at..at + length));
                self.step(*next, at + length, path);
                *path = was;
            }
        }
    }

    /// How well the words fill the slot, 0 to 1 a word; below 0 for a name nobody has, in a lenient walk.
    fn fits(&self, kind: SlotKind, at: usize, length: usize, path: &Path) -> Option<f32> {
        let text = || self.words.text(at..at + length);
        let value = |fits: bool| fits.then_some(0.98);
        match kind {
            SlotKind::Name(kind) => {
                let known = *self
                    .names
                    .borrow_mut()
                    .entry((kind, at, length))
                    .or_insert_with(|| self.name_score(kind, at, length));
                let unknown = self.lenient && path.unknown == 0 && length <= UNKNOWN_WORDS_MAX && at > 0;
                known.or_else(|| unknown.then_some(-1.0))
            }
            SlotKind::Priority => value(values::priority(&text()).is_some()),
            SlotKind::ObjectiveStatus => value(values::objective_status(&text()).is_some()),
            SlotKind::TaskStatus => value(values::task_status(&text()).is_some()),
            SlotKind::Percent => value(values::percent(&text()).is_some()),
            SlotKind::Number => value(values::number(&text()).is_some()),
            SlotKind::Availability => value(values::availability(&text()).is_some()),
            SlotKind::Section => value(values::section(&text()).is_some()),
            SlotKind::Minutes => value(times::minutes(&text()).is_some()),
            SlotKind::Moment => value(times::moment(&text(), DateTime::UNIX_EPOCH).is_some()),
            SlotKind::Short => (length <= 6 && values::number(&text()).is_none()).then_some(FREE_WORTH),
            SlotKind::Free => Some(FREE_WORTH),
        }
    }

    fn name_score(&self, kind: Kind, at: usize, length: usize) -> Option<f32> {
        let words = self.words.plain.get(at..at + length)?;
        if kind == Kind::Member && matches!(words, [one] if matches!(one.as_str(), "me" | "myself")) {
            return Some(1.0);
        }
        let best = match self.roster.resolve(kind, &words.join(" ")) {
            Match::Unknown(_) => return None,
            Match::One(one) => one.score,
            Match::Several(many) => many.first()?.score,
        };
        let edge = [words.first(), words.last()]
            .into_iter()
            .flatten()
            .any(|word| is_ordinary(word) || length == 1 && word.len() < 3);
        let plain = words.iter().all(|word| is_ordinary(word));
        let least = if plain || (length == 1 && edge) { ORDINARY_NAME_MIN } else { 0.0 };
        (best >= least).then_some(best)
    }

    fn finish(&mut self, rule: usize, path: &Path) {
        // A name that nobody has is only placed when the rest of the wording leaves no doubt.
        if path.unknown > 0 && path.names == 0 && path.literals < 3 {
            return;
        }
        let worth = path.worth - if path.unknown > 0 { 0.5 } else { 0.0 };
        let better = self.best.as_ref().map(|(best, literals, ..)| {
            let gap = worth - best;
            if gap.abs() < 1e-4 { path.literals.cmp(literals) } else { gap.total_cmp(&0.0) }
        });
        match better {
            None | Some(std::cmp::Ordering::Greater) => {
                self.best = Some((worth, path.literals, path.clone(), rule));
                self.rival = false;
            }
            Some(std::cmp::Ordering::Equal) => {
                // Two wordings of the same order are one reading; two different orders are none.
                let same = self.best.as_ref().is_some_and(|(_, _, other, one)| {
                    let (a, b) = (self.grammar.rules.get(*one), self.grammar.rules.get(rule));
                    a.map(|r| (r.action, &r.fixed)) == b.map(|r| (r.action, &r.fixed))
                        && other.fields.len() == path.fields.len()
                });
                self.rival |= !same;
            }
            Some(std::cmp::Ordering::Less) => {}
        }
    }
}
