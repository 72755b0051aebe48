//! `demo`: a guild, recordings of its members' orders, and one table of what happened. Everything on the way is real;
//! its database is its own and starts anew each time, so that no guild of the user's is touched.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::aloud::Aloud;
use crate::cli::{Global, Sounding};
use crate::config::Config;
use crate::domain::UtteranceId;
use crate::hearing::wav;
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::turn::{Ending, Input, Turn, Turns};
use crate::{guild_file, show};

/// The demo's guild, which is also the complete example of a guild file.
pub const GUILD: &str = include_str!("guild.toml");

/// A bundled recording: who speaks, what is said, and how the turn is meant to end.
struct Scene {
    speaker: &'static str,
    sentence: &'static str,
    sound: &'static [u8],
    ending: Ending,
}

macro_rules! scene {
    ($speaker:literal, $file:literal, $ending:ident) => {
        Scene {
            speaker: $speaker,
            sentence: $file,
            sound: include_bytes!(concat!("../../tests/fixtures/audio/", $file, ".wav")),
            ending: Ending::$ending,
        }
    };
}

/// The demo's story, in order.
const SCENES: &[Scene] = &[
    scene!("Isolde Marchetti", "kokoro_emma/what_objectives_are_available", Answered),
    scene!("Isolde Marchetti", "hibari_heart/create_objective_escort_the_fuel_barges_with_priority_high", Applied),
    scene!("Isolde Marchetti", "piper_joe/set_priority_of_ghost_convoy_to_critical", Applied),
    scene!("Isolde Marchetti", "kokoro_bella/set_the_lead_of_first_light_survey_to_thandiwe", Applied),
    scene!("Biscuit", "kokoro_george/delivered_one_hundred_fifty_s_c_u_of_copper_for_copper_harvest", Applied),
    scene!("Veshkar", "kokoro_fenrir/create_task_open_the_airlock_for_objective_operation_glass_dagger", Applied),
    scene!("Isolde Marchetti", "hibari_heart/assign_task_jam_the_relay_to_veshkar", Applied),
    scene!("Siobhan Kerr", "kokoro_george/assign_plot_the_jump_to_night_jar", Applied),
    scene!("Tzipora", "kokoro_emma/i'll_take_sample_the_geysers", Applied),
    scene!("Siobhan Kerr", "kokoro_fenrir/schedule_load_the_caterpillar_for_thirty_minutes_from_now", Applied),
    scene!(
        "Isolde Marchetti",
        "kokoro_bella/mark_jam_the_relay_as_completed_and_assign_spoof_the_transponders_to_bjornulf",
        Applied
    ),
    scene!("Isolde Marchetti", "kokoro_george/assign_train_the_rookies_to_rhea", Asked),
    scene!("Tzipora", "hibari_heart/read_me_the_classified_section_of_ghost_convoy", Refused),
    scene!("Static", "kokoro_george/create_objective_paint_the_hangar", Refused),
    scene!("Isolde Marchetti", "nothing/cockpit", Ignored),
];

/// A sentence and its recording, for a trial of the recogniser. The recording passes through a file in `folder`.
///
/// # Errors
/// When the folder cannot be written.
pub fn test_recording(folder: &Path) -> anyhow::Result<(String, Vec<f32>)> {
    let scene = &SCENES[0];
    let file = unpack(scene, folder)?;
    let samples = wav::read(&file)?;
    std::fs::remove_file(&file)?;
    Ok((sentence(scene), samples))
}

/// Writes the recording into the folder, where it can be played and used with `hear`.
fn unpack(scene: &Scene, folder: &Path) -> anyhow::Result<PathBuf> {
    let file = folder.join(format!("{}.wav", sentence(scene).replace(' ', "_")));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&file, scene.sound))
        .with_context(|| format!("cannot write the recording {}", file.display()))?;
    Ok(file)
}

fn sentence(scene: &Scene) -> String {
    scene.sentence.rsplit('/').next().unwrap_or(scene.sentence).replace('_', " ")
}

/// Plays the story and prints the table.
///
/// # Errors
/// When a part is not available.
pub async fn run(mut config: Config, global: &Global, sounding: &Sounding) -> Result<u8, Failure> {
    config.data_dir = config.data_dir.join("demo");
    config.database.url = None;
    let commander = parts::commander(&config)?;
    let (store, recogniser) = tokio::join!(parts::store(&config), parts::recogniser(&config));
    let (store, recogniser) = (store?, recogniser?);
    let guild = guild_file::parse(GUILD)
        .map_err(|problems| Failure::usage(anyhow::anyhow!("the demo guild cannot be read: {problems:?}")))?;
    let name = guild.name.as_str().to_owned();
    store.guild_remove(&name).await?;
    let report = store.guild_import(&guild).await?;
    if !global.json {
        show::import(&report, false);
        show::line("");
    }
    let mut aloud = Aloud::start(&config, sounding.speak, sounding.reply_wav.clone())?;
    let recordings = config.data_dir.join("recordings");
    let mut rows: Vec<(&Scene, Turn)> = Vec::new();
    for scene in SCENES {
        let session = store.sign_in(Some(&name), Some(scene.speaker)).await?;
        let settings = parts::turn_settings(&config, global.dry_run);
        let mut turns =
            Turns::new(Arc::clone(&store), session, Arc::clone(&commander), Some(recogniser.clone()), settings);
        let file = unpack(scene, &recordings).map_err(Failure::part)?;
        let turn = turns.take(Input::recording(&file, UtteranceId::new())).await;
        show::turn(&turn, global.json);
        aloud.reply(&turn);
        turns.sign_out().await;
        rows.push((scene, turn));
    }
    if !global.json {
        table(&rows);
    }
    store.close().await;
    aloud.finish();
    let as_meant = rows.iter().all(|(scene, turn)| scene.ending == turn.outcome);
    Ok(if as_meant { EXIT_DONE } else { EXIT_SOME_NOT })
}

fn table(rows: &[(&Scene, Turn)]) {
    show::line("");
    show::line(format_args!("{:<17} {:<58} {:<9} {:>6}  reply", "speaker", "heard", "outcome", "ms"));
    for (scene, turn) in rows {
        let heard: String = turn.heard.as_deref().unwrap_or("(nothing)").chars().take(58).collect();
        let mark = if scene.ending == turn.outcome { "" } else { "  ← not as meant" };
        let outcome = show::ending(turn.outcome);
        show::line(format_args!(
            "{:<17} {heard:<58} {outcome:<9} {:>6.0}  {}{mark}",
            scene.speaker, turn.ms.total, turn.reply
        ));
    }
    let as_meant = rows.iter().filter(|(scene, turn)| scene.ending == turn.outcome).count();
    show::line(format_args!("\n{as_meant} of {} recordings ended as meant", rows.len()));
}
