//! The nouns that pass between stages: typed ids, closed value sets and their limits.
//!
//! Everything here is plain data. A value that exists is valid: constructors refuse what the database would refuse.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// Samples a second of every [`Utterance`]; what the recogniser takes.
pub const SAMPLE_RATE: u32 = 16_000;
/// The longest name of anything in a guild, in characters.
pub const NAME_CHARS_MAX: usize = 120;
/// The longest free text (a brief, a task's description), in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

ids! {
    /// Names a guild: the tenant.
    GuildId,
    /// Names a member: one person's membership in one guild.
    MemberId,
    /// Names a rank.
    RankId,
    /// Names a squad.
    SquadId,
    /// Names a category of objectives.
    CategoryId,
    /// Names an objective.
    ObjectiveId,
    /// Names a task.
    TaskId,
    /// Names one utterance; the same id is never applied twice.
    UtteranceId,
}

impl UtteranceId {
    /// A new id, ordered by time.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of the `index`-th order of a batch: the same batch, place and content give the same id, so that a batch
    /// which was cut off can be sent again.
    #[must_use]
    pub fn of_batch(batch: &str, index: usize, content: &str) -> Self {
        let text = format!("sphereconnect batch {batch} order {index}: {content}");
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()))
    }
}

impl Default for UtteranceId {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! value_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word the schema stores.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// The value the schema's word stands for.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
            /// The word as a person says it.
            #[must_use]
            pub fn spoken(self) -> String {
                self.as_str().replace('_', " ")
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use value_set;

value_set! {
    /// How urgent an objective or a task is.
    Priority {
        /// Before anything else.
        Critical = "critical",
        /// Soon.
        High = "high",
        /// The default.
        Medium = "medium",
        /// When there is time.
        Low = "low",
    }
}
value_set! {
    /// Where an objective stands.
    ObjectiveStatus {
        /// Being worked on; the default.
        Active = "active",
        /// Reached.
        Completed = "completed",
        /// Given up.
        Cancelled = "cancelled",
        /// Put aside.
        OnHold = "on_hold",
    }
}
value_set! {
    /// Where a task stands.
    TaskStatus {
        /// Not begun; the default.
        Pending = "pending",
        /// Being worked on.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
        /// Given up.
        Cancelled = "cancelled",
        /// Put aside.
        OnHold = "on_hold",
    }
}
value_set! {
    /// Whether a member can be reached.
    Availability {
        /// Here and free.
        Online = "online",
        /// Here, not free.
        Busy = "busy",
        /// Not here; the default.
        Offline = "offline",
        /// Flying.
        InGame = "in_game",
    }
}
value_set! {
    /// A section of an objective's description, and the clearance a rank needs to read it. A higher clearance reads
    /// the lower sections too.
    Clearance {
        /// Everyone in the guild.
        Brief = "brief",
        /// Officers and NCOs.
        Tactical = "tactical",
        /// Officers.
        Classified = "classified",
    }
}

/// A share of a hundred, 0 to 100 inclusive.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Percent(f32);

impl Percent {
    /// `None` outside 0 to 100, and for what is not a number.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "0 to 100 fits an f32")]
        (0.0..=100.0).contains(&value).then_some(Self(value as f32))
    }

    /// The share, 0 to 100.
    #[must_use]
    pub fn get(self) -> f32 {
        self.0
    }
}

/// A name a guild gives to something: trimmed, one line, 1 to [`NAME_CHARS_MAX`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// Why a text cannot be a [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but blanks.
    #[error("a name cannot be empty")]
    Empty,
    /// More than [`NAME_CHARS_MAX`] characters.
    #[error("a name has at most {NAME_CHARS_MAX} characters")]
    TooLong,
    /// A line break, a tab or another control character.
    #[error("a name cannot hold line breaks or control characters")]
    Control,
}

impl Name {
    /// Trims the text and checks it.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn new(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_empty() {
            Err(NameError::Empty)
        } else if text.chars().count() > NAME_CHARS_MAX {
            Err(NameError::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(NameError::Control)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something of the guild that was found by name: its id for the database, its stored name for people. Serialises as
/// the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<I> {
    /// Where it is stored.
    pub id: I,
    /// How the guild calls it.
    pub name: String,
}

impl<I> Serialize for Named<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

value_set! {
    /// What a spoken name can stand for.
    Kind {
        /// A person.
        Member = "member",
        /// A squad.
        Squad = "squad",
        /// A rank.
        Rank = "rank",
        /// An objective.
        Objective = "objective",
        /// A task.
        Task = "task",
        /// A category of objectives.
        Category = "category",
    }
}

/// One piece of speech, mono at [`SAMPLE_RATE`], each sample -1 to 1.
#[derive(Debug, Clone)]
pub struct Utterance {
    /// Names it for ever.
    pub id: UtteranceId,
    /// Where it came from: a file's path as it was given, or `microphone`.
    pub source: String,
    /// The sound.
    pub samples: Vec<f32>,
    /// Whether samples were lost on the way; such an utterance is not acted on.
    pub overrun: bool,
}

impl Utterance {
    /// Its length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "an utterance has far fewer than 2^52 samples")]
        let samples = self.samples.len() as f64;
        samples / f64::from(SAMPLE_RATE)
    }
}

/// What the recogniser made of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Words.
    Words(Transcript),
    /// Nothing to act on; the text says why, for people.
    Nothing(String),
}

/// Words as they were heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The words, with the recogniser's punctuation.
    pub text: String,
    /// The mean probability of its tokens, 0 to 1; 1 for typed words.
    pub confidence: f32,
}

/// A short tone that tells how a turn ended before the first word of its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cue {
    /// The order was taken and is being worked on.
    Heard,
    /// It is still being worked on.
    Late,
    /// Done.
    Done,
    /// An answer, or something has to be chosen or confirmed.
    Question,
    /// Not permitted, or too many orders wait.
    Refused,
    /// Something went wrong.
    Failed,
    /// Nothing was understood.
    Nothing,
}

/// The guild's AI commander.
#[derive(Debug, Clone, Default)]
pub struct Persona {
    /// What it is called.
    pub name: String,
    /// How its name is said.
    pub phonetic: Option<String>,
    /// How it thinks and talks.
    pub system_prompt: String,
    /// The guild's own tone.
    pub user_prompt: Option<String>,
}
