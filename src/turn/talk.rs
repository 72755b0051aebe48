//! What an utterance means in the conversation: an order of its own, the answer to an open question, or a word of
//! conversation such as "yes" and "say again".

use std::time::{Duration, Instant};

use super::answers::{Scene, answered, corrected};
use super::{Ending, Outcome, Turn, Turns, words};
use crate::commander::grammar::{Declined, Verdict};
use crate::commander::reach::ReachError;
use crate::commander::{Said, ThinkError, Thought};
use crate::domain::{Cue, Kind};
use crate::intent::{Action, Field, Intent, Question, Recent};
use crate::names::Roster;
use crate::outcome::{Answer, Done};
use crate::store::View;

/// How long a question stays open for its answer, and an order for its correction.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// How long "it" means what was last spoken of.
const RECENT_MAX: Duration = Duration::from_secs(180);

/// What the next utterance may answer.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    asked: Instant,
    pub(super) route: &'static str,
    pub(super) intents: Vec<Intent>,
    /// The piece that is asked for and the order it belongs to; `None` when only "yes" is missing.
    wanted: Option<(usize, Question)>,
    /// Whether the speaker's last change is taken back first.
    takes_back: bool,
}

/// What was ordered last.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) at: Instant,
    pub(super) intents: Vec<Intent>,
    /// Whether something was changed.
    pub(super) applied: bool,
    /// Whether more than one thing was named in it.
    pub(super) several: bool,
}

/// What is understood of an utterance.
#[derive(Debug, Default)]
pub(super) struct Understood {
    pub(super) intents: Vec<Intent>,
    pub(super) confirmed: bool,
    /// Words were taken for others that sound like them.
    pub(super) guessed: bool,
    /// The speaker's last change is taken back first: this is what was meant.
    pub(super) takes_back: bool,
}

impl Understood {
    fn orders(intents: Vec<Intent>) -> Self {
        Self { intents, ..Self::default() }
    }
}

impl Pending {
    /// Asked just now.
    pub(super) fn new(route: &'static str, understood: &Understood, wanted: Option<(usize, Question)>) -> Self {
        let (intents, takes_back) = (understood.intents.clone(), understood.takes_back);
        Self { asked: Instant::now(), route, intents, wanted, takes_back }
    }

    /// The orders that wait.
    fn understood(self) -> Understood {
        Understood { intents: self.intents, takes_back: self.takes_back, ..Understood::default() }
    }
}

impl Turns {
    /// Fixed wording first, then an answer to an open question, then the model.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(super) async fn understand(
        &mut self,
        text: &str,
        view: &View,
        roster: &Roster,
        turn: &mut Turn,
    ) -> Result<Understood, Outcome> {
        let pending = self.pending.take().filter(|one| one.asked.elapsed() < ANSWER_MAX);
        if self.recent.0.elapsed() > RECENT_MAX {
            self.recent.1 = Recent::default();
        }
        let by_ear = turn.source != super::TYPED;
        if by_ear && self.settings.must_be_called && pending.is_none() && !self.commander.is_called(text, &view.persona)
        {
            let text = "That was not for me.".to_owned();
            return Err(Outcome::Said(Cue::Nothing, Ending::Ignored, "not_called", text));
        }
        let reading = match self.commander.read(text, roster, &view.persona, &self.recent.1) {
            Verdict::Orders(reading) => Some(reading),
            Verdict::Declined(declined) => {
                // What was asked stays open, unless it is taken back.
                self.pending = pending.filter(|_| declined != Declined::TakenBack);
                return Err(no_order(declined));
            }
            Verdict::Nothing => None,
        };
        if let Some(reading) = reading.as_ref().filter(|one| one.known) {
            turn.route = "local";
            let guessed = reading.guessed;
            return match reading.intents.as_slice() {
                [single] => self.talk(single, pending, turn).map(|one| Understood { guessed, ..one }),
                several => Ok(Understood { guessed, ..Understood::orders(several.to_vec()) }),
            };
        }
        if let Some(meant) = self.beside(text, pending.as_ref(), view, roster, turn) {
            return Ok(meant);
        }
        if let Some(reading) = reading {
            // The wording is plain, only a name in it is nobody's: asking for it is quicker than a model.
            turn.route = "local";
            return Ok(Understood::orders(reading.intents));
        }
        let thought = self.think(text, view, roster).await?;
        let intents = match thought {
            Ok(Thought::Orders(intents)) => intents,
            Ok(Thought::Answer(text)) => {
                self.pending = pending;
                turn.route = "llm";
                return Err(Outcome::Said(Cue::Question, Ending::Answered, "answer", text));
            }
            Err(error) => {
                self.pending = pending;
                return Err(unanswered(error));
            }
        };
        if intents.is_empty() {
            // Chatter is no answer: the question stays open.
            self.pending = pending;
            let hint = if self.commander.endpoint().is_some() {
                "I found no order in that. Nothing was changed."
            } else {
                "I did not understand that. Only fixed wordings work without an endpoint; say help to hear some."
            };
            return Err(Outcome::Said(Cue::Nothing, Ending::Ignored, "not_understood", hint.to_owned()));
        }
        turn.route = "llm";
        Ok(Understood::orders(intents))
    }

    /// Asks the model, when there is one; for a free question with the guild's data at hand.
    async fn think(&self, text: &str, view: &View, roster: &Roster) -> Result<Result<Thought, ThinkError>, Outcome> {
        if self.commander.endpoint().is_none() {
            return Ok(Ok(Thought::Orders(Vec::new())));
        }
        let said = Said::new(text, roster);
        let facts = if said.is_open_question() { Some(self.facts().await.map_err(Outcome::Failed)?) } else { None };
        Ok(self.commander.think(&said, &view.persona, facts.as_ref()).await)
    }

    /// What only makes sense beside what was asked or ordered before: an answer, a correction.
    fn beside(
        &self,
        text: &str,
        pending: Option<&Pending>,
        view: &View,
        roster: &Roster,
        turn: &mut Turn,
    ) -> Option<Understood> {
        let scene = Scene { view, roster, recent: &self.recent.1, zone: self.settings.zone };
        if let Some(open) = pending {
            let intents = match &open.wanted {
                Some((at, question)) => answered(&open.intents, *at, question, text, scene),
                None => corrected(&open.intents, text, scene).map(|one| one.intents),
            };
            // A new name may be any words, chatter too, or hold an objective that was not heard as one: it is read back.
            let of_new = |action| matches!(action, Action::TaskCreate);
            let guessed = match &open.wanted {
                Some((_, Question::Missing { field: Field::Name, .. })) => true,
                Some((_, Question::Missing { field: Field::Objective, action })) => of_new(*action),
                _ => false,
            };
            let meant = intents.map(|intents| Understood { intents, guessed, ..open.clone().understood() })?;
            turn.route = open.route;
            return Some(meant);
        }
        let last = self.last.as_ref().filter(|one| one.at.elapsed() < ANSWER_MAX)?;
        let meant = corrected(&last.intents, text, scene)?;
        turn.route = "local";
        let takes_back = last.applied && !meant.replaces;
        let intents =
            if last.applied && meant.replaces { vec![meant.intents.get(meant.at)?.clone()] } else { meant.intents };
        Some(Understood { takes_back, ..Understood::orders(intents) })
    }

    /// Remembers what was just made, and who was named in an answer: "it" and "him" mean them next.
    pub(super) fn note(&mut self, done: &[Done], answers: &[Answer], roster: &Roster) {
        for (change, name) in done.iter().filter_map(|one| one.change.as_ref().zip(one.command.new_name())) {
            self.recent.1.note(change.kind, Some(change.id), name.as_str());
        }
        let leads = answers.iter().filter_map(|one| match one {
            Answer::Task(line) => line.lead.as_deref(),
            Answer::Objective { line, .. } => line.lead.as_deref(),
            Answer::Squads(lines) => lines.as_slice().first().filter(|_| lines.len() == 1)?.lead.as_deref(),
            _ => None,
        });
        for lead in leads {
            let entry = roster.entries().iter().find(|entry| entry.kind == Kind::Member && entry.name == lead);
            self.recent.1.note(Kind::Member, entry.map(|entry| entry.id), lead);
        }
    }

    /// Words of conversation; any other single order passes through.
    fn talk(&mut self, intent: &Intent, pending: Option<Pending>, turn: &mut Turn) -> Result<Understood, Outcome> {
        let said = |ending, text: &str| Err(Outcome::Said(Cue::Question, ending, "conversation", text.to_owned()));
        match (intent.action, pending) {
            (Action::Confirm, Some(open)) => match &open.wanted {
                None => {
                    turn.route = open.route;
                    Ok(Understood { confirmed: true, ..open.understood() })
                }
                // "Did you mean Kestrel?" – "Yes."
                Some((at, Question::Unknown { field, choices, .. })) => {
                    let Some((choice, asked)) = choices.first().zip(open.intents.get(*at)) else {
                        return said(Ending::Answered, "I need a name. Nothing was changed.");
                    };
                    let meant = asked.clone().picking(*field, &choice.name, choice.id);
                    let mut understood = open.clone().understood();
                    understood.intents.splice(*at..=*at, [meant]);
                    turn.route = open.route;
                    Ok(understood)
                }
                Some(_) => {
                    // "Yes" is no answer to it; it stays open.
                    self.pending = Some(open);
                    said(Ending::Asked, "Say which one.")
                }
            },
            (Action::Confirm, None) => said(Ending::Answered, "There is nothing to confirm."),
            (Action::Deny | Action::Cancel, Some(_)) => said(Ending::Answered, "Understood. Nothing was changed."),
            (Action::Deny | Action::Cancel, None) => {
                let text = "There is nothing to cancel. Say undo to take back what you changed last.";
                said(Ending::Answered, text)
            }
            (Action::Repeat, pending) => {
                self.pending = pending;
                let last =
                    self.last_reply.clone().map_or_else(|| "I have said nothing yet.".to_owned(), |last| last.text);
                said(Ending::Answered, &last)
            }
            // What can be said now is an answer.
            (Action::AskHelp, Some(open)) => {
                let asked = self.last_reply.as_ref().map(|last| last.text.as_str()).unwrap_or_default();
                let how = if open.wanted.is_some() { "Say which one, or its name" } else { "Say yes or no" };
                let text = format!("{how}, or cancel. I asked: {asked}");
                self.pending = Some(open);
                said(Ending::Answered, &text)
            }
            _ => Ok(Understood::orders(vec![intent.clone()])),
        }
    }
}

/// Words with an order in them that must not be carried out.
fn no_order(declined: Declined) -> Outcome {
    let (cue, ending, kind, text) = match declined {
        Declined::Negated => (Cue::Nothing, Ending::Ignored, "negated", "Understood, I leave it. Nothing was changed."),
        Declined::Condition => {
            let text = "I cannot wait for conditions; say it when it is time. Nothing was changed.";
            (Cue::Failed, Ending::Failed, "condition", text)
        }
        Declined::TakenBack => (Cue::Question, Ending::Answered, "conversation", "Understood. Nothing was changed."),
    };
    Outcome::Said(cue, ending, kind, text.to_owned())
}

fn unanswered(error: ThinkError) -> Outcome {
    let detail = words::chain(&error);
    match error {
        ThinkError::Unfounded(_) => Outcome::Said(
            Cue::Nothing,
            Ending::Failed,
            "unfounded",
            "I am not sure what you want. Please say it another way. Nothing was changed.".to_owned(),
        ),
        ThinkError::Form(_) => Outcome::Said(
            Cue::Failed,
            Ending::Failed,
            "endpoint_form",
            format!("The commander's answer made no sense: {detail}. Nothing was changed."),
        ),
        ThinkError::Wire(error) => {
            let text = match error {
                ReachError::Wire(_) => format!("The commander does not answer: {detail}. Nothing was changed."),
                ReachError::Gone(_) => {
                    "The commander is out of reach; fixed orders still work. Nothing was changed.".to_owned()
                }
                ReachError::Away => "The commander is still out of reach. Nothing was changed.".to_owned(),
            };
            Outcome::Said(Cue::Failed, Ending::Failed, "endpoint", text)
        }
    }
}
