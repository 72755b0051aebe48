//! Reads the wordings' file and compiles it into the tree.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Grammar, Node, Rule, SlotKind, stem};
use crate::domain::Kind;
use crate::intent::{Action, Field};

/// The most word sequences that one wording may stand for.
const VARIANTS_MAX: usize = 20_000;

/// A line of the wordings' file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TemplateError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Word(String),
    Slot(Field),
    Optional(Vec<Part>),
    OneOf(Vec<Vec<Part>>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Word(String),
    Slot(Field, SlotKind),
}

pub(super) fn parse(text: &str) -> Result<Grammar, TemplateError> {
    let mut grammar = Grammar {
        rules: Vec::new(),
        nodes: Vec::new(),
        before: Vec::new(),
        after: Vec::new(),
        pause: Vec::new(),
        starts: HashSet::new(),
        dropped: Vec::new(),
        heard: Vec::new(),
        alike: HashMap::new(),
    };
    let mut headed = false;
    let mut places = Places::default();
    for (at, raw) in text.lines().enumerate() {
        let failed = |problem: String| TemplateError { line: at + 1, problem };
        let line = raw.trim_end();
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        if let Some(setting) = line.strip_prefix('@') {
            read_setting(&mut grammar, setting).map_err(failed)?;
        } else if line.starts_with(char::is_whitespace) {
            if !headed {
                return Err(failed("a wording before any action".to_owned()));
            }
            let (rule, action) = (grammar.rules.len() - 1, grammar.rules.last().map(|rule| rule.action));
            let Some(action) = action else { continue };
            places.add_wording(line.trim(), rule, action).map_err(failed)?;
            first_words(&read_parts(line.trim()).map_err(failed)?, &mut grammar.starts);
        } else {
            grammar.rules.push(read_action(line).map_err(failed)?);
            headed = true;
        }
    }
    grammar.nodes = places.merge();
    Ok(grammar)
}

fn read_setting(grammar: &mut Grammar, setting: &str) -> Result<(), String> {
    let (name, rest) = setting.split_once(' ').ok_or("a setting needs words after it")?;
    let sequences = |text: &str| -> Result<Vec<Vec<String>>, String> {
        let parts = read_parts(text)?;
        expand(&parts, None)?
            .into_iter()
            .map(|items| {
                items
                    .into_iter()
                    .map(|item| match item {
                        Item::Word(word) => Ok(word),
                        Item::Slot(..) => Err("no slot can stand here".to_owned()),
                    })
                    .collect()
            })
            .collect()
    };
    match name {
        "drop" => grammar.dropped.extend(rest.split_whitespace().map(str::to_owned)),
        "strip-before" => grammar.before.extend(sequences(rest)?),
        "strip-pause" => grammar.pause.extend(sequences(rest)?),
        "strip-after" => grammar.after.extend(sequences(rest)?),
        "heard" => {
            let (heard, meant) = rest.split_once('=').ok_or("@heard needs \"heard = meant\"")?;
            let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            grammar.heard.push((split(heard), split(meant)));
        }
        "alike" => {
            let all: Vec<&str> = rest.split_whitespace().collect();
            for heard in &all {
                let others = all.iter().filter(|one| *one != heard).map(|one| stem(one));
                grammar.alike.entry(stem(heard)).or_default().extend(others);
            }
        }
        other => return Err(format!("no setting is called @{other}")),
    }
    Ok(())
}

/// `objective.set_status status="on hold"`.
fn read_action(line: &str) -> Result<Rule, String> {
    let (name, mut rest) = line.split_once(' ').unwrap_or((line, ""));
    let action = Action::parse(name).ok_or_else(|| format!("no action is called {name:?}"))?;
    let mut fixed = Vec::new();
    while !rest.trim().is_empty() {
        let (field, after) = rest.trim().split_once("=\"").ok_or("a fixed piece is written piece=\"words\"")?;
        let (words, after) = after.split_once('"').ok_or("a quote is not closed")?;
        let field = Field::parse(field).ok_or_else(|| format!("no piece is called {field:?}"))?;
        fixed.push((field, words.to_owned()));
        rest = after;
    }
    Ok(Rule { action, fixed })
}

/// The wordings before they are merged: places between words, what leads from one to another, and where a wording ends.
#[derive(Debug, Default)]
struct Places {
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

    fn add_wording(&mut self, wording: &str, rule: usize, action: Action) -> Result<(), String> {
        let parts = read_parts(wording)?;
        if !parts.iter().any(is_needed) {
            return Err("a wording needs at least one word that cannot be left out".to_owned());
        }
        let start = self.place();
        self.starts.push(start);
        let end = self.follow(&parts, start, action);
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
                Part::Slot(field) => Some(Item::Slot(*field, slot_kind(*field, Some(action)))),
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
                Part::Word(_) | Part::Slot(_) => {}
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
        all.into_iter().collect()
    }

    /// Merges all wordings into one graph in which every word leads to one node: each node stands for the set of
    /// places an utterance may be at.
    fn merge(&self) -> Vec<Node> {
        let start = self.closed(self.starts.iter().copied());
        let mut known: HashMap<Vec<usize>, usize> = HashMap::from([(start.clone(), 0)]);
        let mut sets = vec![start];
        let mut nodes: Vec<Node> = Vec::new();
        while let Some(set) = sets.get(nodes.len()).cloned() {
            let mut node = Node::default();
            let mut targets: BTreeMap<Item, Vec<usize>> = BTreeMap::new();
            for (item, to) in set.iter().filter_map(|place| self.edges.get(*place)).flatten() {
                targets.entry(item.clone()).or_default().push(*to);
            }
            for (item, places) in targets {
                let set = self.closed(places);
                let next = *known.entry(set.clone()).or_insert_with(|| {
                    sets.push(set);
                    sets.len() - 1
                });
                match item {
                    Item::Word(word) => drop(node.words.insert(word, next)),
                    Item::Slot(field, kind) => node.slots.push((field, kind, next)),
                }
            }
            let rules: BTreeSet<usize> = set.iter().filter_map(|place| self.ends.get(place).copied()).collect();
            node.rules = rules.into_iter().collect();
            nodes.push(node);
        }
        nodes
    }
}

fn is_needed(part: &Part) -> bool {
    match part {
        Part::Word(_) | Part::Slot(_) => true,
        Part::Optional(_) => false,
        Part::OneOf(branches) => branches.iter().all(|branch| branch.iter().any(is_needed)),
    }
}

/// The words a wording may begin with.
fn first_words(parts: &[Part], into: &mut HashSet<String>) {
    for part in parts {
        match part {
            Part::Word(word) => {
                into.insert(word.clone());
            }
            Part::Slot(_) => {}
            Part::Optional(inner) => first_words(inner, into),
            Part::OneOf(branches) => branches.iter().for_each(|branch| first_words(branch, into)),
        }
        if is_needed(part) {
            return;
        }
    }
}

fn read_parts(text: &str) -> Result<Vec<Part>, String> {
    let mut letters = text.chars().peekable();
    let mut branches = read_branches(&mut letters, None)?;
    match branches.len() {
        1 => Ok(branches.remove(0)),
        _ => Err("\"|\" stands only between ( and )".to_owned()),
    }
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn read_branches(letters: &mut Letters<'_>, close: Option<char>) -> Result<Vec<Vec<Part>>, String> {
    let mut branches = vec![Vec::new()];
    let mut word = String::new();
    loop {
        let letter = letters.next();
        let in_word = letter.is_some_and(|c| c.is_alphanumeric() || c == '\'');
        if let (true, Some(c)) = (in_word, letter) {
            word.push(c);
            continue;
        }
        let mut parts = Vec::new();
        if !word.is_empty() {
            parts.push(Part::Word(std::mem::take(&mut word).to_lowercase()));
        }
        let mut ended = false;
        match letter {
            None if close.is_some() => return Err("a bracket is not closed".to_owned()),
            None => ended = true,
            Some(c) if Some(c) == close => ended = true,
            Some('(') => parts.push(Part::OneOf(read_branches(letters, Some(')'))?)),
            Some('[') => {
                let mut inner = read_branches(letters, Some(']'))?;
                if inner.len() != 1 {
                    return Err("write [(a|b)] for a choice that may be left out".to_owned());
                }
                parts.push(Part::Optional(inner.remove(0)));
            }
            Some('{') => {
                let name: String = letters.by_ref().take_while(|c| *c != '}').collect();
                parts.push(Part::Slot(Field::parse(&name).ok_or_else(|| format!("no slot is called {name:?}"))?));
            }
            Some('|') | Some(' ') => {}
            Some(other) => return Err(format!("{other:?} cannot stand here")),
        }
        if let Some(last) = branches.last_mut() {
            last.extend(parts);
        }
        if letter == Some('|') {
            branches.push(Vec::new());
        }
        if ended {
            return Ok(branches);
        }
    }
}

/// Every sequence of words and slots that the parts stand for.
fn expand(parts: &[Part], action: Option<Action>) -> Result<Vec<Vec<Item>>, String> {
    let mut out: Vec<Vec<Item>> = vec![Vec::new()];
    for part in parts {
        let choices: Vec<Vec<Item>> = match part {
            Part::Word(word) => vec![vec![Item::Word(word.clone())]],
            Part::Slot(field) => vec![vec![Item::Slot(*field, slot_kind(*field, action))]],
            Part::Optional(inner) => {
                let mut all = expand(inner, action)?;
                all.push(Vec::new());
                all
            }
            Part::OneOf(branches) => {
                let mut all = Vec::new();
                for branch in branches {
                    all.extend(expand(branch, action)?);
                }
                all
            }
        };
        if out.len() * choices.len() > VARIANTS_MAX {
            return Err(format!("the wording stands for more than {VARIANTS_MAX} sequences; split it"));
        }
        out = out
            .iter()
            .flat_map(|head| choices.iter().map(move |tail| head.iter().chain(tail).cloned().collect()))
            .collect();
    }
    Ok(out)
}

fn slot_kind(field: Field, action: Option<Action>) -> SlotKind {
    match field {
        Field::Objective => SlotKind::Name(Kind::Objective),
        Field::Task => SlotKind::Name(Kind::Task),
        Field::Member | Field::Lead => SlotKind::Name(Kind::Member),
        Field::Squad => SlotKind::Name(Kind::Squad),
        Field::Category => SlotKind::Name(Kind::Category),
        Field::Rank => SlotKind::Name(Kind::Rank),
        Field::Priority => SlotKind::Priority,
        Field::Status if action.is_some_and(|one| one.as_str().starts_with("task.")) => SlotKind::TaskStatus,
        Field::Status => SlotKind::ObjectiveStatus,
        Field::Percent => SlotKind::Percent,
        Field::Availability => SlotKind::Availability,
        Field::Section => SlotKind::Section,
        Field::Amount | Field::Target => SlotKind::Number,
        Field::Duration => SlotKind::Minutes,
        Field::Start | Field::End => SlotKind::Moment,
        Field::Unit | Field::Metric | Field::Timezone | Field::Due => SlotKind::Short,
        Field::Name | Field::Text | Field::Brief | Field::Description | Field::Message => SlotKind::Free,
    }
}
