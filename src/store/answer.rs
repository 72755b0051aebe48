//! Answers questions from what the speaker may see.

use serde_json::Value;

use super::{GuildTx, StoreError};
use crate::authority::{Actor, Authorized};
use crate::intent::Command;
use crate::intent::command::Due;
use crate::outcome::{Answer, LINES_MAX, MemberLine, ObjectiveLine, SquadLine, TaskLine};

/// [`LINES_MAX`] as SQL takes it.
const LIMIT: i64 = LINES_MAX as i64;

impl GuildTx {
    /// Answers a question.
    ///
    /// # Errors
    /// [`StoreError::Gone`], or when the database cannot be reached.
    pub async fn answer(&mut self, actor: &Actor, authorized: &Authorized) -> Result<Answer, StoreError> {
        Ok(match authorized.command() {
            Command::AskObjectives { category, priority, status } => {
                let lines = sqlx::query_as!(
                    ObjectiveLine,
                    r#"
                    select o.name, o.status, o.priority, o.progress, u.name as "lead?", s.name as "squad?"
                    from objectives o
                        left join users u on u.guild_id = o.guild_id and u.id = o.lead_id
                        left join squads s on s.guild_id = o.guild_id and s.id = o.squad_id
                    where o.status = coalesce($1, 'active') and ($2::text is null or o.priority = $2)
                        and ($3::uuid is null or exists (select from objective_categories_junction j
                            where j.guild_id = o.guild_id and j.objective_id = o.id and j.category_id = $3))
                    order by array_position(array['critical', 'high', 'medium', 'low'], o.priority), o.created_at, o.name
                    limit $4
                    "#,
                    status.map(|one| one.as_str()),
                    priority.map(|one| one.as_str()),
                    category.as_ref().map(|one| one.id.0),
                    LIMIT
                )
                .fetch_all(&mut *self.tx)
                .await?;
                Answer::Objectives(lines)
            }
            Command::AskObjective { objective, section } => {
                let line = sqlx::query_as!(
                    ObjectiveLine,
                    r#"
                    select o.name, o.status, o.priority, o.progress, u.name as "lead?", s.name as "squad?"
                    from objectives o
                        left join users u on u.guild_id = o.guild_id and u.id = o.lead_id
                        left join squads s on s.guild_id = o.guild_id and s.id = o.squad_id
                    where o.id = $1
                    "#,
                    objective.id.0
                )
                .fetch_one(&mut *self.tx)
                .await?;
                let sections: Option<Value> = sqlx::query_scalar!("select objective_sections($1)", objective.id.0)
                    .fetch_one(&mut *self.tx)
                    .await?;
                let wanted = section.unwrap_or(crate::domain::Clearance::Brief).as_str();
                let text = sections.as_ref().and_then(|all| all.get(wanted)?.as_str().map(str::to_owned));
                let metrics = sections.as_ref().and_then(|all| all.get("metrics").cloned());
                Answer::Objective { line, text, metrics, asked_section: *section }
            }
            Command::AskTasks { member, objective, due } => Answer::Tasks {
                lines: self
                    .tasks(member.as_ref().map(|one| one.id.0), objective.as_ref().map(|one| one.id.0), None, *due)
                    .await?,
                member: member.as_ref().map(|one| one.name.clone()),
                objective: objective.as_ref().map(|one| one.name.clone()),
                due: *due,
            },
            Command::AskTask { task } => {
                let line = self.tasks(None, None, Some(task.id.0), None).await?.into_iter().next();
                Answer::Task(line.ok_or(StoreError::Gone)?)
            }
            Command::AskSquad { squad } => {
                let lines = sqlx::query_as!(
                    SquadLine,
                    r#"
                    select s.name, l.name as "lead?",
                        coalesce(array_agg(u.name order by u.name) filter (where u.id is not null), '{}') as "members!"
                    from squads s
                        left join users l on l.guild_id = s.guild_id and l.id = s.squad_lead
                        left join users u on u.guild_id = s.guild_id and u.squad_id = s.id
                    where $1::uuid is null or s.id = $1
                    group by s.guild_id, s.id, s.name, l.name order by s.name limit $2
                    "#,
                    squad.as_ref().map(|one| one.id.0),
                    LIMIT
                )
                .fetch_all(&mut *self.tx)
                .await?;
                Answer::Squads(lines)
            }
            Command::AskMembers { availability, squad } => {
                let lines = sqlx::query_as!(
                    MemberLine,
                    r#"
                    select name, availability from users
                    where ($1::text is null or availability = $1) and ($2::uuid is null or squad_id = $2)
                    order by name limit $3
                    "#,
                    availability.map(|one| one.as_str()),
                    squad.as_ref().map(|one| one.id.0),
                    LIMIT
                )
                .fetch_all(&mut *self.tx)
                .await?;
                Answer::Members(lines)
            }
            Command::AskMe {} => Answer::Me(actor.clone()),
            _ => Answer::Help(actor.clone()),
        })
    }

    /// Open tasks by lead, objective or day, or one task whatever its state.
    async fn tasks(
        &mut self,
        member: Option<uuid::Uuid>,
        objective: Option<uuid::Uuid>,
        task: Option<uuid::Uuid>,
        due: Option<Due>,
    ) -> Result<Vec<TaskLine>, StoreError> {
        let due = due.map(|due| match due {
            Due::Today => "today",
            Due::Overdue => "overdue",
        });
        let lines = sqlx::query_as!(
            TaskLine,
            r#"
            with planned as (
                select t.*, schedule_instant(t.schedule, 'start') as start_at,
                    schedule_instant(t.schedule, 'end') as end_at
                from tasks t
                where ($3::uuid is null or t.id = $3)
                    and ($3::uuid is not null or t.status not in ('completed', 'cancelled'))
                    and ($1::uuid is null or t.lead_id = $1) and ($2::uuid is null or t.objective_id = $2)
            )
            select t.name as "name!", coalesce(o.name, objective_name(t.objective_id), '') as "objective!", t.status as "status!", t.priority as "priority!",
                t.progress as "progress!", u.name as "lead?", s.name as "squad?", t.start_at as "start?",
                t.end_at as "end?"
            from planned t
                left join objectives o on o.guild_id = t.guild_id and o.id = t.objective_id
                left join users u on u.guild_id = t.guild_id and u.id = t.lead_id
                left join squads s on s.guild_id = t.guild_id and s.id = t.squad_id
            where $4::text is null
                or ($4 = 'overdue' and t.end_at < now())
                or ($4 = 'today' and coalesce(t.end_at, t.start_at) >= date_trunc('day', now(), 'UTC')
                    and coalesce(t.end_at, t.start_at) < date_trunc('day', now(), 'UTC') + interval '1 day')
            order by array_position(array['critical', 'high', 'medium', 'low'], t.priority), t.created_at, t.name
            limit $5
            "#,
            member,
            objective,
            task,
            due,
            LIMIT
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(lines)
    }
}
