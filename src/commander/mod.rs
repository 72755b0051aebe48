//! Words → [`Intent`]s: the local grammar first, then the guild's commander at a language model's endpoint.

pub mod grammar;
pub mod prompt;
pub mod reach;
pub mod wire;

use std::sync::Arc;

use crate::config;
use crate::domain::Persona;
use crate::intent::{Action, Field, Intent, Recent};
use crate::names::Roster;
use grammar::{Grammar, Scope, Verdict};
use reach::{Reach, ReachError};
use wire::{BODY_BYTES_MAX, Endpoint, EndpointSettings, TOKENS_MAX};

/// Understands orders.
#[derive(Debug)]
pub struct Commander {
    grammar: Grammar,
    endpoint: Option<Arc<Reach>>,
}

/// Why an endpoint's answer came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ThinkError {
    /// It could not be asked, or did not answer in time or in form.
    #[error(transparent)]
    Wire(#[from] ReachError),
    /// The model did not keep to the form.
    #[error(transparent)]
    Form(#[from] prompt::DecodeError),
    /// The model put something into the order that was not said.
    #[error("the model's order does not hold to what was said: {0}")]
    Unfounded(String),
}

impl Commander {
    /// Reads the wordings and prepares the endpoint, when there is one.
    ///
    /// # Errors
    /// [`wire::WireError::Url`] for an endpoint's URL that is none; never for the wordings that ship.
    pub fn new(settings: Option<&config::Endpoint>) -> anyhow::Result<Self> {
        let endpoint = settings
            .map(|own| {
                let endpoint = Endpoint::new(EndpointSettings {
                    url: own.url.clone(),
                    dialect: own.dialect,
                    key: own.key.clone(),
                    model: own.model.clone(),
                    deadline: own.deadline,
                    connect: own.connect,
                    body_bytes_max: BODY_BYTES_MAX,
                    tokens_max: TOKENS_MAX,
                })?;
                anyhow::Ok(Reach::new(endpoint, own.failures_max, own.rest))
            })
            .transpose()?;
        Ok(Self { grammar: Grammar::built_in()?, endpoint })
    }

    /// Understands by other wordings than those that ship.
    #[must_use]
    pub fn with_grammar(mut self, grammar: Grammar) -> Self {
        self.grammar = grammar;
        self
    }

    /// The endpoint, when one is set.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_deref().map(Reach::endpoint)
    }

    /// What the speaker should hear once about the endpoint: that it is back.
    #[must_use]
    pub fn news(&self) -> Option<&'static str> {
        self.endpoint.as_ref()?.news()
    }

    /// Lets the endpoint read what never changes in its prompt, so that the first order need not wait for it. Whatever
    /// goes wrong is only logged.
    pub async fn prewarm(&self, persona: &Persona) {
        if let Some(endpoint) = self.endpoint()
            && let Err(error) = endpoint.warm(&system(persona)).await
        {
            tracing::warn!(%error, "cannot warm the language model");
        }
    }

    /// Reads fixed wording; nothing comes of it when no wording explains every word.
    #[must_use]
    pub fn read(&self, text: &str, roster: &Roster, persona: &Persona, recent: &Recent) -> Verdict {
        let phonetic = persona.phonetic.iter().flat_map(|all| all.split(';')).map(|one| one.trim().to_owned());
        let called: Vec<String> = std::iter::once(persona.name.clone()).chain(phonetic).collect();
        self.grammar.read(text, &Scope { roster, called: &called, recent })
    }

    /// Lets the endpoint's model read free wording. An empty answer means that the model found no order in it; so
    /// does no endpoint, and words that can hold no order, for which nobody is asked.
    ///
    /// # Errors
    /// See [`ThinkError`]; nothing may be done then.
    pub async fn think(&self, text: &str, roster: &Roster, persona: &Persona) -> Result<Vec<Intent>, ThinkError> {
        let Some(endpoint) = &self.endpoint else { return Ok(Vec::new()) };
        let words = grammar::Words::new(text);
        let plain: Vec<&str> = words.plain().iter().map(String::as_str).collect();
        let mentions = roster.spot(&plain);
        let candidates: Vec<prompt::Candidate<'_>> = mentions
            .iter()
            .map(|one| prompt::Candidate { kind: one.candidate.entry.kind, heard: &one.heard })
            .collect();
        let spoken = plain.join(" ");
        let offered = prompt::offers(&spoken, &candidates);
        if offered.is_empty() {
            return Ok(Vec::new());
        }
        let system = system(persona);
        let user = prompt::user(&candidates, &spoken);
        let schema = prompt::schema(&offered, &candidates, &spoken);
        let answer = endpoint.ask(&system, &user, &schema).await?;
        let orders = prompt::decode(&answer)?;
        let orders = prompt::vetted(orders, &spoken, &candidates).map_err(ThinkError::Unfounded)?;
        orders.into_iter().map(intent).collect()
    }
}

fn system(persona: &Persona) -> String {
    prompt::system(&persona.system_prompt, persona.user_prompt.as_deref().unwrap_or_default())
}

fn intent(order: prompt::SpokenOrder) -> Result<Intent, ThinkError> {
    let unknown = || ThinkError::Unfounded(format!("\"{}\" is no order of this program", order.action));
    let action = Action::parse(&order.action).ok_or_else(unknown)?;
    let fields = order
        .fields
        .iter()
        .map(|(field, words)| Field::parse(field).map(|field| (field, words.clone())).ok_or_else(unknown))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Intent::new(action, fields))
}
