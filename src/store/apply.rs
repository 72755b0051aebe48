//! Carries out authorised commands.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{GuildTx, StoreError};
use crate::authority::{Actor, Authorized, Standing};
use crate::domain::{Kind, MemberId, Named, SquadId};
use crate::intent::Command;
use crate::intent::command::Assignee;
use crate::outcome::{Change, Done};

/// Whose a task is.
struct TaskHeld {
    lead_id: Option<Uuid>,
    squad_id: Option<Uuid>,
    self_assignment: bool,
}

impl GuildTx {
    /// What the database knows of the thing a command touches, for [`crate::authority::authorize`]. The row stays
    /// locked until the transaction ends, so that it is still true when the command is applied.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when it was removed, or when the database cannot be reached.
    pub async fn standing(&mut self, actor: &Actor, command: &Command) -> Result<Standing, StoreError> {
        let me = Some(actor.member.id.0);
        Ok(match command {
            Command::ObjectiveSetPriority { objective, .. }
            | Command::ObjectiveSetStatus { objective, .. }
            | Command::ObjectiveSetProgress { objective, .. } => {
                let id = objective.id.0;
                let locked = sqlx::query_scalar!("select lead_id from objectives where id = $1 for update", id)
                    .fetch_optional(&mut *self.tx)
                    .await?;
                let lead = match locked {
                    Some(lead) => lead,
                    // What the member may not change is not theirs to lock; why not is for the words of the refusal.
                    None => {
                        sqlx::query_scalar!("select lead_id from objectives where id = $1", id)
                            .fetch_one(&mut *self.tx)
                            .await?
                    }
                };
                Standing { leads: lead == me, ..Standing::default() }
            }
            Command::TaskClaim { task }
            | Command::TaskRelease { task }
            | Command::TaskSetStatus { task, .. }
            | Command::TaskSetProgress { task, .. }
            | Command::TaskSetPriority { task, .. }
            | Command::TaskSchedule { task, .. } => {
                let id = task.id.0;
                let locked = sqlx::query_as!(
                    TaskHeld,
                    "select lead_id, squad_id, self_assignment from tasks where id = $1 for update",
                    id
                )
                .fetch_optional(&mut *self.tx)
                .await?;
                let row = match locked {
                    Some(row) => row,
                    None => {
                        sqlx::query_as!(
                            TaskHeld,
                            "select lead_id, squad_id, self_assignment from tasks where id = $1",
                            id
                        )
                        .fetch_one(&mut *self.tx)
                        .await?
                    }
                };
                let squad_fits = row.squad_id.is_none() || row.squad_id == actor.squad.as_ref().map(|one| one.id.0);
                Standing {
                    leads: row.lead_id == me,
                    free: row.lead_id.is_none() && squad_fits,
                    self_assignment: row.self_assignment,
                    ..Standing::default()
                }
            }
            Command::MemberSetRank { member, rank } => {
                let row = sqlx::query!(
                    r#"
                    select (select r.hierarchy_level from users u join ranks r on r.guild_id = u.guild_id and r.id = u.rank
                            where u.id = $1) as subject,
                        (select hierarchy_level from ranks where id = $2) as rank
                    "#,
                    member.id.0,
                    rank.id.0
                )
                .fetch_one(&mut *self.tx)
                .await?;
                Standing { subject_level: row.subject, rank_level: row.rank, ..Standing::default() }
            }
            _ => Standing::default(),
        })
    }

    /// Carries out a command that changes something. Questions are answered by [`GuildTx::answer`]; how the row stands
    /// afterwards is added by [`GuildTx::changes_now`].
    ///
    /// # Errors
    /// [`StoreError::Gone`], [`StoreError::Refused`], or when the database cannot be reached; the transaction is to be
    /// rolled back then.
    pub async fn apply(&mut self, authorized: &Authorized) -> Result<Done, StoreError> {
        let command = authorized.command().clone();
        if let Command::GuildBroadcast { message } = &command {
            sqlx::query!("select broadcast($1)", message).fetch_one(&mut *self.tx).await?;
            return Ok(Done { command, change: None, metrics: None });
        }
        let ((kind, id), metrics) = match self.subject(&command) {
            Some((kind, id)) => ((kind, id), self.change(&command, id).await?),
            None => (self.create(&command).await?, None),
        };
        Ok(Done { command, change: Some(Change { kind, id, after: None }), metrics })
    }

    /// The row that a command changes; `None` when it makes a new one.
    fn subject(&self, command: &Command) -> Option<(Kind, Uuid)> {
        Some(match command {
            Command::ObjectiveDescribe { objective, .. }
            | Command::ObjectiveSetPriority { objective, .. }
            | Command::ObjectiveSetStatus { objective, .. }
            | Command::ObjectiveSetProgress { objective, .. }
            | Command::ObjectiveAddCategory { objective, .. }
            | Command::ObjectiveSetLead { objective, .. }
            | Command::ObjectiveSetSquad { objective, .. }
            | Command::ObjectiveReport { objective, .. } => (Kind::Objective, objective.id.0),
            Command::TaskAssign { task, .. }
            | Command::TaskClaim { task }
            | Command::TaskRelease { task }
            | Command::TaskSetStatus { task, .. }
            | Command::TaskSetProgress { task, .. }
            | Command::TaskSetPriority { task, .. }
            | Command::TaskSchedule { task, .. } => (Kind::Task, task.id.0),
            Command::MemberSetAvailability { member, .. }
            | Command::MemberSetRank { member, .. }
            | Command::MemberSetSquad { member, .. } => (Kind::Member, member.id.0),
            Command::SquadSetLead { squad, .. } | Command::SquadDisband { squad } => (Kind::Squad, squad.id.0),
            _ => return None,
        })
    }

    async fn create(&mut self, command: &Command) -> Result<(Kind, Uuid), StoreError> {
        match command {
            Command::ObjectiveCreate { name, category, priority, brief, squad, metric, target, tasks } => {
                let mut description = serde_json::Map::new();
                if let Some(brief) = brief {
                    description.insert("brief".to_owned(), json!(brief));
                }
                if let Some(target) = target {
                    let mut metrics = serde_json::Map::new();
                    metrics.insert("target_value".to_owned(), json!(target));
                    metrics.insert(metric.clone().unwrap_or_else(|| "current_value".to_owned()), json!(0));
                    description.insert("metrics".to_owned(), Value::Object(metrics));
                }
                let id = sqlx::query_scalar!(
                    r#"
                    insert into objectives (guild_id, name, description, priority, squad_id)
                    values ((select current_guild()), $1, $2, coalesce($3, 'medium'), $4) returning id
                    "#,
                    name.as_str(),
                    Value::Object(description),
                    priority.map(|one| one.as_str()),
                    squad.as_ref().map(|one| one.id.0)
                )
                .fetch_one(&mut *self.tx)
                .await?;
                if let Some(category) = category {
                    self.categorise(id, category.id.0).await?;
                }
                if !tasks.is_empty() {
                    let tasks: Vec<String> = tasks.iter().map(|name| name.as_str().to_owned()).collect();
                    sqlx::query!(
                        r#"
                        insert into tasks (guild_id, objective_id, name)
                        select o.guild_id, o.id, t.name from objectives o, unnest($2::text[]) with ordinality as t (name, place)
                        where o.id = $1 order by t.place
                        "#,
                        id,
                        &tasks
                    )
                    .execute(&mut *self.tx)
                    .await?;
                }
                Ok((Kind::Objective, id))
            }
            Command::TaskCreate { name, objective, priority, description } => {
                let taken = sqlx::query_scalar!(
                    r#"select exists (select from tasks where objective_id = $1 and lower(name) = lower($2)) as "taken!""#,
                    objective.id.0,
                    name.as_str()
                )
                .fetch_one(&mut *self.tx)
                .await?;
                if taken {
                    return Err(StoreError::Refused(format!("{} has a task of that name already", objective.name)));
                }
                let id = sqlx::query_scalar!(
                    r#"
                    insert into tasks (guild_id, objective_id, name, description, priority)
                    select guild_id, id, $2, $3, coalesce($4, 'medium') from objectives where id = $1 returning id
                    "#,
                    objective.id.0,
                    name.as_str(),
                    description.as_deref(),
                    priority.map(|one| one.as_str())
                )
                .fetch_one(&mut *self.tx)
                .await?;
                Ok((Kind::Task, id))
            }
            Command::SquadCreate { name, lead } => {
                let id = sqlx::query_scalar!(
                    "insert into squads (guild_id, name, squad_lead) values ((select current_guild()), $1, $2) returning id",
                    name.as_str(),
                    lead.as_ref().map(|one| one.id.0)
                )
                .fetch_one(&mut *self.tx)
                .await?;
                Ok((Kind::Squad, id))
            }
            _ => Err(StoreError::Refused("this release cannot carry that out".to_owned())),
        }
    }

    /// Changes a row that is there; answers an objective's metrics after a report.
    async fn change(&mut self, command: &Command, id: Uuid) -> Result<Option<Value>, StoreError> {
        let tx = &mut *self.tx;
        let changed = match command {
            Command::ObjectiveDescribe { section, text, .. } => {
                sqlx::query!("select objective_describe($1, $2, $3)", id, section.as_str(), text).fetch_one(tx).await?;
                return Ok(None);
            }
            Command::ObjectiveReport { metric, amount, .. } => {
                return Ok(sqlx::query_scalar!("select objective_measure($1, $2, $3)", id, metric, amount)
                    .fetch_one(tx)
                    .await?);
            }
            Command::ObjectiveAddCategory { category, .. } => {
                self.categorise(id, category.id.0).await?;
                return Ok(None);
            }
            Command::ObjectiveSetPriority { priority, .. } => {
                sqlx::query!("update objectives set priority = $2 where id = $1", id, priority.as_str())
                    .execute(tx)
                    .await?
            }
            Command::ObjectiveSetStatus { status, .. } => {
                sqlx::query!("update objectives set status = $2 where id = $1", id, status.as_str()).execute(tx).await?
            }
            Command::ObjectiveSetProgress { percent, .. } => {
                sqlx::query!("update objectives set progress = $2 where id = $1", id, percent.get()).execute(tx).await?
            }
            Command::ObjectiveSetLead { member, .. } => {
                sqlx::query!("update objectives set lead_id = $2 where id = $1", id, member.id.0).execute(tx).await?
            }
            Command::ObjectiveSetSquad { squad, .. } => {
                sqlx::query!("update objectives set squad_id = $2 where id = $1", id, squad.id.0).execute(tx).await?
            }
            Command::TaskAssign { to: Assignee::Member(Named { id: MemberId(member), .. }), .. } => {
                sqlx::query!("update tasks set lead_id = $2 where id = $1", id, member).execute(tx).await?
            }
            Command::TaskAssign { to: Assignee::Squad(Named { id: SquadId(squad), .. }), .. } => {
                sqlx::query!("update tasks set squad_id = $2 where id = $1", id, squad).execute(tx).await?
            }
            Command::TaskClaim { .. } => {
                sqlx::query!("update tasks set lead_id = (select current_member()) where id = $1", id)
                    .execute(tx)
                    .await?
            }
            Command::TaskRelease { .. } => {
                sqlx::query!("update tasks set lead_id = null where id = $1", id).execute(tx).await?
            }
            Command::TaskSetStatus { status, .. } => {
                sqlx::query!("update tasks set status = $2 where id = $1", id, status.as_str()).execute(tx).await?
            }
            Command::TaskSetProgress { percent, .. } => {
                sqlx::query!("update tasks set progress = $2 where id = $1", id, percent.get()).execute(tx).await?
            }
            Command::TaskSetPriority { priority, .. } => {
                sqlx::query!("update tasks set priority = $2 where id = $1", id, priority.as_str()).execute(tx).await?
            }
            Command::TaskSchedule { .. } => return self.schedule(command, id).await,
            Command::MemberSetAvailability { availability, .. } => {
                sqlx::query!("update users set availability = $2 where id = $1", id, availability.as_str())
                    .execute(tx)
                    .await?
            }
            Command::MemberSetRank { rank, .. } => {
                sqlx::query!("update users set rank = $2 where id = $1", id, rank.id.0).execute(tx).await?
            }
            Command::MemberSetSquad { squad, .. } => {
                sqlx::query!("update users set squad_id = $2 where id = $1", id, squad.as_ref().map(|one| one.id.0))
                    .execute(tx)
                    .await?
            }
            Command::SquadSetLead { member, .. } => {
                sqlx::query!("update squads set squad_lead = $2 where id = $1", id, member.id.0).execute(tx).await?
            }
            Command::SquadDisband { .. } => return self.disband(id).await,
            _ => return Err(StoreError::Refused("this release cannot carry that out".to_owned())),
        };
        if changed.rows_affected() == 0 { Err(StoreError::Gone) } else { Ok(None) }
    }

    async fn categorise(&mut self, objective: Uuid, category: Uuid) -> Result<(), StoreError> {
        sqlx::query!(
            r#"
            insert into objective_categories_junction (guild_id, objective_id, category_id)
            values ((select current_guild()), $1, $2) on conflict do nothing
            "#,
            objective,
            category
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Puts what was said into the schedule and keeps the rest of it, as far as it still agrees: of start, end and
    /// duration the one that was not said follows the others.
    async fn schedule(&mut self, command: &Command, id: Uuid) -> Result<Option<Value>, StoreError> {
        let Command::TaskSchedule { start, end, duration_minutes, timezone, .. } = command else { return Ok(None) };
        let schedule =
            sqlx::query_scalar!("select schedule from tasks where id = $1", id).fetch_one(&mut *self.tx).await?;
        let mut schedule = match schedule {
            Value::Object(map) => map,
            _ => serde_json::Map::new(),
        };
        let iso = |at: &chrono::DateTime<chrono::Utc>| json!(at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        let length = duration_minutes.map(chrono::Duration::minutes);
        let stored = schedule.get("start").and_then(Value::as_str);
        let stored = stored.and_then(|text| text.parse::<chrono::DateTime<chrono::Utc>>().ok());
        let start = start.or_else(|| Some((*end)? - length?));
        let end = end.or_else(|| Some(start.or(stored)? + length?));
        if let Some(start) = start {
            schedule.insert("start".to_owned(), iso(&start));
            schedule.remove("end");
        }
        if let Some(end) = end {
            schedule.insert("end".to_owned(), iso(&end));
        }
        schedule.remove("duration");
        match (start.or(stored), end) {
            (Some(start), Some(end)) => {
                schedule.insert("duration".to_owned(), json!((end - start).num_minutes()));
            }
            _ => schedule.extend(duration_minutes.map(|minutes| ("duration".to_owned(), json!(minutes)))),
        }
        if let Some(timezone) = timezone {
            schedule.insert("timezone".to_owned(), json!(timezone));
        }
        sqlx::query!("update tasks set schedule = $2 where id = $1", id, Value::Object(schedule))
            .execute(&mut *self.tx)
            .await?;
        Ok(None)
    }

    /// Removes a squad; who was in it or served by it is without one.
    async fn disband(&mut self, squad: Uuid) -> Result<Option<Value>, StoreError> {
        let gone =
            sqlx::query_scalar!(r#"select squad_disband($1) as "gone!""#, squad).fetch_one(&mut *self.tx).await?;
        if gone { Ok(None) } else { Err(StoreError::Gone) }
    }
}
