//! What the journal keeps of a turn.

use serde_json::{Value, json};

use super::{Outcome, Turn, Turns};
use crate::authority::Denied;
use crate::domain::{Clearance, UtteranceId};
use crate::intent::Command;
use crate::outcome::{Done, Undo};
use crate::reply;
use crate::store::{GuildTx, JournalEntry, StoreError};

/// The pieces of a command that hold dictated words.
const DICTATED: [&str; 4] = ["text", "brief", "description", "message"];

impl Turns {
    /// What another run of the same utterance came to.
    pub(super) async fn taken_before(&self, utterance: UtteranceId) -> Result<Outcome, StoreError> {
        let past = async { self.store.begin(&self.session).await?.journal_find(utterance).await }.await;
        let past = past.map_err(|error| match error {
            StoreError::Away(source) => StoreError::Uncertain(source),
            other => other,
        })?;
        Ok(Outcome::Before(Box::new(past.ok_or(StoreError::Elsewhere)?)))
    }

    /// The commands without dictated words, unless they are to be kept; a section above the brief is never kept.
    fn kept(&self, commands: &[Command]) -> Value {
        let one = |command: &Command| {
            let mut value = json!(command);
            if let Some(pieces) = value.as_object_mut().filter(|_| !self.settings.keep_words || is_secret(command)) {
                let dictated = pieces.iter_mut().filter(|(key, _)| DICTATED.contains(&key.as_str()));
                dictated.for_each(|(_, words)| *words = Value::Null);
            }
            value
        };
        commands.iter().map(one).collect()
    }

    /// Writes a refusal down.
    pub(super) async fn refuse(
        &self,
        mut tx: GuildTx,
        text: &str,
        commands: Vec<Command>,
        denied: Denied,
        turn: &Turn,
    ) -> Result<Outcome, StoreError> {
        let reply = reply::refused(&denied);
        let entry = self.journal_entry(text, &commands, turn, "refused", &reply);
        let written = tx.journal_write(&entry).await?;
        self.seal(tx, written, turn, Outcome::Refused { denied, commands }).await
    }

    /// Writes down what was done, in the transaction that does it; `false` when the utterance has its row already.
    pub(super) async fn write_down(
        &self,
        tx: &mut GuildTx,
        text: &str,
        done: &[Done],
        commands: &[Command],
        turn: &Turn,
    ) -> Result<bool, StoreError> {
        let reply = reply::done(done);
        tx.journal_write(&self.journal_entry(text, commands, turn, "applied", &reply)).await
    }

    /// Takes back what the speaker changed last, and writes that down in the same transaction. "There is nothing" is
    /// written down too: the same utterance sent again must not take back what was done after it.
    pub(super) async fn take_back(&self, mut tx: GuildTx, text: &str, turn: &Turn) -> Result<Outcome, StoreError> {
        let undo = tx.undo_last().await?;
        let (commands, reply) = (vec![Command::Undo {}], reply::undo(&undo));
        let outcome = match &undo {
            Undo::Undone { .. } => "applied",
            Undo::Nothing => "answered",
            _ => "refused",
        };
        let written = tx.journal_write(&self.journal_entry(text, &commands, turn, outcome, &reply)).await?;
        self.seal(tx, written, turn, Outcome::TookBack(undo, commands)).await
    }

    /// Makes last what was written down, unless it is only tried. What was not written was done by another run of the
    /// same utterance, and that stands.
    pub(super) async fn seal(
        &self,
        tx: GuildTx,
        written: bool,
        turn: &Turn,
        outcome: Outcome,
    ) -> Result<Outcome, StoreError> {
        if !written {
            tx.rollback().await?;
            return self.taken_before(turn.turn).await;
        }
        if self.settings.dry_run {
            tx.rollback().await?
        } else {
            tx.commit().await?;
            self.spoil();
        }
        Ok(outcome)
    }

    fn journal_entry<'a>(
        &self,
        words: &'a str,
        commands: &[Command],
        turn: &'a Turn,
        outcome: &'a str,
        reply: &'a str,
    ) -> JournalEntry<'a> {
        JournalEntry {
            utterance: turn.turn,
            source: &turn.source,
            words,
            keep: self.settings.keep_words && !commands.iter().any(is_secret),
            route: turn.route,
            commands: self.kept(commands),
            outcome,
            reply,
        }
    }
}

/// Whether a command dictates a section above the brief.
fn is_secret(command: &Command) -> bool {
    matches!(command, Command::ObjectiveDescribe { section, .. } if *section > Clearance::Brief)
}
