//! Pure: what came of a turn → the words to speak and the cue to play.
//!
//! A reply says what the database holds after the commit, never what was wished for.

mod answer;
mod undo;

use serde_json::Value;

use crate::authority::Denied;
use crate::domain::{Cue, Kind};
use crate::intent::command::Assignee;
use crate::intent::question::Choice;
use crate::intent::{Action, Command, Field, Question};
use crate::outcome::{Done, LINES_MAX};
pub use answer::answer;
pub use undo::undo;

/// The most of a heard name that a reply repeats, in characters.
const HEARD_CHARS_MAX: usize = 60;
/// The most things a reply lists one by one; a listener keeps no more.
const LISTED_MAX: usize = 5;

/// What is said and heard at the end of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The words, as they are printed.
    pub text: String,
    /// The tone before them.
    pub cue: Cue,
}

impl Reply {
    /// A reply with its cue.
    #[must_use]
    pub fn new(cue: Cue, text: impl Into<String>) -> Self {
        Self { text: text.into(), cue }
    }
}

/// What was carried out, one sentence an order.
#[must_use]
pub fn done(all: &[Done]) -> String {
    all.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

fn sentence(done: &Done) -> String {
    let after =
        |key: &str| done.change.as_ref().and_then(|change| change.after.as_ref()).and_then(|image| image.get(key));
    let share = || after("progress").and_then(Value::as_f64).map_or_else(String::new, percent);
    match &done.command {
        Command::ObjectiveCreate { name, priority, tasks, .. } => {
            let priority = priority.map(|priority| format!("{priority} priority"));
            let tasks = match tasks.as_slice() {
                [] => None,
                [only] => Some(format!("the task {only}")),
                many => Some(format!("{} tasks", many.len())),
            };
            let with: Vec<String> = priority.into_iter().chain(tasks).collect();
            let with = if with.is_empty() { String::new() } else { format!(" with {}", with.join(" and ")) };
            format!("Objective {name} is created{with}.")
        }
        Command::ObjectiveDescribe { objective, section, .. } => {
            format!("The {section} section of {} is updated.", objective.name)
        }
        Command::ObjectiveSetPriority { objective, priority } => format!("{} has {priority} priority.", objective.name),
        Command::ObjectiveSetStatus { objective, status } => format!("{} is {}.", objective.name, status.spoken()),
        Command::ObjectiveSetProgress { objective, .. } => format!("{} is at {}.", objective.name, share()),
        Command::ObjectiveAddCategory { objective, category } => {
            format!("{} is in category {}.", objective.name, category.name)
        }
        Command::ObjectiveSetLead { objective, member } => format!("{} leads {}.", member.name, objective.name),
        Command::ObjectiveSetSquad { objective, squad } => format!("{} is with squad {}.", objective.name, squad.name),
        Command::ObjectiveReport { objective, metric, amount, unit } => {
            let unit = unit.as_ref().map_or_else(String::new, |unit| format!(" {unit}"));
            let metrics = done.metrics.as_ref();
            let of = |key: &str| metrics.and_then(|all| all.get(key)).and_then(Value::as_f64);
            let standing = match (of(metric), of("target_value").filter(|target| *target > 0.0)) {
                (Some(now), Some(target)) if metric == "current_value" => {
                    format!(" It stands at {} of {}, {}.", figure(now), figure(target), share())
                }
                (Some(now), _) => format!(" It stands at {}.", figure(now)),
                _ => String::new(),
            };
            format!("{}{unit} added to {}.{standing}", figure(*amount), objective.name)
        }
        Command::TaskCreate { name, objective, .. } => format!("Task {name} is created for {}.", objective.name),
        Command::TaskAssign { task, to: Assignee::Member(member) } => format!("{} is with {}.", task.name, member.name),
        Command::TaskAssign { task, to: Assignee::Squad(squad) } => {
            format!("{} is with squad {}.", task.name, squad.name)
        }
        Command::TaskClaim { task } => format!("{} is yours.", task.name),
        Command::TaskRelease { task } => format!("{} is free again.", task.name),
        Command::TaskSetStatus { task, status } => format!("{} is {}.", task.name, status.spoken()),
        Command::TaskSetProgress { task, .. } => format!("{} is at {}.", task.name, share()),
        Command::TaskSetPriority { task, priority } => format!("{} has {priority} priority.", task.name),
        Command::TaskSchedule { task, .. } => format!("{} is scheduled{}.", task.name, planned(after("schedule"))),
        Command::MemberSetAvailability { member, availability } => {
            format!("{} is {}.", member.name, availability.spoken())
        }
        Command::MemberSetRank { member, rank } => format!("{} is now {}.", member.name, rank.name),
        Command::MemberSetSquad { member, squad: Some(squad) } => {
            format!("{} is in squad {}.", member.name, squad.name)
        }
        Command::MemberSetSquad { member, squad: None } => format!("{} is in no squad.", member.name),
        Command::SquadCreate { name, lead: Some(lead) } => format!("Squad {name} is formed under {}.", lead.name),
        Command::SquadCreate { name, lead: None } => format!("Squad {name} is formed."),
        Command::SquadSetLead { squad, member } => format!("{} leads squad {}.", member.name, squad.name),
        Command::SquadDisband { squad } => format!("Squad {} is disbanded.", squad.name),
        Command::GuildBroadcast { message } => format!("Said to everyone: {}", full_stop(message)),
        _ => String::new(),
    }
}

/// The start and end of a stored schedule, as said.
fn planned(schedule: Option<&Value>) -> String {
    let time = |key: &str| {
        let text = schedule?.get(key)?.as_str()?;
        let at = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        Some(at.format("%A the %-d, %H:%M UTC").to_string())
    };
    let length = schedule.and_then(|all| all.get("duration")).and_then(Value::as_f64);
    match (time("start"), time("end"), length) {
        (Some(start), Some(end), _) => format!(" from {start} to {end}"),
        (Some(start), None, _) => format!(" for {start}"),
        (None, Some(end), _) => format!(" to be done by {end}"),
        (None, None, Some(minutes)) => format!(" to take {} minutes", figure(minutes)),
        _ => String::new(),
    }
}

/// The question that has to be asked.
#[must_use]
pub fn question(question: &Question) -> String {
    match question {
        Question::Missing { action, field } => missing(*action, *field),
        Question::Unknown { kind, heard, choices, .. } => {
            let heard = short(heard);
            let near = match choices.first() {
                Some(choice) => format!(" Did you mean {}?", choice.name),
                None => " Say the name again.".to_owned(),
            };
            match kind {
                Kind::Member => format!("I know nobody called {heard}.{near}"),
                kind => format!("I know no {kind} called {heard}.{near}"),
            }
        }
        Question::Which { choices, .. } => format!("Which one: {}?", either(choices)),
        Question::Value { field, heard } => match (field, short(heard)) {
            (Field::Amount, heard) => format!("How much is {heard}? Say a number above zero."),
            (Field::Start | Field::End, heard) => {
                format!("When is {heard}? Say for example: in two hours, or tomorrow at twenty hundred.")
            }
            (Field::Name, heard) => format!("There is {heard} already. Say it again with another name."),
            (Field::Squad, heard) => format!("Nobody leaves {heard} without being in it. Which squad is meant?"),
            (Field::Percent, heard) => format!("What share is {heard}? Say zero to one hundred percent."),
            (field, heard) => format!("I cannot use {heard} as {}. Say it another way.", piece(*field)),
        },
    }
}

/// The words as they were heard, as far as anybody wants to hear them again.
fn short(heard: &str) -> String {
    if heard.chars().count() <= HEARD_CHARS_MAX {
        return heard.to_owned();
    }
    let cut: String = heard.chars().take(HEARD_CHARS_MAX).collect();
    format!("{} and so on", cut.trim_end())
}

fn missing(action: Action, field: Field) -> String {
    match (action, field) {
        (Action::TaskAssign, Field::Member) => "Who should take it?".to_owned(),
        (_, Field::Objective) => "Of which objective?".to_owned(),
        (_, Field::Task) => "Which task?".to_owned(),
        (_, Field::Member) => "Who?".to_owned(),
        (_, Field::Squad) => "Which squad?".to_owned(),
        (_, Field::Name) => "What should it be called?".to_owned(),
        (_, Field::Start) => "When?".to_owned(),
        (_, Field::Percent | Field::Amount) => "How much?".to_owned(),
        (_, field) => format!("What is {}?", piece(field)),
    }
}

fn piece(field: Field) -> String {
    match field {
        Field::Duration => "the duration".to_owned(),
        field => format!("the {}", field.as_str().replace('_', " ")),
    }
}

/// Reads an order back before it is carried out.
#[must_use]
pub fn confirm(commands: &[Command]) -> String {
    let all: Vec<String> = commands.iter().map(wish).collect();
    format!("Confirm: {}?", all.join(", and "))
}

/// An order as it would be given, in words.
fn wish(command: &Command) -> String {
    match command {
        Command::ObjectiveSetStatus { objective, status } => format!("{} becomes {}", objective.name, status.spoken()),
        Command::ObjectiveSetPriority { objective, priority } => format!("{} gets {priority} priority", objective.name),
        Command::ObjectiveSetProgress { objective, percent: share } => {
            format!("{} goes to {}", objective.name, percent(share.get().into()))
        }
        Command::ObjectiveSetLead { objective, member } => format!("{} leads {}", member.name, objective.name),
        Command::ObjectiveSetSquad { objective, squad } => format!("{} goes to squad {}", objective.name, squad.name),
        Command::ObjectiveReport { objective, amount, .. } => {
            format!("{} is added to {}", figure(*amount), objective.name)
        }
        Command::TaskAssign { task, to: Assignee::Member(member) } => format!("{} goes to {}", task.name, member.name),
        Command::TaskAssign { task, to: Assignee::Squad(squad) } => {
            format!("{} goes to squad {}", task.name, squad.name)
        }
        Command::TaskClaim { task } => format!("you take {}", task.name),
        Command::TaskRelease { task } => format!("you give up {}", task.name),
        Command::TaskSetStatus { task, status } => format!("{} becomes {}", task.name, status.spoken()),
        Command::TaskSetPriority { task, priority } => format!("{} gets {priority} priority", task.name),
        Command::TaskSetProgress { task, percent: share } => {
            format!("{} goes to {}", task.name, percent(share.get().into()))
        }
        Command::MemberSetAvailability { member, availability } => {
            format!("{} becomes {}", member.name, availability.spoken())
        }
        Command::MemberSetRank { member, rank } => format!("{} becomes {}", member.name, rank.name),
        Command::MemberSetSquad { member, squad: Some(squad) } => {
            format!("{} goes to squad {}", member.name, squad.name)
        }
        Command::MemberSetSquad { member, squad: None } => format!("{} leaves their squad", member.name),
        Command::SquadSetLead { squad, member } => format!("{} leads squad {}", member.name, squad.name),
        Command::SquadDisband { squad } => format!("squad {} is disbanded", squad.name),
        Command::ObjectiveCreate { name, tasks, .. } => {
            let names: Vec<&str> = tasks.iter().map(|one| one.as_str()).collect();
            let with = match names.as_slice() {
                [] => String::new(),
                [only] => format!(" with the task {only}"),
                [first @ .., last] => format!(" with the tasks {} and {last}", first.join(", ")),
            };
            format!("a new objective called {name}{with}")
        }
        Command::TaskCreate { name, objective, .. } => format!("a new task called {name} for {}", objective.name),
        Command::SquadCreate { name, .. } => format!("a new squad called {name}"),
        other => {
            let pieces = serde_json::to_value(other).unwrap_or(Value::Null);
            let said: Vec<String> = pieces
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(key, _)| *key != "action")
                .map(|(key, value)| {
                    format!(
                        "{} {}",
                        key.replace('_', " "),
                        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                    )
                })
                .collect();
            format!("{} {}", other.action().as_str().replace(['.', '_'], " "), said.join(", "))
        }
    }
}

/// Why it was refused.
#[must_use]
pub fn refused(denied: &Denied) -> String {
    let right = |right: &str| match right {
        "create_objective" => "create objectives".to_owned(),
        other => other.replace('_', " "),
    };
    match denied {
        Denied::Right(one) => format!("Sorry, your rank may not {}. Nothing was changed.", right(one)),
        Denied::RightOrLead(one) => {
            format!("Sorry, only its lead, or a rank that may {}, can do that. Nothing was changed.", right(one))
        }
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            format!("Sorry. {first}{}. Nothing was changed.", letters.as_str())
        }
    }
}

fn either(choices: &[Choice]) -> String {
    let alike = |one: &Choice| choices.iter().filter(|other| other.name == one.name).count() > 1;
    let named: Vec<String> = choices
        .iter()
        .map(|one| {
            if one.hint.is_empty() {
                one.name.clone()
            } else if alike(one) {
                format!("the one {}", one.hint)
            } else {
                let comma = if one.hint.starts_with("a ") { "," } else { "" };
                format!("{}{comma} {}", one.name, one.hint)
            }
        })
        .collect();
    match named.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{}, or {last}", rest.join(", ")),
        _ => named.concat(),
    }
}

fn listed(all: impl Iterator<Item = String>, joint: &str) -> String {
    let all: Vec<String> = all.collect();
    let shown: Vec<String> = all.iter().take(LISTED_MAX).cloned().collect();
    let more = all.len().saturating_sub(LISTED_MAX);
    if more > 0 {
        format!("{}, and {more}{} more", shown.join(joint), if all.len() >= LINES_MAX { " or" } else { "" })
    } else {
        shown.join(joint)
    }
}

fn count(number: usize, what: &str) -> String {
    if number >= LINES_MAX {
        return format!("At least {number} {what}s");
    }
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn percent(share: f64) -> String {
    format!("{} percent", figure((share * 10.0).round() / 10.0))
}

/// A number without needless digits.
fn figure(value: f64) -> String {
    let text = format!("{:.2}", value);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn full_stop(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}
