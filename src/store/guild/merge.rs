//! Pure: one stored row, if there is one, and one entry of the file → the row as the file wants it.

use std::collections::HashMap;

use uuid::Uuid;

use super::plan::{Change, GuildIds, Ids, Row, folded, plan};
use super::rows::*;
use crate::domain::{Availability, Clearance, Name, ObjectiveStatus, Priority, TaskStatus};
use crate::guild_file::{
    AccessLevel, COMMANDER_NAME, COMMANDER_SYSTEM_PROMPT, Category, Commander, GuildFile, Limits, Member, Objective,
    Rank, Said, Squad, Task,
};

/// The guild itself.
pub(super) fn guild(stored: &GuildRows, file: &GuildFile) -> Change<GuildRow> {
    plan(
        stored.guild.as_slice(),
        std::iter::once(((), file)),
        |_| (),
        |file, old| {
            let mut row = old.cloned().unwrap_or_else(|| {
                let mut row = GuildRow { id: Uuid::new_v4(), ..GuildRow::default() };
                limits(&mut row, &Limits::DEFAULT);
                row
            });
            row.name = file.name.to_string();
            text(&mut row.description, &file.description);
            limits(&mut row, &file.limits);
            row
        },
    )
}

fn limits(row: &mut GuildRow, said: &Limits) {
    for (value, said) in [
        (&mut row.sign_in_failures_max, said.sign_in_failures_max),
        (&mut row.sign_in_lock_minutes, said.sign_in_lock_minutes),
        (&mut row.session_hours, said.session_hours),
        (&mut row.session_idle_minutes, said.session_idle_minutes),
        (&mut row.journal_days, said.journal_days),
    ] {
        *value = said.unwrap_or(*value);
    }
}

/// The commander, who is made with the guild.
pub(super) fn commander(stored: &GuildRows, commander: &Commander) -> Change<CommanderRow> {
    plan(
        stored.commander.as_slice(),
        std::iter::once(((), commander)),
        |_| (),
        |said, old| {
            let mut row = old.cloned().unwrap_or_else(|| CommanderRow {
                id: Uuid::new_v4(),
                name: COMMANDER_NAME.to_owned(),
                system_prompt: COMMANDER_SYSTEM_PROMPT.to_owned(),
                ..CommanderRow::default()
            });
            word(&mut row.name, said.name.as_ref());
            text(&mut row.phonetic, &said.phonetic);
            word(&mut row.system_prompt, said.system_prompt.as_ref());
            text(&mut row.user_prompt, &said.user_prompt);
            row
        },
    )
}

pub(super) fn access_level(level: &AccessLevel, old: Option<&AccessLevelRow>, ids: &GuildIds) -> AccessLevelRow {
    let mut row = old.cloned().unwrap_or_default();
    (row.id, row.name) = (id(&ids.access_levels, &level.name), level.name.to_string());
    if let Some(actions) = &level.user_actions {
        list(&mut row.user_actions, actions.iter().map(|action| (*action).to_owned()).collect());
    }
    row
}

pub(super) fn squad(squad: &Squad, old: Option<&SquadRow>, ids: &GuildIds) -> SquadRow {
    let mut row = old.cloned().unwrap_or_default();
    (row.id, row.name) = (id(&ids.squads, &squad.name), squad.name.to_string());
    text(&mut row.phonetic, &squad.phonetic);
    reference(&mut row.squad_lead, &squad.lead, &ids.members);
    row
}

pub(super) fn category(category: &Category, old: Option<&CategoryRow>, ids: &GuildIds) -> CategoryRow {
    let mut row = old.cloned().unwrap_or_default();
    (row.id, row.name) = (id(&ids.categories, &category.name), category.name.to_string());
    text(&mut row.phonetic, &category.phonetic);
    text(&mut row.description, &category.description);
    row
}

pub(super) fn rank(rank: &Rank, old: Option<&RankRow>, ids: &GuildIds) -> RankRow {
    let mut row = old
        .cloned()
        .unwrap_or_else(|| RankRow { clearance: Clearance::Brief.as_str().to_owned(), ..RankRow::default() });
    (row.id, row.name) = (id(&ids.ranks, &rank.name), rank.name.to_string());
    text(&mut row.phonetic, &rank.phonetic);
    row.hierarchy_level = rank.hierarchy_level;
    word(&mut row.clearance, rank.clearance);
    if let Some(levels) = &rank.access_levels {
        list(&mut row.access_levels, levels.iter().filter_map(|name| ids.access_levels.get(name)).collect());
    }
    row
}

pub(super) fn member(member: &Member, old: Option<&MemberRow>, ids: &GuildIds) -> MemberRow {
    let mut row = old.cloned().unwrap_or_else(|| MemberRow {
        availability: Availability::Offline.as_str().to_owned(),
        ..MemberRow::default()
    });
    (row.id, row.name) = (id(&ids.members, &member.name), member.name.to_string());
    text(&mut row.phonetic, &member.phonetic);
    word(&mut row.availability, member.availability);
    reference(&mut row.rank, &member.rank, &ids.ranks);
    if let Some(preferences) = &member.preferences {
        row.preferences.clone_from(preferences);
    }
    reference(&mut row.squad_id, &member.squad, &ids.squads);
    row
}

/// The objectives: those of equal names in the order they were made.
pub(super) fn objectives(stored: &GuildRows, file: &GuildFile, ids: &GuildIds) -> Change<ObjectiveRow> {
    // A rank that the file spells differently takes its objectives along.
    let ranks: HashMap<String, &Name> = file.ranks.iter().map(|rank| (folded(&rank.name), &rank.name)).collect();
    let wanted = file.objectives.iter().map(|objective| (folded(&objective.name), objective));
    let merge = |objective: &Objective, old: Option<&ObjectiveRow>| {
        // Ids in the order of time keep the file's order among rows that are made at the same moment.
        let mut row = old.cloned().unwrap_or_else(|| ObjectiveRow {
            id: Uuid::now_v7(),
            priority: Priority::Medium.as_str().to_owned(),
            status: ObjectiveStatus::Active.as_str().to_owned(),
            ..ObjectiveRow::default()
        });
        row.name = objective.name.to_string();
        text(&mut row.phonetic, &objective.phonetic);
        text(&mut row.description.brief, &objective.brief);
        text(&mut row.description.tactical, &objective.tactical);
        text(&mut row.description.classified, &objective.classified);
        row.description.metrics.extend(objective.metrics.iter().map(|(key, value)| (key.clone(), *value)));
        if let Some(preferences) = &objective.preferences {
            row.preferences.clone_from(preferences);
        }
        if let Some(names) = &objective.categories {
            list(&mut row.categories, names.iter().filter_map(|name| ids.categories.get(name)).collect());
        }
        word(&mut row.priority, objective.priority);
        text(&mut row.applicable_rank, &objective.applicable_rank);
        let respelled = row.applicable_rank.as_ref().and_then(|rank| ranks.get(&rank.to_lowercase()));
        row.applicable_rank = respelled.map(|rank| rank.to_string()).or(row.applicable_rank);
        word(&mut row.status, objective.status);
        row.progress = objective.progress.map_or(row.progress, |progress| progress.get());
        reference(&mut row.lead_id, &objective.lead, &ids.members);
        reference(&mut row.squad_id, &objective.squad, &ids.squads);
        row
    };
    plan(&stored.objectives, wanted, ObjectiveRow::folded_name, merge)
}

/// The tasks, each in its objective; `objectives` are the ids of the file's objectives.
pub(super) fn tasks(stored: &GuildRows, file: &GuildFile, objectives: &[Uuid], ids: &GuildIds) -> Change<TaskRow> {
    let wanted = objectives
        .iter()
        .zip(&file.objectives)
        .flat_map(|(id, objective)| objective.tasks.iter().map(|task| ((*id, folded(&task.name)), (*id, task))));
    let merge = |(objective_id, task): (Uuid, &Task), old: Option<&TaskRow>| {
        let mut row = old.cloned().unwrap_or_else(|| TaskRow {
            id: Uuid::now_v7(),
            objective_id,
            status: TaskStatus::Pending.as_str().to_owned(),
            priority: Priority::Medium.as_str().to_owned(),
            self_assignment: true,
            ..TaskRow::default()
        });
        row.name = task.name.to_string();
        text(&mut row.phonetic, &task.phonetic);
        text(&mut row.description, &task.description);
        word(&mut row.status, task.status);
        word(&mut row.priority, task.priority);
        row.progress = task.progress.map_or(row.progress, |progress| progress.get());
        row.self_assignment = task.self_assignment.unwrap_or(row.self_assignment);
        reference(&mut row.lead_id, &task.lead, &ids.members);
        reference(&mut row.squad_id, &task.squad, &ids.squads);
        if let Some(schedule) = &task.schedule {
            row.schedule.clone_from(schedule);
        }
        row
    };
    let key = |row: &TaskRow| (row.objective_id, row.folded_name());
    plan(&stored.tasks, wanted, key, merge)
}

/// The id of a name of the file; each of them was assigned one.
fn id(ids: &Ids, name: &Name) -> Uuid {
    ids.get(name).unwrap_or_default()
}

fn text(slot: &mut Option<String>, said: &Said<impl ToString>) {
    match said {
        Said::Unsaid => {}
        Said::Cleared => *slot = None,
        Said::To(text) => *slot = Some(text.to_string()),
    }
}

fn word(slot: &mut String, said: Option<impl ToString>) {
    if let Some(word) = said {
        *slot = word.to_string();
    }
}

fn reference(slot: &mut Option<Uuid>, said: &Said<Name>, ids: &Ids) {
    match said {
        Said::Unsaid => {}
        Said::Cleared => *slot = None,
        Said::To(name) => *slot = ids.get(name),
    }
}

/// Replaces a list whose order means nothing, unless it holds the same already.
fn list<T: Ord + Clone>(slot: &mut Vec<T>, wanted: Vec<T>) {
    let sorted = |list: &[T]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    if sorted(slot) != sorted(&wanted) {
        *slot = wanted;
    }
}
