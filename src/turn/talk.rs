//! What an utterance means in the conversation: an order of its own, the answer to an open question, or a word of
//! conversation such as "yes" and "say again".

use std::time::{Duration, Instant};

use chrono::Utc;
use chrono_tz::Tz;

use super::{Ending, Outcome, Turn, Turns, words};
use crate::commander::ThinkError;
use crate::commander::grammar::{Declined, Verdict};
use crate::commander::reach::ReachError;
use crate::domain::Cue;
use crate::intent::question::Choice;
use crate::intent::times::Now;
use crate::intent::{Action, Context, Field, Intent, Question, Recent, resolve};
use crate::names::{Roster, is_ordinary, squash};
use crate::store::View;

/// The longest answer, in words.
const ANSWER_WORDS_MAX: usize = 8;
/// Words with which an answer says what is not meant.
const DENYING: &[&str] =
    &["not", "no", "don't", "dont", "never", "but", "except", "neither", "other", "isn't", "nobody", "none"];
/// How long a question stays open for its answer.
const ANSWER_SECONDS_MAX: u64 = 20;
/// How long "it" means what was last spoken of.
const RECENT_SECONDS_MAX: u64 = 180;

/// What the next utterance may answer.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    asked: Instant,
    pub(super) route: &'static str,
    pub(super) intents: Vec<Intent>,
    /// The piece that is asked for and the order it belongs to; `None` when only "yes" is missing.
    wanted: Option<(usize, Question)>,
}

/// What is understood of an utterance.
#[derive(Debug, Default)]
pub(super) struct Understood {
    pub(super) intents: Vec<Intent>,
    pub(super) confirmed: bool,
    /// Words were taken for others that sound like them.
    pub(super) guessed: bool,
}

impl Pending {
    /// Asked just now.
    pub(super) fn new(route: &'static str, intents: Vec<Intent>, wanted: Option<(usize, Question)>) -> Self {
        Self { asked: Instant::now(), route, intents, wanted }
    }
}

impl Turns {
    /// Fixed wording first, then an answer to an open question, then the model.
    pub(super) async fn understand(
        &mut self,
        text: &str,
        view: &View,
        roster: &Roster,
        turn: &mut Turn,
    ) -> Result<Understood, Outcome> {
        let pending = self.pending.take().filter(|one| one.asked.elapsed() < Duration::from_secs(ANSWER_SECONDS_MAX));
        if self.recent.0.elapsed() > Duration::from_secs(RECENT_SECONDS_MAX) {
            self.recent.1 = Recent::default();
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
            return match reading.intents.as_slice() {
                [single] => self.talk(single, pending, turn).map(|one| Understood { guessed: reading.guessed, ..one }),
                several => Ok(Understood { intents: several.to_vec(), confirmed: false, guessed: reading.guessed }),
            };
        }
        if let Some(open) = &pending
            && let Some(intents) = answered(open.clone(), text, view, (roster, &self.recent.1, self.settings.zone))
        {
            turn.route = open.route;
            return Ok(Understood { intents, ..Understood::default() });
        }
        if let Some(reading) = reading {
            // The wording is plain, only a name in it is nobody's: asking for it is quicker than a model.
            turn.route = "local";
            return Ok(Understood { intents: reading.intents, ..Understood::default() });
        }
        let intents = match self.commander.think(text, roster, &view.persona).await {
            Ok(intents) => intents,
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
        Ok(Understood { intents, ..Understood::default() })
    }

    /// Words of conversation; any other single order passes through.
    fn talk(&mut self, intent: &Intent, pending: Option<Pending>, turn: &mut Turn) -> Result<Understood, Outcome> {
        let said = |ending, text: &str| Err(Outcome::Said(Cue::Question, ending, "conversation", text.to_owned()));
        match (intent.action, pending) {
            (Action::Confirm, Some(Pending { wanted: None, intents, route, .. })) => {
                turn.route = route;
                Ok(Understood { intents, confirmed: true, guessed: false })
            }
            // "Did you mean Kestrel?" – "Yes."
            (Action::Confirm, Some(Pending { wanted: Some((at, question)), mut intents, route, .. })) => {
                let Question::Unknown { field, choices, .. } = &question else {
                    // "Yes" is no answer to it; it stays open.
                    self.pending = Some(Pending::new(route, intents, Some((at, question))));
                    return said(Ending::Asked, "Say which one.");
                };
                match (choices.first(), intents.get_mut(at)) {
                    (Some(choice), Some(intent)) => {
                        *intent = intent.clone().with(*field, &choice.name);
                        turn.route = route;
                        Ok(Understood { intents, ..Understood::default() })
                    }
                    _ => said(Ending::Answered, "I need a name. Nothing was changed."),
                }
            }
            (Action::Confirm, None) => said(Ending::Answered, "There is nothing to confirm."),
            (Action::Deny | Action::Cancel, Some(_)) => said(Ending::Answered, "Understood. Nothing was changed."),
            (Action::Deny | Action::Cancel, None) => said(Ending::Answered, "There is nothing to cancel."),
            (Action::Repeat, pending) => {
                self.pending = pending;
                let last =
                    self.last_reply.clone().map_or_else(|| "I have said nothing yet.".to_owned(), |last| last.text);
                said(Ending::Answered, &last)
            }
            _ => Ok(Understood { intents: vec![intent.clone()], ..Understood::default() }),
        }
    }
}

/// The orders with the open question answered, when the words are an answer to it.
fn answered(
    pending: Pending,
    text: &str,
    view: &View,
    (roster, recent, zone): (&Roster, &Recent, Tz),
) -> Option<Vec<Intent>> {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'').to_lowercase())
        .collect();
    if words.len() > ANSWER_WORDS_MAX || words.iter().any(|word| DENYING.contains(&word.as_str())) {
        return None;
    }
    let (at, question) = pending.wanted?;
    let mut intents = pending.intents;
    let intent = intents.get(at)?.clone();
    let filled = match &question {
        Question::Which { field, choices, .. } => {
            let choice = chosen(choices, text)?;
            intent.picking(*field, &choice.name, choice.id)
        }
        // A name for something new and free text may be anything, chatter too: they are said with their order.
        Question::Missing { field, .. } | Question::Value { field, .. } if is_free(*field) => return None,
        _ => intent.with(question.field(), &bare(text)?),
    };
    let by_ear = false;
    let (speaker, squad) = (&view.actor.member, view.actor.squad.as_ref());
    let now = Now { at: Utc::now(), zone };
    let context = Context { roster, speaker, squad, now, recent, by_ear };
    // An answer moves the order on: the piece that was asked for is there now.
    let fits = match resolve(&filled, &context, &mut Vec::new()) {
        Ok(_) => true,
        Err(next) => next.field() != question.field(),
    };
    *intents.get_mut(at)? = filled;
    fits.then_some(intents)
}

fn is_free(field: Field) -> bool {
    matches!(field, Field::Name | Field::Text | Field::Brief | Field::Description | Field::Message | Field::Metric)
}

/// An answer without what is said around it: "to Mako, please" → "Mako". None for words that name nothing.
fn bare(text: &str) -> Option<String> {
    const BEFORE: &[&str] =
        &["to", "for", "on", "of", "at", "it's", "its", "the", "i", "mean", "meant", "said", "uh", "um", "make", "it"];
    const AFTER: &[&str] = &["please", "over", "out", "thanks", "commander"];
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches([',', '.', '!', '?', ';'])).collect();
    let is_one = |list: &[&str], word: &&&str| list.contains(&word.to_lowercase().as_str());
    let start = words.iter().take_while(|word| is_one(BEFORE, word)).count();
    let end = words.len() - words.iter().rev().take_while(|word| is_one(AFTER, word)).count();
    let kept = words.get(start..end).filter(|kept| !kept.is_empty())?;
    (kept.len() > 1
        || kept
            .iter()
            .any(|word| !is_ordinary(word) || word.starts_with(char::is_uppercase) || word.parse::<f64>().is_ok()))
    .then(|| kept.join(" "))
}

/// Which of the choices the words pick: by place, by name, or by what tells them apart.
fn chosen<'c>(choices: &'c [Choice], text: &str) -> Option<&'c Choice> {
    let said = bare(text).map_or_else(|| squash(text), |kept| squash(&kept));
    let ordinals =
        [["first", "1st", "former"], ["second", "2nd", "latter"], ["third", "3rd", "3"], ["fourth", "4th", "4"]];
    let by_place = |at: usize| {
        let words = ordinals.get(at).into_iter().flatten();
        words.into_iter().any(|one| said == *one || said == format!("{one}one"))
    };
    let fits = |(at, one): (usize, &'c Choice)| {
        let (name, hint) = (squash(&one.name), squash(&one.hint));
        let told = hint.strip_prefix("of").or_else(|| hint.strip_prefix("in")).unwrap_or(&hint).to_owned();
        let ways = [told.clone(), hint.clone(), format!("one{hint}"), format!("{name}{told}"), format!("{name}{hint}")];
        let apart = !told.is_empty() && ways.contains(&said);
        (by_place(at) || said == name || apart).then_some(one)
    };
    let picked: Vec<&Choice> = choices.iter().enumerate().filter_map(fits).collect();
    match picked.as_slice() {
        [one] => Some(one),
        _ => None,
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
