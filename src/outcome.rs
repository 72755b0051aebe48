//! What came of a command, as it stands in the database: rows that were changed, answers to questions.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::authority::Actor;
use crate::domain::{Clearance, Kind};
use crate::intent::Command;
use crate::intent::command::Due;

/// The most lines an answer reads; a listener keeps fewer, and is told that there are more.
pub const LINES_MAX: usize = 50;

/// One row that a command changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it is.
    pub kind: Kind,
    /// Where it is stored.
    pub id: Uuid,
    /// What it is at the end of the turn; `None` for something removed.
    pub after: Option<Value>,
}

/// What became of the wish to take the last change back.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Undo {
    /// Everything is as it was before that turn.
    Undone {
        /// The turn's commands, as the speaker may see them.
        commands: Value,
        /// The rows that are as they were, as far as the speaker may see them.
        changes: Vec<Restored>,
    },
    /// There is no turn to take back.
    Nothing,
    /// The speaker could not do today what they did then.
    Standing,
    /// Somebody changed a row since.
    Changed {
        /// The row, when the speaker may know of it.
        what: Option<String>,
        /// Who, when it is known.
        by: Option<String>,
    },
    /// Others use what the turn made.
    Used {
        /// What, when the speaker may know of it.
        what: Option<String>,
    },
    /// A rule of the guild stands against it today.
    Impossible,
}

/// A row that is as it was before. The fields are those that differ, with names instead of ids.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Restored {
    /// The journal's word for what it is.
    pub kind: String,
    /// Its name; a link has none.
    pub name: Option<String>,
    /// What it is again; `None` for something that is gone again.
    pub before: Option<Value>,
    /// What it was for a while; `None` for something that had been removed.
    pub after: Option<Value>,
}

/// A command that was carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The command.
    pub command: Command,
    /// The row; a broadcast has none that stays.
    pub change: Option<Change>,
    /// An objective's metrics after a report.
    pub metrics: Option<Value>,
}

/// What the database has to say to a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Objectives, the most urgent first.
    Objectives(Vec<ObjectiveLine>),
    /// One objective, with the section that was asked for or the brief, and its metrics.
    Objective {
        /// The objective.
        line: ObjectiveLine,
        /// The text of the section.
        text: Option<String>,
        /// Its metrics.
        metrics: Option<Value>,
        /// Whether a section was asked for by name.
        asked_section: Option<Clearance>,
    },
    /// Open tasks, the most urgent first, and whose they are when that was asked.
    Tasks {
        /// The tasks.
        lines: Vec<TaskLine>,
        /// The member that was asked about.
        member: Option<String>,
        /// The objective that was asked about.
        objective: Option<String>,
        /// When they are due, when that was asked.
        due: Option<Due>,
    },
    /// One task.
    Task(TaskLine),
    /// One squad, or all of them.
    Squads(Vec<SquadLine>),
    /// Members.
    Members(Vec<MemberLine>),
    /// The speaker.
    Me(Actor),
    /// What can be said.
    Help(Actor),
}

/// An objective, for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectiveLine {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: String,
    /// How urgent it is.
    pub priority: String,
    /// 0 to 100.
    pub progress: f32,
    /// Who leads it.
    pub lead: Option<String>,
    /// Whose squad's it is.
    pub squad: Option<String>,
}

/// A task, for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskLine {
    /// Its name.
    pub name: String,
    /// Its objective.
    pub objective: String,
    /// Where it stands.
    pub status: String,
    /// How urgent it is.
    pub priority: String,
    /// 0 to 100.
    pub progress: f32,
    /// Who has it.
    pub lead: Option<String>,
    /// Which squad has it.
    pub squad: Option<String>,
    /// When it starts.
    pub start: Option<DateTime<Utc>>,
    /// When it ends.
    pub end: Option<DateTime<Utc>>,
}

/// A squad, for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SquadLine {
    /// Its name.
    pub name: String,
    /// Who leads it.
    pub lead: Option<String>,
    /// Who is in it.
    pub members: Vec<String>,
}

/// A member, for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberLine {
    /// Their name.
    pub name: String,
    /// Whether they can be reached.
    pub availability: String,
}
