//! Who did what: one row a turn that changed something, was refused or took something back. What became of it, row by
//! row, is written by the database itself.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{GuildTx, StoreError};
use crate::domain::UtteranceId;
use crate::guild_file::suggestion;

/// What the journal keeps of a turn. Who speaks and with what standing is added by the database.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The utterance.
    pub utterance: UtteranceId,
    /// Where it came from: a file, `typed`, `microphone`.
    pub source: &'a str,
    /// The words that were heard; a hash of them is kept.
    pub words: &'a str,
    /// Whether the words themselves are kept too.
    pub keep: bool,
    /// Which way they were understood.
    pub route: &'a str,
    /// The commands, as the contract writes them.
    pub commands: Value,
    /// `applied`, `refused` or `answered`.
    pub outcome: &'a str,
    /// What was answered.
    pub reply: &'a str,
}

/// A turn that was taken before.
#[derive(Debug, Clone)]
pub struct Past {
    /// The commands, as the contract writes them.
    pub commands: Value,
    /// What was answered.
    pub reply: String,
    /// Which way it was understood.
    pub route: String,
    /// How it ended: `applied`, `refused` or `answered`.
    pub outcome: String,
}

/// A line of the journal, as far as its reader may see it.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// The turn; none for changes that no turn tells of.
    pub id: Option<Uuid>,
    /// When its transaction began.
    pub at: DateTime<Utc>,
    /// Who.
    pub member: String,
    /// A file, `typed` or `microphone`; `sql` for changes that no turn tells of.
    pub source: String,
    /// The words, where they are kept and nothing of the turn is hidden.
    pub heard: Option<String>,
    /// Which way they were understood.
    pub route: String,
    /// The commands; only their actions where something of the turn is hidden.
    pub commands: Value,
    /// `applied`, `refused` or `answered`.
    pub outcome: String,
    /// What was answered, where nothing of the turn is hidden.
    pub reply: Option<String>,
    /// When it was taken back.
    pub undone_at: Option<DateTime<Utc>>,
    /// The turn that took it back.
    pub undone_by: Option<Uuid>,
    /// The turn that this one took back.
    pub undoes: Option<Uuid>,
    /// Each changed row with the fields that differ, before and after; null when nothing was changed.
    pub changes: Value,
}

impl GuildTx {
    /// The turn of this utterance, when it is in the journal already.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn journal_find(&mut self, utterance: UtteranceId) -> Result<Option<Past>, StoreError> {
        let past = sqlx::query_as!(
            Past,
            r#"select commands as "commands!", reply as "reply!", route as "route!", outcome as "outcome!"
            from journal_find($1)"#,
            Uuid::from(utterance)
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(past)
    }

    /// Writes the turn down. An utterance has one row, ever: `false` when it has one already, and then the caller
    /// takes back what it did.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn journal_write(&mut self, entry: &Entry<'_>) -> Result<bool, StoreError> {
        let written = sqlx::query_scalar!(
            r#"select journal_write($1, $2, $3, $4, $5, $6, $7, $8) as "written!""#,
            Uuid::from(entry.utterance),
            entry.source,
            entry.words,
            entry.keep,
            entry.route,
            entry.commands,
            entry.outcome,
            entry.reply
        )
        .fetch_one(&mut *self.tx)
        .await?;
        Ok(written)
    }

    /// Reads the journal, newest first: the member's own turns, or with `manage_guilds` everyone's.
    ///
    /// # Errors
    /// [`StoreError::Member`] for a name nobody has, or when the database cannot be reached.
    pub async fn journal_read(
        &mut self,
        member: Option<&str>,
        since: Option<DateTime<Utc>>,
        limit: i32,
    ) -> Result<Vec<Line>, StoreError> {
        let who = match member {
            Some(name) => Some(self.member_named(name).await?),
            None => None,
        };
        let lines = sqlx::query_as!(
            Line,
            r#"
            select id, created_at as "at!", member_name as "member!", source as "source!", heard, route as "route!",
                commands as "commands!", outcome as "outcome!", reply, undone_at, undone_by, undoes,
                coalesce(changes, 'null') as "changes!"
            from journal_read($1, $2, $3)
            "#,
            who,
            since,
            limit
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(lines)
    }

    async fn member_named(&mut self, wanted: &str) -> Result<Uuid, StoreError> {
        let found = sqlx::query_scalar!("select id from users where lower(name) = lower($1)", wanted)
            .fetch_optional(&mut *self.tx)
            .await?;
        if let Some(id) = found {
            return Ok(id);
        }
        let names =
            sqlx::query_scalar!("select name from users order by name limit 5000").fetch_all(&mut *self.tx).await?;
        let near = suggestion(wanted, names.iter().map(String::as_str))
            .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        Err(StoreError::Member(format!("no member of the guild is called \"{wanted}\"{near}")))
    }
}
