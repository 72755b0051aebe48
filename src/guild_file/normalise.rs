//! One form for every file that means the same: what an export writes.

use super::*;

/// Two shares of a hundred nearer than this are the same: the database counts in decimals, stores single precision.
const PROGRESS_EQUAL: f64 = 1e-4;

impl GuildFile {
    /// The same guild without what a new database would hold anyway, and in the order an export writes: ranks by
    /// hierarchy level, objectives and tasks as they stand, everything else by name. Variables for passwords are no
    /// part of the guild and are dropped. Importing a file into an empty database and exporting it gives this.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.description.forget_cleared();
        self.limits.normalise();
        self.commander.normalise();
        for level in &mut self.access_levels {
            drop_empty(&mut level.user_actions);
        }
        for rank in &mut self.ranks {
            rank.phonetic.forget_cleared();
            drop_default(&mut rank.clearance, Clearance::Brief);
            sort_names(&mut rank.access_levels);
        }
        for squad in &mut self.squads {
            squad.phonetic.forget_cleared();
            squad.lead.forget_cleared();
        }
        for member in &mut self.members {
            member.phonetic.forget_cleared();
            member.rank.forget_cleared();
            member.squad.forget_cleared();
            drop_default(&mut member.availability, Availability::Offline);
            drop_empty(&mut member.preferences);
            member.password_env = None;
        }
        for category in &mut self.categories {
            category.phonetic.forget_cleared();
            category.description.forget_cleared();
        }
        self.objectives.iter_mut().for_each(Objective::normalise);
        self.access_levels.sort_by_cached_key(|level| order(&level.name));
        self.ranks.sort_by_key(|rank| rank.hierarchy_level);
        self.squads.sort_by_cached_key(|squad| order(&squad.name));
        self.members.sort_by_cached_key(|member| order(&member.name));
        self.categories.sort_by_cached_key(|category| order(&category.name));
        self
    }
}

impl Commander {
    fn normalise(&mut self) {
        if self.name.as_ref().is_some_and(|name| name.as_str() == COMMANDER_NAME) {
            self.name = None;
        }
        if self.system_prompt.as_deref() == Some(COMMANDER_SYSTEM_PROMPT) {
            self.system_prompt = None;
        }
        self.phonetic.forget_cleared();
        self.user_prompt.forget_cleared();
    }
}

impl Objective {
    /// The progress its metrics say: how much of a target above 0 is reached, 0 to 100; 0 without one.
    fn share(&self) -> f64 {
        let metric = |key| self.metrics.get(key).copied().unwrap_or(0.0);
        let target = metric("target_value");
        if target > 0.0 { (100.0 * metric("current_value") / target).clamp(0.0, 100.0) } else { 0.0 }
    }

    fn normalise(&mut self) {
        for said in [&mut self.phonetic, &mut self.brief, &mut self.tactical, &mut self.classified] {
            said.forget_cleared();
        }
        for said in [&mut self.applicable_rank, &mut self.lead, &mut self.squad] {
            said.forget_cleared();
        }
        drop_default(&mut self.priority, Priority::Medium);
        drop_default(&mut self.status, ObjectiveStatus::Active);
        let share = self.share();
        drop_derived(&mut self.progress, self.status == Some(ObjectiveStatus::Completed), share);
        drop_empty(&mut self.preferences);
        sort_names(&mut self.categories);
        self.tasks.iter_mut().for_each(Task::normalise);
    }
}

impl Task {
    fn normalise(&mut self) {
        self.phonetic.forget_cleared();
        self.description.forget_cleared();
        drop_default(&mut self.status, TaskStatus::Pending);
        drop_default(&mut self.priority, Priority::Medium);
        drop_derived(&mut self.progress, self.status == Some(TaskStatus::Completed), 0.0);
        drop_default(&mut self.self_assignment, true);
        self.lead.forget_cleared();
        self.squad.forget_cleared();
        drop_default(&mut self.schedule, Schedule::default());
    }
}

impl<T> Said<T> {
    fn forget_cleared(&mut self) {
        if matches!(self, Self::Cleared) {
            *self = Self::Unsaid;
        }
    }
}

/// How names are ordered: without regard to case, then by case.
fn order(name: &Name) -> (String, String) {
    (name.as_str().to_lowercase(), name.to_string())
}

fn drop_default<T: PartialEq>(value: &mut Option<T>, default: T) {
    if *value == Some(default) {
        *value = None;
    }
}

/// Drops a progress the database arrives at by itself.
fn drop_derived(progress: &mut Option<Percent>, completed: bool, share: f64) {
    let derived = if completed { 100.0 } else { share };
    if progress.is_some_and(|progress| (f64::from(progress.get()) - derived).abs() < PROGRESS_EQUAL) {
        *progress = None;
    }
}

fn drop_empty<T>(list: &mut Option<Vec<T>>) {
    if list.as_ref().is_some_and(Vec::is_empty) {
        *list = None;
    }
}

fn sort_names(list: &mut Option<Vec<Name>>) {
    if let Some(list) = list {
        list.sort_by_cached_key(order);
    }
    drop_empty(list);
}
