//! `run` from the microphone to the speaker: a recording is played while the key is down, the database changes, and the
//! answer is heard.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::card::on_a_card;
use super::{SPEAKER_RATE, card, loud_seconds, recorded};
use crate::keys::display::Display;
use crate::keys::programs_are_there;
use crate::support;

#[test]
fn an_order_into_the_microphone_changes_the_database_and_is_answered_aloud() {
    on_a_card("audio::daemon::runs");
}

#[test]
fn a_key_held_anywhere_on_the_desktop_does_the_same() {
    if programs_are_there("a key with sound", &["Xvfb", "xdotool"]) {
        on_a_card("audio::daemon::runs_with_a_key");
    }
}

/// What the program's own recogniser makes of what came from the speaker.
fn heard_again(folder: &Path, sound: &[f32]) -> String {
    let file = folder.join("answer.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SPEAKER_RATE,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&file, spec).unwrap();
    sound.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
    let data = support::folder();
    let guild = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/guild.toml");
    assert!(support::program(data.path()).args(["guild", "import"]).arg(guild).status().unwrap().success());
    let asked = ["--json", "--dry-run", "--as", "Isolde Marchetti", "hear"];
    let output = support::program(data.path()).args(asked).arg(file).output().unwrap();
    let turn: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    turn["heard"].as_str().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn runs() {
    runs_with(None);
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn runs_with_a_key() {
    runs_with(Some(Display::start()));
}

/// Plays an order while the key is held: on the display, or Enter in the terminal.
fn runs_with(display: Option<Display>) {
    let folder = card();
    let data = support::folder();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio");
    let guild = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/guild.toml");
    assert!(support::program(data.path()).args(["guild", "import"]).arg(guild).status().unwrap().success());

    let settings = data.path().join("key.toml");
    std::fs::write(&settings, if display.is_some() { "[talk]\nkey = \"ctrl+F8\"\n" } else { "" }).unwrap();
    let mut daemon = support::program(data.path());
    if let Some(display) = &display {
        daemon.env("DISPLAY", &display.name);
    }
    let mut daemon = daemon
        .arg("--config")
        .arg(&settings)
        .args(["--json", "--as", "Isolde Marchetti", "run"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut key = daemon.stdin.take().unwrap();
    let mut turns = BufReader::new(daemon.stdout.take().unwrap()).lines();
    let mut words = BufReader::new(daemon.stderr.take().unwrap()).lines();
    let ready = words.by_ref().map_while(Result::ok).any(|line| line.contains("to talk"));
    assert!(ready, "the daemon says how to talk to it");
    let quiet = std::thread::spawn(move || words.map_while(Result::ok).collect::<Vec<_>>());

    let mut reply = String::new();
    let sound = recorded(&folder, || {
        std::thread::sleep(Duration::from_millis(500));
        match &display {
            Some(display) => display.hands("keydown ctrl keydown F8"),
            None => key.write_all(b"\n").unwrap(),
        }
        let order = fixtures.join("piper_joe/set_priority_of_ghost_convoy_to_critical.wav");
        assert!(Command::new("paplay").arg("--device=micfeed").arg(order).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(300));
        match &display {
            Some(display) => display.hands("keyup F8 keyup ctrl"),
            None => key.write_all(b"\n").unwrap(),
        }
        reply = turns.next().unwrap().unwrap();
        // Long enough for the cue and the sentence.
        std::thread::sleep(Duration::from_secs(4));
    });
    let turn: serde_json::Value = serde_json::from_str(&reply).unwrap();
    assert_eq!((turn["source"].as_str(), turn["outcome"].as_str()), (Some("microphone"), Some("applied")), "{turn}");
    assert_eq!(turn["commands"][0]["objective"], "Ghost Convoy", "{turn}");
    println!("heard \"{}\", answered for {:.2} s", turn["heard"].as_str().unwrap(), loud_seconds(&sound));
    assert!(loud_seconds(&sound) > 0.8, "the answer is heard from the speaker");
    // The synthetic voice is hard to recognise; enough of its words come back to know the sentence.
    let heard = heard_again(&folder, &sound).to_lowercase();
    let words = ["ghost", "convoy", "critical", "priority"];
    let known = words.iter().filter(|word| heard.contains(*word)).count();
    println!("the answer, heard again: \"{heard}\"");
    assert!(known >= 2, "{heard}");

    match display {
        // The terminal is not read then.
        Some(_) => assert!(Command::new("kill").arg(daemon.id().to_string()).status().unwrap().success()),
        None => key.write_all(b"q\n").unwrap(),
    }
    assert!(daemon.wait().unwrap().success());
    let told = quiet.join().unwrap();
    assert!(told.iter().any(|line| line.contains("listening")), "{told:?}");
    let asked = support::program(data.path())
        .args(["--as", "Isolde Marchetti", "say", "what is the status of Ghost Convoy"])
        .output()
        .unwrap();
    let asked = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(asked.contains("critical priority"), "{asked}");
}
