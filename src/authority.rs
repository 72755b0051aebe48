//! Pure: may this member do this?
//!
//! [`authorize`] is the only way to an [`Authorized`] command, and the store applies nothing else. The database holds the
//! same rules by itself, whatever a client sends; this is where the reason for a refusal, fit to be spoken, comes from.

use std::collections::BTreeSet;

use crate::domain::{Clearance, MemberId, Named, SquadId};
use crate::intent::Command;

/// Who speaks, as the database knows them in the transaction that makes the change.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    /// The member.
    pub member: Named<MemberId>,
    /// The rank's name, when there is one.
    pub rank: Option<String>,
    /// The rank's place; 1 is the most senior. Without a rank nobody is below.
    pub level: Option<i32>,
    /// What the member may read.
    pub clearance: Clearance,
    /// The union of the actions of the rank's access levels.
    pub rights: BTreeSet<String>,
    /// The member's squad.
    pub squad: Option<Named<SquadId>>,
}

/// What the database knows of the thing that a command touches, read in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The speaker leads it.
    pub leads: bool,
    /// A task nobody leads and no squad has.
    pub free: bool,
    /// A task that members may take themselves.
    pub self_assignment: bool,
    /// The hierarchy level of the member it is about; `None` without a rank.
    pub subject_level: Option<i32>,
    /// The hierarchy level of the rank that is to be given.
    pub rank_level: Option<i32>,
}

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: any member.
    Nothing,
    /// A right of an access level.
    Right(&'static str),
    /// A right, or leading the thing.
    RightOrLead(&'static str),
    /// Two rights.
    Both(&'static str, &'static str),
    /// A right, and clearance for a section.
    RightAndClearance(&'static str, Clearance),
    /// A right to view, and clearance for a section.
    ViewAndClearance(&'static str, Clearance),
    /// A task that is free and open to self-assignment.
    FreeTask,
    /// Leading the thing.
    Lead,
    /// Being the member it is about, or a right.
    SelfOr(&'static str),
    /// A right, and standing above both the member and the rank.
    RightAbove(&'static str),
}

/// Why not; fit to be spoken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The rank lacks a right.
    #[error("your rank does not include {0}")]
    Right(&'static str),
    /// Neither the right nor the lead.
    #[error("only its lead or a rank with {0} may do that")]
    RightOrLead(&'static str),
    /// The section is above the speaker's clearance.
    #[error("the {0} section is above your clearance")]
    Clearance(Clearance),
    /// The task is somebody's already.
    #[error("somebody already has that task")]
    Taken,
    /// The task is handed out by others.
    #[error("that task is not open to volunteers")]
    NotOpen,
    /// The speaker does not lead it.
    #[error("only its lead may do that")]
    NotLead,
    /// The member or the rank is not below the speaker.
    #[error("you may only change ranks below your own")]
    NotAbove,
}

/// A command that was found to be allowed. Only [`authorize`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Authorized(Command);

impl Authorized {
    /// The command.
    #[must_use]
    pub fn command(&self) -> &Command {
        &self.0
    }
}

/// What each command needs. The match is exhaustive: a new command does not compile without an answer here.
#[must_use]
pub fn need(command: &Command, speaker: MemberId) -> Need {
    match command {
        Command::ObjectiveCreate { tasks, .. } if !tasks.is_empty() => Need::Both("create_objective", "manage_tasks"),
        Command::ObjectiveCreate { .. } => Need::Right("create_objective"),
        Command::ObjectiveDescribe { section, .. } => Need::RightAndClearance("manage_objectives", *section),
        Command::ObjectiveSetPriority { .. }
        | Command::ObjectiveSetStatus { .. }
        | Command::ObjectiveSetProgress { .. } => Need::RightOrLead("manage_objectives"),
        Command::ObjectiveAddCategory { .. } | Command::ObjectiveSetLead { .. } | Command::ObjectiveSetSquad { .. } => {
            Need::Right("manage_objectives")
        }
        Command::TaskCreate { .. } | Command::TaskAssign { .. } => Need::Right("manage_tasks"),
        Command::TaskClaim { .. } => Need::FreeTask,
        Command::TaskRelease { .. } => Need::Lead,
        Command::TaskSetStatus { .. }
        | Command::TaskSetProgress { .. }
        | Command::TaskSetPriority { .. }
        | Command::TaskSchedule { .. } => Need::RightOrLead("manage_tasks"),
        Command::MemberSetAvailability { member, .. } if member.id == speaker => Need::SelfOr("manage_users"),
        Command::MemberSetAvailability { .. } => Need::Right("manage_users"),
        Command::MemberSetRank { .. } => Need::RightAbove("manage_ranks"),
        Command::MemberSetSquad { member, .. } if member.id == speaker => Need::SelfOr("manage_squads"),
        Command::MemberSetSquad { .. }
        | Command::SquadCreate { .. }
        | Command::SquadSetLead { .. }
        | Command::SquadDisband { .. } => Need::Right("manage_squads"),
        Command::GuildBroadcast { .. } => Need::Right("manage_guilds"),
        Command::AskObjective { section: Some(section), .. } => Need::ViewAndClearance("view_objectives", *section),
        Command::AskObjectives { .. } | Command::AskObjective { .. } => Need::Right("view_objectives"),
        Command::AskTasks { .. } | Command::AskTask { .. } => Need::Right("view_tasks"),
        // The database takes back only what the member did, and only as long as they could do it again.
        Command::Undo {} => Need::Nothing,
        Command::ObjectiveReport { .. }
        | Command::AskSquad { .. }
        | Command::AskMembers { .. }
        | Command::AskMe {}
        | Command::AskHelp {} => Need::Nothing,
    }
}

/// Decides.
///
/// # Errors
/// Why the member may not.
pub fn authorize(actor: &Actor, command: Command, standing: Standing) -> Result<Authorized, Denied> {
    let has = |right: &str| actor.rights.contains(right);
    let below = |level: Option<i32>| match (actor.level, level) {
        (Some(own), Some(other)) => other > own,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let allowed = match need(&command, actor.member.id) {
        Need::Nothing | Need::SelfOr(_) => Ok(()),
        Need::Right(right) => has(right).then_some(()).ok_or(Denied::Right(right)),
        Need::Both(first, second) => {
            [first, second].into_iter().find(|right| !has(right)).map_or(Ok(()), |right| Err(Denied::Right(right)))
        }
        Need::RightOrLead(right) => (has(right) || standing.leads).then_some(()).ok_or(Denied::RightOrLead(right)),
        Need::RightAndClearance(right, section) | Need::ViewAndClearance(right, section) => {
            if !has(right) {
                Err(Denied::Right(right))
            } else if section > actor.clearance {
                Err(Denied::Clearance(section))
            } else {
                Ok(())
            }
        }
        Need::FreeTask if standing.leads => Ok(()),
        Need::FreeTask if !standing.free => Err(Denied::Taken),
        Need::FreeTask => standing.self_assignment.then_some(()).ok_or(Denied::NotOpen),
        Need::Lead => standing.leads.then_some(()).ok_or(Denied::NotLead),
        Need::RightAbove(right) => {
            if !has(right) {
                Err(Denied::Right(right))
            } else if below(standing.subject_level) && below(standing.rank_level) {
                Ok(())
            } else {
                Err(Denied::NotAbove)
            }
        }
    };
    allowed.map(|()| Authorized(command))
}

#[cfg(test)]
mod tests;
