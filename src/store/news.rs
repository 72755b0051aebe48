//! What a program that runs for hours is told by the database: that names changed, that somebody spoke to the guild.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgListener;

use super::{GuildTx, Session, Store, StoreError};

/// The pause before the database is asked again after it went away.
const RETRY: Duration = Duration::from_secs(5);

/// Something that happened in the member's guild.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Names, or what tells them apart, are not what they were.
    Names,
    /// Somebody spoke to the whole guild.
    Broadcast,
    /// The connection was lost: anything may have happened. It is being made anew.
    Missed,
}

/// Something said to the whole guild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// When.
    pub at: DateTime<Utc>,
    /// Who said it.
    pub member: String,
    /// The words.
    pub message: String,
}

/// The events of one guild, as they come. Holds a connection of the pool for itself.
#[derive(Debug)]
pub struct News {
    listener: PgListener,
    since: DateTime<Utc>,
}

impl Store {
    /// Listens to what happens in the member's guild.
    ///
    /// # Errors
    /// [`StoreError::SessionOver`], or when the database cannot be reached.
    pub async fn news(&self, session: &Session) -> Result<News, StoreError> {
        let mut tx = self.begin(session).await?;
        let found =
            sqlx::query!(r#"select guild_channel() as channel, now() as "now!""#).fetch_one(&mut *tx.tx).await?;
        tx.rollback().await?;
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(&found.channel.ok_or(StoreError::SessionOver)?).await?;
        Ok(News { listener, since: found.now })
    }
}

impl News {
    /// From when on it listens, by the database's clock.
    #[must_use]
    pub fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// Waits for the next event. Never ends: while the database is away it is asked again and again.
    pub async fn next(&mut self) -> Event {
        loop {
            match self.listener.try_recv().await {
                Ok(Some(told)) if told.payload() == "names" => return Event::Names,
                Ok(Some(told)) if told.payload() == "broadcast" => return Event::Broadcast,
                // A later release may tell more.
                Ok(Some(_)) => {}
                Ok(None) => return Event::Missed,
                Err(error) => {
                    tracing::debug!(%error, "the database tells nothing for the moment");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}

impl GuildTx {
    /// What others said to the guild after a moment, oldest first, at most 20.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn broadcasts_since(&mut self, moment: DateTime<Utc>) -> Result<Vec<Broadcast>, StoreError> {
        let told = sqlx::query_as!(
            Broadcast,
            r#"select at as "at!", member as "member!", message as "message!" from broadcasts_since($1)"#,
            moment
        );
        Ok(told.fetch_all(&mut *self.tx).await?)
    }
}
