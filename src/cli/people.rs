//! Commands about what people manage in a guild: its members, squads, ranks, categories, access levels and commander.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Member;

/// Commands about members: who there is, and how they sign in.
#[derive(Debug, Subcommand)]
pub enum Members {
    /// Who there is.
    #[command(flatten)]
    Roll(Roll),
    /// How they sign in.
    #[command(flatten)]
    SignIn(Member),
}

/// Commands about who is a member, with which rank and in which squad.
#[derive(Debug, Subcommand)]
pub enum Roll {
    /// List the members
    List,
    /// Add a member
    Add {
        /// What they are called
        #[arg(value_name = "NAME")]
        name: String,
        /// Their rank
        #[arg(long, value_name = "RANK")]
        rank: Option<String>,
        /// Their squad
        #[arg(long, value_name = "SQUAD")]
        squad: Option<String>,
        /// How the name is said, such as "kes trul"
        #[arg(long, value_name = "SYLLABLES")]
        phonetic: Option<String>,
    },
    /// Call a member something else
    Rename {
        /// Whom
        #[arg(value_name = "NAME")]
        name: String,
        /// The new name
        #[arg(value_name = "NEW NAME")]
        new: String,
    },
    /// Remove a member; what they led is led by nobody then
    Remove {
        /// Whom
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Give a member a rank
    Rank {
        /// Whom
        #[arg(value_name = "NAME")]
        name: String,
        /// The rank, or none
        #[arg(value_name = "RANK|none")]
        rank: String,
    },
    /// Put a member into a squad
    Squad {
        /// Whom
        #[arg(value_name = "NAME")]
        name: String,
        /// The squad, or none
        #[arg(value_name = "SQUAD|none")]
        squad: String,
    },
    /// Say whether a member can be reached
    Availability {
        /// Whose
        #[arg(value_name = "NAME")]
        name: String,
        /// online, busy, offline or in_game
        #[arg(value_name = "WORD")]
        availability: String,
    },
    /// Say how a member's name is said
    Phonetic {
        /// Whose
        #[arg(value_name = "NAME")]
        name: String,
        /// Its syllables, such as "kes trul", or none
        #[arg(value_name = "SYLLABLES|none")]
        phonetic: String,
    },
}

/// Commands about squads.
#[derive(Debug, Subcommand)]
pub enum Squad {
    /// List the squads
    List,
    /// Create a squad
    Create {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
        /// The member who leads it
        #[arg(long, value_name = "MEMBER")]
        lead: Option<String>,
        /// How the name is said
        #[arg(long, value_name = "SYLLABLES")]
        phonetic: Option<String>,
    },
    /// Call a squad something else
    Rename {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
        /// The new name
        #[arg(value_name = "NEW NAME")]
        new: String,
    },
    /// Say who leads a squad
    Lead {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
        /// The member, or none
        #[arg(value_name = "MEMBER|none")]
        lead: String,
    },
    /// Disband a squad; who was in it or worked for it is without one then
    Disband {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Commands about ranks.
#[derive(Debug, Subcommand)]
pub enum Rank {
    /// List the ranks, the most senior first
    List,
    /// Add a rank; without more it reads brief sections and may do nothing
    Add {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
        /// Its place: 1 is the most senior, and no two are the same
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        level: i32,
        /// What it has.
        #[command(flatten)]
        pieces: RankPieces,
    },
    /// Change a rank; what is not said stays
    Set {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
        /// A new name
        #[arg(long = "name", value_name = "NEW NAME")]
        new: Option<String>,
        /// Its place: 1 is the most senior, and no two are the same
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        level: Option<i32>,
        /// What it has.
        #[command(flatten)]
        pieces: RankPieces,
    },
    /// Remove a rank that nobody holds
    Remove {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// What a rank has.
#[derive(Debug, Args)]
pub struct RankPieces {
    /// What it may read: brief, tactical or classified
    #[arg(long, value_name = "SECTION")]
    pub clearance: Option<String>,
    /// The access levels it has, separated by commas; an empty text for none
    #[arg(long, value_name = "LEVEL,…")]
    pub access: Option<String>,
    /// How the name is said
    #[arg(long, value_name = "SYLLABLES|none")]
    pub phonetic: Option<String>,
}

/// Commands about categories of objectives.
#[derive(Debug, Subcommand)]
pub enum Category {
    /// List the categories
    List,
    /// Add a category
    Add {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
        /// What belongs to it
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// How the name is said
        #[arg(long, value_name = "SYLLABLES")]
        phonetic: Option<String>,
    },
    /// Call a category something else
    Rename {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
        /// The new name
        #[arg(value_name = "NEW NAME")]
        new: String,
    },
    /// Remove a category; objectives that were in it are not in it any more
    Remove {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Commands about access levels: named sets of what a rank may do.
#[derive(Debug, Subcommand)]
pub enum Access {
    /// List the access levels
    List,
    /// Add an access level
    Add {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
        /// What it grants, separated by commas, such as view_tasks,manage_tasks
        #[arg(value_name = "ACTION,…")]
        actions: String,
    },
    /// Change an access level; what is not said stays
    Set {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
        /// What it grants, separated by commas; an empty text for nothing
        #[arg(value_name = "ACTION,…", required_unless_present = "new")]
        actions: Option<String>,
        /// A new name
        #[arg(long = "name", value_name = "NEW NAME")]
        new: Option<String>,
    },
    /// Remove an access level that no rank has
    Remove {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Commands about the guild's commander.
#[derive(Debug, Subcommand)]
pub enum Commander {
    /// Show the commander
    Show,
    /// Change the commander; what is not said stays
    #[command(arg_required_else_help = true)]
    Set {
        /// What it is called
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// How the name is said
        #[arg(long, value_name = "SYLLABLES|none")]
        phonetic: Option<String>,
        /// A file with how it thinks and talks
        #[arg(long, value_name = "FILE")]
        system_prompt: Option<PathBuf>,
        /// A file with the guild's own tone
        #[arg(long, value_name = "FILE")]
        user_prompt: Option<PathBuf>,
    },
}
