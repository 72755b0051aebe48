//! What a free question may be answered from.

use super::Turns;
use crate::authority::{Standing, authorize};
use crate::commander::prompt::Facts;
use crate::intent::Command;
use crate::store::StoreError;

impl Turns {
    /// The answers to the questions that the speaker may ask, as plain lines. Nothing is open when a model reads them.
    pub(super) async fn facts(&self) -> Result<Facts, StoreError> {
        let questions = [
            Command::AskMe {},
            Command::AskObjectives { category: None, priority: None, status: None },
            Command::AskTasks { member: None, objective: None, due: None },
            Command::AskMembers { availability: None, squad: None },
            Command::AskSquad { squad: None },
        ];
        let mut tx = self.store.begin(&self.session).await?;
        let actor = tx.actor().await?;
        let mut answers = Vec::new();
        for question in questions {
            // What the speaker may not ask is left out.
            if let Ok(allowed) = authorize(&actor, question, Standing::default()) {
                answers.push(tx.answer(&actor, &allowed).await?);
            }
        }
        tx.rollback().await?;
        Ok(Facts::new(&answers))
    }
}
