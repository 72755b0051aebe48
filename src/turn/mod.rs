//! One turn from top to bottom: the only place that knows the order of the stages.
//!
//! ```text
//! look ─▶ listen ─▶ understand ─▶ resolve ─▶ [ authorize ─▶ apply ─▶ write down ] ─▶ finish
//! guild   speech    grammar,      names      └────────── one transaction ─────────┘   reply
//!                   else model
//! ```

mod answers;
mod carry;
mod draft;
mod facts;
mod follow;
mod ledger;
mod record;
mod talk;
mod tune;
mod words;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;

use crate::authority::Denied;
use crate::commander::Commander;
use crate::domain::{Cue, Heard, Kind, Named, SquadId, TEXT_CHARS_MAX, Transcript, Utterance, UtteranceId};
use crate::hearing::wav;
use crate::intent::recent::is_pointing;
use crate::intent::resolve::Found;
use crate::intent::times::Now;
use crate::intent::{
    Command, Context, EVERY_TASK, Field, Intent, Question, Recent, is_doubtful_name, one_by_one, put_percents_right,
    resolve,
};
use crate::names::{Roster, is_unsure};
use crate::outcome::{Answer, Done, Undo};
use crate::reply::Reply;
use crate::speech::{Recogniser, SpeechError};
use crate::store::{Past, Session, Store, StoreError, View};

use follow::Ready;
use record::since;
pub use record::{Ending, Milliseconds, Turn, TurnError};
use talk::{Last, Pending};

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

impl Input {
    /// Reads a recording; what is wrong with it becomes the turn's answer.
    #[must_use]
    pub fn recording(file: &Path, id: UtteranceId) -> Self {
        let source = file.display().to_string();
        match wav::read(file) {
            Ok(samples) => Self::Sound(Utterance { id, source, samples, overrun: false }),
            Err(error) => Self::Unreadable { id, source, problem: error.to_string() },
        }
    }
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
    /// A change of rank is confirmed first, however clearly it was said.
    pub confirm_ranks: bool,
    /// How many names the recogniser is told.
    pub prompt_names_max: usize,
    /// What is heard is only for the commander when it is called by name; for a microphone that is always open.
    pub must_be_called: bool,
    /// The time zone in which times are said.
    pub zone: chrono_tz::Tz,
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
    /// What was ordered last, for a correction.
    last: Option<Last>,
    /// What was last spoken of, and when.
    recent: (Instant, Recent),
    /// The roster of the last turn, good as long as the guild's names are the same.
    roster: Option<Arc<Roster>>,
    /// The speaker's squad as of the last turn, once there was one.
    squad: Option<Option<Named<SquadId>>>,
    /// The names between turns, while the guild is followed.
    ready: Option<Arc<Ready>>,
    following: Option<tokio::task::JoinHandle<()>>,
}

/// What a turn came to, before it is put into words.
#[derive(Debug)]
pub(super) enum Outcome {
    Carried { done: Vec<Done>, answers: Vec<Answer>, commands: Vec<Command> },
    Before(Box<Past>),
    Ask(Box<Question>),
    Confirm(Vec<Command>),
    Refused { denied: Denied, commands: Vec<Command> },
    TookBack(Undo, Vec<Command>),
    Said(Cue, Ending, &'static str, String),
    Failed(StoreError),
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
        Self {
            store,
            session,
            commander,
            recogniser,
            settings,
            pending: None,
            last_reply: None,
            last: None,
            recent: (Instant::now(), Recent::default()),
            roster: None,
            squad: None,
            ready: None,
            following: None,
        }
    }

    /// Who speaks, and in which guild.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Lets the endpoint, when there is one, make itself ready in the background.
    pub fn prewarm(&self) {
        if self.commander.endpoint().is_none() {
            return;
        }
        let (store, session, commander) = (Arc::clone(&self.store), self.session.clone(), Arc::clone(&self.commander));
        tokio::spawn(async move {
            let view = async { store.begin(&session).await?.view().await }.await;
            match view {
                Ok(view) => commander.prewarm(&view.persona).await,
                Err(error) => tracing::debug!(%error, "the endpoint is not made ready"),
            }
        });
    }

    /// Forgets the conversation so far: open questions, and what was said last.
    pub fn forget(&mut self) {
        (self.pending, self.last_reply, self.last) = (None, None, None);
        self.recent.1 = Recent::default();
    }

    /// Signs out.
    pub async fn sign_out(mut self) -> Arc<Store> {
        self.unfollow().await;
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
    #[tracing::instrument(name = "turn", skip_all, fields(guild = %self.session.guild, outcome, route, speech_ms, names_ms, route_ms, store_ms, total_ms))]
    pub async fn take(&mut self, input: Input) -> Turn {
        let began = Instant::now();
        let mut turn = match &input {
            Input::Sound(utterance) => Turn::begin(utterance.id, utterance.source.clone()),
            Input::Typed { id, .. } => Turn::begin(*id, TYPED.to_owned()),
            Input::Unreadable { id, source, .. } => Turn::begin(*id, source.clone()),
        };
        let (outcome, roster) = match self.look(&mut turn).await {
            Err(error) => (Outcome::Failed(error), Arc::default()),
            Ok((_, roster, Some(past))) => {
                self.pending = None;
                (Outcome::Before(Box::new(past)), roster)
            }
            Ok((view, roster, None)) => {
                let outcome = match self.listen(input, &view, &roster, &mut turn).await {
                    Err(outcome) => outcome,
                    Ok(text) => self.order(&text, &view, &roster, &mut turn).await,
                };
                (outcome, roster)
            }
        };
        self.finish(&outcome, &mut turn);
        turn.spoken = words::pronounced(&turn.reply, &roster);
        turn.ms.total = since(began);
        turn.ms = turn.ms.rounded();
        turn.trace(&tracing::Span::current());
        turn
    }

    /// Reads who speaks, what can be named, and whether this very utterance was applied before.
    #[tracing::instrument(level = "debug", skip_all)]
    async fn look(&mut self, turn: &mut Turn) -> Result<(View, Arc<Roster>, Option<Past>), StoreError> {
        let began = Instant::now();
        let mut tx = self.store.begin(&self.session).await?;
        let view = match tx.view().await {
            // A session lasts half a day, a daemon longer.
            Err(StoreError::SessionOver) => {
                tx.rollback().await?;
                self.session = self.store.sign_in_again(&self.session).await?;
                if let Some(ready) = &self.ready {
                    ready.signed_in(&self.session);
                }
                tx = self.store.begin(&self.session).await?;
                tx.view().await?
            }
            other => other?,
        };
        let past = tx.journal_find(turn.turn).await?;
        let ready = self.ready.as_ref().and_then(|ready| ready.roster());
        let entries = if ready.is_none() { tx.names().await? } else { Vec::new() };
        // Nothing but the note that the session is in use.
        tx.commit().await?;
        turn.ms.store += since(began);
        let began = Instant::now();
        let known = || self.roster.take().filter(|known| known.entries() == entries.as_slice());
        let roster = match ready.or_else(known) {
            Some(known) => known,
            None => Arc::new(Roster::new(entries)),
        };
        self.roster = Some(Arc::clone(&roster));
        self.squad = Some(view.actor.squad.clone());
        turn.ms.names += since(began);
        Ok((view, roster, past))
    }

    /// Sound → words; anything else ends the turn.
    #[tracing::instrument(level = "debug", skip_all)]
    async fn listen(&self, input: Input, view: &View, roster: &Roster, turn: &mut Turn) -> Result<String, Outcome> {
        let transcript = match input {
            Input::Typed { text, .. } if text.chars().count() > TEXT_CHARS_MAX => {
                let text = format!("that is longer than {TEXT_CHARS_MAX} characters; say it in shorter orders");
                return Err(failed("too_long", text));
            }
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
                turn.ms.speech += since(began);
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
    #[tracing::instrument(level = "debug", skip_all)]
    async fn order(&mut self, text: &str, view: &View, roster: &Roster, turn: &mut Turn) -> Outcome {
        let began = Instant::now();
        let understood = self.understand(text, view, roster, turn).await;
        turn.ms.route += since(began);
        let mut understood = match understood {
            Ok(understood) => understood,
            Err(outcome) => return outcome,
        };
        let every = |intent: &Intent| intent.words(Field::Task) == Some(EVERY_TASK);
        let many = understood.intents.iter().any(every);
        understood.intents = one_by_one(&understood.intents, roster);
        let by_ear = turn.source != TYPED;
        understood.guessed |= by_ear && put_percents_right(&mut understood.intents);
        if understood.intents.is_empty() {
            let text = "There is no open task in it. Nothing was changed.".to_owned();
            return Outcome::Said(Cue::Question, Ending::Answered, "conversation", text);
        }
        let now = Now { at: Utc::now(), zone: self.settings.zone };
        let mut found: Vec<Found> = Vec::new();
        let mut commands = Vec::new();
        // After several orders in one breath, "it" may be any of their things.
        let loose = self.last.as_ref().is_some_and(|last| last.several);
        let mut unclear = false;
        for (at, intent) in understood.intents.iter().enumerate() {
            let (speaker, squad) = (&view.actor.member, view.actor.squad.as_ref());
            let context = Context { roster, speaker, squad, now, recent: &self.recent.1, by_ear };
            let known = found.len();
            let resolved = resolve(intent, &context, &mut found);
            // Whatever was spoken of, in a question too, is what the next "it" or "him" means.
            let points = |one: &Found| one.kind != Kind::Member && is_pointing(one.kind, &one.heard);
            unclear |= loose && at == 0 && found.iter().skip(known).any(points);
            found.iter().skip(known).for_each(|one| self.recent.1.note(one.kind, Some(one.id), &one.name));
            self.recent.0 = Instant::now();
            match resolved {
                // "Nightfall can't wait, treat it as urgent" is one order, said twice.
                Ok(command) => commands.extend((!commands.contains(&command)).then_some(command)),
                Err(question) => {
                    turn.mentions = words::mentions(&found);
                    let wanted = Some((at, question.clone()));
                    self.pending = Some(Pending::new(turn.route, &understood, wanted));
                    return Outcome::Ask(Box::new(question));
                }
            }
        }
        turn.mentions = words::mentions(&found);
        let undo = commands.iter().any(|one| matches!(one, Command::Undo {}));
        if undo && commands.len() > 1 {
            return failed("unsupported", "Say undo by itself. Nothing was changed.".to_owned());
        }
        let began = Instant::now();
        let doubtful = many
            || unclear
            || understood.guessed
            || commands.iter().filter_map(Command::new_name).any(|name| is_doubtful_name(name, roster))
            // "Search and Rescue" is one task: where one ends and the next begins is heard again.
            || commands.iter().flat_map(Command::new_tasks).any(|name| !name.as_str().contains(' '))
            || (found.iter().any(|one| is_unsure(one.by, by_ear)) && !commands.iter().all(Command::is_question));
        let carried = self.carry_out(text, commands, &understood, doubtful, turn).await;
        turn.ms.store += since(began);
        let carried = carried.unwrap_or_else(Outcome::Failed);
        self.last = match &carried {
            Outcome::Carried { done, answers, .. } => {
                self.note(done, answers, roster);
                let mut things = found.iter().filter(|one| one.kind != Kind::Member).map(|one| one.id);
                let several = things.next().is_some_and(|first| things.any(|other| other != first));
                Some(Last { at: Instant::now(), intents: understood.intents, applied: !done.is_empty(), several })
            }
            _ => None,
        };
        carried
    }
}

fn failed(kind: &'static str, text: String) -> Outcome {
    Outcome::Said(Cue::Failed, Ending::Failed, kind, text)
}
