//! `eval`: a guild, sentences and recordings of them, and what must come of each → how much of it comes out right.
//!
//! Everything on the way is real: the recogniser, the database (its own, in the data folder), the endpoint of the
//! settings. A single order is tried with a dry run, so that the order of the lines does not matter; a conversation is
//! carried out for real in a copy of the guild. `docs/evaluation.md` describes the folder.

mod judge;
mod noise;
mod report;
mod script;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::cli::{Eval, Global};
use crate::commander::Commander;
use crate::config::Config;
use crate::domain::{Name, Utterance, UtteranceId};
use crate::guild_file::GuildFile;
use crate::hearing::wav;
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::speech::Recogniser;
use crate::store::Store;
use crate::turn::{Input, Turn, Turns};
use crate::{guild_file, show};
use judge::judge;
use report::{Report, Row};
use script::{Line, Script, Step};

/// The voice of typed words.
const TYPED: &str = "typed";

/// Plays the folder's lines and prints the table.
///
/// # Errors
/// When the folder cannot be read, or a part is not available.
pub async fn run(mut config: Config, global: &Global, wanted: &Eval) -> Result<u8, Failure> {
    let script = Script::read(&wanted.dir, wanted.only.as_deref()).map_err(Failure::usage)?;
    let guild = guild_file::parse(&script.guild).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::usage(anyhow::anyhow!("guild.toml cannot be read:\n{}", lines.join("\n")))
    })?;
    // Its own database: no guild of the user's is touched, and nobody has to sign in.
    config.data_dir = config.data_dir.join("eval");
    config.database.url = None;
    let with_speech = !wanted.typed && !script.voices.is_empty();
    let commander = parts::commander(&config)?;
    let (store, recogniser) = tokio::join!(parts::store(&config), async {
        if with_speech { parts::recogniser(&config).await.map(Some) } else { Ok(None) }
    });
    let mut stage = Stage { config, store: store?, commander, recogniser: recogniser?, guild, copies: 0 };
    let mut report = Report::default();
    let mut voices: Vec<&str> = if wanted.spoken { Vec::new() } else { vec![TYPED] };
    if with_speech {
        voices.extend(script.voices.iter().map(String::as_str));
    }
    stage.import(&stage.guild.clone()).await?;
    for voice in voices {
        let mut speakers = HashMap::new();
        for line in &script.lines {
            let rows = stage.play(&script, line, voice, wanted.noise, &mut speakers).await?;
            for row in rows {
                if global.json {
                    show::line(json!(row));
                }
                report.add(row);
            }
        }
        for (_, turns) in speakers {
            let _: Arc<Store> = Turns::sign_out(turns).await;
        }
    }
    stage.store.guild_remove(stage.guild.name.as_str()).await?;
    stage.store.close().await;
    report.print(global.json, wanted.worst);
    Ok(if report.is_perfect() { EXIT_DONE } else { EXIT_SOME_NOT })
}

/// The opened parts, and the guild that is played in.
struct Stage {
    config: Config,
    store: Arc<Store>,
    commander: Arc<Commander>,
    recogniser: Option<Recogniser>,
    guild: GuildFile,
    copies: usize,
}

impl Stage {
    /// Brings the guild in as the file has it, whatever an earlier run left.
    async fn import(&self, guild: &GuildFile) -> Result<(), Failure> {
        self.store.guild_remove(guild.name.as_str()).await?;
        self.store.guild_import(guild).await?;
        Ok(())
    }

    async fn turns(&self, guild: &str, speaker: &str, dry_run: bool) -> Result<Turns, Failure> {
        let session = self.store.sign_in(Some(guild), Some(speaker)).await?;
        let settings = parts::turn_settings(&self.config, dry_run);
        let (store, commander) = (Arc::clone(&self.store), Arc::clone(&self.commander));
        Ok(Turns::new(store, session, commander, self.recogniser.clone(), settings))
    }

    /// Plays one line in one voice; no rows where there is no recording of it.
    async fn play(
        &mut self,
        script: &Script,
        line: &Line,
        voice: &str,
        noise: Option<f32>,
        speakers: &mut HashMap<String, Turns>,
    ) -> Result<Vec<Row>, Failure> {
        match line.steps() {
            [step] => {
                let Some(input) = input(script, line, 0, step, voice, noise)? else { return Ok(Vec::new()) };
                if !speakers.contains_key(&line.speaker) {
                    let turns = self.turns(self.guild.name.as_str(), &line.speaker, true).await?;
                    speakers.insert(line.speaker.clone(), turns);
                }
                let Some(turns) = speakers.get_mut(&line.speaker) else { return Ok(Vec::new()) };
                turns.forget();
                let turn = turns.take(input).await;
                Ok(vec![row(line, 0, step, voice, turn)])
            }
            steps => {
                let mut inputs = Vec::new();
                for (at, step) in steps.iter().enumerate() {
                    let Some(input) = input(script, line, at, step, voice, noise)? else { return Ok(Vec::new()) };
                    inputs.push((at, step, input));
                }
                self.copies += 1;
                let mut copy = self.guild.clone();
                copy.name = Name::new(&format!("conversation {}", self.copies)).map_err(Failure::usage)?;
                self.import(&copy).await?;
                let mut turns = self.turns(copy.name.as_str(), &line.speaker, false).await?;
                let mut rows = Vec::new();
                for (at, step, input) in inputs {
                    let turn = turns.take(input).await;
                    rows.push(row(line, at, step, voice, turn));
                }
                turns.sign_out().await;
                self.store.guild_remove(copy.name.as_str()).await?;
                Ok(rows)
            }
        }
    }
}

fn row(line: &Line, at: usize, step: &Step, voice: &str, turn: Turn) -> Row {
    let id = if line.steps().len() > 1 { format!("{}.{}", line.id, at + 1) } else { line.id.clone() };
    let verdict = judge(step, &line.speaker, &turn);
    Row { id, voice: voice.to_owned(), said: step.text.clone(), free: step.free, verdict, turn }
}

/// The typed words, or the recording of a voice when there is one.
fn input(
    script: &Script,
    line: &Line,
    at: usize,
    step: &Step,
    voice: &str,
    noise: Option<f32>,
) -> Result<Option<Input>, Failure> {
    let id = UtteranceId::new();
    if voice == TYPED {
        return Ok(Some(Input::Typed { id, text: step.text.clone() }));
    }
    let name = if line.steps().len() > 1 { format!("{}.{}.wav", line.id, at + 1) } else { format!("{}.wav", line.id) };
    let file: PathBuf = script.dir.join("audio").join(voice).join(name);
    if !file.is_file() {
        return Ok(None);
    }
    let Some(decibels) = noise else { return Ok(Some(Input::recording(&file, id))) };
    Ok(Some(noisy(&file, id, decibels)?))
}

fn noisy(file: &Path, id: UtteranceId, decibels: f32) -> Result<Input, Failure> {
    let mut samples =
        wav::read(file).map_err(|error| Failure::usage(anyhow::anyhow!("{}: {error}", file.display())))?;
    noise::mix(&mut samples, decibels);
    Ok(Input::Sound(Utterance { id, source: file.display().to_string(), samples, overrun: false }))
}
