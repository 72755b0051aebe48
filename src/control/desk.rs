//! Where everything that can be asked of the daemon meets what it is made of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::board::Board;
use super::hand::Hand;
use super::{Answer, Request};
use crate::aloud::Aloud;
use crate::commander::Commander;
use crate::store::Store;

/// How long the database may take to say that it is there.
const DATABASE_WAIT: Duration = Duration::from_secs(2);

/// The running daemon as it is seen from outside.
#[derive(Debug)]
pub struct Desk {
    /// What it knows about itself.
    pub board: Board,
    /// Its talk key.
    pub hand: Hand,
    /// The guild's database.
    pub store: Arc<Store>,
    commander: Mutex<Arc<Commander>>,
    aloud: Mutex<Aloud>,
}

impl Desk {
    /// Puts the parts together.
    #[must_use]
    pub fn new(board: Board, hand: Hand, store: Arc<Store>, commander: Arc<Commander>, aloud: Aloud) -> Self {
        Self { board, hand, store, commander: Mutex::new(commander), aloud: Mutex::new(aloud) }
    }

    /// How replies are heard now.
    #[must_use]
    pub fn aloud(&self) -> Aloud {
        held(&self.aloud).clone()
    }

    /// Lets replies be heard in another way from now on.
    pub fn set_aloud(&self, aloud: Aloud) {
        *held(&self.aloud) = aloud;
    }

    /// Lets another commander be told of.
    pub fn set_commander(&self, commander: Arc<Commander>) {
        *held(&self.commander) = commander;
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request) -> Answer {
        match request {
            Request::Talk { key } => self.hand.talk(key).map_or_else(Answer::failed, |()| Answer::done()),
            Request::Status => {
                let mut report = self.board.report(self.aloud().voice().is_busy());
                report.endpoint = held(&self.commander).reach();
                report.database_trouble = self.database_trouble().await;
                Answer::status(report)
            }
        }
    }

    async fn database_trouble(&self) -> Option<String> {
        match tokio::time::timeout(DATABASE_WAIT, self.store.status()).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("it does not answer within {} s", DATABASE_WAIT.as_secs())),
        }
    }
}

/// Nothing panics while one of these is held, and each is right at any time.
fn held<T>(one: &Mutex<T>) -> MutexGuard<'_, T> {
    one.lock().unwrap_or_else(PoisonError::into_inner)
}
