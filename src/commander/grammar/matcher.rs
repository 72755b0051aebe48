//! Walks an utterance through the graph of wordings.

use std::cmp::Ordering;
use std::ops::Range;

use super::slots::Slots;
use super::words::Words;
use super::{CALLED, Grammar, Reading, Scope, SlotKind, stem};
use crate::intent::{Action, Field, Intent};
use crate::names::EXACT_MIN;

/// The longest name or value, in words.
pub(super) const SLOT_WORDS_MAX: usize = 9;
/// The most steps one utterance may take through the graph.
const STEPS_MAX: usize = 60_000;
/// Small words that the recogniser loses between two names ("the Mole to" → "the Molta"); one an order may be missing.
const LOSABLE: [&str; 4] = ["to", "of", "as", "for"];
/// Words that only say what kind of thing a name names, or stand between names.
const KINDS: [&str; 13] =
    ["task", "job", "objective", "mission", "squad", "category", "the", "our", "my", "and", "plus", "both", "a"];
/// What a lost word costs.
const LOST_COST: f32 = 0.7;
/// What a word is worth that only sounds like the wording's.
const ALIKE_WORTH: f32 = 0.85;
/// What an order costs in which a name is nobody's.
const UNKNOWN_COST: f32 = 0.5;

/// How much is allowed of an utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Every name is known and every word is the wording's, or often heard for it.
    Strict,
    /// One name may be nobody's.
    Unknown,
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

#[derive(Debug, Clone)]
pub(super) struct Path {
    /// The slots with the words in them; a slot that holds several names is there once for each.
    pub(super) fields: Vec<(Field, Range<usize>)>,
    /// The slot that holds several names.
    several: Option<Field>,
    worth: f32,
    literals: usize,
    /// How many of them only sound like the wording's.
    alike: usize,
    names: usize,
    /// How plain the least plain name is.
    weakest: f32,
    pub(super) unknown: usize,
    lost: Lost,
    /// Where the last name ended.
    name_ends: Option<usize>,
}

impl Path {
    fn new() -> Self {
        let (fields, several, name_ends) = (Vec::new(), None, None);
        Self {
            fields,
            several,
            worth: 0.0,
            literals: 0,
            alike: 0,
            names: 0,
            weakest: 1.0,
            unknown: 0,
            lost: Lost::Nothing,
            name_ends,
        }
    }

    /// Whether it lists names without a word between any of them: what stands there may be a misheard correction.
    fn is_loose_list(&self, words: &Words) -> bool {
        let Some(several) = self.several else { return false };
        let listed = || self.fields.iter().filter(|(field, _)| *field == several).map(|(_, range)| range);
        listed().zip(listed().skip(1)).all(|(one, next)| one.end == next.start)
            && !words.plain.iter().any(|one| one == "both")
    }
}

/// The best reading so far.
#[derive(Debug)]
struct Best {
    worth: f32,
    path: Path,
    rule: usize,
    /// Another order explains the words as well.
    rival: bool,
}

struct Walk<'a> {
    grammar: &'a Grammar,
    slots: Slots<'a>,
    words: &'a Words,
    stems: Vec<String>,
    care: Care,
    steps: usize,
    best: Option<Best>,
}

/// A reading with what is needed to put another beside it.
#[derive(Debug, Clone)]
pub(super) struct One {
    pub(super) reading: Reading,
    /// How many words stand before the first slot.
    pub(super) head: usize,
}

impl Grammar {
    /// Reads one order (or one order for each of several names).
    pub(super) fn read_one(&self, words: &Words, scope: &Scope<'_>, care: Care) -> Option<One> {
        let stems: Vec<String> = words.plain.iter().map(|word| stem(word)).collect();
        let slots = Slots::new(self, scope, words, care);
        let mut walk = Walk { grammar: self, slots, words, stems, care, steps: 0, best: None };
        let mut path = Path::new();
        walk.step(0, 0, &mut path);
        if words.addressed
            && let Some(next) = self.nodes.first().and_then(|node| node.words.get(CALLED))
        {
            walk.step(*next, 0, &mut path);
        }
        let Best { worth, path, rule, .. } = walk.best.take().filter(|best| !best.rival)?;
        let rule = self.rules.get(rule)?;
        let intents = intents(rule.action, &rule.fixed, &path, words);
        #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
        let score = worth / words.len() as f32;
        let head = path.fields.first().map_or(words.len(), |(_, range)| range.start);
        Some(One {
            reading: Reading { intents, known: path.unknown == 0, score, guessed: path.is_loose_list(words) },
            head,
        })
    }
}

/// One order, or one for each name of the slot that holds several.
fn intents(action: Action, fixed: &[(Field, String)], path: &Path, words: &Words) -> Vec<Intent> {
    let with = |kept: &dyn Fn(usize, Field) -> bool| {
        let said = path.fields.iter().enumerate().filter(|(at, (field, _))| kept(*at, *field));
        let said = said.map(|(_, (field, range))| match field {
            Field::Tasks => (*field, words.listed(range.clone())),
            _ => (*field, words.text(range.clone())),
        });
        Intent::new(action, fixed.iter().cloned().chain(said).collect())
    };
    let Some(several) = path.several else { return vec![with(&|_, _| true)] };
    let places = path.fields.iter().enumerate().filter(|(_, (field, _))| *field == several);
    places.map(|(own, _)| with(&|at, field| field != several || at == own)).collect()
}

impl Walk<'_> {
    fn step(&mut self, node: usize, at: usize, path: &mut Path) {
        self.steps += 1;
        let grammar = self.grammar;
        let Some(here) = grammar.nodes.get(node).filter(|_| self.steps < STEPS_MAX) else { return };
        if at == self.words.len() {
            for rule in &here.rules {
                self.finish(*rule, path);
            }
            return;
        }
        let said = self.stems.get(at).map(String::as_str).unwrap_or_default();
        // "Promoted Mako to sergeant" and "Mako joined Anvil" tell of what was done; only where a wording itself is
        // written like that it is an order.
        let told = self.words.plain.get(at).is_some_and(|word| {
            if at == 0 { grammar.lists.is_told(word) } else { word.ends_with("ed") && !grammar.is_worded(word) }
        });
        let said = if told { "" } else { said };
        let alike = grammar.lists.alike.get(said).into_iter().flatten().map(|word| (word.as_str(), ALIKE_WORTH));
        let own = here.words.get_key_value(said).map(|(word, _)| (word.as_str(), 1.0));
        let next: Vec<(usize, f32)> = own
            .into_iter()
            .chain(alike)
            .filter_map(|(word, worth)| here.words.get(word).map(|next| (*next, worth)))
            .collect();
        for (next, worth) in next {
            let alike = usize::from(worth < 1.0);
            path.worth += worth;
            path.literals += 1;
            path.alike += alike;
            self.step(next, at + 1, path);
            path.worth -= worth;
            path.literals -= 1;
            path.alike -= alike;
        }
        let after_name = path.name_ends == Some(at) && path.lost == Lost::Nothing && self.care == Care::Strict;
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
        let left = self.words.len() - at;
        for (field, kind, next) in &here.slots {
            // A word that was lost between two names: the second must follow at once.
            if path.lost == Lost::Here && !matches!(kind, SlotKind::Name(_)) {
                continue;
            }
            let free = matches!(kind, SlotKind::Free | SlotKind::New);
            let longest = if free { left } else { SLOT_WORDS_MAX.min(left) };
            for length in (1..=longest).rev() {
                let Some(worth) = self.fits(*kind, at, length, path) else { continue };
                let (was, unknown) = (path.clone(), worth < 0.0);
                let is_name = !unknown && matches!(kind, SlotKind::Name(_) | SlotKind::Owner(_));
                path.unknown += usize::from(unknown);
                path.name_ends = is_name.then_some(at + length);
                path.fields.push((*field, at..at + length));
                self.go_on(*next, at + length, path, (worth.max(0.0), length, usize::from(is_name)));
                *path = was;
            }
            if let (SlotKind::Name(name), None, Lost::Nothing) = (kind, path.several, path.lost) {
                for (worth, parts) in self.slots.several(*name, at) {
                    let Some(end) = parts.last().map(|part| part.end) else { continue };
                    let was = path.clone();
                    path.several = Some(*field);
                    path.name_ends = Some(end);
                    let names = parts.len();
                    path.fields.extend(parts.into_iter().map(|part| (*field, part)));
                    self.go_on(*next, end, path, (worth, end - at, names));
                    *path = was;
                }
            }
        }
    }

    fn go_on(&mut self, next: usize, at: usize, path: &mut Path, (worth, words, names): (f32, usize, usize)) {
        #[expect(clippy::cast_precision_loss, reason = "an utterance has few words")]
        let words = words as f32;
        path.worth += worth * words;
        path.names += names;
        if names > 0 {
            path.weakest = path.weakest.min(worth);
        }
        if path.lost == Lost::Here {
            path.lost = Lost::Before;
        }
        self.step(next, at, path);
    }

    /// How well the words fill the slot, 0 to 1 a word; below 0 for a name nobody has.
    fn fits(&mut self, kind: SlotKind, at: usize, length: usize, path: &Path) -> Option<f32> {
        let known = self.slots.fits(kind, at, length, path.literals);
        if known.is_some() || self.care == Care::Strict {
            return known;
        }
        // Not at the start, where anything may stand, and not after a statement's subject.
        let ordered = path.fields.first().map_or(at > 0, |(_, range)| range.start > 0);
        let may = ordered && path.unknown == 0 && self.slots.may_be_unknown(kind, at, length);
        may.then_some(-1.0)
    }

    /// Whether anything was said beside the names and what kind of thing they name.
    fn tells_more(&self, path: &Path) -> bool {
        let named = |at: usize| path.fields.iter().any(|(_, range)| range.contains(&at));
        let words = self.words.plain.iter().enumerate().filter(|(at, _)| !named(*at));
        words.into_iter().any(|(_, word)| !KINDS.contains(&word.as_str()))
    }

    fn finish(&mut self, rule: usize, path: &Path) {
        // A name that nobody has is only placed when the rest of the wording leaves no doubt.
        if path.unknown > 0 && path.names == 0 && path.literals < 3 {
            return;
        }
        // One word may be misheard or lost, not one of each.
        if path.lost != Lost::Nothing && path.alike > 0 {
            return;
        }
        // Names alone order nothing, unless they were said to the commander; no word of theirs was lost, then.
        let only_names = path.names == path.fields.len() && !self.tells_more(path);
        if only_names && (path.lost != Lost::Nothing || !self.words.addressed) && path.names > 0 {
            return;
        }
        // A statement of little but names ("Scout the Route to Kestrel") needs them said plainly.
        let by_name = path.fields.first().is_some_and(|(_, range)| range.start == 0);
        let bare = path.names == path.fields.len() && path.literals <= 1;
        if by_name && bare && path.weakest < EXACT_MIN {
            return;
        }
        let Some(action) = self.grammar.rules.get(rule).map(|rule| rule.action) else { return };
        // Several names are several orders only where the order is about them: a task has one lead, not two.
        if path.several.is_some_and(|field| !is_about(action, field)) {
            return;
        }
        let worth = path.worth - if path.unknown > 0 { UNKNOWN_COST } else { 0.0 };
        let better = self.best.as_ref().map(|best| {
            let gap = worth - best.worth;
            if gap.abs() < 1e-4 { path.literals.cmp(&best.path.literals) } else { gap.total_cmp(&0.0) }
        });
        match better {
            None | Some(Ordering::Greater) => {
                self.best = Some(Best { worth, path: path.clone(), rule, rival: false });
            }
            Some(Ordering::Equal) => {
                // Two wordings of the same order are one reading; two different orders are none.
                let same = self.best.as_ref().is_some_and(|best| {
                    let (a, b) = (self.grammar.rules.get(best.rule), self.grammar.rules.get(rule));
                    a.map(|r| (r.action, &r.fixed)) == b.map(|r| (r.action, &r.fixed))
                        && best.path.fields.len() == path.fields.len()
                        // Of a name that nobody has, it is asked anyway: whether an objective's or a task's is one.
                        || path.unknown > 0 && best.path.unknown > 0
                });
                if let Some(best) = self.best.as_mut() {
                    best.rival |= !same;
                }
            }
            Some(Ordering::Less) => {}
        }
    }
}

/// Whether an order is about what stands in the slot, so that several of it make several orders.
fn is_about(action: Action, field: Field) -> bool {
    let makes = matches!(action, Action::ObjectiveCreate | Action::TaskCreate | Action::SquadCreate);
    let about = action.as_str().split('.').next() == Some(field.as_str());
    (about && !makes && action.is_change()) || (action, field) == (Action::ObjectiveAddCategory, Field::Category)
}
