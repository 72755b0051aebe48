//! `run`: from the microphone and the talk key to spoken replies, until it is stopped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::mpsc::Receiver;

use crate::aloud::Aloud;
use crate::cli::Global;
use crate::config::Config;
use crate::control::board::{Board, Setting};
use crate::control::desk::Desk;
use crate::control::hand::Hand;
use crate::control::metrics::{self, Numbers};
use crate::control::notes::Notes;
use crate::control::place::Claim;
use crate::control::reload::reload;
use crate::control::serve::serve;
use crate::control::signals::Signals;
use crate::domain::Cue;
use crate::hearing::key::{Keys, Mode};
use crate::hearing::{Hearing, HearingEvent};
use crate::parts::{self, EXIT_DONE, Failure};
use crate::show;
use crate::store::Broadcast;
use crate::telemetry::Telemetry;
use crate::turn::{Ending, Input, Turn, Turns};

/// After how long a player who waits for a reply hears that it is being worked on.
const LATE: Duration = Duration::from_millis(1_500);
/// How often the ear learns whether the voice speaks.
const COVER_EVERY: Duration = Duration::from_millis(20);
/// How long the last of the voice may still sound in the room and in the sound server.
const COVER_TAIL: Duration = Duration::from_millis(250);

/// Listens until the input ends or a signal comes; every accepted utterance still gets its turn.
///
/// # Errors
/// When the settings are wrong, a part is not available, or another daemon runs here.
pub async fn run(mut config: Config, global: &Global, telemetry: &Telemetry) -> Result<u8, Failure> {
    // First of all: a second daemon must not wait for a model to learn that it is one.
    let (_claim, socket) = Claim::take(&config).map_err(Failure::part)?;
    let signals = Signals::catch().context("cannot catch signals").map_err(Failure::part)?;
    let numbers = numbers(&config).await?;
    let mut turns = parts::turns(&config, global, true).await?;
    turns.prewarm();
    // Kept to the end: the key's threads end with it.
    let (key, keys) = Keys::start(&config.talk).map_err(Failure::part)?;
    let desk = desk(&config, &turns, &key)?;
    let (hearing, mut heard) = Hearing::start(&parts::hearing(&config), keys).map_err(Failure::part)?;
    let mut asked = signals.watch(Arc::clone(&desk)).context("cannot catch signals").map_err(Failure::part)?;
    let serving = tokio::spawn(serve(socket, Arc::clone(&desk)));
    let session = turns.session();
    if let Some(warning) = key.warning() {
        eprintln!("{warning}");
    }
    eprintln!("{} of {}, {}", session.member.name, session.guild, key.instruction());
    let open = config.talk.mode == Mode::Open;
    let teller = Arc::new(Teller { desk, numbers, notes: Notes::start(config.voice.notify), open });
    // Events go their own way: the key must silence the voice while a turn is still being taken.
    let (mut events, ear) = (heard.events, Arc::clone(&teller));
    let watching = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            ear.event(&event);
        }
    });
    let hearing = Arc::new(hearing);
    let covering = tokio::spawn(cover(Arc::clone(&hearing), Arc::clone(&teller)));
    // Without news each turn reads the names itself.
    let mut news = turns.follow().await.map_err(|error| tracing::warn!(%error, "the guild is not followed")).ok();
    let mut listening = true;
    loop {
        tokio::select! {
            biased;
            () = asked.stop.notified(), if listening => stop(&hearing, &mut listening),
            utterance = heard.utterances.recv() => {
                let Some(utterance) = utterance else { break };
                teller.desk.board.taking();
                let taking = turns.take(Input::Sound(utterance));
                let late = tokio::time::sleep(LATE);
                tokio::pin!(taking, late);
                let mut patient = true;
                let turn = loop {
                    tokio::select! {
                        biased;
                        () = asked.stop.notified(), if listening => stop(&hearing, &mut listening),
                        turn = &mut taking => break turn,
                        () = &mut late, if patient => {
                            patient = false;
                            teller.late();
                        }
                    }
                };
                teller.turn(&turn, global.json);
            }
            Some(()) = asked.reload.recv(), if listening => {
                reload(&mut config, global, telemetry, &teller.desk, &mut turns).await;
            }
            Some(so_far) = heard.drafts.recv(), if listening => turns.draft(so_far),
            Some(told) = next(&mut news), if listening => teller.broadcast(&told),
        }
    }
    teller.desk.board.stopping();
    if watching.await.is_err() {
        tracing::warn!("the microphone's events were not all shown");
    }
    teller.desk.aloud().finish();
    serving.abort();
    covering.abort();
    turns.close().await;
    Ok(EXIT_DONE)
}

/// Counts, and serves the counts where the settings say so.
async fn numbers(config: &Config) -> Result<Arc<Numbers>, Failure> {
    let numbers = Arc::new(Numbers::new());
    if let Some(address) = config.daemon.metrics {
        let listening = metrics::listen(address).await;
        let listening = listening.with_context(|| format!("cannot serve numbers at {address}; set metrics.listen"));
        tokio::spawn(metrics::serve(listening.map_err(Failure::part)?, Arc::clone(&numbers)));
    }
    Ok(numbers)
}

/// What can be asked of the daemon, and its voice.
fn desk(config: &Config, turns: &Turns, key: &Keys) -> Result<Arc<Desk>, Failure> {
    let session = turns.session();
    let own = || format!("embedded, in {}", config.data_dir.display());
    let board = Board::new(Setting {
        guild: session.guild.clone(),
        member: session.member.name.clone(),
        microphone: config.hearing.microphone.clone().unwrap_or_else(|| "the system's default".to_owned()),
        key: key.instruction().to_owned(),
        database: config.database.url.as_ref().map_or_else(own, |_| "server".to_owned()),
        open_microphone: config.talk.mode == Mode::Open,
        keep_words: config.keep_words,
    });
    let aloud = Aloud::start(config, config.voice.enabled || config.voice.cues, None)?;
    let (store, commander) = (Arc::clone(turns.store()), Arc::clone(turns.commander()));
    Ok(Arc::new(Desk::new(board, Hand::new(key.sender()), store, commander, aloud)))
}

/// Lets the ear know while the voice speaks, so that the program never hears itself.
async fn cover(hearing: Arc<Hearing>, teller: Arc<Teller>) {
    let mut quiet_since = Instant::now();
    let mut ticks = tokio::time::interval(COVER_EVERY);
    loop {
        ticks.tick().await;
        if teller.desk.aloud().voice().is_busy() {
            quiet_since = Instant::now();
        }
        hearing.cover(quiet_since.elapsed() < COVER_TAIL);
    }
}

/// Accepts no more; what was accepted is still done.
fn stop(hearing: &Hearing, listening: &mut bool) {
    eprintln!("stopping when the accepted orders are done; a second signal ends at once");
    *listening = false;
    hearing.stop();
}

/// Tells everybody who wants to know: the player, the board, the numbers, the desktop.
struct Teller {
    desk: Arc<Desk>,
    numbers: Arc<Numbers>,
    notes: Notes,
    /// Whether the microphone is open.
    open: bool,
}

impl Teller {
    fn turn(&self, turn: &Turn, json: bool) {
        show::turn(turn, json);
        // An open microphone hears much that is not for it.
        if !(self.open && turn.outcome == Ending::Ignored) {
            self.desk.aloud().reply(turn);
        }
        self.desk.board.took(turn);
        self.numbers.took(turn);
        self.notes.turn(turn);
    }

    /// A turn takes long. An open microphone hears much that is not for it.
    fn late(&self) {
        if !self.open {
            self.desk.aloud().cue(Cue::Late);
        }
    }

    fn broadcast(&self, told: &Broadcast) {
        let text = format!("{} to everyone: {}", told.member, told.message);
        eprintln!("{text}");
        self.desk.aloud().say(&text);
    }

    fn event(&self, event: &HearingEvent) {
        self.desk.board.event(event);
        self.numbers.event(event);
        let aloud = self.desk.aloud();
        match event {
            // With an open microphone, whether it is meant for the commander shows only when it is understood.
            HearingEvent::Pressed | HearingEvent::Accepted { .. } if self.open => {}
            // Who speaks is not talked over.
            HearingEvent::Pressed => {
                aloud.voice().stop();
                eprintln!("listening …");
            }
            HearingEvent::Discarded => eprintln!("discarded"),
            HearingEvent::Released | HearingEvent::Closed => {}
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
            HearingEvent::Trouble(text) => {
                eprintln!("microphone: {text}");
                self.notes.trouble(&format!("microphone: {text}"));
            }
            HearingEvent::Restored => eprintln!("the microphone works again"),
        }
    }
}

/// The next thing that somebody says to the guild; never, where nobody is followed.
async fn next(news: &mut Option<Receiver<Broadcast>>) -> Option<Broadcast> {
    match news {
        Some(news) => news.recv().await,
        None => std::future::pending().await,
    }
}
