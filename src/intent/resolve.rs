//! Finds the names of an [`Intent`] and understands its values.

use uuid::Uuid;

use super::command::{Assignee, Due};
use super::question::{Choice, Question};
use super::times::{self, Now};
use super::{Action, Command, Field, Intent, Recent, is_own_squad, is_speaker, numbers, recent, values};
use crate::domain::{Kind, MemberId, Name, Named, SquadId, TEXT_CHARS_MAX};
use crate::names::{By, Candidate, EXACT_MIN, Entry, Match, Roster, SUGGEST_MIN};

/// The most choices offered in a question; more cannot be told apart by ear.
pub const CHOICES_MAX: usize = 4;
/// The longest name of a metric, in bytes.
const METRIC_BYTES_MAX: usize = 60;
/// The metric that a report adds to when none is named.
pub const METRIC_DEFAULT: &str = "current_value";

/// Words of the wordings that begin no name.
const NO_NAME_BEGINS_WITH: &[&str] = &[
    "with", "for", "in", "on", "is", "called", "named", "priority", "lead", "leader", "led", "member", "category",
    "please",
];
/// What an order's words are understood by.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The guild's names, as far as the speaker may see them.
    pub roster: &'a Roster,
    /// Who speaks: "me".
    pub speaker: &'a Named<MemberId>,
    /// The speaker's squad: "my squad".
    pub squad: Option<&'a Named<SquadId>>,
    /// The moment of speaking, and the speaker's time zone.
    pub now: Now,
    /// What was last spoken of: "it", "him".
    pub recent: &'a Recent,
    /// Whether the words were heard. Then two names that are said alike cannot be told apart by how they are written.
    pub by_ear: bool,
}

/// A name that was looked up for an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The words as they were heard.
    pub heard: String,
    /// What it is.
    pub kind: Kind,
    /// Its stored name.
    pub name: String,
    /// Where it is stored.
    pub id: Uuid,
    /// The probability that it is meant, 0 to 1.
    pub score: f32,
    /// By what it was found.
    pub by: By,
}

/// Turns an order as spoken into a command, noting each name that it looked up.
///
/// # Errors
/// The first thing that has to be asked.
pub fn resolve(intent: &Intent, context: &Context<'_>, found: &mut Vec<Found>) -> Result<Command, Question> {
    let mut pieces = Pieces { intent, context, found };
    pieces.command()
}

struct Pieces<'a, 'f> {
    intent: &'a Intent,
    context: &'a Context<'a>,
    found: &'f mut Vec<Found>,
}

impl Pieces<'_, '_> {
    #[expect(clippy::too_many_lines, reason = "one arm an action, in the order of the contract")]
    fn command(&mut self) -> Result<Command, Question> {
        Ok(match self.intent.action {
            Action::ObjectiveCreate => Command::ObjectiveCreate {
                name: self.new_name(Kind::Objective)?,
                category: self.maybe(Field::Category, Kind::Category)?,
                priority: self.value(Field::Priority, values::priority)?,
                brief: self.maybe_text(Field::Brief)?,
                squad: self.maybe(Field::Squad, Kind::Squad)?,
                metric: self.metric()?,
                target: self.value(Field::Target, numbers::number)?,
                tasks: self.value(Field::Tasks, values::new_tasks)?.unwrap_or_default(),
            },
            Action::ObjectiveDescribe => Command::ObjectiveDescribe {
                objective: self.named(Field::Objective, Kind::Objective)?,
                section: self.needed(Field::Section, values::section)?,
                text: self.maybe_text(Field::Text)?.ok_or_else(|| self.missing(Field::Text))?,
            },
            Action::ObjectiveSetPriority => Command::ObjectiveSetPriority {
                objective: self.named(Field::Objective, Kind::Objective)?,
                priority: self.needed(Field::Priority, values::priority)?,
            },
            Action::ObjectiveSetStatus => Command::ObjectiveSetStatus {
                objective: self.named(Field::Objective, Kind::Objective)?,
                status: self.needed(Field::Status, values::objective_status)?,
            },
            Action::ObjectiveSetProgress => Command::ObjectiveSetProgress {
                objective: self.named(Field::Objective, Kind::Objective)?,
                percent: self.needed(Field::Percent, values::percent)?,
            },
            Action::ObjectiveAddCategory => Command::ObjectiveAddCategory {
                objective: self.named(Field::Objective, Kind::Objective)?,
                category: self.named(Field::Category, Kind::Category)?,
            },
            Action::ObjectiveSetLead => Command::ObjectiveSetLead {
                objective: self.named(Field::Objective, Kind::Objective)?,
                member: self.member(Field::Member)?,
            },
            Action::ObjectiveSetSquad => Command::ObjectiveSetSquad {
                objective: self.named(Field::Objective, Kind::Objective)?,
                squad: self.named(Field::Squad, Kind::Squad)?,
            },
            Action::ObjectiveReport => Command::ObjectiveReport {
                objective: self.named(Field::Objective, Kind::Objective)?,
                metric: self.metric()?.unwrap_or_else(|| METRIC_DEFAULT.to_owned()),
                amount: self.needed(Field::Amount, |words| numbers::number(words).filter(|one| *one > 0.0))?,
                unit: self.maybe_text(Field::Unit)?.map(|unit| values::tidy_unit(&unit)),
            },
            Action::TaskCreate => Command::TaskCreate {
                name: self.new_name(Kind::Task)?,
                objective: self.named(Field::Objective, Kind::Objective)?,
                priority: self.value(Field::Priority, values::priority)?,
                description: self.maybe_text(Field::Description)?,
            },
            // "Give it to me" is volunteering, in whatever words.
            Action::TaskAssign if self.words(Field::Member).is_some_and(is_speaker) => {
                Command::TaskClaim { task: self.task()? }
            }
            Action::TaskAssign => Command::TaskAssign { task: self.task()?, to: self.assignee()? },
            Action::TaskClaim => Command::TaskClaim { task: self.task()? },
            Action::TaskRelease => Command::TaskRelease { task: self.task()? },
            Action::TaskSetStatus => {
                Command::TaskSetStatus { task: self.task()?, status: self.needed(Field::Status, values::task_status)? }
            }
            Action::TaskSetProgress => {
                Command::TaskSetProgress { task: self.task()?, percent: self.needed(Field::Percent, values::percent)? }
            }
            Action::TaskSetPriority => Command::TaskSetPriority {
                task: self.task()?,
                priority: self.needed(Field::Priority, values::priority)?,
            },
            Action::TaskSchedule => self.schedule()?,
            Action::MemberSetAvailability => Command::MemberSetAvailability {
                member: self.maybe_member(Field::Member)?.unwrap_or_else(|| self.context.speaker.clone()),
                availability: self.needed(Field::Availability, values::availability)?,
            },
            Action::MemberSetRank => Command::MemberSetRank {
                // "Promote me": the wording says who by "me".
                member: self.maybe_member(Field::Member)?.unwrap_or_else(|| self.context.speaker.clone()),
                rank: self.named(Field::Rank, Kind::Rank)?,
            },
            Action::MemberSetSquad if self.intent.words(Field::Text) == Some("leave") => self.leaving()?,
            Action::MemberSetSquad => Command::MemberSetSquad {
                member: self.maybe_member(Field::Member)?.unwrap_or_else(|| self.context.speaker.clone()),
                squad: Some(self.named(Field::Squad, Kind::Squad)?),
            },
            Action::SquadCreate => {
                Command::SquadCreate { name: self.new_name(Kind::Squad)?, lead: self.maybe_member(Field::Lead)? }
            }
            Action::SquadSetLead => Command::SquadSetLead {
                squad: self.named(Field::Squad, Kind::Squad)?,
                member: self.member(Field::Member)?,
            },
            Action::SquadDisband => Command::SquadDisband { squad: self.named(Field::Squad, Kind::Squad)? },
            Action::GuildBroadcast => Command::GuildBroadcast {
                message: self.maybe_text(Field::Message)?.ok_or_else(|| self.missing(Field::Message))?,
            },
            Action::AskObjectives => Command::AskObjectives {
                category: self.maybe(Field::Category, Kind::Category)?,
                priority: self.value(Field::Priority, values::priority)?,
                status: self.value(Field::Status, values::objective_status)?,
            },
            Action::AskObjective => Command::AskObjective {
                objective: self.named(Field::Objective, Kind::Objective)?,
                section: self.value(Field::Section, values::section)?,
            },
            Action::AskTasks => Command::AskTasks {
                member: self.maybe_member(Field::Member)?,
                objective: self.maybe(Field::Objective, Kind::Objective)?,
                due: self.value(Field::Due, Due::parse)?,
            },
            Action::AskTask => Command::AskTask { task: self.task()? },
            // "Who is in my squad": the speaker's own is meant.
            Action::AskSquad if self.intent.words(Field::Text) == Some("mine") => Command::AskSquad {
                squad: Some(self.context.squad.cloned().ok_or_else(|| self.missing(Field::Squad))?),
            },
            Action::AskSquad => Command::AskSquad { squad: self.maybe(Field::Squad, Kind::Squad)? },
            Action::AskMembers => Command::AskMembers {
                availability: self.value(Field::Availability, values::availability)?,
                squad: self.maybe(Field::Squad, Kind::Squad)?,
            },
            Action::AskMe => Command::AskMe {},
            Action::Undo => Command::Undo {},
            Action::AskHelp | Action::Confirm | Action::Deny | Action::Repeat | Action::Cancel => Command::AskHelp {},
        })
    }

    fn missing(&self, field: Field) -> Question {
        Question::Missing { action: self.intent.action, field }
    }

    fn words(&self, field: Field) -> Option<&str> {
        self.intent.words(field).map(str::trim).filter(|words| !words.is_empty())
    }

    fn value<T>(&self, field: Field, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Question> {
        let Some(words) = self.words(field) else { return Ok(None) };
        parse(words).map(Some).ok_or_else(|| Question::Value { field, heard: words.to_owned() })
    }

    fn needed<T>(&self, field: Field, parse: impl Fn(&str) -> Option<T>) -> Result<T, Question> {
        self.value(field, parse)?.ok_or_else(|| self.missing(field))
    }

    fn maybe_text(&self, field: Field) -> Result<Option<String>, Question> {
        self.value(field, |words| {
            let fits = words.chars().count() <= TEXT_CHARS_MAX && !words.chars().any(char::is_control);
            fits.then(|| values::sentence(words))
        })
    }

    /// A name for something new. Words that belong to a wording are none, and neither is a name that is in use.
    fn new_name(&self, kind: Kind) -> Result<Name, Question> {
        let name = self.needed(Field::Name, |words| Name::new(&values::tidy_name(words)).ok())?;
        let first = name.as_str().split_whitespace().next().unwrap_or_default().to_lowercase();
        if NO_NAME_BEGINS_WITH.contains(&first.as_str()) {
            return Err(self.missing(Field::Name));
        }
        match self.context.roster.resolve(kind, name.as_str()) {
            Match::One(one) if kind != Kind::Task && one.score >= EXACT_MIN && one.entry.open => {
                Err(Question::Value { field: Field::Name, heard: one.entry.name.clone() })
            }
            _ => Ok(name),
        }
    }

    /// A metric's key: one's own words joined, but never the target, which nobody reports.
    fn metric(&self) -> Result<Option<String>, Question> {
        self.value(Field::Metric, |words| {
            let key = words.to_lowercase().split_whitespace().collect::<Vec<_>>().join("_");
            let fits = key.len() <= METRIC_BYTES_MAX && key.chars().all(|c| c.is_alphanumeric() || c == '_');
            (fits && key != "target_value").then_some(key)
        })
    }

    fn named<I: From<Uuid>>(&mut self, field: Field, kind: Kind) -> Result<Named<I>, Question> {
        self.maybe(field, kind)?.ok_or_else(|| self.missing(field))
    }

    fn maybe<I: From<Uuid>>(&mut self, field: Field, kind: Kind) -> Result<Option<Named<I>>, Question> {
        let Some(words) = self.words(field).map(str::to_owned) else { return Ok(None) };
        if kind == Kind::Squad && is_own_squad(&words) {
            let own = self.context.squad.ok_or_else(|| self.missing(field))?;
            return Ok(Some(Named { id: I::from(own.id.0), name: own.name.clone() }));
        }
        self.look_up(field, kind, &words, |_| true).map(Some)
    }

    /// A task; an objective said beside it narrows the choice.
    fn task(&mut self) -> Result<Named<crate::domain::TaskId>, Question> {
        let Some(words) = self.words(Field::Task).map(str::to_owned) else { return Err(self.missing(Field::Task)) };
        let within: Option<Named<crate::domain::ObjectiveId>> = self.maybe(Field::Objective, Kind::Objective)?;
        let within = within.map(|one| one.id.0);
        self.look_up(Field::Task, Kind::Task, &words, |one| within.is_none() || one.entry.parent == within)
    }

    fn member(&mut self, field: Field) -> Result<Named<MemberId>, Question> {
        self.maybe_member(field)?.ok_or_else(|| self.missing(field))
    }

    fn maybe_member(&mut self, field: Field) -> Result<Option<Named<MemberId>>, Question> {
        match self.words(field) {
            Some(words) if is_speaker(words) => Ok(Some(self.context.speaker.clone())),
            _ => self.maybe(field, Kind::Member),
        }
    }

    /// Out of a squad: the one that was said has to be the one the member is in. Who is in none stays so.
    fn leaving(&mut self) -> Result<Command, Question> {
        let member = self.maybe_member(Field::Member)?.unwrap_or_else(|| self.context.speaker.clone());
        let said: Option<Named<SquadId>> = self.maybe(Field::Squad, Kind::Squad)?;
        let now_in = if member.id == self.context.speaker.id {
            self.context.squad.map(|squad| squad.name.clone())
        } else {
            // What tells a member from others of the name is their squad, or else their rank: "of Anvil", "a Marshal".
            let entry = self.context.roster.get(Kind::Member, member.id.0);
            entry.and_then(|entry| entry.hint.strip_prefix("of ")).map(str::to_owned)
        };
        match (said, now_in) {
            (Some(said), Some(now_in)) if said.name != now_in => {
                Err(Question::Value { field: Field::Squad, heard: said.name })
            }
            _ => Ok(Command::MemberSetSquad { member, squad: None }),
        }
    }

    fn assignee(&mut self) -> Result<Assignee, Question> {
        if self.words(Field::Squad).is_some() {
            return self.named(Field::Squad, Kind::Squad).map(Assignee::Squad);
        }
        self.member(Field::Member).map(Assignee::Member)
    }

    fn schedule(&mut self) -> Result<Command, Question> {
        let now = self.context.now;
        let task = self.task()?;
        let start = self.value(Field::Start, |words| times::moment(words, &now))?;
        let end = self.value(Field::End, |words| times::moment(words, &now))?;
        let duration_minutes = self.value(Field::Duration, times::minutes)?;
        if start.is_none() && end.is_none() && duration_minutes.is_none() {
            return Err(self.missing(Field::Start));
        }
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            return Err(Question::Value {
                field: Field::End,
                heard: self.words(Field::End).unwrap_or_default().to_owned(),
            });
        }
        let timezone = self.maybe_text(Field::Timezone)?;
        Ok(Command::TaskSchedule { task, start, end, duration_minutes, timezone })
    }

    /// "It", "him": what was last spoken of, when that is still there. Nothing for words that point at nothing.
    fn spoken_of(&self, field: Field, kind: Kind, words: &str) -> Result<Option<Entry>, Question> {
        let (roster, noted) = (self.context.roster, self.context.recent.find(kind, words));
        if let Some(entry) = noted.and_then(|noted| noted.id).and_then(|id| roster.get(kind, id)) {
            return Ok(Some(entry.clone()));
        }
        // Whom it may mean was not spoken of; a name that happens to be such a word is looked for.
        let named = || matches!(roster.resolve(kind, words), Match::One(one) if one.score >= EXACT_MIN);
        if recent::is_pointing(kind, words) && !named() { Err(self.missing(field)) } else { Ok(None) }
    }

    fn look_up<I: From<Uuid>>(
        &mut self,
        field: Field,
        kind: Kind,
        words: &str,
        wanted: impl Fn(&Candidate<'_>) -> bool,
    ) -> Result<Named<I>, Question> {
        let heard = words.to_owned();
        let picked = self.intent.picked.iter().find(|(one, _)| *one == field);
        if let Some(entry) = picked.and_then(|(_, id)| self.context.roster.get(kind, *id)) {
            self.found.push(Found { heard, kind, name: entry.name.clone(), id: entry.id, score: 1.0, by: By::Letters });
            return Ok(Named { id: I::from(entry.id), name: entry.name.clone() });
        }
        if let Some(noted) = self.spoken_of(field, kind, words)? {
            self.found.push(Found { heard, kind, name: noted.name.clone(), id: noted.id, score: 1.0, by: By::Letters });
            return Ok(Named { id: I::from(noted.id), name: noted.name.clone() });
        }
        let one = match self.context.roster.resolve(kind, words) {
            Match::One(one) if wanted(&one) => {
                let alike = if self.context.by_ear { self.context.roster.said_alike(one) } else { Vec::new() };
                if alike.len() > 1 {
                    return Err(Question::Which { field, kind, heard, choices: choices(&alike) });
                }
                one
            }
            Match::One(_) => return Err(Question::Unknown { field, kind, heard, choices: Vec::new() }),
            Match::Several(many) => {
                let many: Vec<Candidate<'_>> = many.into_iter().filter(&wanted).collect();
                match many.as_slice() {
                    [] => return Err(Question::Unknown { field, kind, heard, choices: Vec::new() }),
                    [one] => *one,
                    _ => return Err(Question::Which { field, kind, heard, choices: choices(&many) }),
                }
            }
            Match::Unknown(near) => {
                let near: Vec<Candidate<'_>> =
                    near.into_iter().filter(|one| wanted(one) && one.score >= SUGGEST_MIN).collect();
                return Err(Question::Unknown { field, kind, heard, choices: choices(&near) });
            }
        };
        let Candidate { entry, score, by } = one;
        self.found.push(Found { heard, kind, name: entry.name.clone(), id: entry.id, score, by });
        Ok(Named { id: I::from(entry.id), name: entry.name.clone() })
    }
}

fn choices(candidates: &[Candidate<'_>]) -> Vec<Choice> {
    candidates
        .iter()
        .take(CHOICES_MAX)
        .map(|one| Choice {
            name: one.entry.name.clone(),
            hint: one.entry.hint.clone(),
            id: one.entry.id,
            score: one.score,
        })
        .collect()
}
