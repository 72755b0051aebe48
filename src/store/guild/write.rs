//! The statements of an import: a set at a time, the rows as one JSON document.

use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, query};
use uuid::Uuid;

use super::plan::{Change, ImportPlan};
use super::rows::*;

/// Writes everything, in the order the foreign keys ask for.
pub(super) async fn write(connection: &mut PgConnection, guild: Uuid, plan: &ImportPlan) -> sqlx::Result<()> {
    write_commander(connection, guild, &plan.commander).await?;
    write_access_levels(connection, guild, &plan.access_levels).await?;
    write_ranks(connection, guild, &plan.ranks).await?;
    write_squads(connection, guild, &plan.squads).await?;
    write_members(connection, guild, &plan.members).await?;
    write_categories(connection, guild, &plan.categories).await?;
    write_objectives(connection, guild, &plan.objectives).await?;
    write_tasks(connection, guild, &plan.tasks).await?;
    write_progress(connection, guild, plan).await
}

/// The rows as JSON, or `None` where there is nothing to write.
fn set<R: Serialize>(rows: &[R]) -> sqlx::Result<Option<Value>> {
    if rows.is_empty() {
        return Ok(None);
    }
    serde_json::to_value(rows).map(Some).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// Creates the guild itself, or changes it.
pub(super) async fn write_guild(connection: &mut PgConnection, change: &Change<GuildRow>) -> sqlx::Result<()> {
    for row in &change.created {
        query!("insert into guilds (id, name, description) values ($1, $2, $3)", row.id, row.name, row.description)
            .execute(&mut *connection)
            .await?;
    }
    for row in change.created.iter().chain(&change.changed) {
        query!(
            "update guilds set name = $2, description = $3, sign_in_failures_max = $4, sign_in_lock_minutes = $5,
                session_hours = $6, session_idle_minutes = $7, journal_days = nullif($8, 0)
            where id = $1",
            row.id,
            row.name,
            row.description,
            row.sign_in_failures_max,
            row.sign_in_lock_minutes,
            row.session_hours,
            row.session_idle_minutes,
            row.journal_days
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_commander(
    connection: &mut PgConnection,
    guild: Uuid,
    change: &Change<CommanderRow>,
) -> sqlx::Result<()> {
    for row in change.created.iter().chain(&change.changed) {
        query!(
            "insert into ai_commanders (guild_id, id, name, phonetic, system_prompt, user_prompt)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (guild_id) do update set name = excluded.name, phonetic = excluded.phonetic,
                system_prompt = excluded.system_prompt, user_prompt = excluded.user_prompt",
            guild,
            row.id,
            row.name,
            row.phonetic,
            row.system_prompt,
            row.user_prompt,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_access_levels(
    connection: &mut PgConnection,
    guild: Uuid,
    change: &Change<AccessLevelRow>,
) -> sqlx::Result<()> {
    if let Some(rows) = set(&change.created)? {
        query!(
            "insert into access_levels (guild_id, id, name, user_actions)
            select $1, r.id, r.name, r.user_actions
            from jsonb_to_recordset($2) as r (id uuid, name text, user_actions text[])",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    if let Some(rows) = set(&change.changed)? {
        query!(
            "update access_levels a set name = r.name, user_actions = r.user_actions
            from jsonb_to_recordset($2) as r (id uuid, name text, user_actions text[])
            where a.guild_id = $1 and a.id = r.id",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_ranks(connection: &mut PgConnection, guild: Uuid, change: &Change<RankRow>) -> sqlx::Result<()> {
    if let Some(rows) = set(&change.created)? {
        query!(
            "insert into ranks (guild_id, id, name, phonetic, access_levels, hierarchy_level, clearance)
            select $1, r.id, r.name, r.phonetic, r.access_levels, r.hierarchy_level, r.clearance
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, access_levels uuid[],
                hierarchy_level integer, clearance text)",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    if let Some(rows) = set(&change.changed)? {
        query!(
            "update ranks k set name = r.name, phonetic = r.phonetic, access_levels = r.access_levels,
                hierarchy_level = r.hierarchy_level, clearance = r.clearance
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, access_levels uuid[],
                hierarchy_level integer, clearance text)
            where k.guild_id = $1 and k.id = r.id",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Squads come before the members who lead them; that key waits for the end of the transaction.
async fn write_squads(connection: &mut PgConnection, guild: Uuid, change: &Change<SquadRow>) -> sqlx::Result<()> {
    if let Some(rows) = set(&change.created)? {
        query!(
            "insert into squads (guild_id, id, name, phonetic, squad_lead)
            select $1, r.id, r.name, r.phonetic, r.squad_lead
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, squad_lead uuid)",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    if let Some(rows) = set(&change.changed)? {
        query!(
            "update squads s set name = r.name, phonetic = r.phonetic, squad_lead = r.squad_lead
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, squad_lead uuid)
            where s.guild_id = $1 and s.id = r.id",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_members(connection: &mut PgConnection, guild: Uuid, change: &Change<MemberRow>) -> sqlx::Result<()> {
    if let Some(rows) = set(&change.created)? {
        query!(
            "insert into users (guild_id, id, name, phonetic, availability, rank, preferences, squad_id)
            select $1, r.id, r.name, r.phonetic, r.availability, r.rank, r.preferences, r.squad_id
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, availability text, rank uuid,
                preferences text[], squad_id uuid)",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    if let Some(rows) = set(&change.changed)? {
        query!(
            "update users u set name = r.name, phonetic = r.phonetic, availability = r.availability, rank = r.rank,
                preferences = r.preferences, squad_id = r.squad_id
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, availability text, rank uuid,
                preferences text[], squad_id uuid)
            where u.guild_id = $1 and u.id = r.id",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_categories(
    connection: &mut PgConnection,
    guild: Uuid,
    change: &Change<CategoryRow>,
) -> sqlx::Result<()> {
    if let Some(rows) = set(&change.created)? {
        query!(
            "insert into objective_categories (guild_id, id, name, phonetic, description)
            select $1, r.id, r.name, r.phonetic, r.description
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, description text)",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    if let Some(rows) = set(&change.changed)? {
        query!(
            "update objective_categories c set name = r.name, phonetic = r.phonetic, description = r.description
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, description text)
            where c.guild_id = $1 and c.id = r.id",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_objectives(
    connection: &mut PgConnection,
    guild: Uuid,
    change: &Change<ObjectiveRow>,
) -> sqlx::Result<()> {
    if let Some(rows) = set(&change.created)? {
        query!(
            "insert into objectives (guild_id, id, name, phonetic, description, preferences, priority,
                applicable_rank, progress, status, lead_id, squad_id)
            select $1, r.id, r.name, r.phonetic, r.description, r.preferences, r.priority, r.applicable_rank,
                r.progress, r.status, r.lead_id, r.squad_id
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, description jsonb,
                preferences text[], priority text, applicable_rank text, progress real, status text, lead_id uuid,
                squad_id uuid)",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
        write_junction(connection, guild, &rows).await?;
    }
    if let Some(rows) = set(&change.changed)? {
        query!(
            "update objectives o set name = r.name, phonetic = r.phonetic, description = r.description,
                preferences = r.preferences, priority = r.priority, applicable_rank = r.applicable_rank,
                progress = r.progress, status = r.status, lead_id = r.lead_id, squad_id = r.squad_id
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, description jsonb,
                preferences text[], priority text, applicable_rank text, progress real, status text, lead_id uuid,
                squad_id uuid)
            where o.guild_id = $1 and o.id = r.id",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
        write_junction(connection, guild, &rows).await?;
    }
    Ok(())
}

/// Makes the categories of these objectives the ones their rows hold; the array column follows by itself.
async fn write_junction(connection: &mut PgConnection, guild: Uuid, rows: &Value) -> sqlx::Result<()> {
    query!(
        "delete from objective_categories_junction j
        using jsonb_to_recordset($2) as r (id uuid, categories uuid[])
        where j.guild_id = $1 and j.objective_id = r.id and j.category_id <> all (r.categories)",
        guild,
        rows,
    )
    .execute(&mut *connection)
    .await?;
    query!(
        "insert into objective_categories_junction (guild_id, objective_id, category_id)
        select $1, r.id, c.category_id
        from jsonb_to_recordset($2) as r (id uuid, categories uuid[])
            cross join unnest(r.categories) as c (category_id)
        on conflict do nothing",
        guild,
        rows,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_tasks(connection: &mut PgConnection, guild: Uuid, change: &Change<TaskRow>) -> sqlx::Result<()> {
    if let Some(rows) = set(&change.created)? {
        query!(
            "insert into tasks (guild_id, id, objective_id, name, phonetic, description, status, priority, progress,
                self_assignment, lead_id, squad_id, schedule)
            select $1, r.id, r.objective_id, r.name, r.phonetic, r.description, r.status, r.priority, r.progress,
                r.self_assignment, r.lead_id, r.squad_id, r.schedule
            from jsonb_to_recordset($2) as r (id uuid, objective_id uuid, name text, phonetic text, description text,
                status text, priority text, progress real, self_assignment boolean, lead_id uuid, squad_id uuid,
                schedule jsonb)",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    if let Some(rows) = set(&change.changed)? {
        query!(
            "update tasks t set name = r.name, phonetic = r.phonetic, description = r.description,
                status = r.status, priority = r.priority, progress = r.progress,
                self_assignment = r.self_assignment, lead_id = r.lead_id, squad_id = r.squad_id,
                schedule = r.schedule
            from jsonb_to_recordset($2) as r (id uuid, name text, phonetic text, description text, status text,
                priority text, progress real, self_assignment boolean, lead_id uuid, squad_id uuid, schedule jsonb)
            where t.guild_id = $1 and t.id = r.id",
            guild,
            rows,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The database counts progress from metrics and status whenever those change; what the file says outright comes last.
async fn write_progress(connection: &mut PgConnection, guild: Uuid, plan: &ImportPlan) -> sqlx::Result<()> {
    let (ids, shares): (Vec<Uuid>, Vec<f32>) = plan.objective_progress.iter().copied().unzip();
    query!(
        "update objectives o set progress = said.progress
        from unnest($2::uuid[], $3::real[]) as said (id, progress)
        where o.guild_id = $1 and o.id = said.id and o.progress <> said.progress",
        guild,
        &ids,
        &shares,
    )
    .execute(&mut *connection)
    .await?;
    let (ids, shares): (Vec<Uuid>, Vec<f32>) = plan.task_progress.iter().copied().unzip();
    query!(
        "update tasks t set progress = said.progress
        from unnest($2::uuid[], $3::real[]) as said (id, progress)
        where t.guild_id = $1 and t.id = said.id and t.progress <> said.progress",
        guild,
        &ids,
        &shares,
    )
    .execute(connection)
    .await?;
    Ok(())
}
