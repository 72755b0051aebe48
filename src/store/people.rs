//! What people manage in a guild (members, squads, ranks and the like), changed by a member with the member's own rights
//! or by the keeper.
//!
//! Each kind of thing is a row of [`kinds`]; what can be done to one is written once, for all of them. Whether a member
//! may is decided by the database: what it refuses becomes a sentence that names the right.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::journal::Entry;
use super::{GuildTx, Session, Store, StoreError, code_is};
use crate::domain::UtteranceId;
use crate::guild_file::suggestion;

pub mod kinds;

pub use kinds::Kind;

/// How many names a suggestion looks through.
const NAMES_MAX: i64 = 5000;

/// The columns of a row by name, as JSON.
pub type Fields = Map<String, Value>;

/// One transaction of managing. Rolled back unless it is committed.
#[derive(Debug)]
pub struct People {
    pub(super) tx: GuildTx,
    pub(super) guild: Uuid,
    guild_name: String,
    /// Who does it; nobody for the keeper.
    speaker: Option<String>,
}

impl Store {
    /// Manages as a signed-in member, or as the owner of the tables when there is no session.
    ///
    /// # Errors
    /// [`StoreError::NotKeeper`] without a session on any other login, [`StoreError::Guild`] when it is not clear which
    /// guild, [`StoreError::SessionOver`], or when the database cannot be reached.
    pub async fn people(&self, session: Option<&Session>, guild: Option<&str>) -> Result<People, StoreError> {
        let Some(session) = session else {
            if !self.keeper {
                return Err(StoreError::NotKeeper);
            }
            let (guild, guild_name) = self.guild_find(guild).await?;
            return Ok(People { tx: GuildTx { tx: self.pool.begin().await? }, guild, guild_name, speaker: None });
        };
        let tx = self.begin(session).await?;
        Self::people_in(tx, session).await
    }

    /// The same for a member who writes much at once; see [`Store::begin_still`].
    pub(super) async fn people_still(&self, session: &Session) -> Result<People, StoreError> {
        let tx = self.begin_still(session).await?;
        Self::people_in(tx, session).await
    }

    async fn people_in(mut tx: GuildTx, session: &Session) -> Result<People, StoreError> {
        let guild = sqlx::query_scalar!("select current_guild()").fetch_one(&mut *tx.tx).await?;
        let (guild_name, speaker) = (session.guild.clone(), Some(session.member.name.clone()));
        Ok(People { tx, guild: guild.ok_or(StoreError::SessionOver)?, guild_name, speaker })
    }
}

impl People {
    /// The guild's name.
    #[must_use]
    pub fn guild(&self) -> &str {
        &self.guild_name
    }

    /// Finds one by name, whatever the case: its id and its name as it is stored.
    ///
    /// # Errors
    /// [`StoreError::Member`] with the nearest name there is.
    pub async fn find(&mut self, kind: &Kind, name: &str) -> Result<(Uuid, String), StoreError> {
        let sql = format!("select id, name from {} where guild_id = $1 and lower(name) = lower($2)", kind.table);
        let found = sqlx::query(AssertSqlSafe(sql)).bind(self.guild).bind(name.trim());
        if let Some(row) = found.fetch_optional(&mut *self.tx.tx).await? {
            return Ok((row.try_get("id")?, row.try_get("name")?));
        }
        let sql = format!("select name from {} where guild_id = $1 order by name limit $2", kind.table);
        let names = sqlx::query_scalar(AssertSqlSafe(sql)).bind(self.guild).bind(NAMES_MAX);
        let names: Vec<String> = names.fetch_all(&mut *self.tx.tx).await?;
        let near = suggestion(name, names.iter().map(String::as_str))
            .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        Err(StoreError::Member(format!("no {} of {} is called \"{name}\"{near}", kind.word, self.guild_name)))
    }

    /// The guild's commander, when it has one. There is never a second.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn commander(&mut self) -> Result<Option<Uuid>, StoreError> {
        let found = sqlx::query_scalar!("select id from ai_commanders where guild_id = $1", self.guild);
        Ok(found.fetch_optional(&mut *self.tx.tx).await?)
    }

    /// All of a kind, each with its fields in the order in which people read them.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(&mut self, kind: &Kind) -> Result<Vec<Value>, StoreError> {
        let sql = format!("select row_to_json(one) from ({}) as one", kind.list);
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(self.guild).fetch_all(&mut *self.tx.tx).await?)
    }

    /// Makes one with these columns; the others have their defaults.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a member who may not, [`StoreError::Refused`] for what contradicts what is there.
    pub async fn add(&mut self, kind: &Kind, fields: &Fields) -> Result<Uuid, StoreError> {
        let (names, typed) = kind.columns(fields);
        let sql = format!(
            "insert into {0} (guild_id, {names}) select $1, {names} from jsonb_to_record($2) as r ({typed}) returning id",
            kind.table
        );
        let made = sqlx::query_scalar(AssertSqlSafe(sql)).bind(self.guild).bind(Value::Object(fields.clone()));
        made.fetch_one(&mut *self.tx.tx).await.map_err(|error| kind.refused(error, fields))
    }

    /// Changes these columns of one.
    ///
    /// # Errors
    /// As [`People::add`].
    pub async fn change(&mut self, kind: &Kind, id: Uuid, fields: &Fields) -> Result<(), StoreError> {
        let (names, typed) = kind.columns(fields);
        let set: Vec<String> = names.split(", ").map(|name| format!("{name} = r.{name}")).collect();
        let sql = format!(
            "update {} t set {} from jsonb_to_record($3) as r ({typed}) where t.guild_id = $1 and t.id = $2",
            kind.table,
            set.join(", ")
        );
        let done = sqlx::query(AssertSqlSafe(sql)).bind(self.guild).bind(id).bind(Value::Object(fields.clone()));
        let done = done.execute(&mut *self.tx.tx).await.map_err(|error| kind.refused(error, fields))?;
        // It was found a moment ago: a policy hides it from changes.
        if done.rows_affected() == 1 { Ok(()) } else { Err(kind.denied(fields)) }
    }

    /// Removes one. What points at a member or squad points at nothing then; whatever else is in use stays.
    ///
    /// # Errors
    /// As [`People::add`].
    pub async fn remove(&mut self, kind: &Kind, id: Uuid) -> Result<(), StoreError> {
        let nothing = Fields::new();
        let sql = match (kind.removed_by, &self.speaker) {
            // It clears what the member does not see, too, and checks the right.
            (Some(function), Some(_)) => format!("select {function}($2) from guilds where id = $1"),
            _ => {
                for (table, column) in kind.pointing {
                    let sql = format!("update {table} set {column} = null where guild_id = $1 and {column} = $2");
                    let cleared = sqlx::query(AssertSqlSafe(sql)).bind(self.guild).bind(id);
                    cleared.execute(&mut *self.tx.tx).await?;
                }
                format!("delete from {} where guild_id = $1 and id = $2", kind.table)
            }
        };
        let done = sqlx::query(AssertSqlSafe(sql)).bind(self.guild).bind(id).execute(&mut *self.tx.tx).await;
        let done = done.map_err(|error| kind.refused(error, &nothing))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(kind.denied(&nothing)) }
    }

    /// How much of an objective or task is done.
    pub(super) async fn progress(&mut self, kind: &Kind, id: Uuid) -> Result<Option<f32>, StoreError> {
        let sql = format!("select progress from {} where guild_id = $1 and id = $2", kind.table);
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(self.guild).bind(id).fetch_optional(&mut *self.tx.tx).await?)
    }

    /// Writes down what a member did by command; the keeper has no journal.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn note(&mut self, command: &Value, reply: &str) -> Result<(), StoreError> {
        if self.speaker.is_none() {
            return Ok(());
        }
        let entry = Entry {
            utterance: UtteranceId::new(),
            source: "command",
            words: "",
            keep: false,
            route: "none",
            commands: Value::Array(vec![command.clone()]),
            outcome: "applied",
            reply,
        };
        self.tx.journal_write(&entry).await.map(drop)
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// As [`GuildTx::commit`].
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await
    }
}

impl Kind {
    /// The named columns, and the same with their types.
    fn columns(&self, fields: &Fields) -> (String, String) {
        let wanted: Vec<_> = self.columns.iter().filter(|(name, _)| fields.contains_key(*name)).collect();
        let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        let typed: Vec<String> = wanted.iter().map(|(name, of)| format!("{name} {of}")).collect();
        (names.join(", "), typed.join(", "))
    }

    /// The right that a change of these columns takes.
    pub(super) fn denied(&self, fields: &Fields) -> StoreError {
        let special = self.needs.iter().find(|(column, _)| fields.contains_key(*column) && fields.len() == 1);
        let needs = special.or(self.needs.last()).map_or("", |(_, needs)| needs);
        StoreError::Denied(format!("not permitted: {needs}"))
    }

    /// The database's refusal in words for people: its own where its triggers and functions have some.
    pub(super) fn refused(&self, error: sqlx::Error, fields: &Fields) -> StoreError {
        let Some(database) = error.as_database_error() else { return error.into() };
        let (said, word) = (database.message(), self.word);
        if code_is(&error, "42501") {
            // PostgreSQL's words about policies and grants name tables, not what would be needed.
            let bare = said.contains("row-level security") || said.starts_with("permission denied");
            return if bare { self.denied(fields) } else { StoreError::Denied(said.to_owned()) };
        }
        match database.constraint() {
            Some("fk_ranks_access_levels" | "fk_objectives_applicable_rank") => StoreError::Refused(said.to_owned()),
            Some(name) if name.starts_with("uk_") && name.contains("_name") => {
                StoreError::Refused(format!("there is a {word} of that name already"))
            }
            _ => error.into(),
        }
    }
}
