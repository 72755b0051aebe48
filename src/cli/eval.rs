//! What can be asked of an evaluation.

use std::path::PathBuf;

use clap::Args;

/// What to play of an evaluation.
#[derive(Debug, Args)]
pub struct Eval {
    /// The folder: guild.toml, utterances.jsonl and, for each voice, audio/VOICE/ID.wav; see docs/evaluation.md
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Only as typed words
    #[arg(long, conflicts_with = "spoken")]
    pub typed: bool,
    /// Only the recordings
    #[arg(long)]
    pub spoken: bool,
    /// Mix the noise of a cockpit under the recordings, so many decibels below the speech
    #[arg(long, value_name = "DB", allow_negative_numbers = true, value_parser = clap::value_parser!(f32), conflicts_with = "typed")]
    pub noise: Option<f32>,
    /// Only the lines whose id holds this
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Show at most so many of the turns that did not come out right
    #[arg(long, value_name = "N", default_value_t = 15)]
    pub worst: usize,
}
