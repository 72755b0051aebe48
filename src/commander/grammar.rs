//! Pure: fixed wordings → [`Intent`]s, at once and without a model.
//!
//! The wordings are data (`prompts/grammar.txt`), compiled into one graph of words and slots. An utterance is walked
//! through the graph; an order is understood only when every word is explained. A slot for a name is filled by asking
//! the roster what the words mean there, so a name that was heard wrongly still fits where a name is expected.

mod address;
mod correct;
mod guess;
mod lists;
mod matcher;
mod parts;
mod places;
mod read;
mod several;
mod slots;
mod template;
mod words;

use std::collections::HashMap;

use crate::domain::Kind;
use crate::intent::recent::Recent;
use crate::intent::{Action, Field, Intent};
use crate::names::Roster;

pub use several::ORDERS_MAX;
pub use template::TemplateError;
pub use words::Words;

/// The wordings that ship with the program.
const BUILT_IN: &str = include_str!("../../prompts/grammar.txt");
/// Stands in the graph for the commander's name in front of an order; no word has a space.
const CALLED: &str = "the commander";

/// What an utterance is understood by.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The guild's names, as far as the speaker may see them.
    pub roster: &'a Roster,
    /// The names the commander answers to.
    pub called: &'a [String],
    /// What was last spoken of.
    pub recent: &'a Recent,
}

/// The orders that were found in an utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The orders, in the order in which they were said.
    pub intents: Vec<Intent>,
    /// Whether every name in them is known. When not, the names were placed by the wording alone.
    pub known: bool,
    /// How well the words are explained, at most 1.
    pub score: f32,
    /// Whether words were taken for others that sound like them: the orders have to be confirmed.
    pub guessed: bool,
}

/// Why words with an order in them are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declined {
    /// "Don't …".
    Negated,
    /// "If …", "… when …", "… unless …": nothing waits for conditions.
    Condition,
    /// "… never mind".
    TakenBack,
}

/// What the grammar made of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Orders.
    Orders(Reading),
    /// An order that must not be carried out, whoever else would read it.
    Declined(Declined),
    /// No wording explains all of it.
    Nothing,
}

impl Verdict {
    /// The orders, when there are any.
    #[must_use]
    pub fn reading(self) -> Option<Reading> {
        match self {
            Self::Orders(reading) => Some(reading),
            Self::Declined(_) | Self::Nothing => None,
        }
    }
}

/// What may stand in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SlotKind {
    Name(Kind),
    /// A name that owns something: "Kestrel's".
    Owner(Kind),
    Priority,
    ObjectiveStatus,
    TaskStatus,
    Percent,
    /// A share that is said as one: "half", "forty percent".
    Share,
    Number,
    Availability,
    Section,
    Minutes,
    Moment,
    /// A few words that are no number: a unit, a metric's name.
    Short,
    /// The name of something new.
    New,
    /// Any words.
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
    rules: Vec<Rule>,
    nodes: Vec<Node>,
    lists: lists::Lists,
    /// The words of all wordings, to be found by sound.
    vocabulary: Roster,
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
        let mut reader = template::Reader::default();
        match reader.read(text).into_iter().next() {
            Some(error) => Err(error),
            None => Ok(reader.finish()),
        }
    }

    /// The wordings that ship, and a guild's own beside them. Lines of the guild's file that cannot be read are left
    /// out and answered, so that one wrong line does not take the voice away.
    ///
    /// # Errors
    /// Never for the shipped file.
    pub fn with_own(text: &str) -> Result<(Self, Vec<TemplateError>), TemplateError> {
        let mut reader = template::Reader::default();
        if let Some(error) = reader.read(BUILT_IN).into_iter().next() {
            return Err(error);
        }
        let problems = reader.read(text);
        Ok((reader.finish(), problems))
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
