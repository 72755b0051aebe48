//! What turns are taken with can change between two of them.

use std::sync::Arc;

use super::{TurnSettings, Turns};
use crate::commander::Commander;
use crate::store::Store;

impl Turns {
    /// The database.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Lets another commander understand from the next turn on.
    pub fn set_commander(&mut self, commander: Arc<Commander>) {
        self.commander = commander;
    }

    /// Who understands.
    #[must_use]
    pub fn commander(&self) -> &Arc<Commander> {
        &self.commander
    }

    /// Takes turns in another way from the next one on.
    pub fn set_settings(&mut self, settings: TurnSettings) {
        self.settings = settings;
    }
}
