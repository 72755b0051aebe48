//! A guild out of the database, as a guild file.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool, query};
use uuid::Uuid;

use super::rows::{self, GuildRows, MemberRow, ObjectiveRow, RankRow, Sections, TaskRow};
use super::{GuildError, unknown_guild};
use crate::domain::{Availability, Clearance, Name, ObjectiveStatus, Percent, Priority, TaskStatus};
use crate::guild_file::{
    AccessLevel, Category, Commander, GuildFile, Limits, Member, Objective, Rank, Said, Squad, Task, USER_ACTIONS,
};

/// Reads a guild, by its name whatever the case, as it stood at one moment. The result is
/// [normalised](GuildFile::normalised); passwords are no part of it.
///
/// # Errors
/// `Unknown` when no guild has the name, `Unwritable` when something in it fits no guild file, `Database`.
pub(crate) async fn guild_export(pool: &PgPool, name: &str) -> Result<GuildFile, GuildError> {
    let mut transaction = pool.begin().await?;
    query!("set transaction isolation level repeatable read, read only").execute(&mut *transaction).await?;
    let Some(guild) = rows::find(&mut transaction, name.trim()).await? else {
        return Err(unknown_guild(&mut transaction, name).await);
    };
    let stored = rows::load(&mut transaction, guild, Sections::All).await?;
    transaction.commit().await?;
    written(&stored)
}

/// Reads of the session's guild what its member may see. What they may not is left out as if it were not there.
pub(crate) async fn member_export(connection: &mut PgConnection, name: &str) -> Result<GuildFile, GuildError> {
    let guild = rows::find(connection, name).await?.ok_or(sqlx::Error::RowNotFound)?;
    let stored = rows::load(connection, guild, Sections::Cleared).await?;
    written(&stored)
}

fn written(stored: &GuildRows) -> Result<GuildFile, GuildError> {
    let guild = stored.guild.as_ref().map(|guild| guild.name.clone()).unwrap_or_default();
    let file = Names::new(stored).and_then(|names| names.file(stored));
    file.map(GuildFile::normalised).map_err(|reason| GuildError::Unwritable { guild, reason })
}

/// What each id is called.
struct Names(HashMap<Uuid, Name>);

impl Names {
    fn new(stored: &GuildRows) -> Result<Self, String> {
        let named = stored.access_levels.iter().map(|row| (row.id, &row.name));
        let named = named.chain(stored.ranks.iter().map(|row| (row.id, &row.name)));
        let named = named.chain(stored.squads.iter().map(|row| (row.id, &row.name)));
        let named = named.chain(stored.members.iter().map(|row| (row.id, &row.name)));
        let named = named.chain(stored.categories.iter().map(|row| (row.id, &row.name)));
        let names: Result<HashMap<Uuid, Name>, String> = named.map(|(id, text)| Ok((id, name(text)?))).collect();
        names.map(Self)
    }

    fn get(&self, id: Option<Uuid>) -> Said<Name> {
        id.and_then(|id| self.0.get(&id)).map_or(Said::Unsaid, |name| Said::To(name.clone()))
    }

    fn all(&self, ids: &[Uuid]) -> Option<Vec<Name>> {
        Some(ids.iter().filter_map(|id| self.0.get(id).cloned()).collect())
    }

    fn file(&self, stored: &GuildRows) -> Result<GuildFile, String> {
        let guild = stored.guild.as_ref().ok_or("it is gone")?;
        let access_levels = stored.access_levels.iter().map(|row| {
            Ok(AccessLevel { name: name(&row.name)?, user_actions: Some(actions(&row.name, &row.user_actions)?) })
        });
        let squads = stored.squads.iter().map(|row| {
            Ok(Squad { name: name(&row.name)?, phonetic: said(&row.phonetic), lead: self.get(row.squad_lead) })
        });
        let categories = stored.categories.iter().map(|row| {
            let (phonetic, description) = (said(&row.phonetic), said(&row.description));
            Ok(Category { name: name(&row.name)?, phonetic, description })
        });
        let mut tasks: HashMap<Uuid, Vec<Task>> = HashMap::new();
        for row in &stored.tasks {
            tasks.entry(row.objective_id).or_default().push(self.task(row)?);
        }
        let objectives = stored.objectives.iter().map(|row| {
            let tasks = tasks.remove(&row.id).unwrap_or_default();
            Ok(Objective { tasks, ..self.objective(row)? })
        });
        Ok(GuildFile {
            name: name(&guild.name)?,
            description: said(&guild.description),
            limits: Limits {
                sign_in_failures_max: Some(guild.sign_in_failures_max),
                sign_in_lock_minutes: Some(guild.sign_in_lock_minutes),
                session_hours: Some(guild.session_hours),
                session_idle_minutes: Some(guild.session_idle_minutes),
                journal_days: Some(guild.journal_days),
            },
            commander: commander(stored)?,
            access_levels: access_levels.collect::<Result<_, String>>()?,
            ranks: stored.ranks.iter().map(|row| self.rank(row)).collect::<Result<_, String>>()?,
            squads: squads.collect::<Result<_, String>>()?,
            members: stored.members.iter().map(|row| self.member(row)).collect::<Result<_, String>>()?,
            categories: categories.collect::<Result<_, String>>()?,
            objectives: objectives.collect::<Result<_, String>>()?,
        })
    }

    fn rank(&self, row: &RankRow) -> Result<Rank, String> {
        Ok(Rank {
            name: name(&row.name)?,
            phonetic: said(&row.phonetic),
            hierarchy_level: row.hierarchy_level,
            clearance: Clearance::parse(&row.clearance),
            access_levels: self.all(&row.access_levels),
        })
    }

    fn member(&self, row: &MemberRow) -> Result<Member, String> {
        Ok(Member {
            name: name(&row.name)?,
            phonetic: said(&row.phonetic),
            rank: self.get(row.rank),
            squad: self.get(row.squad_id),
            availability: Availability::parse(&row.availability),
            preferences: Some(row.preferences.clone()),
            password_env: None,
        })
    }

    fn objective(&self, row: &ObjectiveRow) -> Result<Objective, String> {
        let applicable_rank = row.applicable_rank.as_deref().map(name).transpose()?;
        Ok(Objective {
            name: name(&row.name)?,
            phonetic: said(&row.phonetic),
            priority: Priority::parse(&row.priority),
            status: ObjectiveStatus::parse(&row.status),
            progress: Percent::new(f64::from(row.progress)),
            applicable_rank: applicable_rank.map_or(Said::Unsaid, Said::To),
            preferences: Some(row.preferences.clone()),
            categories: self.all(&row.categories),
            lead: self.get(row.lead_id),
            squad: self.get(row.squad_id),
            brief: said(&row.description.brief),
            tactical: said(&row.description.tactical),
            classified: said(&row.description.classified),
            metrics: row.description.metrics.clone(),
            tasks: Vec::new(),
        })
    }

    fn task(&self, row: &TaskRow) -> Result<Task, String> {
        Ok(Task {
            name: name(&row.name)?,
            phonetic: said(&row.phonetic),
            description: said(&row.description),
            status: TaskStatus::parse(&row.status),
            priority: Priority::parse(&row.priority),
            progress: Percent::new(f64::from(row.progress)),
            self_assignment: Some(row.self_assignment),
            lead: self.get(row.lead_id),
            squad: self.get(row.squad_id),
            schedule: Some(row.schedule.clone()),
        })
    }
}

fn commander(stored: &GuildRows) -> Result<Commander, String> {
    let Some(row) = &stored.commander else { return Ok(Commander::default()) };
    Ok(Commander {
        name: Some(name(&row.name)?),
        phonetic: said(&row.phonetic),
        system_prompt: Some(row.system_prompt.clone()),
        user_prompt: said(&row.user_prompt),
    })
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| format!("\"{}\" is called what a file cannot say: {error}", text.escape_debug()))
}

fn said(text: &Option<String>) -> Said<String> {
    text.as_ref().filter(|text| !text.trim().is_empty()).map_or(Said::Unsaid, |text| Said::To(text.trim().to_owned()))
}

fn actions(level: &str, stored: &[String]) -> Result<Vec<&'static str>, String> {
    if let Some(unknown) = stored.iter().find(|action| !USER_ACTIONS.contains(&action.as_str())) {
        return Err(format!(
            "access level \"{level}\" grants \"{unknown}\", which is no action; take it from the level"
        ));
    }
    Ok(USER_ACTIONS.iter().copied().filter(|action| stored.iter().any(|stored| stored == action)).collect())
}
