//! The words of an utterance.

use std::ops::Range;

/// The words of an utterance, as the grammar looks at them.
#[derive(Debug, Clone, Default)]
pub struct Words {
    pub(super) plain: Vec<String>,
    raw: Vec<String>,
    /// Whether there was a comma, a full stop or the like before the word.
    paused: Vec<bool>,
}

impl Words {
    /// Splits what was heard; hyphens part words, other punctuation falls away.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut words = Self::default();
        let spaced = text.replace(" -", " minus ").replace(['-', '–', '—', '/', '…'], " ");
        let spaced = spaced.replace('%', " percent ").replace('’', "'");
        let mut paused = false;
        for raw in spaced.split_whitespace() {
            let pause_after = raw.ends_with([',', '.', ';', ':', '!', '?']);
            let raw = raw.trim_matches(|c: char| !(c.is_alphanumeric() || c == '\''));
            // "S.C.U." closes up; the point of "2.5" and the one in "19.30" stay.
            let digits = raw.starts_with(|c: char| c.is_ascii_digit());
            let plain: String = raw
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || *c == '\'' || (digits && matches!(c, '.' | ':')))
                .collect();
            let plain = plain.trim_matches('\'').to_owned();
            if !plain.is_empty() {
                words.plain.push(plain);
                words.raw.push(raw.to_owned());
                words.paused.push(paused);
                paused = false;
            }
            paused |= pause_after;
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
        Self { plain: part(&self.plain), raw: part(&self.raw), paused }
    }

    /// The words without those of a list, unless nothing else is there.
    pub(super) fn without(self, dropped: &[String]) -> Self {
        let kept: Vec<usize> =
            (0..self.len()).filter(|at| self.plain.get(*at).is_some_and(|word| !dropped.contains(word))).collect();
        if kept.is_empty() {
            return self;
        }
        let pick = |all: &[String]| kept.iter().filter_map(|at| all.get(*at).cloned()).collect();
        let paused = kept.iter().filter_map(|at| self.paused.get(*at).copied()).collect();
        Self { plain: pick(&self.plain), raw: pick(&self.raw), paused }
    }

    /// Whether there was a pause before the word.
    pub(super) fn is_paused(&self, at: usize) -> bool {
        self.paused.get(at).copied().unwrap_or(false)
    }

    pub(super) fn text(&self, range: Range<usize>) -> String {
        self.raw.get(range).unwrap_or_default().join(" ")
    }

    pub(super) fn starts_with(&self, words: &[String]) -> bool {
        !words.is_empty() && words.len() < self.plain.len() && self.plain.starts_with(words)
    }

    pub(super) fn ends_with(&self, words: &[String]) -> bool {
        !words.is_empty() && words.len() < self.plain.len() && self.plain.ends_with(words)
    }

    pub(super) fn replace(&mut self, at: usize, count: usize, by: &[String]) {
        self.plain.splice(at..at + count, by.iter().cloned());
        self.raw.splice(at..at + count, by.iter().cloned());
        self.paused.splice(at..at + count, by.iter().map(|_| false));
    }
}
