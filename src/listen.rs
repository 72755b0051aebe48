//! `run`: from the microphone and the talk key to spoken replies, until it is stopped.

use tokio::sync::mpsc::Receiver;

use crate::aloud::Aloud;
use crate::cli::Global;
use crate::config::Config;
use crate::domain::Cue;
use crate::hearing::key::{Keys, Mode};
use crate::hearing::{Hearing, HearingEvent};
use crate::parts::{self, EXIT_DONE, Failure};
use crate::show;
use crate::store::Broadcast;
use crate::turn::{Ending, Input};

/// Listens until the input ends or a signal comes; every accepted utterance still gets its turn.
///
/// # Errors
/// When the settings are wrong or a part is not available.
pub async fn run(config: &Config, global: &Global) -> Result<u8, Failure> {
    let mut turns = parts::turns(config, global, true).await?;
    turns.prewarm();
    let mut aloud = Aloud::start(config, config.voice.enabled || config.voice.cues, None)?;
    // Kept to the end: the key's threads end with it.
    let (key, keys) = Keys::start(&config.talk).map_err(Failure::part)?;
    let (hearing, mut heard) = Hearing::start(&parts::hearing(config), keys).map_err(Failure::part)?;
    let session = turns.session();
    if let Some(warning) = key.warning() {
        eprintln!("{warning}");
    }
    eprintln!("{} of {}, {}", session.member.name, session.guild, key.instruction());
    // Events go their own way: the key must silence the voice while a turn is still being taken.
    let open = config.talk.mode == Mode::Open;
    let (mut events, ear) = (heard.events, aloud.clone());
    let watching = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            on_event(&event, &ear, open);
        }
    });
    // Without news each turn reads the names itself.
    let mut news = turns.follow().await.map_err(|error| tracing::warn!(%error, "the guild is not followed")).ok();
    let mut listening = true;
    // One wait for the whole time: a signal that comes while a turn is being taken is not lost.
    let stop = stopped();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            signal = &mut stop, if listening => {
                signal.map_err(Failure::part)?;
                eprintln!("stopping when the accepted orders are done");
                listening = false;
                hearing.stop();
            }
            utterance = heard.utterances.recv() => {
                let Some(utterance) = utterance else { break };
                let turn = turns.take(Input::Sound(utterance)).await;
                show::turn(&turn, global.json);
                // An open microphone hears much that is not for it.
                if !(open && turn.outcome == Ending::Ignored) {
                    aloud.reply(&turn);
                }
            }
            Some(so_far) = heard.drafts.recv(), if listening => turns.draft(so_far),
            Some(told) = next(&mut news), if listening => {
                let text = format!("{} to everyone: {}", told.member, told.message);
                eprintln!("{text}");
                aloud.say(&text);
            }
        }
    }
    if watching.await.is_err() {
        tracing::warn!("the microphone's events were not all shown");
    }
    turns.close().await;
    aloud.finish();
    Ok(EXIT_DONE)
}

fn on_event(event: &HearingEvent, aloud: &Aloud, open: bool) {
    match event {
        // With an open microphone, whether it is meant for the commander shows only when it is understood.
        HearingEvent::Pressed | HearingEvent::Accepted { .. } if open => {}
        // Who speaks is not talked over.
        HearingEvent::Pressed => {
            aloud.voice().stop();
            eprintln!("listening …");
        }
        HearingEvent::Released | HearingEvent::Closed => {}
        HearingEvent::Discarded => eprintln!("discarded"),
        HearingEvent::Accepted { cut, .. } => {
            if *cut {
                eprintln!("that was too long; the first 30 seconds are used");
            }
            aloud.cue(Cue::Heard);
        }
        HearingEvent::Refused => {
            eprintln!("two orders are waiting already; say it again in a moment");
            aloud.cue(Cue::Refused);
        }
        HearingEvent::Muted => eprintln!("the microphone is closed"),
        HearingEvent::Unmuted => eprintln!("the microphone is open"),
        HearingEvent::Level(trouble) => eprintln!("microphone: {trouble}"),
        HearingEvent::Trouble(text) => eprintln!("microphone: {text}"),
        HearingEvent::Restored => eprintln!("the microphone works again"),
    }
}

/// The next thing that somebody says to the guild; never, where nobody is followed.
async fn next(news: &mut Option<Receiver<Broadcast>>) -> Option<Broadcast> {
    match news {
        Some(news) => news.recv().await,
        None => std::future::pending().await,
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
