//! Who did what: one row a turn that changed something or was refused.

use serde_json::Value;
use uuid::Uuid;

use super::{GuildTx, StoreError};
use crate::domain::UtteranceId;

/// What the journal keeps of a turn.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The utterance.
    pub utterance: UtteranceId,
    /// Who spoke.
    pub member_name: &'a str,
    /// Where it came from: a file, `typed`, `microphone`.
    pub source: &'a str,
    /// The words, when they are kept.
    pub heard: Option<&'a str>,
    /// Which way they were understood.
    pub route: &'a str,
    /// The commands, as the contract writes them.
    pub commands: Value,
    /// `applied` or `refused`.
    pub outcome: &'a str,
    /// What was answered.
    pub reply: &'a str,
    /// The rows before, as an array in the order of the changes.
    pub before: Option<Value>,
    /// The rows after.
    pub after: Option<Value>,
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
    /// How it ended: `applied` or `refused`.
    pub outcome: String,
}

impl GuildTx {
    /// The turn of this utterance, when it was applied or refused already.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn journal_find(&mut self, utterance: UtteranceId) -> Result<Option<Past>, StoreError> {
        let past = sqlx::query_as!(
            Past,
            "select commands, reply, route, outcome from journal where utterance_id = $1",
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
        let written = sqlx::query!(
            r#"
            insert into journal (guild_id, utterance_id, member_id, member_name, source, heard, route, commands,
                outcome, reply, before, after)
            values ((select current_guild()), $1, (select current_member()), $2, $3, $4, $5, $6, $7, $8, $9, $10)
            on conflict do nothing
            "#,
            Uuid::from(entry.utterance),
            entry.member_name,
            entry.source,
            entry.heard,
            entry.route,
            entry.commands,
            entry.outcome,
            entry.reply,
            entry.before,
            entry.after
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(written.rows_affected() == 1)
    }
}
