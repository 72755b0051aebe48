#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use uuid::Uuid;

use super::{Actor, Standing, authorize};
use crate::domain::{
    Availability, CategoryId, Clearance, MemberId, Name, Named, ObjectiveId, ObjectiveStatus, Percent, Priority,
    RankId, SquadId, TaskId, TaskStatus,
};
use crate::intent::command::Assignee;
use crate::intent::{Action, Command};

const CREW: &[&str] = &["view_objectives", "view_tasks"];
const MISSIONS: &[&str] = &["create_objective", "manage_objectives", "manage_tasks"];
const ROSTER: &[&str] = &["manage_users", "manage_squads", "manage_ranks"];
const COUNCIL: &[&str] = &["manage_guilds"];

fn named<I: From<Uuid>>(number: u128) -> Named<I> {
    Named { id: I::from(Uuid::from_u128(number)), name: "x".to_owned() }
}

/// One command of every action; those that differ by whom they are about stand twice.
fn commands() -> Vec<(&'static str, Command)> {
    let (objective, task, squad): (Named<ObjectiveId>, Named<TaskId>, Named<SquadId>) = (named(1), named(2), named(3));
    let (other, me): (Named<MemberId>, Named<MemberId>) = (named(4), named(9));
    let (category, rank): (Named<CategoryId>, Named<RankId>) = (named(5), named(6));
    let name = Name::new("x").unwrap();
    let text = "x".to_owned();
    let share = Percent::new(1.0).unwrap();
    let create = |tasks| Command::ObjectiveCreate {
        name: name.clone(),
        category: None,
        priority: None,
        brief: None,
        squad: None,
        metric: None,
        target: None,
        tasks,
    };
    let mut all = vec![("", create(Vec::new())), ("tasks", create(vec![name.clone()]))];
    for section in Clearance::ALL {
        all.push((
            section.as_str(),
            Command::ObjectiveDescribe { objective: objective.clone(), section: *section, text: text.clone() },
        ));
    }
    all.extend([
        ("", Command::ObjectiveSetPriority { objective: objective.clone(), priority: Priority::High }),
        ("", Command::ObjectiveSetStatus { objective: objective.clone(), status: ObjectiveStatus::OnHold }),
        ("", Command::ObjectiveSetProgress { objective: objective.clone(), percent: share }),
        ("", Command::ObjectiveAddCategory { objective: objective.clone(), category: category.clone() }),
        ("", Command::ObjectiveSetLead { objective: objective.clone(), member: other.clone() }),
        ("", Command::ObjectiveSetSquad { objective: objective.clone(), squad: squad.clone() }),
        ("", Command::ObjectiveReport { objective: objective.clone(), metric: text.clone(), amount: 1.0, unit: None }),
        (
            "",
            Command::TaskCreate { name: name.clone(), objective: objective.clone(), priority: None, description: None },
        ),
        ("", Command::TaskAssign { task: task.clone(), to: Assignee::Member(other.clone()) }),
        ("", Command::TaskClaim { task: task.clone() }),
        ("", Command::TaskRelease { task: task.clone() }),
        ("", Command::TaskSetStatus { task: task.clone(), status: TaskStatus::Completed }),
        ("", Command::TaskSetProgress { task: task.clone(), percent: share }),
        ("", Command::TaskSetPriority { task: task.clone(), priority: Priority::Low }),
        (
            "",
            Command::TaskSchedule {
                task: task.clone(),
                start: None,
                end: None,
                duration_minutes: Some(1),
                timezone: None,
            },
        ),
        ("self", Command::MemberSetAvailability { member: me.clone(), availability: Availability::Busy }),
        ("other", Command::MemberSetAvailability { member: other.clone(), availability: Availability::Busy }),
        ("", Command::MemberSetRank { member: other.clone(), rank }),
        ("self", Command::MemberSetSquad { member: me, squad: Some(squad.clone()) }),
        ("other", Command::MemberSetSquad { member: other.clone(), squad: Some(squad.clone()) }),
        ("", Command::SquadCreate { name, lead: None }),
        ("", Command::SquadSetLead { squad: squad.clone(), member: other }),
        ("", Command::SquadDisband { squad: squad.clone() }),
        ("", Command::GuildBroadcast { message: text }),
        ("", Command::Undo {}),
        ("", Command::AskObjectives { category: Some(category), priority: None, status: None }),
        ("", Command::AskObjective { objective: objective.clone(), section: None }),
    ]);
    for section in Clearance::ALL {
        all.push((section.as_str(), Command::AskObjective { objective: objective.clone(), section: Some(*section) }));
    }
    all.extend([
        ("", Command::AskTasks { member: None, objective: None, due: None }),
        ("", Command::AskTask { task }),
        ("", Command::AskSquad { squad: None }),
        ("", Command::AskMembers { availability: None, squad: None }),
        ("", Command::AskMe {}),
        ("", Command::AskHelp {}),
    ]);
    all
}

fn actor(rank: &str) -> Actor {
    let (level, clearance, rights): (Option<i32>, Clearance, Vec<&[&str]>) = match rank {
        "Commander" => (Some(1), Clearance::Classified, vec![CREW, MISSIONS, ROSTER, COUNCIL]),
        "Officer" => (Some(2), Clearance::Classified, vec![CREW, MISSIONS, ROSTER]),
        "NCO" => (Some(3), Clearance::Tactical, vec![CREW, MISSIONS]),
        "Crewman" => (Some(4), Clearance::Brief, vec![CREW]),
        _ => (None, Clearance::Brief, vec![]),
    };
    Actor {
        member: named(9),
        rank: Some(rank.to_owned()),
        level,
        clearance,
        rights: rights.concat().iter().map(|one| (*one).to_owned()).collect(),
        squad: None,
    }
}

/// The table of who may do what. The subject of a rank change is an NCO who becomes a Crewman; a task is free and open.
#[test]
fn who_may_do_what() {
    let plain = Standing {
        free: true,
        self_assignment: true,
        subject_level: Some(3),
        rank_level: Some(4),
        ..Standing::default()
    };
    let lead = Standing { leads: true, ..plain };
    let ranks = ["Commander", "Officer", "NCO", "Crewman", "none"];
    let mut table = format!("{:<34}{}\n", "", ranks.map(|rank| format!("{rank:<10}")).concat());
    for (variant, command) in commands() {
        let name = format!("{} {variant}", command.action().as_str());
        let cells = ranks.map(|rank| {
            let may = |standing| authorize(&actor(rank), command.clone(), standing).is_ok();
            let cell = match (may(plain), may(lead)) {
                (true, true) => "yes",
                (false, true) => "lead",
                _ => "-",
            };
            format!("{cell:<10}")
        });
        table.push_str(format!("{name:<34}{}", cells.concat()).trim_end());
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[test]
fn no_action_is_forgotten_in_the_table() {
    let listed: Vec<Action> = commands().iter().map(|(_, command)| command.action()).collect();
    for action in Action::ALL {
        let conversation = matches!(action, Action::Confirm | Action::Deny | Action::Repeat | Action::Cancel);
        assert!(conversation || listed.contains(action), "{} has no row", action.as_str());
    }
}

#[test]
fn a_rank_is_only_changed_from_above() {
    let promote = Command::MemberSetRank { member: named(4), rank: named(6) };
    for (rank, subject, given, expected) in [
        ("Officer", Some(3), Some(4), true),
        ("Officer", None, Some(3), true),
        ("Officer", Some(3), Some(2), false),
        ("Officer", Some(2), Some(4), false),
        ("Officer", Some(1), Some(4), false),
        ("Commander", Some(2), Some(1), false),
        ("NCO", Some(4), Some(5), false),
        ("none", Some(4), Some(5), false),
    ] {
        let standing = Standing { subject_level: subject, rank_level: given, ..Standing::default() };
        assert_eq!(
            authorize(&actor(rank), promote.clone(), standing).is_ok(),
            expected,
            "{rank} {subject:?} {given:?}"
        );
    }
}

#[test]
fn a_task_is_taken_only_when_it_is_free_and_open() {
    let claim = Command::TaskClaim { task: named(2) };
    for (free, open, leads, expected) in [
        (true, true, false, "yes"),
        (false, true, false, "somebody already has that task"),
        (true, false, false, "that task is not open to volunteers"),
        (false, false, true, "yes"),
    ] {
        let standing = Standing { free, self_assignment: open, leads, ..Standing::default() };
        let said = authorize(&actor("Crewman"), claim.clone(), standing)
            .map_or_else(|denied| denied.to_string(), |_| "yes".to_owned());
        assert_eq!(said, expected);
    }
}
