//! Reads the wordings' file.

use std::collections::BTreeSet;

use super::guess::vocabulary;
use super::lists::Lists;
use super::parts::{Part, all_words, first_words, put_in, read_parts};
use super::places::Places;
use super::{Grammar, Rule};
use crate::intent::{Action, Field};

/// The most word sequences that one setting may stand for.
const VARIANTS_MAX: usize = 2_000;
/// What stands for "objective" and then for "task" below a line that names both.
const EITHER: char = '*';

/// A line of the wordings' file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TemplateError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Collects the lines of one or more files.
#[derive(Debug, Default)]
pub(super) struct Reader {
    rules: Vec<Rule>,
    lists: Lists,
    named: Vec<(String, String)>,
    places: Places,
    /// Every word of a wording, as it is written.
    words: BTreeSet<String>,
    /// What the wordings that follow belong to: the rule, and what [`EITHER`] stands for.
    heads: Vec<(usize, Option<&'static str>)>,
}

impl Reader {
    /// Reads a file's lines; answers those that cannot be read, which are left out.
    pub(super) fn read(&mut self, text: &str) -> Vec<TemplateError> {
        self.heads.clear();
        let lines = text.lines().enumerate();
        lines
            .filter_map(|(at, raw)| self.line(raw).err().map(|problem| TemplateError { line: at + 1, problem }))
            .collect()
    }

    pub(super) fn finish(self) -> Grammar {
        let nodes = self.places.merge();
        let vocabulary = vocabulary(self.words.iter());
        Grammar { nodes, rules: self.rules, lists: self.lists, vocabulary }
    }

    fn line(&mut self, raw: &str) -> Result<(), String> {
        let line = raw.trim_end();
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            return Ok(());
        }
        if let Some(setting) = line.strip_prefix('@') {
            return self.setting(setting);
        }
        if line.starts_with(char::is_whitespace) {
            return self.wording(line.trim());
        }
        self.heads.clear();
        let (name, pieces) = line.split_once(' ').unwrap_or((line, ""));
        let both = name
            .strip_prefix(EITHER)
            .map(|rest| ["objective", "task"].map(|word| (format!("{word}{rest}"), Some(word))));
        for (name, word) in both.map_or_else(|| vec![(name.to_owned(), None)], Vec::from) {
            let rule = read_action(&name, pieces)?;
            self.rules.push(rule);
            self.heads.push((self.rules.len() - 1, word));
        }
        Ok(())
    }

    fn wording(&mut self, text: &str) -> Result<(), String> {
        if self.heads.is_empty() {
            return Err("a wording before any action".to_owned());
        }
        for (rule, word) in self.heads.clone() {
            let Some(action) = self.rules.get(rule).map(|rule| rule.action) else { continue };
            let text = word.map_or_else(|| text.to_owned(), |word| text.replace(EITHER, word));
            let parts = read_parts(&put_in(&text, &self.named)?)?;
            self.places.add(&parts, rule, action)?;
            first_words(&parts, &mut |word| {
                self.lists.starts.insert(word.to_owned());
            });
            all_words(&parts, &mut |word| {
                self.words.insert(word.to_owned());
            });
        }
        Ok(())
    }

    fn setting(&mut self, setting: &str) -> Result<(), String> {
        let (name, rest) = setting.split_once(' ').ok_or("a setting needs words after it")?;
        if name == "let" {
            let (name, piece) = rest.split_once('=').ok_or("@let needs \"name = words\"")?;
            let piece = piece.trim();
            // That it can be read is seen here, not at its first use.
            read_parts(&put_in(&format!("({})", piece.replace(EITHER, "task")), &self.named)?)?;
            self.named.retain(|(one, _)| one != name.trim());
            self.named.push((name.trim().to_owned(), piece.to_owned()));
            return Ok(());
        }
        let rest = put_in(rest, &self.named)?;
        self.lists.add(name, &rest, |text| sequences(&format!("({text})")))
    }
}

/// `status="on hold"`.
fn read_action(name: &str, mut rest: &str) -> Result<Rule, String> {
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

/// Every sequence of words that a text without slots stands for.
fn sequences(text: &str) -> Result<Vec<Vec<String>>, String> {
    expand(&read_parts(text)?)
}

fn expand(parts: &[Part]) -> Result<Vec<Vec<String>>, String> {
    let mut out: Vec<Vec<String>> = vec![Vec::new()];
    for part in parts {
        let choices: Vec<Vec<String>> = match part {
            Part::Word(word) => vec![vec![word.clone()]],
            Part::Slot(..) | Part::Called => return Err("no slot can stand here".to_owned()),
            Part::Optional(inner) => {
                let mut all = expand(inner)?;
                all.push(Vec::new());
                all
            }
            Part::OneOf(branches) => {
                branches.iter().map(|branch| expand(branch)).collect::<Result<Vec<_>, _>>()?.concat()
            }
        };
        if out.len() * choices.len() > VARIANTS_MAX {
            return Err(format!("this stands for more than {VARIANTS_MAX} sequences; split it"));
        }
        out = out
            .iter()
            .flat_map(|head| choices.iter().map(move |tail| head.iter().chain(tail).cloned().collect()))
            .collect();
    }
    Ok(out)
}
