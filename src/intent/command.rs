//! What can be done to a guild, with every name found and every value checked. Its JSON is the contract's.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Action;
use crate::domain::{
    Availability, CategoryId, Clearance, MemberId, Name, Named, ObjectiveId, ObjectiveStatus, Percent, Priority,
    RankId, SquadId, TaskId, TaskStatus,
};

/// Who a task is given to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// One person, as the task's lead.
    Member(Named<MemberId>),
    /// A squad.
    Squad(Named<SquadId>),
}

/// When a question's tasks are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// Before the day is over.
    Today,
    /// Before now.
    Overdue,
}

impl Due {
    /// The time that a word stands for.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        match words {
            "today" => Some(Self::Today),
            "overdue" | "late" => Some(Self::Overdue),
            _ => None,
        }
    }
}

/// One order or question, ready to be authorised. Fields that were not said are left out of the JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "action")]
#[expect(missing_docs, reason = "the fields carry the contract's names and the domain's types")]
pub enum Command {
    #[serde(rename = "objective.create")]
    ObjectiveCreate {
        name: Name,
        #[serde(skip_serializing_if = "Option::is_none")]
        category: Option<Named<CategoryId>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        priority: Option<Priority>,
        #[serde(skip_serializing_if = "Option::is_none")]
        brief: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        squad: Option<Named<SquadId>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        metric: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<f64>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tasks: Vec<Name>,
    },
    #[serde(rename = "objective.describe")]
    ObjectiveDescribe { objective: Named<ObjectiveId>, section: Clearance, text: String },
    #[serde(rename = "objective.set_priority")]
    ObjectiveSetPriority { objective: Named<ObjectiveId>, priority: Priority },
    #[serde(rename = "objective.set_status")]
    ObjectiveSetStatus { objective: Named<ObjectiveId>, status: ObjectiveStatus },
    #[serde(rename = "objective.set_progress")]
    ObjectiveSetProgress { objective: Named<ObjectiveId>, percent: Percent },
    #[serde(rename = "objective.add_category")]
    ObjectiveAddCategory { objective: Named<ObjectiveId>, category: Named<CategoryId> },
    #[serde(rename = "objective.set_lead")]
    ObjectiveSetLead { objective: Named<ObjectiveId>, member: Named<MemberId> },
    #[serde(rename = "objective.set_squad")]
    ObjectiveSetSquad { objective: Named<ObjectiveId>, squad: Named<SquadId> },
    #[serde(rename = "objective.report")]
    ObjectiveReport {
        objective: Named<ObjectiveId>,
        metric: String,
        amount: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
    },
    #[serde(rename = "task.create")]
    TaskCreate {
        name: Name,
        objective: Named<ObjectiveId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        priority: Option<Priority>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
    #[serde(rename = "task.assign")]
    TaskAssign {
        task: Named<TaskId>,
        #[serde(flatten)]
        to: Assignee,
    },
    #[serde(rename = "task.claim")]
    TaskClaim { task: Named<TaskId> },
    #[serde(rename = "task.release")]
    TaskRelease { task: Named<TaskId> },
    #[serde(rename = "task.set_status")]
    TaskSetStatus { task: Named<TaskId>, status: TaskStatus },
    #[serde(rename = "task.set_progress")]
    TaskSetProgress { task: Named<TaskId>, percent: Percent },
    #[serde(rename = "task.set_priority")]
    TaskSetPriority { task: Named<TaskId>, priority: Priority },
    #[serde(rename = "task.schedule")]
    TaskSchedule {
        task: Named<TaskId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        start: Option<DateTime<Utc>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        end: Option<DateTime<Utc>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        duration_minutes: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        timezone: Option<String>,
    },
    #[serde(rename = "member.set_availability")]
    MemberSetAvailability { member: Named<MemberId>, availability: Availability },
    #[serde(rename = "member.set_rank")]
    MemberSetRank { member: Named<MemberId>, rank: Named<RankId> },
    #[serde(rename = "member.set_squad")]
    MemberSetSquad { member: Named<MemberId>, squad: Option<Named<SquadId>> },
    #[serde(rename = "squad.create")]
    SquadCreate {
        name: Name,
        #[serde(skip_serializing_if = "Option::is_none")]
        lead: Option<Named<MemberId>>,
    },
    #[serde(rename = "squad.set_lead")]
    SquadSetLead { squad: Named<SquadId>, member: Named<MemberId> },
    #[serde(rename = "squad.disband")]
    SquadDisband { squad: Named<SquadId> },
    #[serde(rename = "guild.broadcast")]
    GuildBroadcast { message: String },
    #[serde(rename = "undo")]
    Undo {},
    #[serde(rename = "ask.objectives")]
    AskObjectives {
        #[serde(skip_serializing_if = "Option::is_none")]
        category: Option<Named<CategoryId>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        priority: Option<Priority>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<ObjectiveStatus>,
    },
    #[serde(rename = "ask.objective")]
    AskObjective {
        objective: Named<ObjectiveId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        section: Option<Clearance>,
    },
    #[serde(rename = "ask.tasks")]
    AskTasks {
        #[serde(skip_serializing_if = "Option::is_none")]
        member: Option<Named<MemberId>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        objective: Option<Named<ObjectiveId>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        due: Option<Due>,
    },
    #[serde(rename = "ask.task")]
    AskTask { task: Named<TaskId> },
    #[serde(rename = "ask.squad")]
    AskSquad {
        #[serde(skip_serializing_if = "Option::is_none")]
        squad: Option<Named<SquadId>>,
    },
    #[serde(rename = "ask.members")]
    AskMembers {
        #[serde(skip_serializing_if = "Option::is_none")]
        availability: Option<Availability>,
        #[serde(skip_serializing_if = "Option::is_none")]
        squad: Option<Named<SquadId>>,
    },
    #[serde(rename = "ask.me")]
    AskMe {},
    #[serde(rename = "ask.help")]
    AskHelp {},
}

impl Command {
    /// Which action this is.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::ObjectiveCreate { .. } => Action::ObjectiveCreate,
            Self::ObjectiveDescribe { .. } => Action::ObjectiveDescribe,
            Self::ObjectiveSetPriority { .. } => Action::ObjectiveSetPriority,
            Self::ObjectiveSetStatus { .. } => Action::ObjectiveSetStatus,
            Self::ObjectiveSetProgress { .. } => Action::ObjectiveSetProgress,
            Self::ObjectiveAddCategory { .. } => Action::ObjectiveAddCategory,
            Self::ObjectiveSetLead { .. } => Action::ObjectiveSetLead,
            Self::ObjectiveSetSquad { .. } => Action::ObjectiveSetSquad,
            Self::ObjectiveReport { .. } => Action::ObjectiveReport,
            Self::TaskCreate { .. } => Action::TaskCreate,
            Self::TaskAssign { .. } => Action::TaskAssign,
            Self::TaskClaim { .. } => Action::TaskClaim,
            Self::TaskRelease { .. } => Action::TaskRelease,
            Self::TaskSetStatus { .. } => Action::TaskSetStatus,
            Self::TaskSetProgress { .. } => Action::TaskSetProgress,
            Self::TaskSetPriority { .. } => Action::TaskSetPriority,
            Self::TaskSchedule { .. } => Action::TaskSchedule,
            Self::MemberSetAvailability { .. } => Action::MemberSetAvailability,
            Self::MemberSetRank { .. } => Action::MemberSetRank,
            Self::MemberSetSquad { .. } => Action::MemberSetSquad,
            Self::SquadCreate { .. } => Action::SquadCreate,
            Self::SquadSetLead { .. } => Action::SquadSetLead,
            Self::SquadDisband { .. } => Action::SquadDisband,
            Self::GuildBroadcast { .. } => Action::GuildBroadcast,
            Self::Undo {} => Action::Undo,
            Self::AskObjectives { .. } => Action::AskObjectives,
            Self::AskObjective { .. } => Action::AskObjective,
            Self::AskTasks { .. } => Action::AskTasks,
            Self::AskTask { .. } => Action::AskTask,
            Self::AskSquad { .. } => Action::AskSquad,
            Self::AskMembers { .. } => Action::AskMembers,
            Self::AskMe {} => Action::AskMe,
            Self::AskHelp {} => Action::AskHelp,
        }
    }

    /// The names of the tasks that are created with their objective.
    #[must_use]
    pub fn new_tasks(&self) -> &[Name] {
        match self {
            Self::ObjectiveCreate { tasks, .. } => tasks,
            _ => &[],
        }
    }

    /// The name of what it makes.
    #[must_use]
    pub fn new_name(&self) -> Option<&Name> {
        match self {
            Self::ObjectiveCreate { name, .. } | Self::TaskCreate { name, .. } | Self::SquadCreate { name, .. } => {
                Some(name)
            }
            _ => None,
        }
    }

    /// The task that it changes.
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Self::TaskAssign { task, .. }
            | Self::TaskClaim { task }
            | Self::TaskRelease { task }
            | Self::TaskSetStatus { task, .. }
            | Self::TaskSetProgress { task, .. }
            | Self::TaskSetPriority { task, .. }
            | Self::TaskSchedule { task, .. } => Some(task.id),
            _ => None,
        }
    }

    /// Whether it only asks. A question changes nothing and is never confirmed.
    #[must_use]
    pub fn is_question(&self) -> bool {
        self.action().is_question()
    }

    /// Whether it touches more than one row's life or somebody's standing, and so is confirmed before it is applied.
    #[must_use]
    pub fn is_risky(&self) -> bool {
        match self {
            Self::ObjectiveSetStatus { status, .. } => {
                matches!(status, ObjectiveStatus::Cancelled | ObjectiveStatus::Completed)
            }
            Self::SquadDisband { .. } => true,
            _ => false,
        }
    }
}
