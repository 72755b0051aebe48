//! A guild file into the database with a member's own rights: the same plan as an operator's import, written row by row
//! through the policies, so that a refusal can name the thing it is about.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::query;
use uuid::Uuid;

use super::ImportReport;
use super::plan::{Change, ImportPlan, Row};
use super::rows::{self, GuildRow, GuildRows, Sections};
use crate::guild_file::GuildFile;
use crate::store::people::kinds::{ACCESS, CATEGORY, COMMANDER, Kind, MEMBER, OBJECTIVE, RANK, SQUAD, TASK};
use crate::store::{People, PeopleFields, StoreError};

/// The sections of a description, each written by itself.
const SECTIONS: [&str; 3] = ["brief", "tactical", "classified"];

/// Brings the member's guild to what the file says, as far as the member may; otherwise the transaction is to be taken
/// back. What the file does not name, and what the member does not see, is left alone.
///
/// # Errors
/// [`StoreError::Denied`] and [`StoreError::Refused`] name the thing and what it would take.
pub(crate) async fn member_import(people: &mut People, file: &GuildFile) -> Result<ImportReport, StoreError> {
    if file.name.as_str().to_lowercase() != people.guild().to_lowercase() {
        return Err(StoreError::Guild(format!(
            "the file is of {}, and a member of {} is signed in; other guilds are brought in by the operator",
            file.name,
            people.guild()
        )));
    }
    let name = people.guild().to_owned();
    let guild = rows::find(&mut people.tx.tx, &name).await?.ok_or(StoreError::SessionOver)?;
    let stored = rows::load(&mut people.tx.tx, guild, Sections::Cleared).await?;
    let plan = ImportPlan::new(&stored, file);
    // Ranks may change places.
    query!("set constraints uk_ranks_guild_hierarchy deferred").execute(&mut *people.tx.tx).await?;
    let mut import = Import { people, made: HashMap::new() };
    if let Some(guild) = plan.guild.changed.first() {
        import.guild(guild).await?;
    }
    import.table(&COMMANDER, stored.commander.as_slice(), &plan.commander).await?;
    import.table(&ACCESS, &stored.access_levels, &plan.access_levels).await?;
    import.table(&RANK, &stored.ranks, &plan.ranks).await?;
    import.table(&SQUAD, &stored.squads, &plan.squads).await?;
    import.table(&MEMBER, &stored.members, &plan.members).await?;
    import.leads(&stored, &plan).await?;
    import.table(&CATEGORY, &stored.categories, &plan.categories).await?;
    import.table(&OBJECTIVE, &stored.objectives, &plan.objectives).await?;
    import.table(&TASK, &stored.tasks, &plan.tasks).await?;
    import.progress(&OBJECTIVE, &plan.objectives, &plan.objective_progress).await?;
    import.progress(&TASK, &plan.tasks, &plan.task_progress).await?;
    let mut report = plan.report(file);
    let named = file.members.iter().filter(|member| member.password_env.is_some());
    report.warnings.extend(named.map(|member| {
        let name = &member.name;
        format!(
            "the password of \"{name}\" is not set: a member's import sets none; use `sphereconnect member password`"
        )
    }));
    if !report.changed_nothing() {
        let command = json!({ "action": "guild.import", "guild": report.guild });
        people.note(&command, &format!("a file was imported into {}", report.guild)).await?;
    }
    Ok(report)
}

struct Import<'p> {
    people: &'p mut People,
    /// The ids of the plan's new rows → the ids that the database gave them.
    made: HashMap<Uuid, Uuid>,
}

impl Import<'_> {
    /// Changes what a guild says of itself.
    async fn guild(&mut self, guild: &GuildRow) -> Result<(), StoreError> {
        let denied = |reason: &str| StoreError::Denied(format!("nothing was imported: not permitted: {reason}"));
        if guild.name != self.people.guild() {
            return Err(denied("a guild is renamed by the operator"));
        }
        let done = query!(
            "update guilds set description = $2, sign_in_failures_max = $3, sign_in_lock_minutes = $4,
                session_hours = $5, session_idle_minutes = $6, journal_days = nullif($7, 0)
            where id = $1",
            guild.id,
            guild.description,
            guild.sign_in_failures_max,
            guild.sign_in_lock_minutes,
            guild.session_hours,
            guild.session_idle_minutes,
            guild.journal_days
        );
        match done.execute(&mut *self.people.tx.tx).await?.rows_affected() {
            0 => Err(denied("the guild's description and limits are changed by members with manage_guilds")),
            _ => Ok(()),
        }
    }

    /// Makes and changes the rows of one table.
    async fn table<R: Row + Serialize>(
        &mut self,
        kind: &Kind,
        stored: &[R],
        change: &Change<R>,
    ) -> Result<(), StoreError> {
        for row in &change.created {
            let wanted = self.fields(row)?;
            self.make(kind, row.id(), wanted).await.map_err(|error| about(error, kind, row))?;
        }
        let old: HashMap<Uuid, &R> = stored.iter().map(|row| (row.id(), row)).collect();
        for row in &change.changed {
            let before = match old.get(&row.id()) {
                Some(old) => self.fields(*old)?,
                None => Map::new(),
            };
            let wanted = self.fields(row)?;
            self.alter(kind, row.id(), &before, wanted).await.map_err(|error| about(error, kind, row))?;
        }
        Ok(())
    }

    async fn make(&mut self, kind: &Kind, planned: Uuid, mut wanted: PeopleFields) -> Result<(), StoreError> {
        // Its members come after it.
        wanted.remove("squad_lead");
        let id = self.people.add(kind, &wanted).await?;
        self.made.insert(planned, id);
        self.categories(id, wanted.get("categories")).await
    }

    async fn alter(
        &mut self,
        kind: &Kind,
        id: Uuid,
        before: &PeopleFields,
        mut wanted: PeopleFields,
    ) -> Result<(), StoreError> {
        wanted.retain(|column, value| before.get(column) != Some(value));
        wanted.remove("squad_lead");
        let categories = wanted.remove("categories");
        let description = if kind.word == OBJECTIVE.word { wanted.remove("description") } else { None };
        if !wanted.is_empty() {
            self.people.change(kind, id, &wanted).await?;
        }
        self.categories(id, categories.as_ref()).await?;
        if let Some(description) = description {
            self.describe(id, before.get("description"), &description).await?;
        }
        Ok(())
    }

    /// Writes the sections and metrics that differ. A section that the member does not see is in neither.
    async fn describe(&mut self, id: Uuid, before: Option<&Value>, wanted: &Value) -> Result<(), StoreError> {
        let was = |key: &str| before.and_then(|all| all.get(key));
        for section in SECTIONS.iter().filter(|section| was(section) != wanted.get(section)) {
            let text = wanted.get(section).and_then(Value::as_str);
            let done = query!("select objective_describe($1, $2, $3)", id, section, text);
            done.execute(&mut *self.people.tx.tx).await.map_err(refused)?;
        }
        if was("metrics") != wanted.get("metrics") {
            let done = query!("select objective_set_metrics($1, $2)", id, wanted.get("metrics"));
            done.execute(&mut *self.people.tx.tx).await.map_err(refused)?;
        }
        Ok(())
    }

    /// Makes the categories of an objective these; the array column follows by itself.
    async fn categories(&mut self, objective: Uuid, wanted: Option<&Value>) -> Result<(), StoreError> {
        let Some(wanted) = wanted else { return Ok(()) };
        let (guild, connection) = (self.people.guild, &mut *self.people.tx.tx);
        query!(
            "select category_unlink(objective_id, category_id) from objective_categories_junction
            where guild_id = $1 and objective_id = $2 and not $3::jsonb ? category_id::text",
            guild,
            objective,
            wanted
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(refused)?;
        query!(
            "insert into objective_categories_junction (guild_id, objective_id, category_id)
            select $1, $2, one::uuid from jsonb_array_elements_text($3) as one
            where not exists (select from objective_categories_junction
                where guild_id = $1 and objective_id = $2 and category_id = one::uuid)",
            guild,
            objective,
            wanted
        )
        .execute(&mut *connection)
        .await
        .map_err(refused)?;
        let left = sqlx::query_scalar!(
            r#"select count(*) as "count!" from objective_categories_junction where guild_id = $1 and objective_id = $2"#,
            guild,
            objective
        );
        let left = left.fetch_one(connection).await?;
        // A policy hides what may not be taken away.
        let kept = wanted.as_array().map_or(0, Vec::len);
        if usize::try_from(left) == Ok(kept) { Ok(()) } else { Err(OBJECTIVE.denied(&Map::new())) }
    }

    /// Squads are made before the members who lead them.
    async fn leads(&mut self, stored: &GuildRows, plan: &ImportPlan) -> Result<(), StoreError> {
        for squad in &plan.squads.created {
            if squad.squad_lead.is_some() {
                self.lead(squad.id, squad.squad_lead).await.map_err(|error| about(error, &SQUAD, squad))?;
            }
        }
        for squad in &plan.squads.changed {
            let was = stored.squads.iter().find(|one| one.id == squad.id);
            if was.is_none_or(|was| was.squad_lead != squad.squad_lead) {
                self.lead(squad.id, squad.squad_lead).await.map_err(|error| about(error, &SQUAD, squad))?;
            }
        }
        Ok(())
    }

    async fn lead(&mut self, squad: Uuid, lead: Option<Uuid>) -> Result<(), StoreError> {
        let (squad, lead) = (self.real(squad), lead.map(|lead| self.real(lead)));
        let fields = Map::from_iter([("squad_lead".to_owned(), json!(lead))]);
        self.people.change(&SQUAD, squad, &fields).await
    }

    /// The database counts progress from metrics and status whenever those change; what the file says outright comes
    /// last.
    async fn progress<R: Row>(
        &mut self,
        kind: &Kind,
        change: &Change<R>,
        said: &[(Uuid, f32)],
    ) -> Result<(), StoreError> {
        let said: HashMap<Uuid, f32> = said.iter().copied().collect();
        for row in change.created.iter().chain(&change.changed) {
            let Some(share) = said.get(&row.id()) else { continue };
            let id = self.real(row.id());
            if self.people.progress(kind, id).await? != Some(*share) {
                let fields = Map::from_iter([("progress".to_owned(), json!(share))]);
                self.people.change(kind, id, &fields).await.map_err(|error| about(error, kind, row))?;
            }
        }
        Ok(())
    }

    fn real(&self, planned: Uuid) -> Uuid {
        self.made.get(&planned).copied().unwrap_or(planned)
    }

    /// A row's columns, with the ids of what was made before it.
    fn fields<R: Serialize>(&self, row: &R) -> Result<PeopleFields, StoreError> {
        let value = serde_json::to_value(row).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        match self.with_real_ids(value) {
            Value::Object(mut fields) => {
                fields.remove("id");
                Ok(fields)
            }
            _ => Ok(Map::new()),
        }
    }

    fn with_real_ids(&self, value: Value) -> Value {
        match value {
            Value::String(text) => match text.parse().ok().and_then(|id: Uuid| self.made.get(&id)) {
                Some(id) => json!(id),
                None => Value::String(text),
            },
            Value::Array(all) => all.into_iter().map(|one| self.with_real_ids(one)).collect(),
            Value::Object(all) => all.into_iter().map(|(key, one)| (key, self.with_real_ids(one))).collect(),
            other => other,
        }
    }
}

fn refused(error: sqlx::Error) -> StoreError {
    OBJECTIVE.refused(error, &Map::new())
}

/// The refusal with the thing it is about.
fn about<R: Row>(error: StoreError, kind: &Kind, row: &R) -> StoreError {
    let said = |reason: String| format!("nothing was imported: {} \"{}\": {reason}", kind.word, row.name());
    match error {
        StoreError::Denied(reason) => StoreError::Denied(said(reason)),
        StoreError::Refused(reason) => StoreError::Refused(said(reason)),
        other => other,
    }
}
