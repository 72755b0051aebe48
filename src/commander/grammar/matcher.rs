//! Walks an utterance through the tree of wordings.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

use chrono::DateTime;

use super::words::Words;
use super::{Grammar, SlotKind, guard, stem};
use crate::domain::Kind;
use crate::intent::{Field, Intent, times, values};
use crate::names::{Match, Roster, is_ordinary};

/// The longest name or value, in words.
const SLOT_WORDS_MAX: usize = 9;
/// The longest unit, in words.
const SHORT_WORDS_MAX: usize = 6;
/// The longest name that nobody in the guild has and that is still asked about.
const UNKNOWN_WORDS_MAX: usize = 4;
/// The most steps one utterance may take through the tree.
const STEPS_MAX: usize = 100_000;
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
/// By how much a name that is better without its first or last word gives that word up.
const BETTER_WITHOUT: f32 = 0.01;

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

/// Whether a first word tells of something past.
fn is_told(word: &str, grammar: &Grammar) -> bool {
    word.ends_with("ed") && !grammar.starts.contains(word)
}

/// Whether a small word between two names was lost on this path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Lost {
    #[default]
    Nothing,
    /// Just now: a name must follow.
    Here,
    Before,
}

#[derive(Debug, Clone, Default)]
struct Path {
    fields: Vec<(Field, Range<usize>)>,
    worth: f32,
    literals: usize,
    names: usize,
    unknown: usize,
    lost: Lost,
    /// Where the last name ended.
    name_ends: Option<usize>,
}

pub(super) struct Walk<'a> {
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
    /// Reads one order; `lenient` lets one name in it be nobody's.
    pub(super) fn read_one(&self, words: &Words, roster: &Roster, lenient: bool) -> Option<Reading> {
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
        let intent = Intent::new(rule.action, rule.fixed.iter().cloned().chain(said).collect());
        #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
        let score = worth / words.plain.len() as f32;
        Some(Reading { intents: vec![intent], known: path.unknown == 0, score })
    }
}

impl Walk<'_> {
    fn step(&mut self, node: usize, at: usize, path: &mut Path) {
        self.steps += 1;
        let grammar = self.grammar;
        let Some(here) = grammar.nodes.get(node).filter(|_| self.steps < STEPS_MAX) else { return };
        let total = self.words.len();
        if at == total {
            for rule in &here.rules {
                self.finish(*rule, path);
            }
            return;
        }
        let said = self.stems.get(at).map(String::as_str).unwrap_or_default();
        // "Promoted Mako to sergeant" tells of what was done; only a wording that begins like that is an order.
        let told = at == 0 && self.words.plain.first().is_some_and(|word| is_told(word, grammar));
        let said = if told { "" } else { said };
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
        let after_name = path.name_ends == Some(at) && path.lost == Lost::Nothing && !self.lenient;
        if after_name {
            path.worth -= LOST_COST;
            path.lost = Lost::Here;
            for next in LOSABLE.iter().filter_map(|word| here.words.get(*word)) {
                self.fill(*next, at, path);
            }
            path.lost = Lost::Nothing;
            path.worth += LOST_COST;
        }
        self.fill(node, at, path);
    }

    /// Goes on through the slots of a node.
    fn fill(&mut self, node: usize, at: usize, path: &mut Path) {
        let grammar = self.grammar;
        let Some(here) = grammar.nodes.get(node) else { return };
        let total = self.words.len();
        for (field, kind, next) in &here.slots {
            // A word that was lost between two names: the second must follow at once.
            if path.lost == Lost::Here && !matches!(kind, SlotKind::Name(_)) {
                continue;
            }
            let longest = if *kind == SlotKind::Free { total - at } else { SLOT_WORDS_MAX.min(total - at) };
            for length in (1..=longest).rev() {
                let Some(worth) = self.fits(*kind, at, length, path) else { continue };
                let (was, unknown) = (path.clone(), worth < 0.0);
                #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
                let words = length as f32;
                path.worth += worth.max(0.0) * words;
                path.unknown += usize::from(unknown);
                path.names += usize::from(!unknown && matches!(kind, SlotKind::Name(_)));
                path.name_ends = (!unknown && matches!(kind, SlotKind::Name(_))).then_some(at + length);
                if path.lost == Lost::Here {
                    path.lost = Lost::Before;
                }
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
                let unknown = self.lenient && path.unknown == 0 && self.may_be_unknown(at, length, path);
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
            SlotKind::Short => {
                let words = self.words.plain.get(at..at + length).unwrap_or_default();
                (length <= SHORT_WORDS_MAX && guard::is_unit(words)).then_some(FREE_WORTH)
            }
            SlotKind::Free => {
                let words = self.words.plain.get(at..at + length).unwrap_or_default();
                (!guard::is_taken_back(words)).then_some(FREE_WORTH)
            }
        }
    }

    /// Whether the words can be somebody's name whom the guild does not know: not at the start, where anything may
    /// stand, not after a statement's subject, and not everyday words.
    fn may_be_unknown(&self, at: usize, length: usize, path: &Path) -> bool {
        let ordered = path.fields.first().map_or(at > 0, |(_, range)| range.start > 0);
        let words = self.words.plain.get(at..at + length).unwrap_or_default();
        ordered
            && length <= UNKNOWN_WORDS_MAX
            && !words.iter().any(|word| guard::is_guard(word))
            && words.iter().any(|word| !is_ordinary(word))
    }

    fn name_score(&self, kind: Kind, at: usize, length: usize) -> Option<f32> {
        let words = self.words.plain.get(at..at + length)?;
        if kind == Kind::Member && matches!(words, [one] if matches!(one.as_str(), "me" | "myself")) {
            return Some(1.0);
        }
        let (best, name) = self.best_of(kind, words)?;
        // A name does not swallow a "not" that stands beside it, nor any other word it is better without.
        let own = Words::new(&name);
        if words.iter().any(|word| guard::is_guard(word) && !own.plain().contains(word)) {
            return None;
        }
        let shorter = [words.get(1..), words.get(..length - 1)].into_iter().flatten().filter(|part| !part.is_empty());
        if shorter.filter_map(|part| self.best_of(kind, part)).any(|(score, _)| score > best + BETTER_WITHOUT) {
            return None;
        }
        let short = matches!(words, [one] if one.len() < 3);
        let plain = words.iter().all(|word| is_ordinary(word));
        let least = if plain || short { ORDINARY_NAME_MIN } else { 0.0 };
        (best >= least).then_some(best)
    }

    fn best_of(&self, kind: Kind, words: &[String]) -> Option<(f32, String)> {
        let best = match self.roster.resolve(kind, &words.join(" ")) {
            Match::Unknown(_) => return None,
            Match::One(one) => one,
            Match::Several(many) => *many.first()?,
        };
        Some((best.score, best.entry.name.clone()))
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
            None | Some(Ordering::Greater) => {
                self.best = Some((worth, path.literals, path.clone(), rule));
                self.rival = false;
            }
            Some(Ordering::Equal) => {
                // Two wordings of the same order are one reading; two different orders are none.
                let same = self.best.as_ref().is_some_and(|(_, _, other, one)| {
                    let (a, b) = (self.grammar.rules.get(*one), self.grammar.rules.get(rule));
                    a.map(|r| (r.action, &r.fixed)) == b.map(|r| (r.action, &r.fixed))
                        && other.fields.len() == path.fields.len()
                });
                self.rival |= !same;
            }
            Some(Ordering::Less) => {}
        }
    }
}
