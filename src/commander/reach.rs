//! Whether the endpoint can be reached. After some failures in a row nobody waits for it any more: free wording is told
//! so at once, while a question in the background tries whether it is back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::wire::{Endpoint, WireError};

/// How many failures in a row end the waiting unless the settings say otherwise.
pub const FAILURES_MAX: u32 = 3;
/// The rest before the first try whether the endpoint is back, unless the settings say otherwise.
pub const REST: Duration = Duration::from_secs(15);
/// How often the rest is doubled at most; with the defaults, tries are four minutes apart in the end.
const DOUBLINGS_MAX: u32 = 4;
/// Said once when the endpoint answers again.
const BACK: &str = "The commander is back.";

/// Why a question was not asked, or how it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// It failed.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It failed, and it is the failure after which nobody waits any more.
    #[error("the language model is out of reach: {0}")]
    Gone(WireError),
    /// Nobody was asked, for the endpoint is away.
    #[error("the language model is still out of reach; it is tried again in the background")]
    Away,
}

/// An endpoint and whether it is there. One is shared by all utterances of a program.
#[derive(Debug)]
pub struct Reach {
    endpoint: Endpoint,
    failures_max: u32,
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Failures since the last answer.
    failures: u32,
    /// Tries in the background since the last answer to a question.
    tries: u32,
    /// Whether the speaker was told that it is away and has not been told that it is back.
    news: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Questions are asked.
    #[default]
    There,
    /// A try succeeded; the next question decides.
    Proving,
    /// Nobody is asked.
    Away,
}

impl Reach {
    /// An endpoint that is taken to be there.
    #[must_use]
    pub fn new(endpoint: Endpoint, failures_max: u32, rest: Duration) -> Arc<Self> {
        Arc::new(Self { endpoint, failures_max, rest, state: Mutex::default() })
    }

    /// The endpoint itself.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks, unless the endpoint is away; see [`Endpoint::ask`].
    ///
    /// # Errors
    /// See [`ReachError`].
    pub async fn ask(
        self: &Arc<Self>,
        system: &str,
        user: &str,
        schema: &serde_json::Value,
    ) -> Result<String, ReachError> {
        if self.state().phase == Phase::Away {
            return Err(ReachError::Away);
        }
        match self.endpoint.ask(system, user, schema).await {
            Err(error) if error.is_away() => {
                if !self.state().failed(self.failures_max) {
                    return Err(error.into());
                }
                tracing::warn!(%error, "the language model is not asked any more until it answers again");
                self.try_again(system.to_owned());
                Err(ReachError::Gone(error))
            }
            answer => {
                self.state().answered();
                Ok(answer?)
            }
        }
    }

    /// Whether it is there, in words.
    #[must_use]
    pub fn tell(&self) -> &'static str {
        let state = self.state();
        match state.phase {
            Phase::Away => "away; it is tried again in the background",
            Phase::Proving => "back; the next question will show",
            Phase::There if state.failures > 0 => "there, but the last question failed",
            Phase::There => "there, as far as is known",
        }
    }

    /// What the speaker should hear once about the endpoint.
    #[must_use]
    pub fn news(&self) -> Option<&'static str> {
        let mut state = self.state();
        let back = state.news && state.phase != Phase::Away;
        back.then(|| {
            state.news = false;
            BACK
        })
    }

    /// Tries in the background until the endpoint answers or nobody holds it any more.
    fn try_again(self: &Arc<Self>, system: String) {
        let reach = Arc::downgrade(self);
        let first = self.rest_now();
        tokio::spawn(async move {
            let mut rest = first;
            loop {
                tokio::time::sleep(rest).await;
                let Some(reach) = reach.upgrade() else { return };
                let answer = reach.endpoint.warm(&system).await;
                let mut state = reach.state();
                state.tries += 1;
                match answer {
                    Err(error) if error.is_away() => tracing::debug!(%error, "the language model is still away"),
                    // Whatever else it says, it is there to say it.
                    _ if state.phase == Phase::Away => {
                        state.phase = Phase::Proving;
                        return;
                    }
                    _ => return,
                }
                drop(state);
                rest = reach.rest_now();
            }
        });
    }

    fn rest_now(&self) -> Duration {
        self.rest.saturating_mul(1 << self.state().tries.min(DOUBLINGS_MAX))
    }

    /// Nothing panics while it is held, and its numbers are right at any time.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes a failure; true when it is the one after which nobody is asked.
    fn failed(&mut self, most: u32) -> bool {
        self.failures = self.failures.saturating_add(1);
        let ends = self.phase == Phase::Proving || (self.phase == Phase::There && self.failures >= most);
        if ends {
            self.phase = Phase::Away;
            self.news = true;
        }
        ends
    }

    fn answered(&mut self) {
        // Somebody else's question may have failed meanwhile; an answer counts more.
        *self = Self { news: self.news, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_end_the_waiting_once() {
        let mut state = State::default();
        assert!(!state.failed(3) && !state.failed(3));
        state.answered();
        assert!(!state.failed(3) && !state.failed(3) && state.failed(3));
        assert_eq!(state.phase, Phase::Away);
        // An utterance that was asked before them comes back late.
        assert!(!state.failed(3));
    }

    #[test]
    fn after_a_try_one_failure_is_enough() {
        let mut state = State { phase: Phase::Proving, tries: 2, ..State::default() };
        assert!(state.failed(3));
        assert_eq!((state.phase, state.tries), (Phase::Away, 2));
        state.phase = Phase::Proving;
        state.answered();
        assert_eq!((state.phase, state.tries, state.failures), (Phase::There, 0, 0));
    }
}
