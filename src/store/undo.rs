//! Taking back: what the database changed in this transaction, and the way back from an earlier one.

use serde_json::Value;

use super::{GuildTx, StoreError};
use crate::outcome::{Done, Undo};

impl GuildTx {
    /// Adds to what was carried out how the rows stand now, as the database has written it down.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn changes_now(&mut self, done: &mut [Done]) -> Result<(), StoreError> {
        if done.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query!(r#"select kind as "kind!", row_id as "row_id!", after from changes_now()"#)
            .fetch_all(&mut *self.tx)
            .await?;
        for one in done {
            let Some(change) = &mut one.change else { continue };
            let row = rows.iter().find(|row| row.row_id == change.id && row.kind == change.kind.as_str());
            change.after = row.and_then(|row| row.after.clone());
        }
        Ok(())
    }

    /// Takes back the member's newest turn that is not taken back yet, or says why not; then nothing was changed. The
    /// turn is written down with [`GuildTx::journal_write`] in the same transaction.
    ///
    /// # Errors
    /// When somebody else is changing the same rows right now, or the database cannot be reached.
    pub async fn undo_last(&mut self) -> Result<Undo, StoreError> {
        let told: Value = sqlx::query_scalar!(r#"select undo_last() as "told!""#).fetch_one(&mut *self.tx).await?;
        serde_json::from_value(told).map_err(|error| StoreError::Database(sqlx::Error::Decode(error.into())))
    }
}
