//! A guild's rows as the import and the export see them.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::guild_file::Schedule;

/// Everything of one guild. Objectives and tasks in the order they were made.
#[derive(Debug, Default)]
pub(super) struct GuildRows {
    pub guild: Option<GuildRow>,
    pub commander: Option<CommanderRow>,
    pub access_levels: Vec<AccessLevelRow>,
    pub ranks: Vec<RankRow>,
    pub squads: Vec<SquadRow>,
    pub members: Vec<MemberRow>,
    pub categories: Vec<CategoryRow>,
    pub objectives: Vec<ObjectiveRow>,
    pub tasks: Vec<TaskRow>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct GuildRow {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub sign_in_failures_max: i32,
    pub sign_in_lock_minutes: i32,
    pub session_hours: i32,
    pub session_idle_minutes: i32,
    /// 0 is for ever.
    pub journal_days: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct CommanderRow {
    pub id: Uuid,
    pub name: String,
    pub phonetic: Option<String>,
    pub system_prompt: String,
    pub user_prompt: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct AccessLevelRow {
    pub id: Uuid,
    pub name: String,
    pub user_actions: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct RankRow {
    pub id: Uuid,
    pub name: String,
    pub phonetic: Option<String>,
    pub access_levels: Vec<Uuid>,
    pub hierarchy_level: i32,
    pub clearance: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct SquadRow {
    pub id: Uuid,
    pub name: String,
    pub phonetic: Option<String>,
    pub squad_lead: Option<Uuid>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct MemberRow {
    pub id: Uuid,
    pub name: String,
    pub phonetic: Option<String>,
    pub availability: String,
    pub rank: Option<Uuid>,
    pub preferences: Vec<String>,
    pub squad_id: Option<Uuid>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct CategoryRow {
    pub id: Uuid,
    pub name: String,
    pub phonetic: Option<String>,
    pub description: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, sqlx::FromRow)]
pub(super) struct ObjectiveRow {
    pub id: Uuid,
    pub name: String,
    pub phonetic: Option<String>,
    #[sqlx(try_from = "Value")]
    pub description: Description,
    pub preferences: Vec<String>,
    pub categories: Vec<Uuid>,
    pub priority: String,
    pub applicable_rank: Option<String>,
    pub progress: f32,
    pub status: String,
    pub lead_id: Option<Uuid>,
    pub squad_id: Option<Uuid>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct TaskRow {
    pub id: Uuid,
    pub objective_id: Uuid,
    pub name: String,
    pub phonetic: Option<String>,
    pub description: Option<String>,
    pub status: String,
    pub priority: String,
    pub progress: f32,
    pub self_assignment: bool,
    pub lead_id: Option<Uuid>,
    pub squad_id: Option<Uuid>,
    #[serde(serialize_with = "schedule_as_stored")]
    pub schedule: Schedule,
}

/// An objective's description: sections that are empty read as absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Description {
    pub brief: Option<String>,
    pub tactical: Option<String>,
    pub classified: Option<String>,
    pub metrics: BTreeMap<String, f64>,
}

/// Which sections of descriptions are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sections {
    /// All, as only the owner of the table can.
    All,
    /// Those that the session's member is cleared for.
    Cleared,
}

impl From<Value> for Description {
    fn from(stored: Value) -> Self {
        let section = |key| stored.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let metrics = stored.get("metrics").and_then(Value::as_object).into_iter().flatten();
        Self {
            brief: section("brief"),
            tactical: section("tactical"),
            classified: section("classified"),
            metrics: metrics.filter_map(|(key, value)| Some((key.clone(), value.as_f64()?))).collect(),
        }
    }
}

impl Serialize for Description {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sections = [("brief", &self.brief), ("tactical", &self.tactical), ("classified", &self.classified)];
        let mut object: Map<String, Value> =
            sections.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text.as_ref()?)))).collect();
        if !self.metrics.is_empty() {
            let metrics = self.metrics.iter().map(|(key, value)| (key.clone(), whole_or_float(*value)));
            object.insert("metrics".to_owned(), Value::Object(metrics.collect()));
        }
        Value::Object(object).serialize(serializer)
    }
}

/// 500, not 500.0: people read these in the database too.
fn whole_or_float(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "a metric is below 10^15, and only whole ones get here")]
    if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
}

fn schedule_as_stored<S: Serializer>(schedule: &Schedule, serializer: S) -> Result<S::Ok, S::Error> {
    let instant = |time: DateTime<Utc>| json!(time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let entries = [
        ("start", schedule.start.map(instant)),
        ("end", schedule.end.map(instant)),
        ("duration", schedule.duration.map(|minutes| json!(minutes))),
        ("flexible", schedule.flexible.map(|flexible| json!(flexible))),
        ("timezone", schedule.timezone.as_ref().map(|zone| json!(zone))),
    ];
    let object: Map<String, Value> =
        entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    Value::Object(object).serialize(serializer)
}

/// Finds a guild by its name, whatever its case.
pub(super) async fn find(connection: &mut PgConnection, name: &str) -> sqlx::Result<Option<GuildRow>> {
    sqlx::query_as!(
        GuildRow,
        r#"select id, name, description, sign_in_failures_max, sign_in_lock_minutes, session_hours, session_idle_minutes,
            coalesce(journal_days, 0) as "journal_days!"
        from guilds where lower(name) = lower($1)"#,
        name
    )
    .fetch_optional(connection)
    .await
}

/// Reads a whole guild, as far as it can be seen.
pub(super) async fn load(
    connection: &mut PgConnection,
    guild: GuildRow,
    sections: Sections,
) -> sqlx::Result<GuildRows> {
    let id = guild.id;
    let commander = sqlx::query_as!(
        CommanderRow,
        "select id, name, phonetic, system_prompt, user_prompt from ai_commanders where guild_id = $1",
        id,
    );
    let access_levels = sqlx::query_as!(
        AccessLevelRow,
        "select id, name, user_actions from access_levels where guild_id = $1 order by lower(name), id",
        id,
    );
    let ranks = sqlx::query_as!(
        RankRow,
        "select id, name, phonetic, access_levels, hierarchy_level, clearance from ranks
        where guild_id = $1 order by hierarchy_level",
        id,
    );
    let squads = sqlx::query_as!(
        SquadRow,
        "select id, name, phonetic, squad_lead from squads where guild_id = $1 order by lower(name), id",
        id,
    );
    let members = sqlx::query_as!(
        MemberRow,
        "select id, name, phonetic, availability, rank, preferences, squad_id from users
        where guild_id = $1 order by lower(name), id",
        id,
    );
    let categories = sqlx::query_as!(
        CategoryRow,
        "select id, name, phonetic, description from objective_categories where guild_id = $1
        order by lower(name), id",
        id,
    );
    Ok(GuildRows {
        guild: Some(guild),
        commander: commander.fetch_optional(&mut *connection).await?,
        access_levels: access_levels.fetch_all(&mut *connection).await?,
        ranks: ranks.fetch_all(&mut *connection).await?,
        squads: squads.fetch_all(&mut *connection).await?,
        members: members.fetch_all(&mut *connection).await?,
        categories: categories.fetch_all(&mut *connection).await?,
        objectives: load_objectives(&mut *connection, id, sections).await?,
        tasks: load_tasks(&mut *connection, id).await?,
    })
}

async fn load_objectives(
    connection: &mut PgConnection,
    guild: Uuid,
    sections: Sections,
) -> sqlx::Result<Vec<ObjectiveRow>> {
    let sql = format!(
        "select id, name, phonetic, {} as description, preferences, categories, priority, applicable_rank, progress,
            status, lead_id, squad_id
        from objectives where guild_id = $1 order by created_at, id",
        match sections {
            Sections::All => "description",
            Sections::Cleared => "coalesce(objective_sections(id), '{}')",
        }
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(guild).fetch_all(connection).await
}

async fn load_tasks(connection: &mut PgConnection, guild: Uuid) -> sqlx::Result<Vec<TaskRow>> {
    // A duration that a guild file could not hold reads as absent; the table's check keeps it a whole number.
    let rows = sqlx::query!(
        r#"
        select id, objective_id, name, phonetic, description, status, priority, progress, self_assignment, lead_id,
            squad_id,
            schedule_instant(schedule, 'start') as starts,
            schedule_instant(schedule, 'end') as ends,
            (schedule -> 'duration')::float8 as minutes,
            (schedule -> 'flexible')::boolean as flexible,
            schedule ->> 'timezone' as timezone
        from tasks where guild_id = $1 order by created_at, id
        "#,
        guild,
    );
    let rows = rows.fetch_all(connection).await?.into_iter().map(|row| TaskRow {
        id: row.id,
        objective_id: row.objective_id,
        name: row.name,
        phonetic: row.phonetic,
        description: row.description,
        status: row.status,
        priority: row.priority,
        progress: row.progress,
        self_assignment: row.self_assignment,
        lead_id: row.lead_id,
        squad_id: row.squad_id,
        schedule: Schedule {
            start: row.starts,
            end: row.ends,
            duration: row.minutes.and_then(whole_minutes),
            flexible: row.flexible,
            timezone: row.timezone,
        },
    });
    Ok(rows.collect())
}

fn whole_minutes(minutes: f64) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies within the range checked")]
    (0.0..=f64::from(crate::guild_file::DURATION_MINUTES_MAX)).contains(&minutes).then_some(minutes as u32)
}
