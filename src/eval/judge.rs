//! Pure: what was expected × what came → right, or why not, and whether something was done that nobody ordered.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::script::Step;
use crate::turn::{Ending, Turn};

/// From how much on two texts are similar, where that is enough.
const SIMILAR_MIN: f64 = 0.6;
/// The largest difference of two numbers that are the same.
const NUMBER_TOLERANCE: f64 = 0.01;

/// What is to be said of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// Whether everything is as expected.
    pub(super) right: bool,
    /// Whether something was applied that was not expected: the worst that can happen.
    pub(super) wrong_action: bool,
    /// What is not as expected.
    pub(super) why: Vec<&'static str>,
}

/// Judges a turn.
pub(super) fn judge(step: &Step, speaker: &str, turn: &Turn) -> Verdict {
    let outcome = json!(turn.outcome);
    let mut left: Vec<&Value> = turn.commands.as_array().into_iter().flatten().collect();
    let mut why = Vec::new();
    for wanted in &step.commands {
        match left.iter().position(|came| fits(wanted, came, step, speaker)) {
            Some(at) => drop(left.remove(at)),
            None => why.push("a command is missing"),
        }
    }
    let applied = turn.outcome == Ending::Applied;
    if !left.is_empty() && (applied || !step.commands.is_empty()) {
        why.push("a command was not expected");
    }
    if !step.outcome.has(outcome.as_str().unwrap_or_default()) {
        why.push("another outcome");
    }
    let reply = plain(&turn.reply);
    if step.reply_has.iter().any(|words| !reply.contains(&plain(words))) {
        why.push("the reply lacks words");
    }
    if step.reply_lacks.iter().any(|words| reply.contains(&plain(words))) {
        why.push("the reply says too much");
    }
    why.dedup();
    Verdict { right: why.is_empty(), wrong_action: applied && !left.is_empty(), why }
}

/// Whether a command is the wanted one: the same action, and every named field the same.
fn fits(wanted: &Value, came: &Value, step: &Step, speaker: &str) -> bool {
    let none = Map::new();
    let came = came.as_object().unwrap_or(&none);
    wanted.as_object().is_some_and(|wanted| {
        wanted.iter().all(|(field, wanted)| {
            let came = came.get(field);
            if field == "member" && wanted == "me" {
                return came.is_none_or(|came| came == "me" || came == speaker);
            }
            let similar = field == "name" || step.loose.iter().any(|one| one == field);
            same(wanted, came.unwrap_or(&Value::Null), similar)
        })
    })
}

fn same(wanted: &Value, came: &Value, similar: bool) -> bool {
    match (wanted, came) {
        (Value::Null, _) | (_, Value::Null) => wanted == came,
        (Value::Number(wanted), came) => {
            let came = came.as_f64().or_else(|| came.as_str()?.parse().ok());
            wanted.as_f64().zip(came).is_some_and(|(a, b)| (a - b).abs() < NUMBER_TOLERANCE)
        }
        (wanted, came) => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (a, b) = (plain(&text(wanted)), plain(&text(came)));
            a == b || (similar && strsim::normalized_levenshtein(&a, &b) >= SIMILAR_MIN)
        }
    }
}

/// Letters and digits in lower case, single blanks between words.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    fn step(text: &str) -> Step {
        serde_json::from_str(text).unwrap()
    }

    fn verdict(step: &Step, outcome: Ending, commands: Value, reply: &str) -> (bool, bool) {
        let mut turn = Turn::begin(crate::domain::UtteranceId::new(), String::new());
        (turn.outcome, turn.commands, turn.reply) = (outcome, commands, reply.to_owned());
        let verdict = judge(step, "Ada", &turn);
        (verdict.right, verdict.wrong_action)
    }

    #[test]
    fn a_turn_is_right_when_everything_named_is_as_expected() {
        let step = step(
            r#"{"text": "x", "commands": [{"action": "task.assign", "task": "Scout", "member": "me"}], "reply_has": ["scout"]}"#,
        );
        let came = |member: &str| json!([{"action": "task.assign", "task": "Scout", "member": member}]);
        assert_eq!(verdict(&step, Ending::Applied, came("Ada"), "Scout is yours."), (true, false));
        assert_eq!(verdict(&step, Ending::Applied, came("Ben"), "Scout is yours."), (false, true));
        assert_eq!(verdict(&step, Ending::Applied, came("Ada"), "It is yours."), (false, false));
        assert_eq!(verdict(&step, Ending::Asked, json!([]), "Scout?"), (false, false));
    }

    #[test]
    fn what_is_applied_and_was_not_expected_is_a_wrong_action() {
        let none = step(r#"{"text": "x", "commands": [], "outcome": ["ignored", "asked"]}"#);
        let some = json!([{"action": "squad.disband", "squad": "Anvil"}]);
        assert_eq!(verdict(&none, Ending::Applied, some.clone(), ""), (false, true));
        assert_eq!(verdict(&none, Ending::Asked, some, ""), (true, false));
        let number =
            step(r#"{"text": "x", "commands": [{"action": "task.set_progress", "task": "scout!", "percent": 40}]}"#);
        let came = json!([{"action": "task.set_progress", "task": "Scout", "percent": 40.0}]);
        assert_eq!(verdict(&number, Ending::Applied, came, ""), (true, false));
    }
}
