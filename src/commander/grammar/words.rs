//! The words of an utterance.

use std::ops::Range;

/// A break before a word, as punctuation tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Pause {
    /// The words run on.
    #[default]
    None,
    /// A comma, a dash or the like.
    Short,
    /// A full stop: a new sentence begins.
    Full,
}

/// The words of an utterance, as the grammar looks at them.
#[derive(Debug, Clone, Default)]
pub struct Words {
    pub(super) plain: Vec<String>,
    raw: Vec<String>,
    paused: Vec<Pause>,
    /// Whether the commander was called by name; the name is no longer among the words.
    pub(super) addressed: bool,
}

impl Words {
    /// Splits what was heard; hyphens part words, other punctuation falls away.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut words = Self::default();
        let spaced = text.replace(" - ", ", ").replace(['–', '—', '…'], ", ").replace("...", ", ");
        let spaced = spaced.replace(" -", " minus ").replace(['-', '/'], " ");
        let spaced = spaced.replace('%', " percent ").replace('’', "'");
        let mut paused = Pause::None;
        for raw in spaced.split_whitespace() {
            let inner = raw.trim_end_matches(|c: char| !c.is_alphanumeric());
            let after = match raw.strip_prefix(inner).and_then(|rest| rest.chars().next()) {
                // The point of "p.m." ends no sentence.
                Some('.') if inner.contains('.') => Pause::None,
                Some('.' | '!' | '?') => Pause::Full,
                Some(',' | ';' | ':') => Pause::Short,
                _ => Pause::None,
            };
            let raw = raw.trim_matches(|c: char| !(c.is_alphanumeric() || c == '\''));
            // "S.C.U." closes up; the point of "2.5" and the one in "19.30" stay.
            let digits = raw.starts_with(|c: char| c.is_ascii_digit());
            let plain: String = raw
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || *c == '\'' || (digits && matches!(c, '.' | ':')))
                .collect();
            // The plural's apostrophe stays: "Yrsas'" owns something.
            let plain = plain.trim_start_matches('\'').to_owned();
            let plain = if plain.ends_with("s'") { plain } else { plain.trim_end_matches('\'').to_owned() };
            if !plain.is_empty() {
                words.plain.push(plain);
                words.raw.push(raw.to_owned());
                words.paused.push(paused);
                paused = Pause::None;
            }
            paused = paused.max(after);
        }
        words
    }

    /// The words in lower case, without punctuation.
    #[must_use]
    pub fn plain(&self) -> &[String] {
        &self.plain
    }

    pub(super) fn len(&self) -> usize {
        self.plain.len()
    }

    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let part = |all: &[String]| all.get(range.clone()).unwrap_or_default().to_vec();
        let paused = self.paused.get(range.clone()).unwrap_or_default().to_vec();
        Self { plain: part(&self.plain), raw: part(&self.raw), paused, addressed: self.addressed }
    }

    /// These words and others after them.
    pub(super) fn joined(mut self, other: &Self) -> Self {
        self.plain.extend(other.plain.iter().cloned());
        self.raw.extend(other.raw.iter().cloned());
        self.paused.extend(other.paused.iter().copied());
        self
    }

    /// The words that are to be kept.
    pub(super) fn keep(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut out = Self { addressed: self.addressed, ..Self::default() };
        let mut paused = Pause::None;
        for (at, plain) in self.plain.iter().enumerate() {
            paused = paused.max(self.pause(at));
            if keep(at) {
                out.plain.push(plain.clone());
                out.raw.push(self.raw.get(at).cloned().unwrap_or_default());
                out.paused.push(std::mem::take(&mut paused));
            }
        }
        out
    }

    /// The words without those of a list, unless nothing else is there.
    pub(super) fn without(self, dropped: &[String]) -> Self {
        if !self.plain.iter().any(|word| dropped.contains(word)) {
            return self;
        }
        let kept = self.keep(|at| self.plain.get(at).is_some_and(|word| !dropped.contains(word)));
        if kept.plain.is_empty() { self } else { kept }
    }

    /// The pause before a word.
    pub(super) fn pause(&self, at: usize) -> Pause {
        self.paused.get(at).copied().unwrap_or_default()
    }

    /// Whether there was a pause before the word.
    pub(super) fn is_paused(&self, at: usize) -> bool {
        self.pause(at) > Pause::None
    }

    pub(super) fn text(&self, range: Range<usize>) -> String {
        self.raw.get(range).unwrap_or_default().join(" ")
    }

    /// The words as they were said, with a comma wherever there was a pause.
    pub(super) fn listed(&self, range: Range<usize>) -> String {
        let start = range.start;
        let words = range.filter_map(|at| self.raw.get(at).map(|word| (at, word)));
        words.fold(String::new(), |text, (at, word)| match at {
            at if at == start => word.clone(),
            at if self.is_paused(at) => format!("{text}, {word}"),
            _ => format!("{text} {word}"),
        })
    }

    pub(super) fn ends_with(&self, words: &[String]) -> bool {
        !words.is_empty() && words.len() < self.plain.len() && self.plain.ends_with(words)
    }

    pub(super) fn replace(&mut self, at: usize, count: usize, by: &[String]) {
        let paused = self.pause(at);
        self.plain.splice(at..at + count, by.iter().cloned());
        self.raw.splice(at..at + count, by.iter().cloned());
        self.paused.splice(at..at + count, by.iter().map(|_| Pause::None));
        if let Some(first) = self.paused.get_mut(at) {
            *first = paused;
        }
    }
}
