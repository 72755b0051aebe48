//! The word lists of the wordings' file: what is taken off an order, what is often misheard, and the words that turn an
//! order into something else.

use std::collections::{HashMap, HashSet};

use super::stem;
use crate::intent::numbers;

/// Some words in their order.
pub(super) type Phrase = Vec<String>;

/// The lists, as the settings of the wordings' file fill them.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// Taken off an order's beginning.
    pub(super) before: Vec<Phrase>,
    /// Taken off an order's end.
    pub(super) after: Vec<Phrase>,
    /// Taken off an order's end after a pause.
    pub(super) pause: Vec<Phrase>,
    /// The words that wordings begin with, as they are written.
    pub(super) starts: HashSet<String>,
    /// Noises, dropped wherever they stand.
    pub(super) dropped: Vec<String>,
    /// Words that say nothing, dropped where the rest makes an order only without them.
    pub(super) fillers: Vec<Phrase>,
    /// What is often heard for some words of an order.
    pub(super) heard: Vec<(Phrase, Phrase)>,
    /// Words that are often heard for one another.
    pub(super) alike: HashMap<String, Vec<String>>,
    /// Words between two orders.
    pub(super) joints: Vec<Phrase>,
    /// No part of a name unless the name itself has them.
    guards: HashSet<String>,
    /// No part of a unit.
    no_unit: HashSet<String>,
    /// By which a speaker takes back all of it.
    pub(super) taken_back: Vec<Phrase>,
    /// By which a speaker puts another piece for the last one.
    pub(super) corrections: Vec<Phrase>,
    /// With which a condition begins.
    pub(super) conditions: Vec<Phrase>,
    /// The same, but they may stand in the name of something new.
    pub(super) whiles: Vec<Phrase>,
    /// With which an order is forbidden.
    pub(super) negations: Vec<Phrase>,
    /// Whole utterances that are no order, whatever a wording makes of them.
    pub(super) idioms: Vec<Phrase>,
    /// Questions that are orders begin with them.
    pub(super) polite: HashSet<String>,
}

impl Lists {
    /// Adds what stands after `@name`.
    pub(super) fn add(
        &mut self,
        name: &str,
        text: &str,
        phrases: impl Fn(&str) -> Result<Vec<Phrase>, String>,
    ) -> Result<(), String> {
        let words = || text.split_whitespace().map(str::to_owned);
        match name {
            "drop" => self.dropped.extend(words()),
            "guard" => self.guards.extend(words()),
            "no-unit" => self.no_unit.extend(words()),
            "polite" => self.polite.extend(words()),
            "filler" => self.fillers.extend(phrases(text)?),
            "strip-before" => self.before.extend(phrases(text)?),
            "strip-pause" => self.pause.extend(phrases(text)?),
            "strip-after" => self.after.extend(phrases(text)?),
            "joint" => self.joints.extend(phrases(text)?),
            "taken-back" => self.taken_back.extend(phrases(text)?),
            "correction" => self.corrections.extend(phrases(text)?),
            "condition" => self.conditions.extend(phrases(text)?),
            "while" => self.whiles.extend(phrases(text)?),
            "negation" => self.negations.extend(phrases(text)?),
            "idiom" => self.idioms.extend(phrases(text)?),
            "heard" => {
                let (heard, meant) = text.split_once('=').ok_or("@heard needs \"heard = meant\"")?;
                let meant: Phrase = meant.split_whitespace().map(str::to_owned).collect();
                self.heard.extend(phrases(heard)?.into_iter().map(|heard| (heard, meant.clone())));
            }
            "alike" => {
                let all: Vec<&str> = text.split_whitespace().collect();
                for heard in &all {
                    let others = all.iter().filter(|one| *one != heard).map(|one| stem(one));
                    self.alike.entry(stem(heard)).or_default().extend(others);
                }
            }
            other => return Err(format!("no setting is called @{other}")),
        }
        // An empty phrase would be found everywhere.
        for list in [&mut self.before, &mut self.after, &mut self.pause, &mut self.fillers, &mut self.joints] {
            list.retain(|one| !one.is_empty());
        }
        for list in [&mut self.taken_back, &mut self.corrections, &mut self.conditions, &mut self.negations] {
            list.retain(|one| !one.is_empty());
        }
        self.heard.retain(|(heard, _)| !heard.is_empty());
        Ok(())
    }

    /// Whether the word makes something else of an order.
    pub(super) fn is_guard(&self, word: &str) -> bool {
        self.guards.contains(word)
    }

    /// Whether the words can be a unit or a metric's name.
    pub(super) fn is_unit(&self, words: &[String]) -> bool {
        let fits =
            |word: &String| !self.no_unit.contains(word) && !self.is_guard(word) && numbers::number(word).is_none();
        // "a U E C" is spelled out, "a ship" is none.
        let spelled = words.len() > 1 && words.iter().all(|word| word.chars().count() == 1);
        words.first().is_some_and(|word| word != "of" && (spelled || !matches!(word.as_str(), "a" | "the")))
            && words.iter().all(fits)
    }

    /// Whether the speaker takes back what was said.
    pub(super) fn is_taken_back(&self, words: &[String]) -> bool {
        self.taken_back.iter().any(|phrase| holds(words, phrase).is_some())
    }

    /// Whether a condition begins within the words, after the first.
    pub(super) fn has_condition(&self, words: &[String]) -> bool {
        let rest = words.get(1..).unwrap_or_default();
        self.conditions.iter().any(|phrase| holds(rest, phrase).is_some())
    }

    /// Whether a first word tells of something past.
    pub(super) fn is_told(&self, word: &str) -> bool {
        word.ends_with("ed") && !self.starts.contains(word)
    }

    /// The longest phrase of a list that stands at a place; how many words it has.
    pub(super) fn at(list: &[Phrase], words: &[String], at: usize) -> Option<usize> {
        let rest = words.get(at..)?;
        list.iter().filter(|phrase| rest.starts_with(phrase)).map(Vec::len).max()
    }
}

/// Where a phrase stands within words.
fn holds(words: &[String], phrase: &[String]) -> Option<usize> {
    words.windows(phrase.len().max(1)).position(|part| part == phrase)
}
