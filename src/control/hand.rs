//! A hand on the talk key from outside: what a command or a signal wants becomes a trigger like the key's own.

use std::sync::mpsc::{SyncSender, TrySendError};

use crate::cli::Talk;
use crate::hearing::key::Trigger;

/// Why the key was not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandError {
    /// More was asked for than is read.
    #[error("the talk key is moved faster than it is read; try again in a moment")]
    TooFast,
    /// Nobody listens to the key any more.
    #[error("the daemon is stopping and listens no more")]
    Stopping,
}

/// Moves the talk key. Where the key is, only its own thread knows, so that nothing here can be wrong about it.
#[derive(Debug)]
pub struct Hand {
    triggers: SyncSender<Trigger>,
}

impl Hand {
    /// Moves the key whose triggers this sender takes.
    #[must_use]
    pub fn new(triggers: SyncSender<Trigger>) -> Self {
        Self { triggers }
    }

    /// Moves the key. What it is already, it stays.
    ///
    /// # Errors
    /// See [`HandError`]; the key does not move then.
    pub fn talk(&self, how: Talk) -> Result<(), HandError> {
        let trigger = match how {
            Talk::Start => Trigger::Start,
            Talk::Stop => Trigger::Stop,
            Talk::Toggle => Trigger::Toggle,
            Talk::Discard => Trigger::Discard,
        };
        self.triggers.try_send(trigger).map_err(|error| match error {
            TrySendError::Full(_) => HandError::TooFast,
            TrySendError::Disconnected(_) => HandError::Stopping,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn a_key_that_nobody_reads_is_said_to_be_so() {
        let (triggers, taken) = sync_channel(2);
        let hand = Hand::new(triggers);
        assert_eq!(hand.talk(Talk::Toggle), Ok(()));
        assert_eq!(hand.talk(Talk::Discard), Ok(()));
        assert_eq!(hand.talk(Talk::Stop), Err(HandError::TooFast));
        assert_eq!(taken.try_iter().collect::<Vec<_>>(), [Trigger::Toggle, Trigger::Discard]);
        drop(taken);
        assert_eq!(hand.talk(Talk::Stop), Err(HandError::Stopping));
    }
}
