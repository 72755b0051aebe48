//! What a program that takes turns for hours keeps ready between them: the guild's names, prepared for matching. They
//! are read again as soon as the database tells that they changed, so that no turn waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::Turns;
use crate::names::Roster;
use crate::store::{Broadcast, Event, News, Session, Store, StoreError};

/// The most broadcasts that wait to be spoken; those past it are not heard.
const BROADCASTS_MAX: usize = 8;

/// The names as of now, when they are known.
#[derive(Debug)]
pub(super) struct Ready {
    roster: Mutex<Option<Arc<Roster>>>,
    session: Mutex<Session>,
    /// Counts how often the names may have changed: what was read before is not kept.
    changes: AtomicU64,
}

impl Ready {
    /// The names, when nothing has changed since they were read.
    pub(super) fn roster(&self) -> Option<Arc<Roster>> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The names may have changed.
    pub(super) fn spoil(&self) {
        let mut roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::Relaxed);
        *roster = None;
    }

    /// The member has signed in anew.
    pub(super) fn signed_in(&self, session: &Session) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session.clone();
        self.spoil();
    }

    async fn read(&self, store: &Store) -> Result<(), StoreError> {
        let as_of = self.changes.load(Ordering::Relaxed);
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut tx = store.begin(&session).await?;
        let entries = tx.names().await?;
        tx.rollback().await?;
        let prepared = tokio::task::spawn_blocking(move || Roster::new(entries)).await;
        let prepared = prepared.map_err(|_| StoreError::Stopped)?;
        let mut roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::Relaxed) == as_of {
            *roster = Some(Arc::new(prepared));
        }
        Ok(())
    }
}

impl Turns {
    /// Follows what happens in the guild from now on: names are kept ready, and what others say to the guild comes out
    /// of the receiver.
    ///
    /// # Errors
    /// When the database cannot be reached; turns read the names themselves then.
    pub async fn follow(&mut self) -> Result<mpsc::Receiver<Broadcast>, StoreError> {
        let news = self.store.news(&self.session).await?;
        let ready = Arc::new(Ready {
            roster: Mutex::default(),
            session: Mutex::new(self.session.clone()),
            changes: AtomicU64::default(),
        });
        let (told, heard) = mpsc::channel(BROADCASTS_MAX);
        self.ready = Some(Arc::clone(&ready));
        self.following = Some(tokio::spawn(follow(news, ready, Arc::clone(&self.store), told)));
        Ok(heard)
    }

    /// After one's own change: the news of it come a moment later, and the next order may come before them.
    pub(super) fn spoil(&self) {
        if let Some(ready) = &self.ready {
            ready.spoil();
        }
    }

    /// Ends it, so that the database can be closed.
    pub(super) async fn unfollow(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
            // It ends by being cancelled, which is no error.
            drop(following.await);
        }
    }
}

async fn follow(mut news: News, ready: Arc<Ready>, store: Arc<Store>, told: mpsc::Sender<Broadcast>) {
    let mut since = news.since();
    loop {
        if ready.roster().is_none()
            && let Err(error) = ready.read(&store).await
        {
            tracing::debug!(%error, "the names are not kept ready; each turn reads them");
        }
        let event = news.next().await;
        if event != Event::Broadcast {
            ready.spoil();
        }
        if event != Event::Names {
            let session = ready.session.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let said = async { store.begin(&session).await?.broadcasts_since(since).await }.await;
            for one in said.unwrap_or_default() {
                since = since.max(one.at);
                if told.try_send(one).is_err() {
                    tracing::warn!("a message to the guild was not passed on: too many wait");
                }
            }
        }
    }
}
