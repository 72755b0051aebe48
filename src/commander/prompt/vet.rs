//! Whether the model kept to what was said.

use super::actions::{ACTIONS, CORRECTING, FIRST, JOINING, NONE, PERSON, STATES, VERBS, is_number};
use super::{Candidate, SpokenOrder, offers};

const ARTICLES: &[&str] = &["the", "a", "an"];
/// The longest name of something new, in words; what is longer holds more than a name.
const NAME_WORDS_MAX: usize = 8;

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
        let mut places = spoken.windows(words.len().max(1)).enumerate().filter(|(_, run)| fits(run)).map(|(at, _)| at);
        let found = match field.as_str() {
            "percent" | "amount" | "target" | "duration_minutes" => places.any(|at| is_whole(&spoken, at, words.len())),
            "name" => words.len() <= NAME_WORDS_MAX && places.next().is_some(),
            _ => places.next().is_some(),
        };
        if words.is_empty() || !found {
            return Err(format!("the {field} of \"{}\" was not said", order.action));
        }
    }
    Ok(())
}

/// Whether a run of words is not a piece of a longer number: "fifty" of "one hundred and fifty".
fn is_whole(spoken: &[&String], at: usize, length: usize) -> bool {
    let number = |at: usize| spoken.get(at).is_some_and(|word| is_number(word));
    let and = |at: usize| spoken.get(at).is_some_and(|word| *word == "and");
    let end = at + length;
    let before = at.checked_sub(1).is_some_and(|one| number(one) || (and(one) && one > 0 && number(one - 1)));
    let after = number(end) || (and(end) && number(end + 1));
    !(before || after)
}

/// How many numbers were said outside of names.
fn numbers(spoken: &[String], candidates: &[Candidate<'_>]) -> usize {
    let named: Vec<String> = candidates.iter().flat_map(|one| words_of(one.heard)).collect();
    let marks: Vec<bool> = spoken.iter().map(|word| is_number(word) && !named.contains(word)).collect();
    let starts = |at: usize| {
        let before = |back: usize| at.checked_sub(back).and_then(|one| marks.get(one)).copied().unwrap_or(false);
        let joined = at.checked_sub(1).and_then(|one| spoken.get(one)).is_some_and(|word| word == "and") && before(2);
        !before(1) && !joined
    };
    marks.iter().enumerate().filter(|(at, mark)| **mark && starts(*at)).count()
}

/// The names that the speaker took back: "to Mako, no, to Wulfgar".
fn taken_back<'c>(candidates: &'c [Candidate<'c>], spoken: &[String]) -> Vec<&'c Candidate<'c>> {
    let Some(turn) = spoken.iter().rposition(|word| CORRECTING.contains(&word.as_str())) else { return Vec::new() };
    let place = |one: &Candidate<'_>| {
        let words = words_of(one.heard);
        spoken.windows(words.len().max(1)).rposition(|run| run == words.as_slice())
    };
    let after = |one: &Candidate<'_>| place(one).is_some_and(|at| at > turn);
    let replaced =
        |one: &&Candidate<'_>| !after(one) && candidates.iter().any(|other| other.kind == one.kind && after(other));
    candidates.iter().filter(replaced).collect()
}

/// What is left of the model's answer to act on, in order: nothing when it chose "none" throughout. One doubtful order
/// spoils them all, for a turn is applied whole or not at all.
///
/// # Errors
/// Says which order was not offered, holds what was not said or was taken back, lacks what it needs, or leaves out a
/// name that was said.
pub fn vetted(
    orders: Vec<SpokenOrder>,
    spoken: &str,
    candidates: &[Candidate<'_>],
) -> Result<Vec<SpokenOrder>, String> {
    let orders: Vec<SpokenOrder> = orders.into_iter().filter(|order| order.action != NONE).collect();
    let offered = offers(spoken, candidates, false);
    let all = words_of(spoken);
    let taken_back = taken_back(candidates, &all);
    for order in &orders {
        let names =
            |one: &&&Candidate<'_>| order.fields.iter().any(|(_, words)| words_of(words) == words_of(one.heard));
        if let Some(one) = taken_back.iter().find(names) {
            return Err(format!("a {} of \"{}\" was taken back", one.kind, order.action));
        }
        // "Two crates of fifty": which of them counts, nobody has said.
        if order.action == "objective.report" && numbers(&all, candidates) > orders.len() {
            return Err(format!("\"{}\" does not use every number that was said", order.action));
        }
        if !offered.contains(&order.action.as_str()) {
            return Err(format!("\"{}\" does not fit the words", order.action));
        }
        grounded(order, spoken)?;
        // A small model that needs a name for something new takes one that is there.
        let taken = |(field, words): &(String, String)| {
            field == "name" && candidates.iter().any(|one| words_of(one.heard) == words_of(words))
        };
        if order.fields.iter().any(taken) {
            return Err(format!("the name of \"{}\" is another thing's", order.action));
        }
        let filled = |field: &&str| order.fields.iter().any(|(name, _)| name == field);
        let action = ACTIONS.iter().find(|action| action.name == order.action);
        let missing = action.and_then(|action| action.required.iter().find(|any| !any.iter().any(filled)));
        if let Some(any) = missing {
            return Err(format!("\"{}\" lacks its {}", order.action, any.join(" or ")));
        }
    }
    if orders.is_empty() || !orders.iter().any(|order| !order.action.starts_with("ask.")) {
        return Ok(orders);
    }
    match left_out(&orders, &all, candidates, &taken_back) {
        Some(what) => Err(format!("{what} that was said is in no order")),
        None => Ok(orders),
    }
}

/// What was said and is in no order: a name, a second order, a pronoun, a state or a number. An order that leaves out
/// a part of what was said may mean something else than the speaker did.
fn left_out(
    orders: &[SpokenOrder],
    spoken: &[String],
    candidates: &[Candidate<'_>],
    taken_back: &[&Candidate<'_>],
) -> Option<String> {
    let used: Vec<String> =
        orders.iter().flat_map(|order| &order.fields).flat_map(|(_, words)| words_of(words)).collect();
    let is_used = |word: &String| used.iter().any(|other| alike(word, other));
    let unused = |one: &&Candidate<'_>| !taken_back.contains(one) && !words_of(one.heard).iter().any(is_used);
    if let Some(one) = candidates.iter().find(unused) {
        return Some(format!("a {}", one.kind));
    }
    let verb = |at: usize| spoken.get(at).is_some_and(|word| VERBS.contains(&word.as_str()));
    let joined = (1..spoken.len())
        .filter(|at| verb(*at) && spoken.get(at - 1).is_some_and(|word| JOINING.contains(&word.as_str())))
        .count();
    if joined >= orders.len() {
        return Some("an order".to_owned());
    }
    let named: Vec<String> = candidates.iter().flat_map(|one| words_of(one.heard)).collect();
    let corrected = spoken.iter().any(|word| CORRECTING.contains(&word.as_str()));
    spoken.iter().filter(|word| !named.contains(word) && !is_used(word)).find_map(|word| match word.as_str() {
        one if PERSON.contains(&one) => Some(format!("\"{one}\"")),
        one if STATES.contains(&one) && !corrected => Some("a state".to_owned()),
        one if is_number(one) && one != "one" && !corrected => Some("a number".to_owned()),
        _ => None,
    })
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
