//! Recordings of orders all the way to the guild's database, and sounds that must not get there.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sphereconnect::config::Config;
use sphereconnect::domain::UtteranceId;
use sphereconnect::parts;
use sphereconnect::speech::Recogniser;
use sphereconnect::store::Store;
use sphereconnect::turn::{Input, Turns};

use crate::support::PASSWORD;
use crate::support::demo::{ARCHON, Demo, Rows, assert_carried_out, row, run};

/// Recordings and their orders.
const AUDIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/audio");
/// How many of the orders must come through. A recogniser is never perfect, and may hear a word differently on another
/// processor; what it may not do is carry out something else.
const RIGHT_MIN: usize = 44;
/// How similar a name must be that only the speaker knows how to spell, 0 to 1.
const LIKE_MIN: f64 = 0.6;

/// The parts of the program, opened once.
struct Stage {
    demo: Demo,
    store: Arc<Store>,
    commander: Arc<sphereconnect::commander::Commander>,
    recogniser: Recogniser,
    config: Config,
}

impl Stage {
    async fn open() -> Self {
        let demo = Demo::new().await;
        let settings = BTreeMap::from([
            ("SPHERECONNECT_DATABASE_URL", demo.db.url()),
            ("SPHERECONNECT_PASSWORD", PASSWORD.to_owned()),
            ("SPHERECONNECT_DATA_DIR", demo.folder.path().to_str().unwrap().to_owned()),
        ]);
        let config = Config::load(None, |name| settings.get(name).cloned()).unwrap();
        let commander = parts::commander(&config).map_err(|failure| failure.error).unwrap();
        let recogniser = parts::recogniser(&config).await.map_err(|failure| failure.error).unwrap();
        let store = parts::store(&config).await.map_err(|failure| failure.error).unwrap();
        Self { demo, store, commander, recogniser, config }
    }

    async fn turns(&self, speaker: &str) -> Turns {
        let session = self.store.sign_in(None, Some(speaker)).await.unwrap();
        let settings = parts::turn_settings(&self.config, false);
        Turns::new(
            Arc::clone(&self.store),
            session,
            Arc::clone(&self.commander),
            Some(self.recogniser.clone()),
            settings,
        )
    }
}

fn sound(file: &str) -> Input {
    Input::recording(&Path::new(AUDIO).join(file), UtteranceId::new())
}

fn orders() -> Vec<Value> {
    let text = fs::read_to_string(Path::new(AUDIO).join("orders.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn list<'v>(value: &'v Value, key: &str) -> Vec<&'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().collect()
}

fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
    let words: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a command is the expected one; fields that the expectation does not name are free.
fn fits(wanted: &Value, command: &Value, order: &Value) -> bool {
    let loose = |field: &str| field == "name" || list(order, "loose").iter().any(|one| *one == field);
    wanted.as_object().unwrap().iter().all(|(field, wanted)| match (wanted.as_f64(), command.get(field)) {
        (_, None) => false,
        (Some(number), Some(found)) => found.as_f64().is_some_and(|found| (found - number).abs() < 0.01),
        (None, Some(found)) if field == "member" && wanted == "me" => *found == order["speaker"],
        (None, Some(found)) => {
            let (wanted, found) = (plain(wanted), plain(found));
            wanted == found || loose(field) && strsim::normalized_levenshtein(&wanted, &found) >= LIKE_MIN
        }
    })
}

/// Whether a turn is what the recording asks for, and whether something was applied that nobody ordered.
fn judge(order: &Value, turn: &Value) -> (bool, bool) {
    let mut left = list(turn, "commands");
    let mut missing = 0;
    for wanted in list(order, "commands") {
        match left.iter().position(|one| fits(wanted, one, order)) {
            Some(at) => drop(left.remove(at)),
            None => missing += 1,
        }
    }
    let reply = plain(&turn["reply"]);
    let has = list(order, "reply_has").iter().all(|words| reply.contains(&plain(words)));
    let lacks = list(order, "reply_lacks").iter().all(|words| !reply.contains(&plain(words)));
    let exact = missing == 0 && (left.is_empty() || list(order, "commands").is_empty());
    let right = exact && has && lacks && turn["outcome"] == order["outcome"];
    (right, turn["outcome"] == "applied" && !left.is_empty())
}

#[tokio::test]
async fn every_recorded_order_reaches_the_database_or_is_told_why_not() {
    let stage = Stage::open().await;
    let (mut right, mut wrong, mut missed) = (0, Vec::new(), Vec::new());
    let (mut wanted, mut covered) = (BTreeSet::new(), BTreeSet::new());
    let orders = orders();
    for order in &orders {
        let speaker = order["speaker"].as_str().unwrap();
        let before = stage.demo.guild_rows().await;
        let mut turns = stage.turns(speaker).await;
        let turn = json!(turns.take(sound(order["file"].as_str().unwrap())).await);
        turns.sign_out().await;
        let after = stage.demo.guild_rows().await;
        if turn["outcome"] == "applied" {
            assert_carried_out(&before, &after, turn["commands"].as_array().unwrap(), speaker);
        } else {
            assert_eq!(before, after, "{turn}");
        }
        let (is_right, is_wrong) = judge(order, &turn);
        let actions = list(order, "commands").into_iter().map(|one| one["action"].as_str().unwrap().to_owned());
        wanted.extend(actions.clone());
        if is_wrong {
            wrong.push(format!("{} became {turn}", order["text"]));
        }
        if is_right {
            right += 1;
            covered.extend(actions);
        } else {
            missed.push(format!("{} heard as {}: {}", order["text"], turn["heard"], turn["outcome"]));
        }
    }
    println!("{right} of {} recordings came through; not these:\n{}", orders.len(), missed.join("\n"));
    assert!(right >= RIGHT_MIN, "{right} of {} came through:\n{}", orders.len(), missed.join("\n"));
    let never: Vec<&String> = wanted.difference(&covered).collect();
    assert!(never.is_empty(), "no recording of these came through: {never:?}");
    schedule_is_near(&stage.demo.guild_rows().await);
    assert_eq!(wrong, Vec::<String>::new(), "something was done that nobody ordered");
}

/// "for thirty minutes from now" was said some seconds or minutes ago.
fn schedule_is_near(rows: &Rows) {
    let start = &row(rows, "tasks", "Load the Caterpillar")["schedule"]["start"];
    if let Some(start) = start.as_str() {
        let minutes =
            (chrono::DateTime::parse_from_rfc3339(start).unwrap().to_utc() - chrono::Utc::now()).num_minutes();
        assert!((20..=30).contains(&minutes), "{start} is in {minutes} minutes");
    }
}

/// Two names that sound the same are told apart by the next words.
#[tokio::test]
async fn a_name_that_sounds_like_another_is_asked_about() {
    let stage = Stage::open().await;
    let before = stage.demo.guild_rows().await;
    let mut turns = stage.turns(ARCHON).await;
    let asked = json!(turns.take(sound("hibari_heart/assign_recover_the_black_box_to_maelis.wav")).await);
    assert_eq!(asked["outcome"], "asked", "{asked}");
    assert_eq!(before, stage.demo.guild_rows().await);
    let answer = Input::Typed { id: UtteranceId::new(), text: "the one of Longhaul".to_owned() };
    let applied = json!(turns.take(answer).await);
    assert_eq!(applied["outcome"], "applied", "{applied}");
    let after = stage.demo.guild_rows().await;
    assert_carried_out(&before, &after, applied["commands"].as_array().unwrap(), ARCHON);
    assert_eq!(row(&after, "tasks", "Recover the Black Box")["lead_id"], row(&after, "users", "Maylis")["id"]);
}

fn folder(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(Path::new(AUDIO).join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

async fn hear(demo: &Demo, files: &[PathBuf]) -> crate::support::demo::Run {
    let mut command = demo.program();
    command.args(["--json", "--as", ARCHON, "hear"]).args(files);
    run(command).await
}

#[tokio::test]
async fn the_program_hears_one_file_after_another() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let files = [
        "piper_joe/set_priority_of_ghost_convoy_to_critical.wav",
        "hibari_heart/assign_task_jam_the_relay_to_veshkar.wav",
        "kokoro_emma/what_objectives_are_available.wav",
    ]
    .map(|file| Path::new(AUDIO).join(file));
    let heard = hear(&demo, &files).await;
    heard.expect(0, &[]);
    let turns = heard.turns();
    assert_eq!(turns.len(), files.len());
    for (turn, file) in turns.iter().zip(&files) {
        assert_eq!(turn["source"], file.to_str().unwrap());
        assert!(turn["heard"].as_str().is_some_and(|words| !words.is_empty()), "{turn}");
        let confidence = turn["confidence"].as_f64().unwrap();
        assert!(confidence > 0.3 && confidence <= 1.0, "{turn}");
        assert!(turn["ms"]["speech"].as_f64().unwrap() > 1.0, "{turn}");
    }
    let commands: Vec<Value> =
        turns[..2].iter().flat_map(|turn| turn["commands"].as_array().unwrap().clone()).collect();
    assert_eq!(commands.len(), 2, "{turns:?}");
    assert_carried_out(&before, &demo.guild_rows().await, &commands, ARCHON);
    let journal = demo.journal().await;
    assert_eq!(journal.len(), 2);
    assert_eq!(journal[0]["source"], files[0].to_str().unwrap());
}

#[tokio::test]
async fn what_is_no_order_changes_nothing() {
    let demo = Demo::new().await;
    let before = demo.rows().await;
    let files = folder("nothing");
    let heard = hear(&demo, &files).await;
    let turns = heard.turns();
    assert_eq!(turns.len(), files.len(), "{heard:?}");
    for turn in &turns {
        let outcome = turn["outcome"].as_str().unwrap();
        println!("{}: {outcome} {} {}", turn["source"], turn["heard"], turn["error"]["kind"]);
        // Words of others may be heard, and asked about, but not acted on.
        let words = turn["source"].as_str().unwrap().contains("chatter");
        assert!(outcome == "ignored" || words && ["asked", "failed"].contains(&outcome), "{turn}");
    }
    assert_eq!(before, demo.rows().await);
}

#[tokio::test]
async fn a_broken_recording_says_what_is_wrong_and_the_next_one_is_heard() {
    let demo = Demo::new().await;
    let before = demo.rows().await;
    let mut files = folder("broken");
    files.push(Path::new(AUDIO).join("no_such_file.wav"));
    files.push(Path::new(AUDIO).join("nothing"));
    files.push(Path::new(AUDIO).join("kokoro_emma/what_objectives_are_available.wav"));
    let heard = hear(&demo, &files).await;
    heard.expect(1, &[]);
    let turns = heard.turns();
    assert_eq!(turns.len(), files.len(), "{heard:?}");
    let (good, broken) = turns.split_last().unwrap();
    assert_eq!(good["outcome"], "answered", "{good}");
    let remedies: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("empty.wav", &["empty", "record it again"] as &[&str]),
        ("no_channels.wav", &["sox"]),
        ("no_rate.wav", &["sox"]),
        ("no_samples.wav", &["holds no sound", "record it again"]),
        ("not_a_number.wav", &[]),
        ("tenth_of_a_second.wav", &[]),
        ("text.wav", &["no WAV file", "sox or ffmpeg"]),
        ("truncated_header.wav", &["ends before", "record it again"]),
        ("truncated_samples.wav", &["ends before", "record it again"]),
        ("unknown_encoding.wav", &["sox"]),
        ("no_such_file.wav", &["no such file", "check the path"]),
        ("nothing", &["check that it is a file"]),
    ]);
    for (turn, file) in broken.iter().zip(&files) {
        let name = file.file_name().unwrap().to_str().unwrap();
        println!("{name}: {} {}", turn["outcome"], turn["reply"]);
        // Too short or without a number in it is sound all the same, only nothing to hear.
        let nothing = ["not_a_number.wav", "tenth_of_a_second.wav"].contains(&name) && turn["outcome"] == "ignored";
        if !nothing {
            assert_eq!((&turn["outcome"], &turn["error"]["kind"]), (&json!("failed"), &json!("recording")), "{turn}");
        }
        let detail = turn["error"]["detail"].as_str().unwrap();
        for part in remedies[name] {
            assert!(detail.contains(part), "{part:?} is not in {turn}");
        }
        assert!(nothing || detail.contains(name), "the file is not named: {turn}");
        assert_eq!(turn["commands"], json!([]));
    }
    assert_eq!(before, demo.rows().await);
}
