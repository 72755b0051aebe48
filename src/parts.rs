//! Opens the parts that the commands are made of, from the settings, and says what an exit code means.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::commander::Commander;
use crate::commander::grammar::Grammar;
use crate::config::Config;
use crate::hearing::HearingSettings;
use crate::hearing::key::Mode;
use crate::show::Waiting;
use crate::speech::{self, Recogniser, SpeechError, SpeechSettings};
use crate::store::embedded::archive::ArchiveError;
use crate::store::operate::{OperateError, Operator};
use crate::store::{GuildError, PartitionError, Session, Store, StoreError};
use crate::turn::{TurnSettings, Turns};
use crate::voice::VoiceSettings;

/// The exit code when every turn was applied, answered or ignored.
pub const EXIT_DONE: u8 = 0;
/// The exit code when some turn was refused, asked or failed.
pub const EXIT_SOME_NOT: u8 = 1;
/// The exit code for wrong usage or settings.
pub const EXIT_USAGE: u8 = 2;
/// The exit code when a part is not available.
pub const EXIT_PART: u8 = 3;

/// Why a command could not do its work: the words for people and the exit code for scripts.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What went wrong.
    pub error: anyhow::Error,
}

impl Failure {
    /// Wrong usage or settings.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: EXIT_USAGE, error: error.into() }
    }

    /// A part is not available.
    pub fn part(error: impl Into<anyhow::Error>) -> Self {
        Self { code: EXIT_PART, error: error.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Url
            | StoreError::Guild(_)
            | StoreError::Member(_)
            | StoreError::Protected(_)
            | StoreError::SignIn
            | StoreError::Secret(_)
            | StoreError::Denied(_)
            | StoreError::NotKeeper => Self::usage(error),
            StoreError::Whole(error) => error.into(),
            other => Self::part(other),
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Unchanged { .. } => Self { code: EXIT_SOME_NOT, error: error.into() },
            ArchiveError::Path { .. }
            | ArchiveError::Taken { .. }
            | ArchiveError::Off
            | ArchiveError::TooEarly { .. }
            | ArchiveError::TooLate { .. } => Self::usage(error),
            other => Self::part(other),
        }
    }
}

impl From<PartitionError> for Failure {
    fn from(error: PartitionError) -> Self {
        match error {
            PartitionError::Count(_) | PartitionError::Already(_) => Self::usage(error),
            PartitionError::Store(error) => Self::from(error),
            other => Self::part(other),
        }
    }
}

impl From<GuildError> for Failure {
    fn from(error: GuildError) -> Self {
        match error {
            GuildError::Unknown { .. } | GuildError::Refused { .. } | GuildError::Password { .. } => Self::usage(error),
            other => Self::part(other),
        }
    }
}

impl From<OperateError> for Failure {
    fn from(error: OperateError) -> Self {
        match error {
            OperateError::Store(error) => error.into(),
            error if error.is_usage() => Self::usage(error),
            error => Self::part(error),
        }
    }
}

impl From<SpeechError> for Failure {
    fn from(error: SpeechError) -> Self {
        Self::part(error)
    }
}

/// Opens the database, telling on standard error what takes long.
///
/// # Errors
/// See [`StoreError`].
pub async fn store(config: &Config) -> Result<Arc<Store>, Failure> {
    let waiting = Waiting::new();
    let told = waiting.clone();
    let store = Store::open(config, Arc::new(move |text| told.say(text))).await;
    waiting.done();
    Ok(Arc::new(store?))
}

/// Opens the database as the owner of its tables.
///
/// # Errors
/// [`StoreError::NotKeeper`] for any other login; see [`StoreError`].
pub async fn keeper(config: &Config) -> Result<Arc<Store>, Failure> {
    let store = store(config).await?;
    if store.is_keeper() { Ok(store) } else { Err(StoreError::NotKeeper.into()) }
}

/// Opens the database for its operator, as it is.
///
/// # Errors
/// See [`OperateError`].
pub async fn operator(config: &Config) -> Result<Operator, Failure> {
    let waiting = Waiting::new();
    let told = waiting.clone();
    let operator = Operator::open(config, Arc::new(move |text| told.say(text))).await;
    waiting.done();
    Ok(operator?)
}

/// Opens the database for the member of `--as`, signed in; for its owner when nobody is named.
///
/// # Errors
/// See [`StoreError`].
pub async fn acting(config: &Config, who: &crate::cli::Global) -> Result<(Arc<Store>, Option<Session>), Failure> {
    let store = store(config).await?;
    let by_owner = who.member.is_none() && store.is_keeper();
    let session = if by_owner { None } else { Some(sign_in(&store, config, who).await?) };
    Ok((store, session))
}

/// Signs in whom the command line names, or else the settings.
///
/// # Errors
/// See [`Store::sign_in`].
pub async fn sign_in(store: &Store, config: &Config, who: &crate::cli::Global) -> Result<Session, StoreError> {
    let guild = who.guild.as_deref().or(config.guild.as_deref());
    store.sign_in(guild, who.member.as_deref().or(config.member.as_deref())).await
}

/// Signs the member out and closes the database.
pub async fn leave(store: &Store, session: Option<&Session>) {
    if let Some(session) = session {
        // One that was just ended is none to close.
        drop(store.sign_out(session).await);
    }
    store.close().await;
}

/// Loads the recogniser.
///
/// # Errors
/// See [`SpeechError`].
pub async fn recogniser(config: &Config) -> Result<Recogniser, Failure> {
    let files = speech::find_models(config.speech.model.as_deref())?;
    let mut settings = SpeechSettings::new(files);
    if let Some(threads) = config.speech.threads {
        settings.threads = threads;
    }
    settings.prompt_names_max = config.speech.prompt_names_max;
    let waiting = Waiting::new();
    let patience = tokio::time::sleep(Duration::from_millis(400));
    let loading = Recogniser::start(settings);
    tokio::pin!(patience, loading);
    let loaded = tokio::select! {
        loaded = &mut loading => loaded,
        () = &mut patience => {
            waiting.say("loading the speech model");
            loading.await
        }
    };
    waiting.done();
    Ok(loaded?)
}

/// Reads the wordings and prepares the endpoint. A line of the guild's own wordings that cannot be read is logged and
/// left out.
///
/// # Errors
/// For an endpoint's URL that is none, and for a file of wordings that cannot be opened.
pub fn commander(config: &Config) -> Result<Arc<Commander>, Failure> {
    let commander = Commander::new(config.endpoint.as_ref()).map_err(Failure::usage)?;
    let Some(file) = &config.wordings else { return Ok(Arc::new(commander)) };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the wordings {}", file.display()));
    let (grammar, problems) = Grammar::with_own(&text.map_err(Failure::usage)?).map_err(Failure::usage)?;
    for problem in problems {
        tracing::warn!("{}, {problem}; the line is left out", file.display());
    }
    Ok(Arc::new(commander.with_grammar(grammar)))
}

/// How turns are taken.
#[must_use]
pub fn turn_settings(config: &Config, dry_run: bool) -> TurnSettings {
    TurnSettings {
        dry_run,
        keep_words: config.keep_words,
        confirm_model_orders: config.confirm_model_orders,
        confirm_ranks: config.confirm_ranks,
        prompt_names_max: config.speech.prompt_names_max,
        must_be_called: config.hearing.must_be_called,
        zone: config.timezone,
    }
}

/// Everything that a member's turns need.
///
/// # Errors
/// When the settings are wrong or a part is not available.
pub async fn turns(config: &Config, who: &crate::cli::Global, with_speech: bool) -> Result<Turns, Failure> {
    let commander = commander(config)?;
    let (store, recogniser) =
        tokio::join!(store(config), async { if with_speech { recogniser(config).await.map(Some) } else { Ok(None) } });
    let (store, recogniser) = (store?, recogniser?);
    let session = sign_in(&store, config, who).await?;
    Ok(Turns::new(store, session, commander, recogniser, turn_settings(config, who.dry_run)))
}

/// How the voice sounds.
#[must_use]
pub fn voice(config: &Config, enabled: bool) -> VoiceSettings {
    // 0 to 100 in the settings is silent to full.
    let volume = i16::from(config.voice.volume) * 2 - 100;
    VoiceSettings {
        enabled,
        rate: config.voice.rate,
        pitch: config.voice.pitch,
        volume: i8::try_from(volume).unwrap_or(100),
        voice: config.voice.espeak_voice.clone(),
        engine: config.voice.engine,
        radio: config.voice.radio,
    }
}

/// How the microphone is listened to.
#[must_use]
pub fn hearing(config: &Config) -> HearingSettings {
    let ms = |length: Duration| u32::try_from(length.as_millis()).unwrap_or(u32::MAX);
    HearingSettings {
        device: config.hearing.microphone.clone(),
        pre_roll_ms: ms(config.hearing.preroll),
        tail_ms: ms(config.hearing.tail),
        utterance_ms_max: ms(config.talk.longest),
        draft: config.hearing.draft,
        headphones: config.hearing.headphones,
        open: config.talk.mode == Mode::Open,
    }
}
