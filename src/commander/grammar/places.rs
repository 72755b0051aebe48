//! All wordings merged into one graph of words and slots.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::parts::{Part, is_needed};
use super::{CALLED, Node, SlotKind, stem};
use crate::domain::Kind;
use crate::intent::{Action, Field};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Word(String),
    Slot(Field, SlotKind),
}

/// The wordings before they are merged: places between words, what leads from one to another, and where a wording ends.
#[derive(Debug, Default)]
pub(super) struct Places {
    edges: Vec<Vec<(Item, usize)>>,
    /// Places reached without a word.
    skips: Vec<Vec<usize>>,
    ends: HashMap<usize, usize>,
    starts: Vec<usize>,
}

impl Places {
    fn place(&mut self) -> usize {
        self.edges.push(Vec::new());
        self.skips.push(Vec::new());
        self.edges.len() - 1
    }

    fn skip(&mut self, from: usize, to: usize) {
        if let Some(skips) = self.skips.get_mut(from) {
            skips.push(to);
        }
    }

    /// Adds a wording of a rule.
    pub(super) fn add(&mut self, parts: &[Part], rule: usize, action: Action) -> Result<(), String> {
        if !parts.iter().any(is_needed) {
            return Err("a wording needs at least one word that cannot be left out".to_owned());
        }
        let start = self.place();
        self.starts.push(start);
        let end = self.follow(parts, start, action);
        self.ends.insert(end, rule);
        Ok(())
    }

    /// Lays the parts down from a place; answers the place after them.
    fn follow(&mut self, parts: &[Part], from: usize, action: Action) -> usize {
        let mut here = from;
        for part in parts {
            let after = self.place();
            let item = match part {
                Part::Word(word) => Some(Item::Word(stem(word))),
                Part::Slot(field, plainly) => Some(Item::Slot(*field, slot_kind(*field, *plainly, action))),
                Part::Called => Some(Item::Word(CALLED.to_owned())),
                Part::Optional(_) | Part::OneOf(_) => None,
            };
            if let (Some(item), Some(edges)) = (item, self.edges.get_mut(here)) {
                edges.push((item, after));
            }
            match part {
                Part::Optional(inner) => {
                    let end = self.follow(inner, here, action);
                    self.skip(end, after);
                    self.skip(here, after);
                }
                Part::OneOf(branches) => {
                    for branch in branches {
                        let end = self.follow(branch, here, action);
                        self.skip(end, after);
                    }
                }
                Part::Word(_) | Part::Slot(..) | Part::Called => {}
            }
            here = after;
        }
        here
    }

    /// The places and all that are reached from them without a word.
    fn closed(&self, places: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut all: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<usize> = places.into_iter().collect();
        while let Some(place) = open.pop() {
            if all.insert(place) {
                open.extend(self.skips.get(place).into_iter().flatten());
            }
        }
        // A place that only leads on without a word says nothing: without it, more sets are the same.
        let says =
            |place: &usize| self.ends.contains_key(place) || self.edges.get(*place).is_some_and(|all| !all.is_empty());
        all.into_iter().filter(says).collect()
    }

    /// Merges all wordings into one graph in which every word leads to one node: each node stands for the set of
    /// places an utterance may be at.
    pub(super) fn merge(&self) -> Vec<Node> {
        let start = self.closed(self.starts.iter().copied());
        let mut known: HashMap<Vec<usize>, usize> = HashMap::from([(start.clone(), 0)]);
        let mut sets = vec![start];
        let mut nodes: Vec<Node> = Vec::new();
        while let Some(set) = sets.get(nodes.len()).cloned() {
            let mut node = Node::default();
            let mut targets: BTreeMap<&Item, Vec<usize>> = BTreeMap::new();
            for (item, to) in set.iter().filter_map(|place| self.edges.get(*place)).flatten() {
                targets.entry(item).or_default().push(*to);
            }
            for (item, places) in targets {
                let set = self.closed(places);
                let next = *known.entry(set.clone()).or_insert_with(|| {
                    sets.push(set);
                    sets.len() - 1
                });
                match item {
                    Item::Word(word) => drop(node.words.insert(word.clone(), next)),
                    Item::Slot(field, kind) => node.slots.push((*field, *kind, next)),
                }
            }
            let rules: BTreeSet<usize> = set.iter().filter_map(|place| self.ends.get(place).copied()).collect();
            node.rules = rules.into_iter().collect();
            nodes.push(node);
        }
        nodes
    }
}

fn slot_kind(field: Field, plainly: bool, action: Action) -> SlotKind {
    let name = |kind| if plainly { SlotKind::Owner(kind) } else { SlotKind::Name(kind) };
    match field {
        Field::Objective => name(Kind::Objective),
        Field::Task => name(Kind::Task),
        Field::Member | Field::Lead => name(Kind::Member),
        Field::Squad => name(Kind::Squad),
        Field::Category => name(Kind::Category),
        Field::Rank => name(Kind::Rank),
        Field::Priority => SlotKind::Priority,
        Field::Status if action.as_str().starts_with("task.") => SlotKind::TaskStatus,
        Field::Status => SlotKind::ObjectiveStatus,
        Field::Percent if plainly => SlotKind::Share,
        Field::Percent => SlotKind::Percent,
        Field::Availability => SlotKind::Availability,
        Field::Section => SlotKind::Section,
        Field::Amount | Field::Target => SlotKind::Number,
        Field::Duration => SlotKind::Minutes,
        Field::Start | Field::End => SlotKind::Moment,
        Field::Unit | Field::Metric | Field::Timezone | Field::Due => SlotKind::Short,
        Field::Name => SlotKind::New,
        Field::Text | Field::Brief | Field::Description | Field::Message | Field::Tasks => SlotKind::Free,
    }
}
