//! `names try` and `names hear`: which names words or a recording are taken for, and how surely.
//!
//! Only the names that the signed-in member may see are looked at.

use std::path::Path;

use anyhow::anyhow;

use crate::cli::{Global, Names};
use crate::config::Config;
use crate::domain::{Heard, Kind, Utterance, UtteranceId};
use crate::hearing::wav;
use crate::names::{Fate, Roster, Telling};
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show;
use crate::speech::Recogniser;
use crate::store::StoreError;

/// The most candidates shown for one kind.
const CANDIDATES_MAX: usize = 5;
/// The longest recording, in words, that is taken for a name alone.
const RUN_WORDS_MAX: usize = 6;

/// Shows the candidates.
///
/// # Errors
/// When the settings are wrong, nobody signs in, a recording cannot be read, or a part is not available.
pub async fn run(config: &Config, global: &Global, command: Names) -> Result<u8, Failure> {
    let store = parts::store(config).await?;
    let session = parts::sign_in(&store, config, global).await?;
    let seen = async {
        let mut tx = store.begin(&session).await?;
        let seen = (tx.view().await?, tx.names().await?);
        tx.rollback().await?;
        Ok::<_, StoreError>(seen)
    }
    .await;
    parts::leave(&store, Some(&session)).await;
    let (view, entries) = seen?;
    let roster = Roster::new(entries);
    match command {
        Names::Try { words, kind } => {
            Ok(words.iter().map(|words| tried(&roster, words, kind, global.json)).max().unwrap_or(EXIT_DONE))
        }
        Names::Hear { files, kind } => {
            let recogniser = parts::recogniser(config).await?;
            let names = roster.bias(view.actor.squad.as_ref(), config.speech.prompt_names_max);
            let mut code = EXIT_DONE;
            for file in &files {
                let heard = heard_in(&recogniser, file, &names).await?;
                code = code.max(recording(&roster, file, heard.as_deref(), kind, global.json));
            }
            Ok(code)
        }
    }
}

/// The words of a recording, or none when nothing was said.
async fn heard_in(recogniser: &Recogniser, file: &Path, names: &[String]) -> Result<Option<String>, Failure> {
    let samples = wav::read(file).map_err(Failure::usage)?;
    let source = file.display().to_string();
    let utterance = Utterance { id: UtteranceId::new(), source, samples, overrun: false };
    match recogniser.hear(utterance, names).await {
        Ok(Heard::Words(transcript)) => Ok(Some(transcript.text)),
        Ok(Heard::Nothing(_)) => Ok(None),
        Err(error) => Err(Failure::part(anyhow!(error))),
    }
}

/// Shows what some words come to, for a kind or for every kind that has a candidate.
fn tried(roster: &Roster, words: &str, kind: Option<Kind>, json: bool) -> u8 {
    let kinds: Vec<Kind> = kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
    let all: Vec<Telling> = kinds.iter().map(|kind| roster.tell(*kind, words, CANDIDATES_MAX)).collect();
    let shown: Vec<&Telling> = all.iter().filter(|one| kind.is_some() || !one.candidates.is_empty()).collect();
    if json {
        shown.iter().for_each(|one| show::line(serde_json::json!(one)));
    } else if shown.is_empty() {
        show::line(format_args!("\"{words}\" ({}): no name comes close", crate::names::sounds(words)));
    } else {
        shown.iter().for_each(|one| show::telling(one));
    }
    if all.iter().any(|one| one.fate == Fate::Taken) { EXIT_DONE } else { EXIT_SOME_NOT }
}

/// Shows the names in a recording: each run of words that is one, or of an order's words those that come close.
fn recording(roster: &Roster, file: &Path, heard: Option<&str>, kind: Option<Kind>, json: bool) -> u8 {
    let text = heard.unwrap_or_default();
    if json {
        show::line(serde_json::json!({"source": file.display().to_string(), "heard": heard}));
    } else {
        show::line(format_args!("{}: {}", file.display(), heard.unwrap_or("(nothing)")));
    }
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches([',', '.', '!', '?', ';'])).collect();
    let found = roster.spot(&words);
    let fits = found.iter().filter(|one| kind.is_none_or(|kind| kind == one.candidate.entry.kind));
    let runs: Vec<(Kind, &str)> = fits.map(|one| (one.candidate.entry.kind, one.heard.as_str())).collect();
    if runs.is_empty() {
        // A short recording is the name itself.
        if !words.is_empty() && words.len() <= RUN_WORDS_MAX {
            return tried(roster, &words.join(" "), kind, json);
        }
        if !json {
            show::line("  no name was found in it; try the words of the name alone with `names try`");
        }
        return EXIT_SOME_NOT;
    }
    runs.iter().map(|(kind, words)| tried(roster, words, Some(*kind), json)).max().unwrap_or(EXIT_DONE)
}
