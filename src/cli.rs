//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use uuid::Uuid;

use crate::domain::Kind;

mod daemon;
mod eval;
mod people;
mod setup;

pub use daemon::{Service, Talk};
pub use eval::Eval;
pub use people::{Access, Category, Commander, Members, Rank, RankPieces, Roll, Squad};
pub use setup::Setup;

/// The voice that runs a guild: spoken orders become changes in the guild's PostgreSQL, answered aloud.
#[derive(Debug, Parser)]
#[command(name = "sphereconnect", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Settings file instead of the one that `setup` writes; config.toml in the project lists every key
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The guild to act in
    #[arg(long, global = true, value_name = "NAME")]
    pub guild: Option<String>,
    /// The member who speaks
    #[arg(long = "as", global = true, value_name = "MEMBER")]
    pub member: Option<String>,
    /// Print one JSON object a turn
    #[arg(long, global = true)]
    pub json: bool,
    /// Do everything, permissions and database included, and take it back at the end of each turn
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Write where the time goes into this file, for chrome://tracing or ui.perfetto.dev
    #[arg(long, global = true, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Log more; twice or three times for more still
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How replies of `hear` and `say` are heard.
#[derive(Debug, Args, Clone)]
pub struct Sounding {
    /// Speak the replies
    #[arg(long)]
    pub speak: bool,
    /// Write what would be heard as WAV files into this folder
    #[arg(long, value_name = "DIR")]
    pub reply_wav: Option<PathBuf>,
    /// Name this batch: the same batch sent again does each order only once
    #[arg(long, value_name = "NAME")]
    pub batch: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Listen to the microphone and carry out what is said
    Run,
    /// Move the talk key of the daemon that runs, for buttons and bindings of other programs
    #[command(subcommand)]
    Talk(Talk),
    /// Say how the daemon that runs is: what it does, its last turns, how long they took
    Status,
    /// Let the system start the daemon
    #[command(subcommand)]
    Service(Service),
    /// Take turns from recordings, in order
    Hear {
        /// WAV files of any rate, mono or stereo, 0.3 to 30 seconds
        #[arg(required = true, value_name = "FILE.wav")]
        files: Vec<PathBuf>,
        /// How replies are heard.
        #[command(flatten)]
        sounding: Sounding,
    },
    /// Take turns from typed words
    Say {
        /// The words of one order each
        #[arg(required = true, value_name = "TEXT")]
        texts: Vec<String>,
        /// How replies are heard.
        #[command(flatten)]
        sounding: Sounding,
    },
    /// Show the whole way on a demo guild with bundled recordings
    Demo {
        /// Write what would be heard as WAV files into this folder
        #[arg(long, value_name = "DIR")]
        reply_wav: Option<PathBuf>,
        /// Speak the replies
        #[arg(long)]
        speak: bool,
    },
    /// Play a folder of sentences and recordings, and count what comes out right
    Eval(Eval),
    /// Ask what a player has to decide, try it, write the settings, and grade one order
    Setup(Setup),
    /// Try every part and say what to do about each that fails
    Doctor,
    /// Say who did what: your own orders, or everyone's with the right to manage the guild
    Journal(Journal),
    /// Bring guilds in and out
    #[command(subcommand)]
    Guild(Guild),
    /// The members: who there is, and their passwords, PINs, TOTP codes, locks and sessions
    ///
    /// With --as MEMBER, that member signs in and manages themselves and, with the right manage_users, members below
    /// their own rank. Without it the owner of the database manages any member of --guild. Secrets come from a prompt
    /// or the environment: SPHERECONNECT_PASSWORD, SPHERECONNECT_PIN and SPHERECONNECT_TOTP to sign in with,
    /// SPHERECONNECT_NEW_PASSWORD and SPHERECONNECT_NEW_PIN to set.
    #[command(subcommand)]
    Member(Members),
    /// The squads
    ///
    /// This and the commands about members, ranks, categories, access levels and the commander are carried out with the
    /// rights of the member of --as. Without it the owner of the database does them in --guild.
    #[command(subcommand)]
    Squad(Squad),
    /// The ranks: their places, what they may read and do
    #[command(subcommand)]
    Rank(Rank),
    /// The categories of objectives
    #[command(subcommand)]
    Category(Category),
    /// The access levels: named sets of what a rank may do
    #[command(subcommand)]
    Access(Access),
    /// The commander: what it is called, and how it thinks and talks
    #[command(subcommand)]
    Commander(Commander),
    /// Try which names words or a recording are taken for, and how surely
    #[command(subcommand)]
    Names(Names),
    /// The database
    #[command(subcommand)]
    Db(Db),
    /// Speech models
    #[command(subcommand)]
    Models(Models),
}

/// What to read of the journal.
#[derive(Debug, Args)]
pub struct Journal {
    /// Only this member
    // Its own id: `--as` has the one that the field would give it.
    #[arg(long = "member", id = "whose", value_name = "NAME")]
    pub whose: Option<String>,
    /// Only what is newer: 90m, 12h, 3d, 2w, a day as 2026-11-01, or an instant
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// At most so many lines, 1 to 1000, the newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=i64::from(crate::journal::LINES_MAX)))]
    pub limit: i32,
}

/// Commands about guilds.
#[derive(Debug, Subcommand)]
pub enum Guild {
    /// Bring a guild file into the database; the same file twice changes nothing
    Import {
        /// The guild file
        #[arg(value_name = "FILE.toml")]
        file: PathBuf,
    },
    /// Print the guild as a guild file
    Export,
    /// List the guilds
    List,
    /// Tell which names sound alike or cannot be said, of a guild file or of the guild in the database
    Lint {
        /// A guild file; without one, the guild of --guild
        #[arg(value_name = "FILE.toml")]
        file: Option<PathBuf>,
    },
}

/// Commands about names: which the member of --as would be understood to mean.
#[derive(Debug, Subcommand)]
pub enum Names {
    /// Show the candidates for words, as the recogniser might have heard a name
    Try {
        /// The words of one name each
        #[arg(required = true, value_name = "WORDS")]
        words: Vec<String>,
        /// Only this kind: member, squad, rank, objective, task or category
        #[arg(long, value_name = "KIND", value_parser = kind)]
        kind: Option<Kind>,
    },
    /// Show the names heard in recordings, with their candidates
    Hear {
        /// WAV files of any rate, mono or stereo, 0.3 to 30 seconds
        #[arg(required = true, value_name = "FILE.wav")]
        files: Vec<PathBuf>,
        /// Only this kind: member, squad, rank, objective, task or category
        #[arg(long, value_name = "KIND", value_parser = kind)]
        kind: Option<Kind>,
    },
}

fn kind(word: &str) -> Result<Kind, String> {
    Kind::parse(word).ok_or_else(|| {
        format!("a kind is one of {}", Kind::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", "))
    })
}

/// Commands about how members sign in. Without a name it is the member of --as.
#[derive(Debug, Subcommand)]
pub enum Member {
    /// Set a password of at least 8 characters, or clear it
    Password {
        /// Whose
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Take it away
        #[arg(long)]
        clear: bool,
    },
    /// Set a PIN of 4 to 12 digits, or clear it
    Pin {
        /// Whose
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Take it away
        #[arg(long)]
        clear: bool,
    },
    /// Set up TOTP: shows a secret once and asks for a first code of it
    Totp {
        /// Whose
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Take it away
        #[arg(long)]
        clear: bool,
    },
    /// Let a locked member try again at once
    Unlock {
        /// Whom
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Show how members sign in, who is locked, and when they last signed in
    Status {
        /// Only this member
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// List the open sessions
    Sessions,
    /// End a session, or all sessions of a member
    EndSession {
        /// The session's id, as `member sessions` lists it
        #[arg(value_name = "SESSION", required_unless_present = "all", conflicts_with = "all")]
        session: Option<Uuid>,
        /// End all sessions of this member but this command's own
        #[arg(long, value_name = "NAME")]
        all: Option<String>,
    },
}

/// Commands about the database.
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Bring the schema up to this program's version
    Migrate,
    /// Say how the database is: versions, sizes, dead rows, unused indexes, open transactions
    Status,
    /// Save the database into a file, with a manifest of what is in it beside it
    Backup {
        /// The file, or a folder in which it gets a name with the time; with --guild, the guild file
        #[arg(value_name = "FILE|DIR")]
        target: PathBuf,
        /// Tables, policies and functions without their rows
        #[arg(long, conflicts_with = "data")]
        schema: bool,
        /// Rows without their tables
        #[arg(long)]
        data: bool,
        /// Replace a file of that name
        #[arg(long)]
        force: bool,
    },
    /// Replace the database by a backup, and compare every row with the manifest before
    Restore {
        /// The backup; its manifest lies beside it
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Even when the database holds guilds; it is kept beside the new one
        #[arg(long)]
        force: bool,
    },
    /// Do what a database needs from time to time, while programs go on working; Ctrl-C stops between two steps
    Maintain {
        /// Only some of it
        #[arg(long, value_delimiter = ',', value_name = "PART,…")]
        only: Vec<MaintainPart>,
        /// Only build this index anew
        #[arg(long, value_name = "NAME", conflicts_with = "only")]
        index: Option<String>,
    },
    /// Keep a copy of everything that is written, from which any moment can be brought back; alone: how it goes
    Archive {
        /// What to do.
        #[command(subcommand)]
        command: Option<Archive>,
    },
    /// Bring the embedded database back to a moment; with --dry-run only say from what
    Recover {
        /// The moment: 2026-11-22T15:30:00Z, "2026-11-22 15:30:00" (UTC), or how long ago: 90s, 10m, 2h, 3d
        #[arg(long, value_name = "TIME")]
        to: String,
    },
    /// Keep objectives and tasks in partitions by guild, for many guilds; alone: how they are kept
    Partition {
        /// What to do.
        #[command(subcommand)]
        command: Option<Partition>,
    },
}

/// Commands about partitions.
#[derive(Debug, Subcommand)]
pub enum Partition {
    /// Spread the tables, while they are in use
    On {
        /// How many partitions, 2 to 64
        #[arg(long, value_name = "N", default_value_t = 8)]
        partitions: u32,
    },
    /// Take them together again, while they are in use
    Off,
}

/// Parts of `db maintain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MaintainPart {
    /// Make room of dead rows, and analyze
    Vacuum,
    /// Bring the planner's statistics up to date
    Analyze,
    /// Build every index anew beside the old one
    Reindex,
    /// Remove expired sessions
    Sessions,
    /// Remove what the journal keeps for no longer
    Journal,
}

/// Commands about the archive.
#[derive(Debug, Subcommand)]
pub enum Archive {
    /// Begin, with a base backup
    On {
        /// The folder, best on another disk; `archive` in the data folder when it is left out
        #[arg(value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
    /// End; what was archived stays
    Off,
    /// Make a fresh base backup
    Base {
        /// Keep so many of the newest base backups, and remove the others with the log that only they need
        #[arg(long, value_name = "N")]
        keep: Option<usize>,
    },
}

/// Commands about speech models.
#[derive(Debug, Subcommand)]
pub enum Models {
    /// Say which model is used and where it is
    List,
    /// Check the model files against their checksums
    Verify,
}

#[cfg(test)]
mod tests;
