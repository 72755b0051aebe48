//! Whether the model kept to what was said.

use super::actions::{ACTIONS, FIRST, NONE};
use super::{Candidate, SpokenOrder, offers};

const ARTICLES: &[&str] = &["the", "a", "an"];

/// Checks that every field holds only words that were said, in their order, so that the model cannot bring in a name
/// or a value of its own. Case, punctuation, articles and a plural's s do not count. `me`, `my` and `I` stand for the
/// speaker where the speaker said such a word.
///
/// # Errors
/// Names the first field that was not said, without its words.
pub fn grounded(order: &SpokenOrder, spoken: &str) -> Result<(), String> {
    let all = words_of(spoken);
    let spoken: Vec<&String> = all.iter().filter(|word| !ARTICLES.contains(&word.as_str())).collect();
    for (field, words) in &order.fields {
        let words = words_of(words);
        let means_self = |words: &[String]| words.iter().all(|word| FIRST.contains(&word.as_str()));
        if matches!(field.as_str(), "member" | "lead") && !words.is_empty() && means_self(&words) {
            if all.iter().any(|word| FIRST.contains(&word.as_str())) {
                continue;
            }
            return Err(format!("the {field} of \"{}\" is the speaker, who was not named", order.action));
        }
        let words: Vec<&String> = words.iter().filter(|word| !ARTICLES.contains(&word.as_str())).collect();
        let fits = |run: &[&String]| run.iter().zip(&words).all(|(one, other)| alike(one, other));
        if words.is_empty() || !spoken.windows(words.len()).any(fits) {
            return Err(format!("the {field} of \"{}\" was not said", order.action));
        }
    }
    Ok(())
}

/// What is left of the model's answer to act on, in order: nothing when it chose "none" throughout. One doubtful order
/// spoils them all, for a turn is applied whole or not at all.
///
/// # Errors
/// Says which order was not offered, holds what was not said, lacks what it needs, or leaves out a name that was said.
pub fn vetted(
    orders: Vec<SpokenOrder>,
    spoken: &str,
    candidates: &[Candidate<'_>],
) -> Result<Vec<SpokenOrder>, String> {
    let orders: Vec<SpokenOrder> = orders.into_iter().filter(|order| order.action != NONE).collect();
    let offered = offers(spoken, candidates);
    for order in &orders {
        if !offered.contains(&order.action.as_str()) {
            return Err(format!("\"{}\" does not fit the words", order.action));
        }
        grounded(order, spoken)?;
        let filled = |field: &&str| order.fields.iter().any(|(name, _)| name == field);
        let action = ACTIONS.iter().find(|action| action.name == order.action);
        let missing = action.and_then(|action| action.required.iter().find(|any| !any.iter().any(filled)));
        if let Some(any) = missing {
            return Err(format!("\"{}\" lacks its {}", order.action, any.join(" or ")));
        }
    }
    let used: Vec<String> =
        orders.iter().flat_map(|order| &order.fields).flat_map(|(_, words)| words_of(words)).collect();
    let left_out = |candidate: &&Candidate<'_>| {
        !words_of(candidate.heard).iter().any(|word| used.iter().any(|other| alike(word, other)))
    };
    match candidates.iter().find(left_out) {
        Some(candidate) if !orders.is_empty() => Err(format!("a {} that was said is in no order", candidate.kind)),
        _ => Ok(orders),
    }
}

/// Words in lower case, without punctuation; "don't" is `dont`.
pub(super) fn words_of(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect()
}

fn alike(one: &str, other: &str) -> bool {
    one == other || one.strip_suffix('s') == Some(other) || other.strip_suffix('s') == Some(one)
}
