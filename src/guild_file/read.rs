//! Reads single values out of the parsed document and notes every problem with its line.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{PHONETIC_CHARS_MAX, Problem, Said};
use crate::domain::{Name, TEXT_CHARS_MAX};

/// How like a known word an unknown one must be to be suggested, 0 to 1.
const SUGGESTION_LIKENESS_MIN: f64 = 0.8;
/// How many problems get a suggestion; looking for one costs a pass over every known name.
const SUGGESTIONS_MAX: usize = 200;

/// What was found wrong so far.
pub(super) struct Problems {
    line_starts: Vec<usize>,
    list: Vec<Problem>,
    suggestions_left: usize,
}

impl Problems {
    pub(super) fn new(text: &str) -> Self {
        let line_starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self { line_starts, list: Vec::new(), suggestions_left: SUGGESTIONS_MAX }
    }

    /// The line, from 1, a byte of the text stands on.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.line_starts.partition_point(|&start| start <= span.start) + 1
    }

    pub(super) fn add(&mut self, span: &Range<usize>, path: impl Into<String>, message: impl Into<String>) {
        self.list.push(Problem { line: self.line(span), path: path.into(), message: message.into() });
    }

    /// `; did you mean "Officer"?`, or nothing when no known word is near.
    pub(super) fn hint<'k>(&mut self, word: &str, known: impl Iterator<Item = &'k str>) -> String {
        if self.suggestions_left == 0 {
            return String::new();
        }
        self.suggestions_left -= 1;
        suggestion(word, known).map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default()
    }

    /// All of them in the order of the lines.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|problem| problem.line);
        self.list
    }
}

/// The known word most like this one, if any is near enough.
pub(crate) fn suggestion<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.trim().to_lowercase();
    known
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= SUGGESTION_LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The names one kind of thing has in this file, by their lower-cased form.
pub(super) struct Known {
    kind: &'static str,
    names: BTreeMap<String, Name>,
}

impl Known {
    pub(super) fn new(kind: &'static str, sections: &[Section<'_>]) -> Self {
        let mut names = BTreeMap::new();
        for name in sections.iter().filter_map(|section| Name::new(section.get("name")?.get_ref().as_str()?).ok()) {
            names.entry(name.as_str().to_lowercase()).or_insert(name);
        }
        Self { kind, names }
    }

    fn find(&self, word: &str, span: &Range<usize>, path: &str, problems: &mut Problems) -> Option<Name> {
        let found = self.names.get(&word.trim().to_lowercase()).cloned();
        if found.is_none() {
            let hint = problems.hint(word, self.names.values().map(Name::as_str));
            problems.add(span, path, format!("no {} is called \"{}\"{hint}", self.kind, word.escape_debug()));
        }
        found
    }
}

/// The names seen so far of a kind that must not repeat.
#[derive(Default)]
pub(super) struct Seen(HashMap<String, usize>);

impl Seen {
    /// Notes a second use of the same key, whatever its case.
    pub(super) fn check(&mut self, what: &str, key: &str, span: &Range<usize>, path: &str, problems: &mut Problems) {
        let line = problems.line(span);
        if let Some(first) = self.0.get(&key.to_lowercase()) {
            problems.add(span, path, format!("{what} \"{key}\" is already on line {first}"));
        } else {
            self.0.insert(key.to_lowercase(), line);
        }
    }
}

type Value<'a> = &'a Spanned<DeValue<'a>>;

/// One table of the document.
#[derive(Clone)]
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
    pub(super) path: String,
}

impl<'a> Section<'a> {
    pub(super) fn new(table: &'a DeTable<'a>, span: Range<usize>, path: String) -> Self {
        Self { table, span, path }
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.table.get(key)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Range<usize>, Value<'a>)> + use<'a> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    pub(super) fn path_of(&self, key: impl Display) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn wrong(&self, key: &str, message: impl Into<String>, problems: &mut Problems) {
        let span = self.get(key).map_or_else(|| self.span.clone(), Spanned::span);
        problems.add(&span, self.path_of(key), message);
    }

    pub(super) fn check_keys(&self, known: &[&str], problems: &mut Problems) {
        for (key, span, _) in self.entries() {
            if !known.contains(&key) {
                let hint = problems.hint(key, known.iter().copied());
                problems.add(&span, self.path_of(key), format!("unknown key \"{}\"{hint}", key.escape_debug()));
            }
        }
    }

    fn missing(&self, key: &str, problems: &mut Problems) {
        problems.add(&self.span, self.path.as_str(), format!("\"{key}\" is missing"));
    }

    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        problems: &mut Problems,
        read: impl Fn(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let typed = read(value.get_ref());
        if typed.is_none() {
            let found = value.get_ref().type_str();
            self.wrong(key, format!("expected {expected}, found {}", with_article(found)), problems);
        }
        typed
    }

    pub(super) fn string(&self, key: &str, problems: &mut Problems) -> Option<&'a str> {
        self.typed(key, "a string", problems, DeValue::as_str)
    }

    pub(super) fn boolean(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        self.typed(key, "a boolean", problems, DeValue::as_bool)
    }

    pub(super) fn integer(&self, key: &str, range: Range<i64>, problems: &mut Problems) -> Option<i64> {
        let number = self.typed(key, "an integer", problems, DeValue::as_integer)?;
        let value = i64::from_str_radix(number.as_str(), number.radix()).ok().filter(|value| range.contains(value));
        if value.is_none() {
            let (low, high) = (range.start, range.end - 1);
            self.wrong(key, format!("{key} is {low} to {high}, not {number}"), problems);
        }
        value
    }

    pub(super) fn number(&self, key: &str, problems: &mut Problems) -> Option<f64> {
        let value = self.typed(key, "a number", problems, |value| match value {
            DeValue::Integer(number) => {
                #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 lose their last digits, as said")]
                let number = i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64);
                Some(number)
            }
            DeValue::Float(number) => Some(number.as_str().parse::<f64>().ok()),
            _ => None,
        })?;
        let finite = value.filter(|value| value.is_finite());
        if finite.is_none() {
            self.wrong(key, "expected a finite number", problems);
        }
        finite
    }

    /// The section's own `name`, which it must have.
    pub(super) fn name(&self, problems: &mut Problems) -> Option<Name> {
        if self.get("name").is_none() {
            self.missing("name", problems);
            return None;
        }
        self.name_at("name", problems)
    }

    /// A name that may be absent, but not empty.
    pub(super) fn name_at(&self, key: &str, problems: &mut Problems) -> Option<Name> {
        match Name::new(self.string(key, problems)?) {
            Ok(name) => Some(name),
            Err(error) => {
                self.wrong(key, error.to_string(), problems);
                None
            }
        }
    }

    pub(super) fn required_integer(&self, key: &str, range: Range<i64>, problems: &mut Problems) -> Option<i64> {
        if self.get(key).is_none() {
            self.missing(key, problems);
        }
        self.integer(key, range, problems)
    }

    /// A text of several lines, trimmed.
    pub(super) fn text(&self, key: &str, problems: &mut Problems) -> Said<String> {
        let Some(text) = self.string(key, problems) else { return Said::Unsaid };
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        if text.chars().count() > TEXT_CHARS_MAX {
            self.wrong(key, format!("a text has at most {TEXT_CHARS_MAX} characters"), problems);
        } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.wrong(key, "a text cannot hold control characters", problems);
        } else if text.is_empty() {
            return Said::Cleared;
        } else {
            return Said::To(text.to_owned());
        }
        Said::Unsaid
    }

    pub(super) fn phonetic(&self, problems: &mut Problems) -> Said<String> {
        let said = self.text("phonetic", problems);
        if let Said::To(text) = &said {
            if text.chars().count() > PHONETIC_CHARS_MAX {
                let message = format!("a respelling has at most {PHONETIC_CHARS_MAX} characters");
                self.wrong("phonetic", message, problems);
            } else if text.chars().any(char::is_control) {
                self.wrong("phonetic", "a respelling cannot hold line breaks or control characters", problems);
            }
        }
        said
    }

    /// One word of a closed set, such as a priority.
    pub(super) fn choice<T: Copy + Display>(&self, key: &str, all: &[T], problems: &mut Problems) -> Option<T> {
        let word = self.string(key, problems)?;
        let found = all.iter().copied().find(|value| value.to_string() == word.trim().to_lowercase());
        if found.is_none() {
            let words: Vec<String> = all.iter().map(T::to_string).collect();
            self.wrong(key, format!("\"{}\" is no {key}; use {}", word.escape_debug(), either(&words)), problems);
        }
        found
    }

    /// The name of something else in the file; an empty text means nobody.
    pub(super) fn reference(&self, key: &str, known: &Known, problems: &mut Problems) -> Said<Name> {
        let Some(word) = self.string(key, problems) else { return Said::Unsaid };
        if word.trim().is_empty() {
            return Said::Cleared;
        }
        let span = self.get(key).map_or_else(|| self.span.clone(), Spanned::span);
        known.find(word, &span, &self.path_of(key), problems).map_or(Said::Unsaid, Said::To)
    }

    pub(super) fn references(
        &self,
        key: &str,
        known: &Known,
        max: usize,
        problems: &mut Problems,
    ) -> Option<Vec<Name>> {
        self.strings(key, max, problems, |word, span, path, problems| known.find(word, span, path, problems))
    }

    /// A list of texts, each read by `read`; a repeated one is a problem.
    pub(super) fn strings<T: Display>(
        &self,
        key: &str,
        max: usize,
        problems: &mut Problems,
        read: impl Fn(&str, &Range<usize>, &str, &mut Problems) -> Option<T>,
    ) -> Option<Vec<T>> {
        let array = self.typed(key, "an array of strings", problems, DeValue::as_array)?;
        if array.len() > max {
            self.wrong(key, format!("at most {max} entries, not {}", array.len()), problems);
            return None;
        }
        let mut list = Vec::new();
        let mut seen = Seen::default();
        for (index, value) in array.iter().enumerate() {
            let (span, path) = (value.span(), self.path_of(format_args!("{key}[{index}]")));
            let Some(word) = value.get_ref().as_str() else {
                let found = with_article(value.get_ref().type_str());
                problems.add(&span, path, format!("expected a string, found {found}"));
                continue;
            };
            if let Some(entry) = read(word, &span, &path, problems) {
                seen.check("the entry", &entry.to_string(), &span, &path, problems);
                list.push(entry);
            }
        }
        Some(list)
    }

    pub(super) fn subsection(&self, key: &str, problems: &mut Problems) -> Option<Section<'a>> {
        let table = self.typed(key, "a table", problems, DeValue::as_table)?;
        let span = self.get(key).map_or_else(|| self.span.clone(), Spanned::span);
        Some(Section::new(table, span, self.path_of(key)))
    }

    /// The tables of `[[key]]`; more than `max` of them is a problem.
    pub(super) fn sections(&self, key: &str, max: usize, problems: &mut Problems) -> Vec<Section<'a>> {
        let expected = format!("an array of tables, [[{key}]]");
        let Some(array) = self.typed(key, &expected, problems, DeValue::as_array) else { return Vec::new() };
        if array.len() > max {
            self.wrong(key, format!("at most {max} of [[{key}]], not {}", array.len()), problems);
        }
        let mut sections = Vec::with_capacity(array.len());
        for (index, value) in array.iter().enumerate() {
            let path = self.path_of(format_args!("{key}[{index}]"));
            match value.get_ref().as_table() {
                Some(table) => sections.push(Section::new(table, value.span(), path)),
                None => {
                    let found = with_article(value.get_ref().type_str());
                    problems.add(&value.span(), path, format!("expected a table, found {found}"));
                }
            }
        }
        sections
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// `critical, high, medium or low`
fn either(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}
