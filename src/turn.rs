//! One turn from top to bottom: the only place that knows the order of the stages.
//!
//! ```text
//! view ─▶ speech ─▶ grammar, else model ─▶ resolve ─▶ [ authorize ─▶ apply ─▶ journal ] ─▶ reply
//! read                                     names      └────── one transaction ─────┘
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use serde::Serialize;
use serde_json::{Value, json};

use crate::authority::{Denied, authorize};
use crate::commander::{Commander, ThinkError};
use crate::domain::{Cue, Heard, Transcript, Utterance, UtteranceId};
use crate::intent::resolve::{Choice, Found};
use crate::intent::{Action, Command, Context, Field, Intent, Question, resolve};
use crate::names::{Roster, squash};
use crate::outcome::{Answer, Done};
use crate::reply::{self, Reply};
use crate::speech::{Recogniser, SpeechError};
use crate::store::{GuildTx, JournalEntry, Past, Session, Store, StoreError, View};

/// How long a question stays open for its answer.
const ANSWER_SECONDS_MAX: u64 = 20;

/// The source of typed words.
const TYPED: &str = "typed";

/// What enters a turn: sound, or words that were typed.
#[derive(Debug)]
pub enum Input {
    /// A piece of speech.
    Sound(Utterance),
    /// Typed words.
    Typed {
        /// Names the utterance for ever.
        id: UtteranceId,
        /// The words.
        text: String,
    },
    /// A recording that could not be read.
    Unreadable {
        /// Names the utterance for ever.
        id: UtteranceId,
        /// The file.
        source: String,
        /// Why, and what to do.
        problem: String,
    },
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The database was changed.
    Applied,
    /// A question was answered.
    Answered,
    /// Something has to be chosen, added or confirmed first.
    Asked,
    /// Not permitted.
    Refused,
    /// Nothing for us: silence, noise, chatter.
    Ignored,
    /// Something went wrong.
    Failed,
}

/// What was wrong, for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TurnError {
    /// A fixed word.
    pub kind: &'static str,
    /// The explanation.
    pub detail: String,
}

/// Milliseconds by stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Milliseconds {
    /// Recognition.
    pub speech: f64,
    /// The roster made ready.
    pub names: f64,
    /// Understanding, a model's thinking included.
    pub route: f64,
    /// The database: the view before and the change after.
    pub store: f64,
    /// Finding the words of the reply.
    pub reply: f64,
    /// From the end of the utterance to the reply.
    pub total: f64,
}

/// A finished turn: what `--json` prints, one object a line.
#[derive(Debug, Clone, Serialize)]
pub struct Turn {
    /// The utterance's id.
    pub turn: UtteranceId,
    /// A file as it was given, `typed`, or `microphone`.
    pub source: String,
    /// The words as they were heard.
    pub heard: Option<String>,
    /// The mean probability of the recogniser's tokens.
    pub confidence: Option<f32>,
    /// Names that were looked up.
    pub mentions: Vec<Value>,
    /// `local`, `llm` or `none`.
    pub route: &'static str,
    /// The commands with stored names.
    pub commands: Value,
    /// How it ended.
    pub outcome: Ending,
    /// The words of the reply.
    pub reply: String,
    /// What was wrong.
    pub error: Option<TurnError>,
    /// Milliseconds by stage.
    pub ms: Milliseconds,
    /// The tone of the reply.
    #[serde(skip)]
    pub cue: Cue,
    /// The reply with names written as they are said.
    #[serde(skip)]
    pub spoken: String,
}

/// How turns are taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct TurnSettings {
    /// Everything is done and taken back.
    pub dry_run: bool,
    /// The journal keeps the words.
    pub keep_words: bool,
    /// What the model understood is confirmed first.
    pub confirm_model_orders: bool,
    /// How many names the recogniser is told.
    pub prompt_names_max: usize,
}

/// Takes one member's turns, one at a time.
#[derive(Debug)]
pub struct Turns {
    store: Arc<Store>,
    session: Session,
    commander: Arc<Commander>,
    recogniser: Option<Recogniser>,
    settings: TurnSettings,
    pending: Option<Pending>,
    last_reply: Option<Reply>,
}

/// What the next utterance may answer.
#[derive(Debug, Clone)]
struct Pending {
    asked: Instant,
    route: &'static str,
    intents: Vec<Intent>,
    /// The piece that is asked for and the order it belongs to; `None` when only "yes" is missing.
    wanted: Option<(usize, Question)>,
}

/// What a turn came to, before it is put into words.
#[derive(Debug)]
enum Outcome {
    Carried { done: Vec<Done>, answers: Vec<Answer>, commands: Vec<Command> },
    Before(Past),
    Ask(Question),
    Confirm(Vec<Command>),
    Refused { denied: Denied, commands: Vec<Command> },
    Said(Cue, Ending, &'static str, String),
    Failed(StoreError),
}

/// What is understood of an utterance.
#[derive(Debug, Default)]
struct Understood {
    intents: Vec<Intent>,
    confirmed: bool,
}

impl Turns {
    /// Takes turns for a signed-in member. Without a recogniser only typed words can be taken.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        session: Session,
        commander: Arc<Commander>,
        recogniser: Option<Recogniser>,
        settings: TurnSettings,
    ) -> Self {
        Self { store, session, commander, recogniser, settings, pending: None, last_reply: None }
    }

    /// Who speaks, and in which guild.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Signs out.
    pub async fn sign_out(self) -> Arc<Store> {
        if let Err(error) = self.store.sign_out(&self.session).await {
            tracing::debug!(%error, "the session was not closed; it ends by itself");
        }
        self.store
    }

    /// Signs out and closes the database.
    pub async fn close(self) {
        self.sign_out().await.close().await;
    }

    /// Takes one turn. Never fails: whatever goes wrong is in the turn, in words for the speaker.
    #[tracing::instrument(name = "turn", skip_all, fields(guild = %self.session.guild))]
    pub async fn take(&mut self, input: Input) -> Turn {
        let began = Instant::now();
        let mut ms = Milliseconds::default();
        let (id, source) = match &input {
            Input::Sound(utterance) => (utterance.id, utterance.source.clone()),
            Input::Typed { id, .. } => (*id, TYPED.to_owned()),
            Input::Unreadable { id, source, .. } => (*id, source.clone()),
        };
        let mut turn = Turn {
            turn: id,
            source,
            heard: None,
            confidence: None,
            mentions: Vec::new(),
            route: "none",
            commands: json!([]),
            outcome: Ending::Failed,
            reply: String::new(),
            error: None,
            ms,
            cue: Cue::Failed,
            spoken: String::new(),
        };
        let view = self.look(id, &mut ms).await;
        let outcome = match view {
            Err(error) => Outcome::Failed(error),
            Ok((_, _, Some(past))) => Outcome::Before(past),
            Ok((view, roster, None)) => {
                let outcome = match self.listen(input, &view, &roster, &mut turn, &mut ms).await {
                    Err(outcome) => outcome,
                    Ok(text) => self.order(&text, &view, &roster, &mut turn, &mut ms).await,
                };
                self.finish(&outcome, &mut turn, &mut ms);
                turn.spoken = pronounced(&turn.reply, &roster);
                turn.ms = Milliseconds { total: since(began), ..ms };
                return turn;
            }
        };
        self.finish(&outcome, &mut turn, &mut ms);
        turn.spoken = turn.reply.clone();
        turn.ms = Milliseconds { total: since(began), ..ms };
        turn
    }

    /// Reads who speaks, what can be named, and whether this very utterance was applied before.
    async fn look(&self, id: UtteranceId, ms: &mut Milliseconds) -> Result<(View, Roster, Option<Past>), StoreError> {
        let began = Instant::now();
        let mut tx = self.store.begin(&self.session).await?;
        let past = tx.journal_find(id).await?;
        let mut view = tx.view().await?;
        tx.rollback().await?;
        ms.store += since(began);
        let began = Instant::now();
        let roster = Roster::new(std::mem::take(&mut view.entries));
        ms.names += since(began);
        Ok((view, roster, past))
    }

    /// Sound → words; anything else ends the turn.
    async fn listen(
        &self,
        input: Input,
        view: &View,
        roster: &Roster,
        turn: &mut Turn,
        ms: &mut Milliseconds,
    ) -> Result<String, Outcome> {
        let transcript = match input {
            Input::Typed { text, .. } => Transcript { text, confidence: 1.0 },
            Input::Unreadable { problem, .. } => return Err(failed("recording", problem)),
            Input::Sound(utterance) if utterance.overrun => {
                return Err(failed("overrun", "part of that was lost on the way; please say it again".to_owned()));
            }
            Input::Sound(utterance) => {
                let Some(recogniser) = &self.recogniser else {
                    return Err(failed("speech", "speech recognition is not loaded".to_owned()));
                };
                let began = Instant::now();
                let names = roster.bias(view.actor.squad.as_ref(), self.settings.prompt_names_max);
                let heard = recogniser.hear(utterance, &names).await;
                ms.speech += since(began);
                match heard {
                    Ok(Heard::Words(transcript)) => transcript,
                    Ok(Heard::Nothing(why)) => {
                        return Err(Outcome::Said(Cue::Nothing, Ending::Ignored, "nothing_heard", why));
                    }
                    Err(error @ SpeechError::TooLong { .. }) => return Err(failed("too_long", error.to_string())),
                    Err(error) => return Err(failed("speech", error.to_string())),
                }
            }
        };
        turn.heard = Some(transcript.text.clone());
        turn.confidence = Some(transcript.confidence);
        Ok(transcript.text)
    }

    /// Words → what came of them.
    async fn order(
        &mut self,
        text: &str,
        view: &View,
        roster: &Roster,
        turn: &mut Turn,
        ms: &mut Milliseconds,
    ) -> Outcome {
        let began = Instant::now();
        let understood = self.understand(text, view, roster, turn).await;
        ms.route += since(began);
        let understood = match understood {
            Ok(understood) => understood,
            Err(outcome) => return outcome,
        };
        let context = Context {
            roster,
            speaker: &view.actor.member,
            squad: view.actor.squad.as_ref(),
            now: Utc::now(),
            by_ear: turn.source != TYPED,
        };
        let mut found: Vec<Found> = Vec::new();
        let mut commands = Vec::new();
        for (at, intent) in understood.intents.iter().enumerate() {
            match resolve(intent, &context, &mut found) {
                Ok(command) => commands.push(command),
                Err(question) => {
                    turn.mentions = mentions(&found);
                    self.pending = Some(Pending {
                        asked: Instant::now(),
                        route: turn.route,
                        intents: understood.intents.clone(),
                        wanted: Some((at, question.clone())),
                    });
                    return Outcome::Ask(question);
                }
            }
        }
        turn.mentions = mentions(&found);
        let began = Instant::now();
        let carried = self.carry_out(text, commands, &understood, turn).await;
        ms.store += since(began);
        carried.unwrap_or_else(Outcome::Failed)
    }

    /// Fixed wording first, then an answer to an open question, then the model.
    async fn understand(
        &mut self,
        text: &str,
        view: &View,
        roster: &Roster,
        turn: &mut Turn,
    ) -> Result<Understood, Outcome> {
        let pending = self.pending.take().filter(|one| one.asked.elapsed() < Duration::from_secs(ANSWER_SECONDS_MAX));
        let reading = self.commander.read(text, roster, &view.persona);
        if let Some(reading) = reading.as_ref().filter(|one| one.known) {
            turn.route = "local";
            return match reading.intents.as_slice() {
                [single] => self.talk(single, pending, turn),
                several => Ok(Understood { intents: several.to_vec(), confirmed: false }),
            };
        }
        if let Some(intents) = pending.and_then(|pending| answered(pending, text, view, roster)) {
            turn.route = "local";
            return Ok(Understood { intents, confirmed: false });
        }
        if let Some(reading) = reading {
            // The wording is plain, only a name in it is nobody's: asking for it is quicker than a model.
            turn.route = "local";
            return Ok(Understood { intents: reading.intents, confirmed: false });
        }
        let intents = self.commander.think(text, roster, &view.persona).await.map_err(unanswered)?;
        if intents.is_empty() {
            let hint = if self.commander.endpoint().is_some() {
                "I found no order in that. Nothing was changed."
            } else {
                "I did not understand that. Only fixed wordings work without an endpoint; say help to hear some."
            };
            return Err(Outcome::Said(Cue::Nothing, Ending::Ignored, "not_understood", hint.to_owned()));
        }
        turn.route = "llm";
        Ok(Understood { intents, confirmed: false })
    }

    /// Words of conversation; any other single order passes through.
    fn talk(&mut self, intent: &Intent, pending: Option<Pending>, turn: &mut Turn) -> Result<Understood, Outcome> {
        let said = |ending, text: &str| Err(Outcome::Said(Cue::Question, ending, "conversation", text.to_owned()));
        match (intent.action, pending) {
            (Action::Confirm, Some(Pending { wanted: None, intents, route, .. })) => {
                turn.route = route;
                Ok(Understood { intents, confirmed: true })
            }
            // "Did you mean Kestrel?" – "Yes."
            (Action::Confirm, Some(Pending { wanted: Some((at, question)), mut intents, route, .. })) => {
                let Question::Unknown { field, choices, .. } = &question else {
                    return said(Ending::Answered, "I need a name. Nothing was changed.");
                };
                match (choices.first(), intents.get_mut(at)) {
                    (Some(choice), Some(intent)) => {
                        *intent = intent.clone().with(*field, &choice.name);
                        turn.route = route;
                        Ok(Understood { intents, confirmed: false })
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
            (Action::Undo, _) => {
                Err(failed("unsupported", "I cannot take changes back yet. Nothing was changed.".to_owned()))
            }
            _ => Ok(Understood { intents: vec![intent.clone()], confirmed: false }),
        }
    }

    /// Authorises, applies and writes down, in one transaction.
    async fn carry_out(
        &mut self,
        text: &str,
        commands: Vec<Command>,
        understood: &Understood,
        turn: &mut Turn,
    ) -> Result<Outcome, StoreError> {
        let mut tx = self.store.begin(&self.session).await?;
        let actor = tx.actor().await?;
        let mut authorized = Vec::new();
        for command in &commands {
            let standing = tx.standing(&actor, command).await?;
            match authorize(&actor, command.clone(), standing) {
                Ok(one) => authorized.push(one),
                Err(denied) => return self.refuse(tx, text, commands.clone(), denied, turn).await,
            }
        }
        let me = actor.member.id;
        let own = |one: &Command| matches!(one, Command::MemberSetAvailability { member, .. } if member.id == me);
        let by_model = turn.route == "llm" && self.settings.confirm_model_orders;
        let doubtful = |one: &Command| one.is_risky() || (by_model && !one.is_question() && !own(one));
        if !understood.confirmed && commands.iter().any(doubtful) {
            tx.rollback().await?;
            self.pending = Some(Pending {
                asked: Instant::now(),
                route: turn.route,
                intents: understood.intents.clone(),
                wanted: None,
            });
            return Ok(Outcome::Confirm(commands));
        }
        let (mut done, mut answers) = (Vec::new(), Vec::new());
        for one in &authorized {
            if one.command().is_question() {
                answers.push(tx.answer(&actor, one).await?);
            } else {
                done.push(tx.apply(one).await?);
            }
        }
        if !done.is_empty() && !self.write_down(&mut tx, text, &done, &commands, turn).await? {
            // Another run of the same utterance was quicker; what it did stands.
            tx.rollback().await?;
            let mut tx = self.store.begin(&self.session).await?;
            let past = tx.journal_find(turn.turn).await?.ok_or(StoreError::Gone)?;
            return Ok(Outcome::Before(past));
        }
        if self.settings.dry_run || done.is_empty() {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        Ok(Outcome::Carried { done, answers, commands })
    }

    async fn refuse(
        &self,
        mut tx: GuildTx,
        text: &str,
        commands: Vec<Command>,
        denied: Denied,
        turn: &Turn,
    ) -> Result<Outcome, StoreError> {
        let reply = reply::refused(&denied);
        let entry = self.journal_entry(text, &commands, turn, "refused", &reply);
        tx.journal_write(&entry).await?;
        if self.settings.dry_run {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        Ok(Outcome::Refused { denied, commands })
    }

    async fn write_down(
        &self,
        tx: &mut GuildTx,
        text: &str,
        done: &[Done],
        commands: &[Command],
        turn: &Turn,
    ) -> Result<bool, StoreError> {
        let reply = reply::done(done);
        let image =
            |one: &Done, side: &Option<Value>| json!({"kind": one.change.kind, "id": one.change.id, "row": side});
        let mut entry = self.journal_entry(text, commands, turn, "applied", &reply);
        entry.before = Some(done.iter().map(|one| image(one, &one.change.before)).collect());
        entry.after = Some(done.iter().map(|one| image(one, &one.change.after)).collect());
        tx.journal_write(&entry).await
    }

    fn journal_entry<'a>(
        &'a self,
        text: &'a str,
        commands: &[Command],
        turn: &'a Turn,
        outcome: &'a str,
        reply: &'a str,
    ) -> JournalEntry<'a> {
        JournalEntry {
            utterance: turn.turn,
            member_name: &self.session.member.name,
            source: &turn.source,
            heard: self.settings.keep_words.then_some(text),
            route: turn.route,
            commands: json!(commands),
            outcome,
            reply,
            before: None,
            after: None,
        }
    }

    /// Puts the outcome into words.
    fn finish(&mut self, outcome: &Outcome, turn: &mut Turn, ms: &mut Milliseconds) {
        let began = Instant::now();
        let (ending, reply, error) = match outcome {
            Outcome::Carried { done, answers, commands } => {
                turn.commands = json!(commands);
                let answers = answers.iter().map(reply::answer);
                let text = std::iter::once(reply::done(done)).chain(answers).filter(|one| !one.is_empty());
                let text = text.collect::<Vec<_>>().join(" ");
                let ending = if done.is_empty() { Ending::Answered } else { Ending::Applied };
                let cue = if done.is_empty() { Cue::Question } else { Cue::Done };
                (ending, Reply::new(cue, text), None)
            }
            Outcome::Before(past) => {
                turn.commands = past.commands.clone();
                turn.route = if past.route == "llm" { "llm" } else { "local" };
                (Ending::Applied, Reply::new(Cue::Done, past.reply.clone()), None)
            }
            Outcome::Ask(question) => (Ending::Asked, Reply::new(Cue::Question, reply::question(question)), None),
            Outcome::Confirm(commands) => {
                turn.commands = json!(commands);
                (Ending::Asked, Reply::new(Cue::Question, reply::confirm(commands)), None)
            }
            Outcome::Refused { denied, commands } => {
                turn.commands = json!(commands);
                let error = TurnError { kind: "denied", detail: denied.to_string() };
                (Ending::Refused, Reply::new(Cue::Refused, reply::refused(denied)), Some(error))
            }
            Outcome::Said(cue, ending, kind, text) => {
                let error = (!matches!(ending, Ending::Answered)).then(|| TurnError { kind, detail: text.clone() });
                (*ending, Reply::new(*cue, text.clone()), error)
            }
            Outcome::Failed(error) => {
                tracing::error!(error = %chain(error), kind = error.kind(), "turn failed");
                let detail = error.to_string();
                let text = match error {
                    StoreError::Uncertain(_) => format!("I am not sure: {detail}."),
                    _ => format!("That did not work: {detail}. Nothing was changed."),
                };
                (Ending::Failed, Reply::new(Cue::Failed, text), Some(TurnError { kind: error.kind(), detail }))
            }
        };
        turn.outcome = ending;
        turn.cue = reply.cue;
        turn.reply = reply.text.clone();
        turn.error = error;
        if ending != Ending::Ignored {
            self.last_reply = Some(reply);
        }
        ms.reply += since(began);
    }
}

/// The orders with the open question answered, when the words are an answer to it.
fn answered(pending: Pending, text: &str, view: &View, roster: &Roster) -> Option<Vec<Intent>> {
    let (at, question) = pending.wanted?;
    let mut intents = pending.intents;
    let intent = intents.get(at)?.clone();
    let filled = match &question {
        Question::Which { field, choices, .. } => {
            let choice = chosen(choices, text)?;
            let filled = intent.with(*field, &choice.name);
            // Two of the same name are told apart by what they belong to.
            match choice.hint.strip_prefix("in ") {
                Some(objective) => filled.with(Field::Objective, objective),
                None => filled,
            }
        }
        _ => intent.with(question.field(), text.trim().trim_end_matches(['.', '!', '?'])),
    };
    // The choice is written as it is stored, so it is looked up by spelling.
    let by_ear = false;
    let (speaker, squad) = (&view.actor.member, view.actor.squad.as_ref());
    let context = Context { roster, speaker, squad, now: Utc::now(), by_ear };
    // An answer moves the order on: the piece that was asked for is there now.
    let fits = match resolve(&filled, &context, &mut Vec::new()) {
        Ok(_) => true,
        Err(next) => next.field() != question.field(),
    };
    *intents.get_mut(at)? = filled;
    fits.then_some(intents)
}

/// Which of the choices the words pick: by place, by name, or by what tells them apart.
fn chosen<'c>(choices: &'c [Choice], text: &str) -> Option<&'c Choice> {
    let said = squash(text);
    let ordinals =
        [["first", "1st", "former"], ["second", "2nd", "latter"], ["third", "3rd", "3"], ["fourth", "4th", "4"]];
    let by_place = |at: usize| {
        let words = ordinals.get(at).into_iter().flatten();
        words.into_iter().any(|one| said == *one || said == format!("{one}one"))
    };
    let fits = |(at, one): (usize, &'c Choice)| {
        let (name, hint) = (squash(&one.name), squash(&one.hint));
        let told = hint.strip_prefix("of").or_else(|| hint.strip_prefix("in")).unwrap_or(&hint).to_owned();
        let apart = !told.is_empty() && said.contains(&told);
        (by_place(at) || said == name || apart).then_some(one)
    };
    let picked: Vec<&Choice> = choices.iter().enumerate().filter_map(fits).collect();
    match picked.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn unanswered(error: ThinkError) -> Outcome {
    let detail = chain(&error);
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
        ThinkError::Wire(_) => Outcome::Said(
            Cue::Failed,
            Ending::Failed,
            "endpoint",
            format!("The commander does not answer: {detail}. Nothing was changed."),
        ),
    }
}

fn failed(kind: &'static str, text: String) -> Outcome {
    Outcome::Said(Cue::Failed, Ending::Failed, kind, text)
}

fn mentions(found: &[Found]) -> Vec<Value> {
    found
        .iter()
        .map(|one| {
            let score = (f64::from(one.score) * 1000.0).round() / 1000.0;
            json!({"heard": one.heard, "kind": one.kind, "name": one.name, "score": score})
        })
        .collect()
}

/// The reply with names written as they are said.
fn pronounced(text: &str, roster: &Roster) -> String {
    let mut out = text.to_owned();
    for entry in roster.entries() {
        let said = entry
            .phonetic
            .as_deref()
            .and_then(|all| all.split(';').map(str::trim).find(|one| !one.starts_with("ipa:")));
        if let Some(said) = said.filter(|said| !said.is_empty() && out.contains(&entry.name)) {
            out = out.replace(&entry.name, said);
        }
    }
    out
}

/// An error with everything that led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

fn since(began: Instant) -> f64 {
    (began.elapsed().as_secs_f64() * 1e4).round() / 10.0
}
