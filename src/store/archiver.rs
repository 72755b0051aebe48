//! What the database says of its own archiving, embedded or not.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use super::embedded::EmbeddedError;
use super::embedded::archive::{ArchiveError, Base};
use super::{Store, StoreError};

/// The settings that archiving needs, and how it goes.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Archiver {
    /// `replica` or `logical` is enough.
    pub wal_level: String,
    /// `on` or `always` is needed.
    pub archive_mode: String,
    /// Copies one piece of log; empty does nothing.
    pub archive_command: String,
    /// A module that may stand in for the command.
    pub archive_library: String,
    /// How many pieces were archived.
    pub archived: i64,
    /// The newest of them.
    pub last_archived: Option<String>,
    /// When that was.
    pub last_archived_at: Option<DateTime<Utc>>,
    /// How many tries failed.
    pub failed: i64,
    /// What could not be archived last.
    pub last_failed: Option<String>,
    /// When that was.
    pub last_failed_at: Option<DateTime<Utc>>,
}

impl Archiver {
    /// What the operator has to set, a line each; nothing when archiving is set up.
    #[must_use]
    pub fn wanting(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !["replica", "logical"].contains(&self.wal_level.as_str()) {
            lines.push("wal_level = replica".to_owned());
        }
        if !["on", "always"].contains(&self.archive_mode.as_str()) {
            lines.push("archive_mode = on".to_owned());
        }
        if ["", "(disabled)"].contains(&self.archive_command.as_str()) && self.archive_library.is_empty() {
            lines.push("archive_command = 'test ! -f /ARCHIVE/%f && cp %p /ARCHIVE/%f.tmp && sync /ARCHIVE/%f.tmp && mv /ARCHIVE/%f.tmp /ARCHIVE/%f'".to_owned());
        }
        lines
    }

    /// Whether the latest try failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.last_failed_at.is_some_and(|failed| self.last_archived_at.is_none_or(|archived| failed > archived))
    }
}

impl Store {
    /// Asks how archiving goes.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn archiver(&self) -> Result<Archiver, StoreError> {
        Ok(sqlx::query_as(
            "select current_setting('wal_level') as wal_level, current_setting('archive_mode') as archive_mode,
                current_setting('archive_command') as archive_command,
                coalesce(current_setting('archive_library', true), '') as archive_library,
                archived_count as archived, last_archived_wal as last_archived, last_archived_time as last_archived_at,
                failed_count as failed, last_failed_wal as last_failed, last_failed_time as last_failed_at
            from pg_stat_archiver",
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Makes a base backup of the embedded database; see [`super::embedded::Embedded::base_backup`].
    ///
    /// # Errors
    /// [`ArchiveError::Off`] for a server, whose files this program cannot reach, and when archiving is off.
    pub async fn base_backup(&self) -> Result<Base, ArchiveError> {
        let embedded = Arc::clone(self.embedded.as_ref().ok_or(ArchiveError::Off)?);
        let made = tokio::task::spawn_blocking(move || embedded.base_backup()).await;
        made.map_err(|_| EmbeddedError::NotReady { seconds: 0, log: String::new() })?
    }
}
