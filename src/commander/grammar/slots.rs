//! What may stand in a slot.

use std::collections::HashMap;
use std::ops::Range;

use chrono::DateTime;

use super::matcher::{Care, SLOT_WORDS_MAX};
use super::words::{Pause, Words};
use super::{Grammar, Scope, SlotKind};
use crate::domain::Kind;
use crate::intent::times::{self, Now};
use crate::intent::{is_own_squad, is_speaker, numbers, recent, values};
use crate::names::{Lookup, is_ordinary};

/// The longest unit, in words.
const SHORT_WORDS_MAX: usize = 6;
/// The longest name that nobody in the guild has and that is still asked about.
const UNKNOWN_WORDS_MAX: usize = 4;
/// The most names in one list ("Kestrel, Yrsa and Puck").
const LIST_NAMES_MAX: usize = 6;
/// What a word of free text is worth beside an explained one.
const FREE_WORTH: f32 = 0.5;
/// What a word of a value is worth.
const VALUE_WORTH: f32 = 0.98;
/// What a word of several that point at something is worth.
const POINTING_WORTH: f32 = 1.005;
/// Who tells something rather than ordering it: "I am so done with this".
const TELLING: &[&str] = &["i", "i'm", "we", "we're", "so"];
/// The least score of a name that is made of everyday words only.
const ORDINARY_NAME_MIN: f32 = 0.9;
/// The least score of a name in a list: an "and" must not be swallowed for a little likeness.
const LISTED_NAME_MIN: f32 = 0.8;
/// By how much a name that is better without its first or last word gives that word up.
const BETTER_WITHOUT: f32 = 0.01;

/// Names that are listed one after another, and what their words are worth.
type Listed = (f32, Vec<Range<usize>>);

/// What the words can stand for; everything that was looked up is kept for the next path.
pub(super) struct Slots<'a> {
    grammar: &'a Grammar,
    scope: &'a Scope<'a>,
    words: &'a Words,
    lookup: Lookup<'a, 'a>,
    care: Care,
    /// The best name of a kind for some words, its score, and whether it has a word that turns orders around.
    best: HashMap<(Kind, usize, usize), Option<(f32, String)>>,
    names: HashMap<(Kind, usize, usize), Option<f32>>,
    lists: HashMap<(Kind, usize), Vec<Listed>>,
    /// Whether there is anything that could join the names of a list.
    listing: bool,
}

impl<'a> Slots<'a> {
    pub(super) fn new(grammar: &'a Grammar, scope: &'a Scope<'a>, words: &'a Words, care: Care) -> Self {
        let listing = (1..words.len()).any(|at| joins(words, at).is_some());
        let (best, names, lists) = Default::default();
        let lookup = Lookup::new(scope.roster, &words.plain, SLOT_WORDS_MAX);
        Self { grammar, scope, words, lookup, care, best, names, lists, listing }
    }

    /// How well the words fill the slot, 0 to 1 a word. `literals` is how many words of the wording went before.
    pub(super) fn fits(&mut self, kind: SlotKind, at: usize, length: usize, literals: usize) -> Option<f32> {
        let words = self.words;
        let plain = words.plain.get(at..at + length)?;
        let text = || words.text(at..at + length);
        let value = |fits: bool| fits.then_some(VALUE_WORTH);
        let epoch = Now { at: DateTime::UNIX_EPOCH, zone: chrono_tz::Tz::UTC };
        match kind {
            SlotKind::Name(kind) => self.name(kind, at, length, literals),
            SlotKind::Owner(kind) => {
                let owns = plain.last().is_some_and(|word| word.ends_with("'s") || word.ends_with("s'"));
                if owns { self.name(kind, at, length, literals) } else { None }
            }
            SlotKind::Priority => value(values::priority(&text()).is_some()),
            SlotKind::ObjectiveStatus => value(values::objective_status(&text()).is_some()),
            SlotKind::TaskStatus => value(values::task_status(&text()).is_some()),
            SlotKind::Percent => value(values::percent(&text()).is_some()),
            SlotKind::Share => value(values::is_share(&text())),
            SlotKind::Number => value(numbers::number(&text()).is_some()),
            SlotKind::Availability => value(values::availability(&text()).is_some()),
            SlotKind::Section => value(values::section(&text()).is_some()),
            SlotKind::Minutes => value(times::minutes(&text()).is_some()),
            SlotKind::Moment => value(times::moment(&text(), &epoch).is_some()),
            SlotKind::Short => (length <= SHORT_WORDS_MAX && self.grammar.lists.is_unit(plain)).then_some(FREE_WORTH),
            SlotKind::New => self.is_new_name(at, length).then_some(FREE_WORTH),
            SlotKind::Free => (!self.grammar.lists.is_taken_back(plain)).then_some(FREE_WORTH),
        }
    }

    /// A name for something new: one sentence, without a condition, and nothing that is taken back.
    fn is_new_name(&self, at: usize, length: usize) -> bool {
        let lists = &self.grammar.lists;
        let plain = self.words.plain.get(at..at + length).unwrap_or_default();
        let one_sentence = !(at + 1..at + length).any(|at| self.words.pause(at) == Pause::Full);
        one_sentence && !lists.is_taken_back(plain) && !lists.has_condition(plain)
    }

    /// Whether the words can be a name that nobody in the guild has, and not everyday words; or a word that points at
    /// something when nothing was spoken of.
    pub(super) fn may_be_unknown(&self, kind: SlotKind, at: usize, length: usize) -> bool {
        let words = self.words.plain.get(at..at + length).unwrap_or_default();
        let odd = |word: &String| {
            let small = matches!(word.as_str(), "and" | "plus" | "to");
            !small && !self.grammar.lists.is_guard(word) && numbers::number(word).is_none()
        };
        let kind = match kind {
            SlotKind::Name(kind) => kind,
            // "Set it to purple": what it is to be is asked.
            SlotKind::Priority => return length == 1 && words.iter().all(|word| odd(word) && !is_ordinary(word)),
            _ => return false,
        };
        let points = matches!(kind, Kind::Task | Kind::Member) && recent::is_pointing(kind, &words.join(" "));
        points || length <= UNKNOWN_WORDS_MAX && words.iter().all(odd) && words.iter().any(|word| !is_ordinary(word))
    }

    fn name(&mut self, kind: Kind, at: usize, length: usize, literals: usize) -> Option<f32> {
        if let Some(score) = self.names.get(&(kind, at, length)) {
            return *score;
        }
        let pointing = self.pointing(kind, at, length, literals);
        let score = pointing.or_else(|| self.name_score(kind, at, length));
        self.names.insert((kind, at, length), score);
        score
    }

    /// Words that mean something without naming it: "me", "our squad", "it", "that task".
    fn pointing(&self, kind: Kind, at: usize, length: usize, literals: usize) -> Option<f32> {
        if length > 4 {
            return None;
        }
        let words = self.words.plain.get(at..at + length)?.join(" ");
        let own = match kind {
            Kind::Member => is_speaker(&words),
            Kind::Squad => is_own_squad(&words),
            _ => false,
        };
        if own {
            return Some(1.0);
        }
        // "That is done" and "it is critical" are said of anything: a statement names what it is about.
        let told = self.words.plain.first().is_some_and(|word| TELLING.contains(&word.as_str()));
        let vague = length == 1 && (literals == 0 || told && matches!(words.as_str(), "this" | "that"));
        // "That task" is one piece: not "that" and then the word of a wording.
        let worth = if length > 1 { POINTING_WORTH } else { VALUE_WORTH };
        (!vague && self.scope.recent.find(kind, &words).is_some()).then_some(worth)
    }

    fn name_score(&mut self, kind: Kind, at: usize, length: usize) -> Option<f32> {
        let (best, name) = self.best_of(kind, at, length)?;
        let words = self.words.plain.get(at..at + length)?;
        // A name does not swallow a "not" that stands beside it, nor any other word it is better without.
        let lists = &self.grammar.lists;
        let guards: Vec<&String> = words.iter().filter(|word| lists.is_guard(word)).collect();
        if !guards.is_empty() {
            let own = Words::new(&name);
            if guards.iter().any(|word| !own.plain().contains(word)) {
                return None;
            }
        }
        if length > 1 {
            let shorter = [self.best_of(kind, at + 1, length - 1), self.best_of(kind, at, length - 1)];
            if shorter.into_iter().flatten().any(|(score, _)| score > best + BETTER_WITHOUT) {
                return None;
            }
        }
        let words = self.words.plain.get(at..at + length)?;
        let short = matches!(words, [one] if one.len() < 3);
        let plain = words.iter().all(|word| is_ordinary(word));
        let least = if plain || short { ORDINARY_NAME_MIN } else { 0.0 };
        (best >= least).then_some(best)
    }

    fn best_of(&mut self, kind: Kind, at: usize, length: usize) -> Option<(f32, String)> {
        if let Some(known) = self.best.get(&(kind, at, length)) {
            return known.clone();
        }
        let found = self.lookup.resolve(kind, at..at + length);
        let best = found.best().map(|(entry, score)| (score, entry.name.clone()));
        self.best.insert((kind, at, length), best.clone());
        best
    }

    /// The lists of names that begin at a place ("Kestrel and Yrsa"), each with what its words are worth.
    pub(super) fn several(&mut self, kind: Kind, at: usize) -> Vec<Listed> {
        if !self.listing || self.care != Care::Strict {
            return Vec::new();
        }
        if let Some(known) = self.lists.get(&(kind, at)) {
            return known.clone();
        }
        let mut found = Vec::new();
        self.extend(kind, at, &mut Vec::new(), 1.0, &mut found);
        self.lists.insert((kind, at), found.clone());
        found
    }

    fn extend(&mut self, kind: Kind, at: usize, so_far: &mut Vec<Range<usize>>, least: f32, found: &mut Vec<Listed>) {
        // "Both Kestrel and Yrsa", and an article before each name.
        let at = at + usize::from(so_far.is_empty() && self.words.plain.get(at).is_some_and(|word| word == "both"));
        let stops = (at + 1..self.words.len()).find(|at| joins(self.words, *at).is_some());
        let last = !so_far.is_empty();
        let ends: Vec<usize> = match stops {
            Some(stop) if last => (at + 1..=stop).collect(),
            Some(stop) => vec![stop],
            None if last => (at + 1..=self.words.len()).collect(),
            None => return,
        };
        for end in ends {
            if end - at > SLOT_WORDS_MAX || so_far.len() >= LIST_NAMES_MAX {
                break;
            }
            let Some(score) = self.name(kind, at, end - at, 1).filter(|score| *score >= LISTED_NAME_MIN) else {
                continue;
            };
            so_far.push(at..end);
            let least = least.min(score);
            if last {
                found.push((least, so_far.clone()));
            }
            if let Some(next) = joins(self.words, end) {
                self.extend(kind, next, so_far, least, found);
            }
            so_far.pop();
        }
    }
}

/// Where the next name of a list begins, when the list goes on at a place.
fn joins(words: &Words, at: usize) -> Option<usize> {
    let is_and = |at: usize| words.plain.get(at).is_some_and(|word| word == "and" || word == "plus");
    if is_and(at) {
        return Some(at + 1 + usize::from(is_and(at + 1)));
    }
    (at < words.len() && words.pause(at) == Pause::Short).then_some(at)
}
