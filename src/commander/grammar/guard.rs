//! Words that turn an order into something else, and must never be swallowed by a slot.

use crate::intent::values;

/// Negations, conditions, doubts, times and past forms: no part of a name unless the name itself has them.
const GUARDS: &[&str] = &[
    "not",
    "no",
    "never",
    "nor",
    "don't",
    "dont",
    "doesn't",
    "didn't",
    "isn't",
    "wasn't",
    "won't",
    "can't",
    "cannot",
    "if",
    "unless",
    "without",
    "except",
    "but",
    "was",
    "were",
    "did",
    "does",
    "who",
    "why",
    "when",
    "whether",
    "maybe",
    "should",
    "said",
    "soon",
    "later",
    "half",
    "nearly",
    "almost",
    "tomorrow",
    "yesterday",
    "nobody",
    "instead",
    "until",
    "because",
    "while",
    "would",
    "could",
    "might",
    "aren't",
    "haven't",
    "hasn't",
    "shouldn't",
];

/// What no unit of measure contains.
const NO_UNIT: &[&str] = &[
    "and",
    "or",
    "to",
    "for",
    "at",
    "less",
    "more",
    "left",
    "missing",
    "go",
    "percent",
    "minute",
    "minutes",
    "hour",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "pm",
    "am",
    "o'clock",
    "task",
    "tasks",
    "member",
    "members",
    "squad",
    "squads",
    "objective",
    "objectives",
    "question",
    "questions",
    "problem",
    "problems",
    "vote",
    "votes",
    "half",
    "quarter",
    "hundred",
    "hundreds",
    "thousand",
    "thousands",
    "million",
    "millions",
    "point",
    "not",
    "no",
];

/// Words by which a speaker takes back what was said.
const TAKEN_BACK: &[&[&str]] = &[
    &["never", "mind"],
    &["nevermind"],
    &["scratch", "that"],
    &["cancel", "that"],
    &["no", "wait"],
    &["forget", "it"],
    &["forget", "that"],
    &["belay", "that"],
    &["disregard"],
];

pub(super) fn is_guard(word: &str) -> bool {
    GUARDS.contains(&word)
}

/// Whether the words can be a unit or a metric's name.
pub(super) fn is_unit(words: &[String]) -> bool {
    let fits = |word: &String| !NO_UNIT.contains(&word.as_str()) && !is_guard(word) && values::number(word).is_none();
    words.first().is_some_and(|word| word != "of") && words.iter().all(fits)
}

/// Whether the speaker takes back what was said.
pub(super) fn is_taken_back(words: &[String]) -> bool {
    TAKEN_BACK
        .iter()
        .any(|phrase| words.windows(phrase.len()).any(|part| part.iter().zip(*phrase).all(|(a, b)| a == b)))
}

/// Whether a question is an order in polite form: "can you …?", "could somebody …?".
pub(super) fn is_polite_order(words: &[String]) -> bool {
    let asks = |word: &String| matches!(word.as_str(), "can" | "could" | "will" | "would");
    words.iter().take(5).any(asks)
}
