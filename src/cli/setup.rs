//! The answers that `setup` takes on the command line.

use clap::Args;

/// The first-run guide's answers. What is not said here is asked.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Every question has a default that Enter takes. Answers may also come by these options, or a line \
                        each through standard input. Nothing is written before the last question was answered with yes."
)]
pub struct Setup {
    /// "embedded", or the address of a server, postgres://…
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Where the guild comes from: "demo", "new" (named by --guild, led by --as), a guild file, or a guild in the database
    #[arg(long, value_name = "FROM")]
    pub guild_from: Option<String>,
    /// "default", "skip" (no test), or a microphone's name or part of it
    #[arg(long, value_name = "NAME")]
    pub microphone: Option<String>,
    /// "show" waits for the key to be pressed; else a name such as F13, mouse:8, joystick:288, or "enter"
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// "hold", "toggle", "auto" or "open"
    #[arg(long, value_name = "MODE")]
    pub mode: Option<String>,
    /// Whether replies are spoken: "yes" or "no"
    #[arg(long, value_name = "YES|NO")]
    pub voice: Option<String>,
    /// "none", or the address of a language model's server, http://…
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// "say", "none", or the words of the order that is tried at the end; nothing is changed by it
    #[arg(long, value_name = "WORDS")]
    pub order: Option<String>,
    /// Take the default for every question that no option answers
    #[arg(long)]
    pub yes: bool,
}
