//! Carrying orders out: allowed or not, confirmed or not, then applied and written down in one transaction.

use super::talk::{Pending, Understood};
use super::{Outcome, Turn, Turns};
use crate::authority::{Actor, Authorized, Denied, Standing, authorize};
use crate::domain::UtteranceId;
use crate::intent::Command;
use crate::outcome::Undo;
use crate::store::{GuildTx, StoreError};

/// The most rows that are changed in one breath without being asked about first.
const ROWS_MAX: usize = 3;

impl Turns {
    /// Authorises, applies and writes down, in one transaction. `doubtful` orders are read back first.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(super) async fn carry_out(
        &mut self,
        text: &str,
        commands: Vec<Command>,
        understood: &Understood,
        doubtful: bool,
        turn: &mut Turn,
    ) -> Result<Outcome, StoreError> {
        let (mut tx, mut actor, mut authorized) = match self.begin_allowed(text, &commands, turn).await? {
            Ok(begun) => begun,
            Err(refused) => return Ok(refused),
        };
        if matches!(commands.as_slice(), [Command::Undo {}]) {
            return self.take_back(tx, text, turn).await;
        }
        if !understood.confirmed && (doubtful || self.is_risky(&commands, &actor, turn)) {
            tx.rollback().await?;
            self.pending = Some(Pending::new(turn.route, understood, None));
            return Ok(Outcome::Confirm(commands));
        }
        if understood.takes_back {
            // What was done wrongly has a row of its own in the journal, and so has its taking back.
            tx.rollback().await?;
            let first = Turn { turn: UtteranceId::new(), ..turn.clone() };
            let undone = self.take_back(self.store.begin(&self.session).await?, text, &first).await?;
            if !matches!(undone, Outcome::TookBack(Undo::Undone { .. }, _)) {
                return Ok(undone);
            }
            (tx, actor, authorized) = match self.begin_allowed(text, &commands, turn).await? {
                Ok(begun) => begun,
                Err(refused) => return Ok(refused),
            };
        }
        self.apply(tx, text, &actor, &authorized, commands, turn).await
    }

    /// Opens a transaction in which the speaker may carry out all of the orders, or refuses them.
    async fn begin_allowed(
        &mut self,
        text: &str,
        commands: &[Command],
        turn: &mut Turn,
    ) -> Result<Result<(GuildTx, Actor, Vec<Authorized>), Outcome>, StoreError> {
        let mut tx = self.store.begin(&self.session).await?;
        let actor = tx.actor().await?;
        match allowed(&mut tx, &actor, commands).await? {
            Ok(authorized) => Ok(Ok((tx, actor, authorized))),
            Err(denied) => self.refuse(tx, text, commands.to_vec(), denied, turn).await.map(Err),
        }
    }

    async fn apply(
        &self,
        mut tx: GuildTx,
        text: &str,
        actor: &Actor,
        authorized: &[Authorized],
        commands: Vec<Command>,
        turn: &Turn,
    ) -> Result<Outcome, StoreError> {
        let (mut done, mut answers) = (Vec::new(), Vec::new());
        for one in authorized {
            if one.command().is_question() {
                answers.push(tx.answer(actor, one).await?);
                continue;
            }
            match tx.apply(one).await {
                Ok(one) => done.push(one),
                // Perhaps another run of the same utterance has just done it.
                Err(error @ (StoreError::Refused(_) | StoreError::Gone)) => {
                    tx.rollback().await?;
                    return self.taken_before(turn.turn).await.map_err(|_| error);
                }
                Err(error) => return Err(error),
            }
        }
        if done.is_empty() {
            tx.rollback().await?;
            return Ok(Outcome::Carried { done, answers, commands });
        }
        tx.changes_now(&mut done).await?;
        // When it is not written, another run of the same utterance was quicker; what that one did stands.
        let written = self.write_down(&mut tx, text, &done, &commands, turn).await?;
        self.seal(tx, written, turn, Outcome::Carried { done, answers, commands }).await
    }

    /// Whether the orders are read back before they are carried out.
    fn is_risky(&self, commands: &[Command], actor: &Actor, turn: &Turn) -> bool {
        let me = actor.member.id;
        let own = |one: &Command| matches!(one, Command::MemberSetAvailability { member, .. } if member.id == me);
        let by_model = turn.route == "llm" && self.settings.confirm_model_orders;
        let ranks = self.settings.confirm_ranks;
        let risky = |one: &Command| {
            one.is_risky()
                || (ranks && matches!(one, Command::MemberSetRank { .. }))
                || (by_model && !one.is_question() && !own(one))
        };
        let rows = |one: &Command| if one.is_question() { 0 } else { 1 + one.new_tasks().len() };
        commands.iter().any(risky) || commands.iter().map(rows).sum::<usize>() > ROWS_MAX
    }
}

/// Asks for every command whether the member may, with what the database knows of its row.
async fn allowed(
    tx: &mut GuildTx,
    actor: &Actor,
    commands: &[Command],
) -> Result<Result<Vec<Authorized>, Denied>, StoreError> {
    let mut all = Vec::new();
    let mut claimed = Vec::new();
    for command in commands {
        let mut standing = match tx.standing(actor, command).await {
            // Not to be seen by a member without the right; gone for everybody else.
            Err(error @ StoreError::Gone) => match authorize(actor, command.clone(), Standing::default()) {
                Err(denied) => return Ok(Err(denied)),
                Ok(_) => return Err(error),
            },
            other => other?,
        };
        // "I'll take it and start": what is claimed in the same breath is the speaker's when the next order comes.
        standing.leads |= command.task().is_some_and(|task| claimed.contains(&task));
        if let Command::TaskClaim { task } = command {
            claimed.push(task.id);
        }
        match authorize(actor, command.clone(), standing) {
            Ok(one) => all.push(one),
            Err(denied) => return Ok(Err(denied)),
        }
    }
    Ok(Ok(all))
}
