//! Pure: a guild's rows × a guild file → the rows to create and to change.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use uuid::Uuid;

use super::rows::*;
use super::{Count, ImportReport, merge};
use crate::domain::Name;
use crate::guild_file::{AccessLevel, Category, GuildFile, Member, Rank, Squad};

/// What an import will write.
pub(super) struct ImportPlan {
    pub guild: Change<GuildRow>,
    pub commander: Change<CommanderRow>,
    pub access_levels: Change<AccessLevelRow>,
    pub ranks: Change<RankRow>,
    pub squads: Change<SquadRow>,
    pub members: Change<MemberRow>,
    pub categories: Change<CategoryRow>,
    pub objectives: Change<ObjectiveRow>,
    pub tasks: Change<TaskRow>,
    /// What the file says of progress, where the database would otherwise count it from metrics and status.
    pub objective_progress: Vec<(Uuid, f32)>,
    /// The same for tasks.
    pub task_progress: Vec<(Uuid, f32)>,
}

/// What becomes of one table.
pub(super) struct Change<R> {
    pub created: Vec<R>,
    pub changed: Vec<R>,
    unchanged: usize,
    kept: usize,
    /// The row of each entry of the file, in the file's order.
    ids: Vec<Uuid>,
}

impl<R> Change<R> {
    fn count(&self) -> Count {
        let Self { created, changed, unchanged, kept, .. } = self;
        Count { created: created.len(), changed: changed.len(), unchanged: *unchanged, kept: *kept }
    }
}

impl ImportPlan {
    /// Compares the file with what is stored. What the file does not say stays as it is.
    pub(super) fn new(stored: &GuildRows, file: &GuildFile) -> Self {
        let ids = GuildIds::assign(stored, file);
        let objectives = merge::objectives(stored, file, &ids);
        let tasks = merge::tasks(stored, file, &objectives.ids, &ids);
        let objective_progress = objectives.ids.iter().zip(&file.objectives);
        let task_progress = tasks.ids.iter().zip(file.objectives.iter().flat_map(|objective| &objective.tasks));
        Self {
            objective_progress: objective_progress.filter_map(|(id, said)| Some((*id, said.progress?.get()))).collect(),
            task_progress: task_progress.filter_map(|(id, said)| Some((*id, said.progress?.get()))).collect(),
            guild: merge::guild(stored, file),
            commander: merge::commander(stored, &file.commander),
            access_levels: plan_named(&stored.access_levels, &file.access_levels, |level, old| {
                merge::access_level(level, old, &ids)
            }),
            ranks: plan_named(&stored.ranks, &file.ranks, |rank, old| merge::rank(rank, old, &ids)),
            squads: plan_named(&stored.squads, &file.squads, |squad, old| merge::squad(squad, old, &ids)),
            members: plan_named(&stored.members, &file.members, |member, old| merge::member(member, old, &ids)),
            categories: plan_named(&stored.categories, &file.categories, |category, old| {
                merge::category(category, old, &ids)
            }),
            objectives,
            tasks,
        }
    }

    /// The report of an import that carried this out.
    pub(super) fn report(&self, file: &GuildFile) -> ImportReport {
        ImportReport {
            guild: file.name.to_string(),
            tables: vec![
                ("guilds", self.guild.count()),
                ("ai_commanders", self.commander.count()),
                ("access_levels", self.access_levels.count()),
                ("ranks", self.ranks.count()),
                ("squads", self.squads.count()),
                ("users", self.members.count()),
                ("objective_categories", self.categories.count()),
                ("objectives", self.objectives.count()),
                ("tasks", self.tasks.count()),
            ],
            warnings: Vec::new(),
        }
    }
}

/// The id of each name the file uses, by kind.
pub(super) struct GuildIds {
    pub access_levels: Ids,
    pub ranks: Ids,
    pub squads: Ids,
    pub members: Ids,
    pub categories: Ids,
}

impl GuildIds {
    fn assign(stored: &GuildRows, file: &GuildFile) -> Self {
        Self {
            access_levels: Ids::assign(&stored.access_levels, &file.access_levels),
            ranks: Ids::assign(&stored.ranks, &file.ranks),
            squads: Ids::assign(&stored.squads, &file.squads),
            members: Ids::assign(&stored.members, &file.members),
            categories: Ids::assign(&stored.categories, &file.categories),
        }
    }
}

/// The id of each name of one kind: the stored row's, or a new one.
pub(super) struct Ids(HashMap<String, Uuid>);

impl Ids {
    fn assign(stored: &[impl Row], wanted: &[impl Entry]) -> Self {
        let mut ids: HashMap<String, Uuid> = stored.iter().map(|row| (row.folded_name(), row.id())).collect();
        for entry in wanted {
            ids.entry(folded(entry.name())).or_insert_with(Uuid::new_v4);
        }
        Self(ids)
    }

    /// The id of a name the file has.
    pub(super) fn get(&self, name: &Name) -> Option<Uuid> {
        self.0.get(&folded(name)).copied()
    }
}

/// A name as names are compared: without regard to case.
pub(super) fn folded(name: &Name) -> String {
    name.as_str().to_lowercase()
}

/// A stored row with a name.
pub(super) trait Row: Clone + PartialEq {
    fn id(&self) -> Uuid;
    fn name(&self) -> &str;
    fn folded_name(&self) -> String;
}

/// An entry of the file with a name that is unique among its kind.
pub(super) trait Entry {
    fn name(&self) -> &Name;
}

macro_rules! rows {
    ($($row:ty),+) => {$(
        impl Row for $row {
            fn id(&self) -> Uuid {
                self.id
            }
            fn name(&self) -> &str {
                &self.name
            }
            fn folded_name(&self) -> String {
                self.name.trim().to_lowercase()
            }
        }
    )+};
}
macro_rules! entries {
    ($($entry:ty),+) => {$(
        impl Entry for $entry {
            fn name(&self) -> &Name {
                &self.name
            }
        }
    )+};
}
rows!(GuildRow, CommanderRow, AccessLevelRow, RankRow, SquadRow, MemberRow, CategoryRow, ObjectiveRow, TaskRow);
entries!(AccessLevel, Rank, Squad, Member, Category);

/// Pairs the file's entries with stored rows by key, the first with the first, and merges each pair.
pub(super) fn plan<R: Row, F, K: Hash + Eq>(
    stored: &[R],
    wanted: impl Iterator<Item = (K, F)>,
    key: impl Fn(&R) -> K,
    merge: impl Fn(F, Option<&R>) -> R,
) -> Change<R> {
    let mut waiting: HashMap<K, VecDeque<&R>> = HashMap::new();
    for row in stored {
        waiting.entry(key(row)).or_default().push_back(row);
    }
    let mut change = Change { created: vec![], changed: vec![], unchanged: 0, kept: stored.len(), ids: vec![] };
    for (key, entry) in wanted {
        let old = waiting.get_mut(&key).and_then(VecDeque::pop_front);
        let row = merge(entry, old);
        change.ids.push(row.id());
        change.kept -= usize::from(old.is_some());
        match old {
            None => change.created.push(row),
            Some(old) if *old == row => change.unchanged += 1,
            Some(_) => change.changed.push(row),
        }
    }
    change
}

/// [`plan`] for what has a name that is unique in the guild.
fn plan_named<R: Row, F: Entry>(stored: &[R], wanted: &[F], merge: impl Fn(&F, Option<&R>) -> R) -> Change<R> {
    plan(stored, wanted.iter().map(|entry| (folded(entry.name()), entry)), R::folded_name, merge)
}
