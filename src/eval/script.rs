//! What is played: the folder of an evaluation, read and checked.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

/// The most lines of one evaluation.
const LINES_MAX: usize = 10_000;
/// The most turns of one conversation.
const STEPS_MAX: usize = 20;

/// An evaluation's folder.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) dir: PathBuf,
    /// The guild file's text.
    pub(super) guild: String,
    pub(super) lines: Vec<Line>,
    /// The folders of recordings, sorted.
    pub(super) voices: Vec<String>,
}

/// One order, or a conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    /// Names it; a recording is called so.
    pub(super) id: String,
    /// The member who speaks.
    pub(super) speaker: String,
    #[serde(flatten)]
    single: Option<Step>,
    #[serde(default)]
    turns: Vec<Step>,
}

impl Line {
    /// What is said, one after the other.
    pub(super) fn steps(&self) -> &[Step] {
        if self.turns.is_empty() { self.single.as_slice() } else { &self.turns }
    }
}

/// One thing that is said, and what must come of it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Step {
    /// The words.
    pub(super) text: String,
    /// The commands that must come of it; a field that is not named is free.
    pub(super) commands: Vec<Value>,
    /// The outcomes that are right.
    #[serde(default)]
    pub(super) outcome: Outcomes,
    /// Words of the reply.
    #[serde(default)]
    pub(super) reply_has: Vec<String>,
    /// Words that must not be in the reply.
    #[serde(default)]
    pub(super) reply_lacks: Vec<String>,
    /// Fields whose text need only be similar.
    #[serde(default)]
    pub(super) loose: Vec<String>,
    /// Wording that no fixed pattern could be expected to take.
    #[serde(default)]
    pub(super) free: bool,
}

/// One outcome, or several that are right.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Outcomes {
    /// The only one.
    One(String),
    /// Any of them.
    Any(Vec<String>),
}

impl Default for Outcomes {
    fn default() -> Self {
        Self::One("applied".to_owned())
    }
}

impl Outcomes {
    pub(super) fn has(&self, outcome: &str) -> bool {
        match self {
            Self::One(one) => one == outcome,
            Self::Any(all) => all.iter().any(|one| one == outcome),
        }
    }
}

impl Script {
    /// Reads the folder; `only` keeps the lines whose id holds it.
    pub(super) fn read(dir: &Path, only: Option<&str>) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let file = dir.join(name);
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
        };
        let guild = text("guild.toml")?;
        let mut lines = Vec::new();
        for (at, line) in text("utterances.jsonl")?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = || format!("utterances.jsonl, line {}", at + 1);
            let read: Line = serde_json::from_str(line).with_context(place)?;
            if read.steps().is_empty() {
                bail!("{}: {:?} needs \"text\" and \"commands\", or \"turns\" with them", place(), read.id);
            }
            ensure!(read.steps().len() <= STEPS_MAX, "{}: at most {STEPS_MAX} turns", place());
            let fits = read.id.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
            ensure!(fits, "{}: an id is made of letters, digits, \"-\", \"_\" and \".\"", place());
            if only.is_none_or(|only| read.id.contains(only)) {
                lines.push(read);
            }
        }
        ensure!(!lines.is_empty(), "there is nothing to play in {}", dir.display());
        ensure!(lines.len() <= LINES_MAX, "at most {LINES_MAX} lines can be played at once");
        let mut voices: Vec<String> = match std::fs::read_dir(dir.join("audio")) {
            Ok(entries) => entries
                .filter_map(|entry| entry.ok().filter(|one| one.path().is_dir())?.file_name().into_string().ok())
                .collect(),
            Err(_) => Vec::new(),
        };
        voices.sort();
        Ok(Self { dir: dir.to_path_buf(), guild, lines, voices })
    }
}
