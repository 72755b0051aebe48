//! A guild as a file: the TOML that `guild import` reads and `guild export` writes, as one validated value.
//!
//! A key that is absent says nothing: what the database holds (or its default, for a new row) stays. An empty text or
//! an empty list clears. So a file that only adds a member does not undo what the guild said aloud in the meantime.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::{Availability, Clearance, Name, ObjectiveStatus, Percent, Priority, TaskStatus};

mod limits;
mod normalise;
mod parse;
mod read;
mod render;
#[cfg(test)]
mod tests;

pub use limits::{FOR_EVER, Limits};
pub use parse::parse;
pub(crate) use read::suggestion;
pub use render::render;

/// The largest guild file, in bytes.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most access levels in a file.
pub const ACCESS_LEVELS_MAX: usize = 200;
/// The most ranks in a file.
pub const RANKS_MAX: usize = 200;
/// The most squads in a file.
pub const SQUADS_MAX: usize = 2_000;
/// The most members in a file.
pub const MEMBERS_MAX: usize = 20_000;
/// The most categories in a file.
pub const CATEGORIES_MAX: usize = 500;
/// The most objectives in a file.
pub const OBJECTIVES_MAX: usize = 10_000;
/// The most tasks of one objective.
pub const TASKS_MAX: usize = 1_000;
/// The most tasks in a file.
pub const TASKS_TOTAL_MAX: usize = 50_000;
/// The most entries of one list (preferences, categories of an objective) and of one metrics table.
pub const LIST_MAX: usize = 100;
/// The longest respelling, in characters; several are separated by `;`.
pub const PHONETIC_CHARS_MAX: usize = 400;
/// The longest window of a schedule in minutes: ten years.
pub const DURATION_MINUTES_MAX: u32 = 10 * 366 * 24 * 60;

/// Every metric is nearer to zero than this: up to here a double is exact to the whole number.
pub const METRIC_LIMIT: f64 = 1e15;

/// What a commander is called when nobody says otherwise.
pub const COMMANDER_NAME: &str = "UEE Commander";
/// How a commander thinks and talks when the guild says nothing about it.
pub const COMMANDER_SYSTEM_PROMPT: &str = "You are the guild's commander. You coordinate its objectives, tasks and \
     squads, you answer briefly and formally, and you never invent a name or a number.";

/// Every action an access level can grant, in the order they are written.
pub const USER_ACTIONS: &[&str] = &[
    "view_objectives",
    "create_objective",
    "manage_objectives",
    "view_tasks",
    "manage_tasks",
    "view_users",
    "manage_users",
    "view_ranks",
    "manage_ranks",
    "manage_squads",
    "view_categories",
    "create_category",
    "manage_categories",
    "manage_guilds",
    "manage_rbac",
];

/// One thing that is wrong with a guild file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}{message}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct Problem {
    /// The line it stands on, counted from 1.
    pub line: usize,
    /// Where in the document, such as `objective[2].task[0].lead` (counted from 0); empty for the file as a whole.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What a file says about something that may also be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Said<T> {
    /// Nothing: it stays as it is.
    #[default]
    Unsaid,
    /// That there is none: written as an empty text.
    Cleared,
    /// This.
    To(T),
}

/// A whole guild. References (a lead, a rank) hold the name as its own table spells it.
#[derive(Debug, Clone, PartialEq)]
pub struct GuildFile {
    /// What the guild is called.
    pub name: Name,
    /// What it is about.
    pub description: Said<String>,
    /// How long things last in it.
    pub limits: Limits,
    /// The commander who speaks for it.
    pub commander: Commander,
    /// What its ranks may be allowed to do.
    pub access_levels: Vec<AccessLevel>,
    /// Its ranks.
    pub ranks: Vec<Rank>,
    /// Its squads.
    pub squads: Vec<Squad>,
    /// Its members.
    pub members: Vec<Member>,
    /// Its categories of objectives.
    pub categories: Vec<Category>,
    /// Its objectives with their tasks, in the order they were set.
    pub objectives: Vec<Objective>,
}

/// The voice's personality; a new guild gets [`COMMANDER_NAME`] and [`COMMANDER_SYSTEM_PROMPT`] for what is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commander {
    /// What it is called.
    pub name: Option<Name>,
    /// How that is said.
    pub phonetic: Said<String>,
    /// How it thinks and talks.
    pub system_prompt: Option<String>,
    /// The guild's own tone.
    pub user_prompt: Said<String>,
}

/// A named set of actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLevel {
    /// What it is called.
    pub name: Name,
    /// What it grants: entries of [`USER_ACTIONS`], in that order, each once.
    pub user_actions: Option<Vec<&'static str>>,
}

/// A rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rank {
    /// What it is called.
    pub name: Name,
    /// How that is said.
    pub phonetic: Said<String>,
    /// 1 is the most senior; unique in the guild.
    pub hierarchy_level: i32,
    /// What it may read.
    pub clearance: Option<Clearance>,
    /// The access levels it has.
    pub access_levels: Option<Vec<Name>>,
}

/// A squad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Squad {
    /// What it is called.
    pub name: Name,
    /// How that is said.
    pub phonetic: Said<String>,
    /// The member who leads it.
    pub lead: Said<Name>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What they are called.
    pub name: Name,
    /// How that is said.
    pub phonetic: Said<String>,
    /// Their rank.
    pub rank: Said<Name>,
    /// Their squad.
    pub squad: Said<Name>,
    /// Whether they can be reached.
    pub availability: Option<Availability>,
    /// Free words, lower-cased.
    pub preferences: Option<Vec<String>>,
    /// The environment variable with their password. An import makes its value the password; an export knows none.
    pub password_env: Option<String>,
}

/// A category of objectives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// What it is called.
    pub name: Name,
    /// How that is said.
    pub phonetic: Said<String>,
    /// What belongs to it.
    pub description: Said<String>,
}

/// An objective with its tasks. Two may share a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What it is called.
    pub name: Name,
    /// How that is said.
    pub phonetic: Said<String>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// Where it stands.
    pub status: Option<ObjectiveStatus>,
    /// How much of it is done.
    pub progress: Option<Percent>,
    /// The lowest rank that sees it; none: everyone.
    pub applicable_rank: Said<Name>,
    /// Free words, lower-cased.
    pub preferences: Option<Vec<String>>,
    /// The categories it belongs to.
    pub categories: Option<Vec<Name>>,
    /// The member who leads it.
    pub lead: Said<Name>,
    /// The squad it is with.
    pub squad: Said<Name>,
    /// What everyone may read.
    pub brief: Said<String>,
    /// What officers and NCOs may read.
    pub tactical: Said<String>,
    /// What officers may read.
    pub classified: Said<String>,
    /// Counted things, `target_value` and `current_value` among them; finite numbers.
    pub metrics: BTreeMap<String, f64>,
    /// Its tasks; no two share a name.
    pub tasks: Vec<Task>,
}

/// A task of an objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What it is called.
    pub name: Name,
    /// How that is said.
    pub phonetic: Said<String>,
    /// What is to be done.
    pub description: Said<String>,
    /// Where it stands.
    pub status: Option<TaskStatus>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// How much of it is done.
    pub progress: Option<Percent>,
    /// Whether a member may claim it.
    pub self_assignment: Option<bool>,
    /// The member who has it.
    pub lead: Said<Name>,
    /// The squad that has it.
    pub squad: Said<Name>,
    /// When it is to happen; an empty one clears.
    pub schedule: Option<Schedule>,
}

/// When a task is to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// From when.
    pub start: Option<DateTime<Utc>>,
    /// Until when; not before `start`.
    pub end: Option<DateTime<Utc>>,
    /// How long, in whole minutes; equals `end - start` where both are given.
    pub duration: Option<u32>,
    /// Whether it may move.
    pub flexible: Option<bool>,
    /// The time zone it was said in: an IANA name.
    pub timezone: Option<String>,
}
