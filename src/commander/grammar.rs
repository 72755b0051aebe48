//! Pure: fixed wordings → [`Intent`]s, at once and without a model.
//!
//! The wordings are data (`prompts/grammar.txt`), compiled into one tree of words and slots. An utterance is walked
//! through the tree; an order is understood only when every word is explained. A slot for a name is filled by asking
//! the roster what the words mean there, so a name that was heard wrongly still fits where a name is expected.

mod guard;
mod matcher;
mod read;
mod template;
mod words;

use std::collections::{HashMap, HashSet};

use crate::domain::Kind;
use crate::intent::{Action, Field};

pub use matcher::Reading;
pub use template::TemplateError;
pub use words::Words;

/// The wordings that ship with the program.
const BUILT_IN: &str = include_str!("../../prompts/grammar.txt");

/// What may stand in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SlotKind {
    Name(Kind),
    Priority,
    ObjectiveStatus,
    TaskStatus,
    Percent,
    Number,
    Availability,
    Section,
    Minutes,
    Moment,
    /// Up to three words that are no number: a unit, a metric's name.
    Short,
    /// Any words: the name of something new, a text.
    Free,
}

/// What an order with this wording means.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) action: Action,
    pub(crate) fixed: Vec<(Field, String)>,
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) words: HashMap<String, usize>,
    pub(crate) slots: Vec<(Field, SlotKind, usize)>,
    pub(crate) rules: Vec<usize>,
}

/// All wordings, ready to be matched.
#[derive(Debug)]
pub struct Grammar {
    pub(crate) rules: Vec<Rule>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) before: Vec<Vec<String>>,
    pub(crate) after: Vec<Vec<String>>,
    /// Taken off an order's end after a pause.
    pub(crate) pause: Vec<Vec<String>>,
    /// The words that wordings begin with, as they are written.
    pub(crate) starts: HashSet<String>,
    pub(crate) dropped: Vec<String>,
    pub(crate) heard: Vec<(Vec<String>, Vec<String>)>,
    pub(crate) alike: HashMap<String, Vec<String>>,
}

impl Grammar {
    /// The wordings that ship with the program.
    ///
    /// # Errors
    /// Never for the shipped file, which a test reads; the type is that of [`Grammar::parse`].
    pub fn built_in() -> Result<Self, TemplateError> {
        Self::parse(BUILT_IN)
    }

    /// Reads wordings in the form that `prompts/grammar.txt` explains.
    ///
    /// # Errors
    /// The first line that cannot be read, and why.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        template::parse(text)
    }
}

/// A word without the endings that speech adds and drops: "marked", "marks" and "mark" are one. Applied to both sides.
pub(crate) fn stem(word: &str) -> String {
    let cut = |ending: &str| word.strip_suffix(ending).filter(|rest| rest.chars().count() >= 3);
    let root = cut("ed")
        .or_else(|| cut("es"))
        .or_else(|| cut("s").filter(|rest| !rest.ends_with('s') && !rest.ends_with('\'')))
        .or_else(|| cut("e"))
        .unwrap_or(word);
    root.to_owned()
}

#[cfg(test)]
mod tests;
