//! Whether an utterance is meant for the commander at all.

use uuid::Uuid;

use super::Grammar;
use super::read::called_at_start;
use super::words::Words;
use crate::domain::Kind;
use crate::names::{Entry, Roster};

/// How alike the words have to sound to the commander's name.
const ALIKE_MIN: f32 = 0.8;
/// How many words more or fewer a name may be heard in.
const SPREAD: usize = 1;

impl Grammar {
    /// Whether the utterance begins or ends with one of the names the commander answers to, by sound. Words of
    /// greeting and noises around the name do not count. For a microphone that is always open: what is not addressed
    /// is none of the commander's.
    #[must_use]
    pub fn is_addressed(&self, text: &str, called: &[String]) -> bool {
        let words = Words::new(text).without(&self.lists.dropped);
        let names: Vec<Vec<String>> =
            called.iter().map(|name| Words::new(name).plain).filter(|name| !name.is_empty()).collect();
        let entry = |name: &Vec<String>| Entry {
            kind: Kind::Squad,
            id: Uuid::nil(),
            name: name.join(" "),
            phonetic: None,
            hint: String::new(),
            parent: None,
            open: true,
        };
        let roster = Roster::new(names.iter().map(entry).collect());
        let starts = self.greeted(&words, true);
        let ends = self.greeted(&words, false);
        let is_name = |words: &Words| {
            called_at_start(words, &names) == Some(words.len())
                || !roster.alike(Kind::Squad, &words.plain.join(" "), ALIKE_MIN).is_empty()
        };
        names.iter().any(|name| {
            let mut lengths = name.len().saturating_sub(SPREAD).max(1)..=name.len() + SPREAD;
            lengths.any(|length| {
                let begins = |at: &usize| at + length <= words.len() && is_name(&words.slice(*at..at + length));
                let closes = |at: &usize| *at >= length && is_name(&words.slice(at - length..*at));
                starts.iter().any(begins) || ends.iter().any(closes)
            })
        })
    }

    /// The places where a name may begin, after words of greeting; or where it may end.
    fn greeted(&self, words: &Words, start: bool) -> Vec<usize> {
        let mut at = if start { 0 } else { words.len() };
        let mut places = vec![at];
        loop {
            let (lists, rest) = (&self.lists, words.slice(if start { at..words.len() } else { 0..at }));
            let length = if start {
                lists.before.iter().chain(&lists.fillers).filter(|one| rest.plain.starts_with(one)).map(Vec::len).max()
            } else {
                lists.after.iter().chain(&lists.pause).filter(|one| rest.plain.ends_with(one)).map(Vec::len).max()
            };
            // "Commander" is a greeting and may be the name itself: every place counts.
            match length.filter(|length| *length < rest.len()) {
                Some(length) if start => at += length,
                Some(length) => at -= length,
                None => return places,
            }
            places.push(at);
        }
    }
}
