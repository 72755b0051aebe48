//! `run`: from the microphone and the talk key to spoken replies, until it is stopped. Also what `hear` and `say` share
//! with it: reading a recording, letting a reply be heard.

use std::path::Path;
use std::time::Duration;

use crate::cli::Global;
use crate::config::Config;
use crate::domain::{Cue, Utterance, UtteranceId};
use crate::hearing::talk_key::TalkKey;
use crate::hearing::{Hearing, HearingEvent, wav};
use crate::parts::{self, EXIT_DONE, Failure};
use crate::show;
use crate::turn::{Input, Turn};
use crate::voice::Voice;

/// The longest wait for the last reply to be spoken.
const LAST_WORDS_MAX: Duration = Duration::from_secs(10);

/// Listens until the input ends or a signal comes; every accepted utterance still gets its turn.
///
/// # Errors
/// When the settings are wrong or a part is not available.
pub async fn run(config: &Config, global: &Global) -> Result<u8, Failure> {
    let mut turns = parts::turns(config, global, true).await?;
    turns.prewarm();
    let (voice, note) = Voice::start(parts::voice(config, config.voice.enabled || config.voice.cues));
    if let Some(note) = note {
        eprintln!("{note}");
    }
    let key = TalkKey::Stdin;
    let keys = key.listen().map_err(Failure::part)?;
    let (hearing, mut heard) = Hearing::start(&parts::hearing(config), keys).map_err(Failure::part)?;
    let session = turns.session();
    eprintln!("{} of {}, {}", session.member.name, session.guild, key.instruction());
    // Events go their own way: the key must silence the voice while a turn is still being taken.
    let (mut events, ear, cues) = (heard.events, voice.clone(), config.voice.cues);
    let watching = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            on_event(&event, &ear, cues);
        }
    });
    let mut listening = true;
    loop {
        tokio::select! {
            biased;
            signal = stopped(), if listening => {
                signal.map_err(Failure::part)?;
                eprintln!("stopping when the accepted orders are done");
                listening = false;
                hearing.stop();
            }
            utterance = heard.utterances.recv() => {
                let Some(utterance) = utterance else { break };
                let turn = turns.take(Input::Sound(utterance)).await;
                show::turn(&turn, global.json);
                speak(config, &voice, &turn);
            }
        }
    }
    if watching.await.is_err() {
        tracing::warn!("the microphone's events were not all shown");
    }
    turns.close().await;
    if !voice.drain(LAST_WORDS_MAX) {
        tracing::warn!("the last reply was not spoken to its end");
    }
    Ok(EXIT_DONE)
}

/// Reads a recording; what is wrong with it becomes the turn's answer.
#[must_use]
pub fn read(file: &Path, id: UtteranceId) -> Input {
    let source = file.display().to_string();
    match wav::read(file) {
        Ok(samples) => Input::Sound(Utterance { id, source, samples, overrun: false }),
        Err(error) => Input::Unreadable { id, source, problem: error.to_string() },
    }
}

/// Lets a turn's reply be heard: the cue, then the words.
pub fn speak(config: &Config, voice: &Voice, turn: &Turn) {
    let mut queued = true;
    if config.voice.cues {
        queued &= voice.cue(turn.cue);
    }
    if config.voice.enabled && turn.cue != Cue::Nothing {
        queued &= voice.speak(&turn.spoken);
    }
    if !queued {
        tracing::debug!("a reply was not spoken");
    }
}

fn on_event(event: &HearingEvent, voice: &Voice, cues: bool) {
    match event {
        // Who speaks is not talked over.
        HearingEvent::Pressed => {
            voice.stop();
            eprintln!("listening …");
        }
        HearingEvent::Released | HearingEvent::Closed => {}
        HearingEvent::Accepted { cut, .. } => {
            if *cut {
                eprintln!("that was too long; the first 30 seconds are used");
            }
            if cues && !voice.cue(Cue::Heard) {
                tracing::debug!("a cue was not played");
            }
        }
        HearingEvent::Refused => {
            eprintln!("two orders are waiting already; say it again in a moment");
            if cues && !voice.cue(Cue::Refused) {
                tracing::debug!("a cue was not played");
            }
        }
        HearingEvent::Trouble(text) => eprintln!("microphone: {text}"),
        HearingEvent::Restored => eprintln!("the microphone works again"),
    }
}

/// Waits for an interrupt or a request to end.
async fn stopped() -> std::io::Result<()> {
    let mut end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt,
        _ = end.recv() => Ok(()),
    }
}
