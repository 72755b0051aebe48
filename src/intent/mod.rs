//! Pure: an order as spoken becomes a [`Command`] with names found and values understood, or a [`Question`].
//!
//! The grammar and the endpoint's model both end in an [`Intent`]: an action and words. Neither chooses a row of the
//! database; that happens here, in code, and only among what the speaker may see.

pub mod command;
mod doubt;
pub mod numbers;
pub mod question;
pub mod recent;
pub mod resolve;
pub mod times;
pub mod values;

use serde::Serialize;
use uuid::Uuid;

use crate::domain::{Kind, value_set};
use crate::names::{Entry, Match, Roster};

pub use command::Command;
pub use doubt::{is_doubtful_name, put_percents_right};
pub use question::Question;
pub use recent::Recent;
pub use resolve::{Context, resolve};

value_set! {
    #[expect(missing_docs, reason = "the word beside each variant is its meaning")]
    /// Everything that can be ordered or asked. The words are a contract with scripts: they are added to, never
    /// renamed.
    Action {
        ObjectiveCreate = "objective.create",
        ObjectiveDescribe = "objective.describe",
        ObjectiveSetPriority = "objective.set_priority",
        ObjectiveSetStatus = "objective.set_status",
        ObjectiveSetProgress = "objective.set_progress",
        ObjectiveAddCategory = "objective.add_category",
        ObjectiveSetLead = "objective.set_lead",
        ObjectiveSetSquad = "objective.set_squad",
        ObjectiveReport = "objective.report",
        TaskCreate = "task.create",
        TaskAssign = "task.assign",
        TaskClaim = "task.claim",
        TaskRelease = "task.release",
        TaskSetStatus = "task.set_status",
        TaskSetProgress = "task.set_progress",
        TaskSetPriority = "task.set_priority",
        TaskSchedule = "task.schedule",
        MemberSetAvailability = "member.set_availability",
        MemberSetRank = "member.set_rank",
        MemberSetSquad = "member.set_squad",
        SquadCreate = "squad.create",
        SquadSetLead = "squad.set_lead",
        SquadDisband = "squad.disband",
        GuildBroadcast = "guild.broadcast",
        AskObjectives = "ask.objectives",
        AskObjective = "ask.objective",
        AskTasks = "ask.tasks",
        AskTask = "ask.task",
        AskSquad = "ask.squad",
        AskMembers = "ask.members",
        AskMe = "ask.me",
        AskHelp = "ask.help",
        Confirm = "confirm",
        Deny = "deny",
        Undo = "undo",
        Repeat = "repeat",
        Cancel = "cancel",
    }
}

value_set! {
    #[expect(missing_docs, reason = "the word beside each variant is its meaning")]
    /// The pieces an order can be made of.
    Field {
        Objective = "objective",
        Task = "task",
        Member = "member",
        Squad = "squad",
        Category = "category",
        Rank = "rank",
        Lead = "lead",
        Name = "name",
        Priority = "priority",
        Status = "status",
        Percent = "percent",
        Availability = "availability",
        Section = "section",
        Text = "text",
        Brief = "brief",
        Description = "description",
        Metric = "metric",
        Amount = "amount",
        Unit = "unit",
        Target = "target",
        Start = "start",
        End = "end",
        Duration = "duration_minutes",
        Timezone = "timezone",
        Due = "due",
        Message = "message",
        Tasks = "tasks",
    }
}

impl Action {
    /// Whether it only asks.
    #[must_use]
    pub fn is_question(self) -> bool {
        self.as_str().starts_with("ask.")
    }

    /// Whether it changes something; what is neither this nor a question is a word of conversation.
    #[must_use]
    pub fn is_change(self) -> bool {
        self.as_str().contains('.') && !self.is_question()
    }
}

/// An order as it was understood, before any name in it was looked up: an action and, for each piece that was said,
/// the words as they were spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Intent {
    /// What is to be done.
    pub action: Action,
    /// The pieces, in the order in which they were said.
    pub fields: Vec<(Field, String)>,
    /// What was chosen when it was asked which one is meant.
    #[serde(skip)]
    pub picked: Vec<(Field, Uuid)>,
}

impl Intent {
    /// An order of which nothing but the action is known yet.
    #[must_use]
    pub fn bare(action: Action) -> Self {
        Self::new(action, Vec::new())
    }

    /// An order with the pieces that were said.
    #[must_use]
    pub fn new(action: Action, fields: Vec<(Field, String)>) -> Self {
        Self { action, fields, picked: Vec::new() }
    }

    /// The words of a piece, when it was said.
    #[must_use]
    pub fn words(&self, field: Field) -> Option<&str> {
        self.fields.iter().find(|(one, _)| *one == field).map(|(_, words)| words.as_str())
    }

    /// The same order with one piece chosen.
    #[must_use]
    pub fn picking(mut self, field: Field, name: &str, id: Uuid) -> Self {
        self = self.with(field, name);
        self.picked.push((field, id));
        self
    }

    /// The same order without a piece.
    #[must_use]
    pub fn without(mut self, field: Field) -> Self {
        self.fields.retain(|(one, _)| *one != field);
        self.picked.retain(|(one, _)| *one != field);
        self
    }

    /// The same order with one piece said anew.
    #[must_use]
    pub fn with(mut self, field: Field, words: &str) -> Self {
        self = self.without(field);
        self.fields.push((field, words.to_owned()));
        self
    }
}

/// What stands for every open task of an objective, where one task is named otherwise.
pub const EVERY_TASK: &str = "*";

/// "All tasks of Nightfall": one order for each open task of the objective. An order whose objective cannot be told is
/// left as it is, and asked about.
#[must_use]
pub fn one_by_one(intents: &[Intent], roster: &Roster) -> Vec<Intent> {
    let each = |intent: &Intent| {
        let objective = intent.words(Field::Objective).filter(|_| intent.words(Field::Task) == Some(EVERY_TASK));
        let Some(Match::One(objective)) = objective.map(|words| roster.resolve(Kind::Objective, words)) else {
            return vec![intent.clone()];
        };
        let own = |entry: &&Entry| entry.kind == Kind::Task && entry.open && entry.parent == Some(objective.entry.id);
        let tasks = roster.entries().iter().filter(own);
        tasks.map(|task| intent.clone().without(Field::Objective).picking(Field::Task, &task.name, task.id)).collect()
    };
    intents.iter().flat_map(each).collect()
}

/// Whether the words mean who speaks.
#[must_use]
pub fn is_speaker(words: &str) -> bool {
    matches!(words.trim().to_lowercase().as_str(), "me" | "myself" | "i" | "my" | "mine")
}

/// Whether the words mean the speaker's own squad.
#[must_use]
pub fn is_own_squad(words: &str) -> bool {
    let words = words.trim().to_lowercase();
    let owned = words.strip_prefix("my ").or_else(|| words.strip_prefix("our "));
    words == "us"
        || owned.is_some_and(|noun| matches!(noun, "squad" | "team" | "wing" | "own squad" | "own team" | "guys"))
}

/// How many cases a fuzzing test tries: few, unless `PROPTEST_CASES` says otherwise.
#[cfg(test)]
pub(crate) fn fuzz_cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|own| own.parse().ok()).unwrap_or(96)
}
