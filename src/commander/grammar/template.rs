//! Reads the wordings' file and compiles it into the tree.

use std::collections::HashMap;

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

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Word(String),
    Slot(Field, SlotKind),
}

pub(super) fn parse(text: &str) -> Result<Grammar, TemplateError> {
    let mut grammar = Grammar {
        rules: Vec::new(),
        nodes: vec![Node::default()],
        before: Vec::new(),
        after: Vec::new(),
        dropped: Vec::new(),
        heard: Vec::new(),
        alike: HashMap::new(),
    };
    let mut headed = false;
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
            add_wording(&mut grammar, line.trim()).map_err(failed)?;
        } else {
            grammar.rules.push(read_action(line).map_err(failed)?);
            headed = true;
        }
    }
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

fn add_wording(grammar: &mut Grammar, wording: &str) -> Result<(), String> {
    let rule = grammar.rules.len() - 1;
    let action = grammar.rules.last().map(|rule| rule.action).ok_or("no action")?;
    for items in expand(&read_parts(wording)?, Some(action))? {
        if items.is_empty() {
            return Err("a wording needs at least one word that cannot be left out".to_owned());
        }
        let mut node = 0;
        for item in items {
            let next = grammar.nodes.len();
            let Some(here) = grammar.nodes.get_mut(node) else { break };
            node = match item {
                Item::Word(word) => *here.words.entry(stem(&word)).or_insert(next),
                Item::Slot(field, kind) => match here.slots.iter().find(|one| one.0 == field && one.1 == kind) {
                    Some(known) => known.2,
                    None => {
                        here.slots.push((field, kind, next));
                        next
                    }
                },
            };
            if node == next {
                grammar.nodes.push(Node::default());
            }
        }
        if let Some(end) = grammar.nodes.get_mut(node)
            && !end.rules.contains(&rule)
        {
            end.rules.push(rule);
        }
    }
    Ok(())
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
