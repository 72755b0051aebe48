//! Answers to questions, in words.

use serde_json::Value;

use super::{count, figure, full_stop, listed, percent};
use crate::domain::Clearance;
use crate::intent::command::Due;
use crate::outcome::{Answer, MemberLine, ObjectiveLine, SquadLine, TaskLine};

/// The answer to a question.
#[must_use]
pub fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Objectives(lines) if lines.is_empty() => "There are no such objectives.".to_owned(),
        Answer::Objectives(lines) => {
            let one = |line: &ObjectiveLine| {
                format!("{}, {} priority, {}", line.name, line.priority, percent(line.progress.into()))
            };
            format!("{}: {}.", count(lines.len(), "objective"), listed(lines.iter().map(one), "; "))
        }
        Answer::Objective { line, text, metrics, asked_section } => {
            objective(line, text.as_deref(), metrics.as_ref(), *asked_section)
        }
        Answer::Tasks { lines, member, objective, due } => {
            let whose = match (member, objective) {
                (Some(member), _) => format!(" for {member}"),
                (None, Some(objective)) => format!(" in {objective}"),
                (None, None) => String::new(),
            };
            let when = match due {
                Some(Due::Today) => " due today",
                Some(Due::Overdue) => " overdue",
                None => "",
            };
            if lines.is_empty() {
                return format!("There are no open tasks{whose}{when}.");
            }
            let one = |line: &TaskLine| match (&line.lead, member) {
                (Some(lead), None) => format!("{}, with {lead}", line.name),
                (None, None) => format!("{}, free", line.name),
                _ => format!("{}, {}", line.name, line.status.replace('_', " ")),
            };
            format!("{}{whose}{when}: {}.", count(lines.len(), "open task"), listed(lines.iter().map(one), "; "))
        }
        Answer::Task(line) => task(line),
        Answer::Squads(lines) if lines.is_empty() => "There are no squads.".to_owned(),
        Answer::Squads(lines) => match lines.as_slice() {
            [line] => {
                let lead = line.lead.as_ref().map_or_else(String::new, |lead| format!(", led by {lead}"));
                if line.members.is_empty() {
                    return format!("Nobody is in squad {}{lead}.", line.name);
                }
                let shown = listed(line.members.iter().cloned(), ", ");
                format!("{} in squad {}{lead}: {shown}.", count(line.members.len(), "member"), line.name)
            }
            lines => {
                let one = |line: &SquadLine| format!("{} with {}", line.name, count(line.members.len(), "member"));
                format!("{}: {}.", count(lines.len(), "squad"), listed(lines.iter().map(one), "; "))
            }
        },
        Answer::Members(lines) if lines.is_empty() => "Nobody is.".to_owned(),
        Answer::Members(lines) => {
            let one = |line: &MemberLine| line.name.clone();
            format!("{}: {}.", count(lines.len(), "member"), listed(lines.iter().map(one), ", "))
        }
        Answer::Me(actor) => {
            let rank = actor
                .rank
                .as_ref()
                .map_or_else(|| "without a rank".to_owned(), |rank| format!("with the rank of {rank}"));
            let squad = actor
                .squad
                .as_ref()
                .map_or_else(|| "in no squad".to_owned(), |squad| format!("in squad {}", squad.name));
            format!("You are {}, {rank}, {squad}, cleared for {} sections.", actor.member.name, actor.clearance)
        }
        Answer::Help(actor) => {
            let mut can = vec![
                "ask for objectives, tasks, squads and members",
                "claim a free task",
                "report what you delivered",
                "set your availability",
            ];
            let has = |right: &str| actor.rights.contains(right);
            if has("create_objective") {
                can.push("create an objective");
            }
            if has("manage_objectives") {
                can.push("change an objective's priority, status, progress, lead or squad");
            }
            if has("manage_tasks") {
                can.push("create, assign and schedule tasks");
            }
            if has("manage_squads") {
                can.push("form and lead squads");
            }
            format!("You can {}. Say for example: what are my tasks.", can.join(", "))
        }
    }
}

fn objective(line: &ObjectiveLine, text: Option<&str>, metrics: Option<&Value>, asked: Option<Clearance>) -> String {
    if let Some(section) = asked {
        return match text {
            Some(text) => format!("{}, {section}: {}", line.name, full_stop(text)),
            None => format!("{} has no {section} section.", line.name),
        };
    }
    let of = |key: &str| metrics.and_then(|all| all.get(key)).and_then(Value::as_f64);
    let metric = match (of("current_value"), of("target_value")) {
        (Some(now), Some(target)) => format!(", {} of {}", figure(now), figure(target)),
        _ => String::new(),
    };
    let lead = line.lead.as_ref().map_or_else(String::new, |lead| format!(" {lead} leads."));
    let brief = text.map_or_else(String::new, |text| format!(" {}", full_stop(text)));
    let status = line.status.replace('_', " ");
    format!(
        "{} is {status} with {} priority, {}{metric}.{lead}{brief}",
        line.name,
        line.priority,
        percent(line.progress.into())
    )
}

fn task(line: &TaskLine) -> String {
    let whose = match (&line.lead, &line.squad) {
        (Some(lead), _) => format!(", with {lead}"),
        (None, Some(squad)) => format!(", with squad {squad}"),
        (None, None) => ", free to take".to_owned(),
    };
    let time = |at: &chrono::DateTime<chrono::Utc>| at.format("%A the %-d, %H:%M UTC").to_string();
    let when = match (&line.start, &line.end) {
        (Some(start), _) => format!(" It starts {}.", time(start)),
        (None, Some(end)) => format!(" It is due {}.", time(end)),
        (None, None) => String::new(),
    };
    let status = line.status.replace('_', " ");
    format!("{} in {} is {status}, {}{whose}.{when}", line.name, line.objective, percent(line.progress.into()))
}
