//! Words → [`Intent`]s: the local grammar first, then the guild's commander at a language model's endpoint.

pub mod grammar;
pub mod prompt;
pub mod reach;
pub mod wire;

use std::sync::Arc;

use crate::config;
use crate::domain::{Kind, Persona};
use crate::intent::{Action, Field, Intent, Recent};
use crate::names::Roster;
use grammar::{Grammar, Scope, Verdict};
use prompt::Facts;
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

    /// The endpoint's host and whether it is there; `None` where none is set.
    #[must_use]
    pub fn reach(&self) -> Option<String> {
        let reach = self.endpoint.as_ref()?;
        Some(format!("{}, {}", reach.endpoint().host(), reach.tell()))
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
        self.grammar.read(text, &Scope { roster, called: &called(persona), recent })
    }

    /// Whether the words begin or end with the commander's name, as it sounds.
    #[must_use]
    pub fn is_called(&self, text: &str, persona: &Persona) -> bool {
        self.grammar.is_addressed(text, &called(persona))
    }

    /// Lets the endpoint's model read free wording, or answer a free question from the `facts`. No orders mean that the
    /// model found none; so do no endpoint, and words that can hold no order, for which nobody is asked.
    ///
    /// # Errors
    /// See [`ThinkError`]; nothing may be done then.
    pub async fn think(&self, said: &Said, persona: &Persona, facts: Option<&Facts>) -> Result<Thought, ThinkError> {
        let Some(endpoint) = &self.endpoint else { return Ok(Thought::Orders(Vec::new())) };
        let candidates = said.candidates();
        let facts = facts.filter(|_| said.is_open_question());
        let offered = prompt::offers(&said.words, &candidates, facts.is_some());
        if offered.is_empty() {
            return Ok(Thought::Orders(Vec::new()));
        }
        let user = prompt::user(&candidates, &said.words, facts);
        let schema = prompt::schema(&offered, &candidates, &said.words);
        let answer = endpoint.ask(&system(persona), &user, &schema).await?;
        let orders = prompt::decode(&answer)?;
        if let (Some(facts), Some(own)) = (facts, orders.iter().find(|order| order.action == prompt::ANSWER)) {
            let text = own.fields.iter().map(|(_, text)| text.as_str()).collect::<String>();
            let holds = prompt::holds(&text, facts);
            tracing::debug!(holds, "the language model answered a free question");
            return Ok(Thought::Answer(if holds { text } else { facts.read_out(&said.words) }));
        }
        let orders = prompt::vetted(orders, &said.words, &candidates).map_err(ThinkError::Unfounded)?;
        orders.into_iter().map(intent).collect::<Result<_, _>>().map(Thought::Orders)
    }
}

/// What a model's answer comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thought {
    /// Orders and questions, not yet resolved.
    Orders(Vec<Intent>),
    /// The answer to a free question; nothing is changed.
    Answer(String),
}

/// An utterance as a model gets to see it: plain words, and the names in them as they were heard.
#[derive(Debug)]
pub struct Said {
    words: String,
    names: Vec<(Kind, String)>,
}

impl Said {
    /// Finds the names in the words.
    #[must_use]
    pub fn new(text: &str, roster: &Roster) -> Self {
        let words = grammar::Words::new(text);
        let plain: Vec<&str> = words.plain().iter().map(String::as_str).collect();
        // "A bandit" is anybody but the member of that name.
        let anybody = |start: usize| {
            start.checked_sub(1).and_then(|at| plain.get(at)).is_some_and(|one| matches!(*one, "a" | "an"))
        };
        let is_name = |kind: Kind, start: usize| !(matches!(kind, Kind::Member | Kind::Squad) && anybody(start));
        let names = roster.spot(&plain).into_iter().map(|one| (one.candidate.entry.kind, one.span.start, one.heard));
        let names =
            names.filter(|(kind, start, _)| is_name(*kind, *start)).map(|(kind, _, heard)| (kind, heard)).collect();
        Self { words: plain.join(" "), names }
    }

    fn candidates(&self) -> Vec<prompt::Candidate<'_>> {
        self.names.iter().map(|(kind, heard)| prompt::Candidate { kind: *kind, heard }).collect()
    }

    /// Whether it is a free question, whose answer needs the guild's data.
    #[must_use]
    pub fn is_open_question(&self) -> bool {
        prompt::is_open_question(&self.words, &self.candidates())
    }
}

/// The names that the commander answers to.
fn called(persona: &Persona) -> Vec<String> {
    let phonetic = persona.phonetic.iter().flat_map(|all| all.split(';')).map(|one| one.trim().to_owned());
    std::iter::once(persona.name.clone()).chain(phonetic).collect()
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
