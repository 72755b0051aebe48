//! The last step: one order, spoken or typed, taken all the way and taken back, with a grade for each stage.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Guide;
use super::ask::Question;
use super::guild::Chosen;
use super::meter;
use crate::config::Config;
use crate::domain::{ObjectiveStatus, Priority, Utterance, UtteranceId};
use crate::hearing::key::Keys;
use crate::hearing::levels::Levels;
use crate::hearing::{Hearing, HearingEvent};
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show;
use crate::store::Store;
use crate::turn::{Ending, Input, Turn, TurnSettings, Turns};

/// How long the spoken order is waited for.
const ORDER_WAIT: Duration = Duration::from_secs(60);
/// Below this mean probability the recogniser was unsure of what it heard.
const SURE: f32 = 0.75;

/// One stage, graded.
struct Grade {
    stage: &'static str,
    /// `ok`, `poor`, or `fails`.
    grade: &'static str,
    detail: String,
    ms: Option<f64>,
}

impl Guide<'_> {
    /// Lets one order be given with the settings as they were written. The exit code is 0 when it would have been done.
    pub(super) async fn trial(
        &mut self,
        config: &Config,
        store: &Arc<Store>,
        chosen: &Chosen,
        sounds: bool,
    ) -> Result<u8, Failure> {
        self.ask.say("\n9 One order, for trial: nothing is changed by it");
        let sentence = sentence(chosen);
        let typed = self.answers.order.as_deref().filter(|order| *order != "say");
        if typed == Some("none") {
            return Ok(EXIT_DONE);
        }
        let by_voice = typed.is_none()
            && sounds
            && (self.answers.order.is_some() || {
                let default = if self.ask.yes { "no" } else { "yes" };
                let question = Question { text: "say it aloud (no: typed)", default, option: "--order", given: None };
                self.ask.is_so(&question).await?
            });
        let commander = parts::commander(config)?;
        let recogniser = if by_voice { self.told(parts::recogniser(config).await) } else { None };
        let by_voice = recogniser.is_some();
        let session = store.sign_in(config.guild.as_deref(), config.member.as_deref()).await?;
        // Whoever answers a question of this program need not call it by name.
        let settings = TurnSettings { must_be_called: false, ..parts::turn_settings(config, true) };
        let mut turns = Turns::new(Arc::clone(store), session, commander, recogniser, settings);
        let spoken = if by_voice {
            let heard = self.listen(config, &sentence).await;
            self.told(heard).flatten()
        } else {
            None
        };
        let levels = spoken.as_ref().and_then(|utterance| Levels::of(&utterance.samples));
        let input = match spoken {
            Some(utterance) => Input::Sound(utterance),
            // The terminal may be the talk key by now: no more questions.
            None if by_voice => Input::Typed { id: UtteranceId::new(), text: sentence.clone() },
            None => {
                let question = Question { text: "your order", default: &sentence, option: "--order", given: typed };
                let text = self.ask.ask(&question, async |answer: &str| Ok::<_, String>(answer.to_owned())).await?;
                Input::Typed { id: UtteranceId::new(), text }
            }
        };
        let turn = turns.take(input).await;
        drop(turns.sign_out().await);
        for grade in grades(&turn, levels.as_ref()) {
            self.show(&grade);
        }
        let done = matches!(turn.outcome, Ending::Applied | Ending::Answered);
        Ok(if done { EXIT_DONE } else { EXIT_SOME_NOT })
    }

    /// Waits for an order with the player's own key and microphone; `None` when none came.
    async fn listen(&self, config: &Config, sentence: &str) -> Result<Option<Utterance>, Failure> {
        let (key, keys) = Keys::start(&config.talk).map_err(Failure::part)?;
        let wanted = parts::hearing(config);
        let started = tokio::task::spawn_blocking(move || Hearing::start(&wanted, keys)).await;
        let (_hearing, mut heard) = started.map_err(Failure::part)?.map_err(Failure::part)?;
        self.ask.say(format_args!("  say: \"{sentence}\""));
        self.ask.say(format_args!("  {}", key.instruction()));
        let patience = tokio::time::sleep(ORDER_WAIT);
        tokio::pin!(patience);
        loop {
            tokio::select! {
                () = &mut patience => break,
                utterance = heard.utterances.recv() => match utterance {
                    Some(utterance) => return Ok(Some(utterance)),
                    None => break,
                },
                Some(event) = heard.events.recv() => match event {
                    HearingEvent::Pressed => self.ask.say("  listening …"),
                    HearingEvent::Released => self.ask.say("  heard, one moment …"),
                    HearingEvent::Trouble(text) => self.ask.say(format_args!("  ! {text}")),
                    _ => {}
                },
            }
        }
        self.ask.say(format_args!("  ! no order came within {} s, so it is taken as typed", ORDER_WAIT.as_secs()));
        Ok(None)
    }

    /// What works; of the rest it is said why not, and the order is typed.
    fn told<T>(&self, result: Result<T, Failure>) -> Option<T> {
        result.map_err(|failure| self.ask.say(format_args!("  ! {:#}", failure.error))).ok()
    }

    fn show(&self, one: &Grade) {
        let Grade { stage, grade, detail, ms } = one;
        if self.ask.aside {
            show::line(json!({"stage": stage, "grade": grade, "detail": detail, "ms": ms}));
        } else {
            let ms = ms.map_or_else(String::new, |ms| format!("{ms:.1} ms"));
            self.ask.say(format_args!("  {stage:<11} {grade:<6} {ms:>10}  {detail}"));
        }
    }
}

/// Something to say that needs one name and the mildest right.
fn sentence(chosen: &Chosen) -> String {
    let objectives = chosen.file.iter().flat_map(|file| &file.objectives);
    let is_over = |status: Option<ObjectiveStatus>| {
        matches!(status, Some(ObjectiveStatus::Completed | ObjectiveStatus::Cancelled))
    };
    let mut open = objectives.filter(|one| !is_over(one.status) && one.priority != Some(Priority::High));
    open.next().map_or_else(|| "who am I".to_owned(), |one| format!("set priority of {} to high", one.name))
}

/// What each stage made of it.
fn grades(turn: &Turn, levels: Option<&Levels>) -> Vec<Grade> {
    let grade = |stage, grade, detail, ms| Grade { stage, grade, detail, ms };
    let mut all = Vec::new();
    if let Some(levels) = levels {
        let trouble = levels.trouble();
        let says = trouble.map_or_else(String::new, |trouble| format!("; {trouble}"));
        let mark = if trouble.is_some() { "poor" } else { "ok" };
        all.push(grade("microphone", mark, format!("{}{says}", meter::describe(levels)), None));
    }
    let Some(heard) = &turn.heard else {
        all.push(grade("heard", "fails", format!("nothing: {}", turn.reply), Some(turn.ms.speech)));
        return all;
    };
    let sure = turn.confidence.unwrap_or(1.0);
    let (mark, says) = if levels.is_none() {
        ("ok", "typed".to_owned())
    } else if sure < SURE {
        ("poor", format!("{:.0} % sure; speak nearer to the microphone, or in a calmer place", sure * 100.0))
    } else {
        ("ok", format!("{:.0} % sure", sure * 100.0))
    };
    all.push(grade("heard", mark, format!("\"{heard}\", {says}"), levels.map(|_| turn.ms.speech)));
    let asked = turn.outcome == Ending::Asked;
    let names: Vec<String> = turn.mentions.iter().filter_map(mention).collect();
    let mark = if asked && turn.commands.as_array().is_none_or(Vec::is_empty) { "poor" } else { "ok" };
    all.push(grade(
        "names",
        mark,
        if names.is_empty() { "none was said".to_owned() } else { names.join(", ") },
        Some(turn.ms.names),
    ));
    let understood = show::commands(turn);
    let by = if turn.route == "llm" { "by the language model" } else { "without a model" };
    let (mark, says) = match &understood {
        Some(orders) => ("ok", format!("{orders}, {by}")),
        None if turn.outcome == Ending::Answered => ("ok", by.to_owned()),
        None => ("fails", turn.reply.clone()),
    };
    all.push(grade("understood", mark, says, Some(turn.ms.route)));
    let (mark, says) = match turn.outcome {
        Ending::Applied => ("ok", format!("would be done: {}", turn.reply)),
        Ending::Answered => ("ok", turn.reply.clone()),
        Ending::Asked => ("poor", format!("would be asked: {}", turn.reply)),
        Ending::Refused => ("poor", format!("would be refused: {}", turn.reply)),
        Ending::Ignored | Ending::Failed => ("fails", turn.reply.clone()),
    };
    all.push(grade("done", mark, says, Some(turn.ms.store)));
    all.push(grade("all of it", mark, "nothing was changed".to_owned(), Some(turn.ms.total)));
    all
}

/// A name as it was heard and whose it is.
fn mention(one: &Value) -> Option<String> {
    let word = |key: &str| one.get(key).and_then(Value::as_str);
    let (heard, name, kind) = (word("heard")?, word("name")?, word("kind")?);
    let score = one.get("score").and_then(Value::as_f64).unwrap_or_default();
    let by = if heard.eq_ignore_ascii_case(name) { String::new() } else { format!(", heard as \"{heard}\"") };
    Some(format!("{name} ({kind}, {:.0} % sure{by})", score * 100.0))
}
