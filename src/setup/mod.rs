//! `setup`: a guide for the first run. It asks, tries each answer at once, writes the settings file when all is said, and
//! grades one order.
//!
//! ```text
//! database ─▶ guild ─▶ member ─▶ microphone ─▶ key, mode ─▶ voice ─▶ endpoint ─▶ [ write ] ─▶ one order, graded
//! ```
//!
//! Before `write` nothing is changed, so that Ctrl-C leaves everything as it was.

pub mod ask;
mod desk;
pub mod file;
mod guild;
pub mod meter;
mod trial;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::{Global, Setup};
use crate::config::{self, Config};
use crate::control::{Request, client};
use crate::parts::{EXIT_SOME_NOT, Failure};
use crate::show;
use crate::store::Store;
use ask::{Ask, Question};
use file::{Change, FileError};
use guild::Chosen;

/// Why there can be no guide.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The microphone and the key are somebody else's at the moment.
    #[error(
        "the daemon runs as process {0} and holds the microphone and the key; end it with `kill {0}`, and start it again \
         afterwards"
    )]
    Running(u32),
    /// There is no place for the settings.
    #[error("there is no home folder for the settings; name a file with --config FILE")]
    NoHome,
    /// The guild that ships cannot be read; not expected.
    #[error("the new guild cannot be made: {0}; bring in a guild file instead")]
    NewGuild(String),
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Running(_) => Self::part(error),
            SetupError::NoHome | SetupError::NewGuild(_) => Self::usage(error),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::usage(error)
    }
}

/// What has been answered so far.
struct Guide<'g> {
    ask: Ask,
    answers: &'g Setup,
    global: &'g Global,
    /// The settings as they would be.
    config: Config,
    /// What goes into the file.
    changes: Vec<Change>,
}

/// Asks everything, writes the settings to `target`, and lets one order be given. The exit code is 1 when the order
/// would not have been done, or when nothing was to be written.
///
/// # Errors
/// When the answers end or cannot be used, a daemon runs, or a part is not available.
pub async fn run(config: Config, global: &Global, answers: &Setup, target: Option<PathBuf>) -> Result<u8, Failure> {
    let target = target.ok_or(SetupError::NoHome)?;
    if let Some(report) = client::ask(&config, Request::Status).ok().and_then(|answer| answer.status) {
        return Err(SetupError::Running(report.pid).into());
    }
    let stage = Arc::new(AtomicBool::new(false));
    let ask = Ask { yes: answers.yes, aside: global.json };
    watch_for_ctrl_c(ask, Arc::clone(&stage));
    let mut guide = Guide { ask, answers, global, config, changes: Vec::new() };
    ask.say("The default in brackets is taken with Enter. Ctrl-C leaves everything as it was.");
    let asked = guide.questions(&target).await;
    let asked = asked.map_err(|failure| Failure { error: failure.error.context("nothing was changed"), ..failure })?;
    let Some((store, chosen, sounds)) = asked else {
        ask.say("  nothing was changed");
        return Ok(EXIT_SOME_NOT);
    };
    stage.store(true, Ordering::SeqCst);
    let store = guide.bring_in(store, &chosen).await?;
    file::write(&target, &guide.changes)?;
    stage.store(false, Ordering::SeqCst);
    if ask.aside {
        show::line(serde_json::json!({"settings": target}));
    }
    ask.say(format_args!("  written: {}", target.display()));
    // From here on by the file itself, as every later start.
    let config = Config::load(Some(&target), |name| std::env::var(name).ok()).map_err(Failure::usage)?;
    let code = guide.trial(&config, &store, &chosen, sounds).await;
    store.close().await;
    let is_own = config::user_file().as_ref() == Some(&target);
    let named = if is_own { String::new() } else { format!(" --config {}", target.display()) };
    let code = code?;
    if sounds {
        ask.say(format_args!("\nReady: sphereconnect{named} run"));
    } else {
        ask.say(format_args!(
            "\nReady to type: sphereconnect{named} say \"what can I say\". The microphone gave no sound or was not tried; \
             sphereconnect{named} doctor tries it, and with it sphereconnect{named} run"
        ));
    }
    Ok(code)
}

/// The open database, the guild, and whether the microphone gives sound.
type Asked = (Option<Arc<Store>>, Chosen, bool);

impl Guide<'_> {
    /// Asks everything; `None` when the player does not want it written.
    async fn questions(&mut self, target: &Path) -> Result<Option<Asked>, Failure> {
        let store = self.database().await?;
        let chosen = self.guild(store.as_deref()).await?;
        let member = self.member(&chosen).await?;
        self.note_guild(&chosen, &member);
        let sounds = self.microphone().await?;
        self.key().await?;
        self.voice().await?;
        self.endpoint().await?;
        if self.may_write(target, &chosen).await? {
            return Ok(Some((store, chosen, sounds)));
        }
        if let Some(store) = store {
            store.close().await;
        }
        Ok(None)
    }

    /// Shows what would be written, and asks.
    async fn may_write(&self, target: &Path, chosen: &Chosen) -> Result<bool, Failure> {
        self.ask.say("\nThe settings");
        for change in &self.changes {
            self.ask.say(format_args!("  {change}"));
        }
        if chosen.import {
            self.ask.say(format_args!("  and the guild \"{}\" is brought into the database", chosen.name));
        }
        let name = target.display();
        let text = if target.exists() {
            format!("change these in {name} (the rest of it stays)")
        } else {
            format!("write them to {name}")
        };
        let question = Question { text: &text, default: "yes", option: "--yes", given: None };
        self.ask.is_so(&question).await
    }
}

/// Ends the program at Ctrl-C, but not between the guild and the settings.
fn watch_for_ctrl_c(ask: Ask, writing: Arc<AtomicBool>) {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if !writing.load(Ordering::SeqCst) {
                ask.say("\nstopped");
                // A thread waits for the terminal and cannot be woken otherwise.
                std::process::exit(i32::from(EXIT_SOME_NOT));
            }
        }
    });
}
