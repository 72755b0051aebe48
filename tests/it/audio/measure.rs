//! Figures, not judgements: how long it takes from the key to the reply, and what the pre-roll saves. They run for minutes,
//! so only where `SPHERECONNECT_TEST_ORDERS` says of how many orders.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sphereconnect::config::Config;
use sphereconnect::domain::{Heard, Utterance, UtteranceId};
use sphereconnect::hearing::endpoint::{Effect, Endpoint, Event};
use sphereconnect::hearing::key::{KEY_EVENTS_MAX, KeyEvent};
use sphereconnect::hearing::{Hearing, HearingSettings, wav};
use sphereconnect::parts;
use sphereconnect::speech::Recogniser;
use sphereconnect::turn::{Input, Turns};
use sphereconnect::voice::{Voice, VoiceSettings};

use super::card::on_a_card;
use super::{SPEAKER_RATE, sync_channel};
use crate::support::PASSWORD;
use crate::support::demo::{ARCHON, Demo};

const AUDIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/audio");

fn orders_wanted() -> Option<usize> {
    std::env::var("SPHERECONNECT_TEST_ORDERS").ok().and_then(|text| text.parse().ok())
}

/// Every recorded order, as often as it takes.
fn recordings(count: usize) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(AUDIO).join("orders.jsonl")).unwrap();
    let file =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["file"].as_str().unwrap().to_owned();
    text.lines().map(file).collect::<Vec<_>>().into_iter().cycle().take(count).collect()
}

#[test]
fn the_way_from_the_key_to_the_reply() {
    if orders_wanted().is_some() {
        on_a_card("audio::measure::latency");
    }
}

#[test]
#[ignore = "measures on a virtual card that another test starts"]
fn latency() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure(orders_wanted().unwrap()));
}

/// The times of one order, in milliseconds from the release of the key.
#[derive(Default)]
struct Times {
    gap: Vec<f64>,
    transcript: Vec<f64>,
    change: Vec<f64>,
    sound: Vec<f64>,
}

async fn measure(count: usize) {
    let demo = Demo::new().await;
    let settings = BTreeMap::from([
        ("SPHERECONNECT_DATABASE_URL", demo.db.url()),
        ("SPHERECONNECT_PASSWORD", PASSWORD.to_owned()),
        ("SPHERECONNECT_DATA_DIR", demo.folder.path().to_str().unwrap().to_owned()),
    ]);
    let config = Config::load(None, |name| settings.get(name).cloned()).unwrap();
    let store = parts::store(&config).await.map_err(|failure| failure.error).unwrap();
    let session = store.sign_in(None, Some(ARCHON)).await.unwrap();
    let commander = parts::commander(&config).map_err(|failure| failure.error).unwrap();
    let recogniser = parts::recogniser(&config).await.map_err(|failure| failure.error).unwrap();
    // Taken back, so that the same order is the same work each time.
    let mut turns = Turns::new(store, session, commander, Some(recogniser), parts::turn_settings(&config, true));
    let _news = turns.follow().await.unwrap();
    let (voice, note) = Voice::start(VoiceSettings::default());
    assert_eq!(note, None);
    let speaker = Speaker::listen();
    let (press, keys) = sync_channel(KEY_EVENTS_MAX);
    let (hearing, mut ear) = Hearing::start(&HearingSettings::default(), keys).unwrap();
    let (mut with, mut without, mut alike) = (Times::default(), Times::default(), 0);
    let mut words: BTreeMap<String, String> = BTreeMap::new();
    for (at, file) in recordings(count).into_iter().flat_map(|file| [file.clone(), file]).enumerate() {
        // Which of the two comes first changes from order to order.
        let draft = (at % 2 == 0) == (at / 2 % 2 == 0);
        let released = tokio::task::spawn_blocking({
            let (press, file) = (press.clone(), Path::new(AUDIO).join(&file));
            move || {
                press.send(KeyEvent::Press).unwrap();
                assert!(Command::new("paplay").arg("--device=micfeed").arg(file).status().unwrap().success());
                std::thread::sleep(Duration::from_millis(150));
                press.send(KeyEvent::Release).unwrap();
                Instant::now()
            }
        });
        let utterance = loop {
            tokio::select! {
                Some(so_far) = ear.drafts.recv() => if draft { turns.draft(so_far) },
                utterance = ear.utterances.recv() => break utterance.unwrap(),
            }
        };
        let (heard_at, released) = (Instant::now(), released.await.unwrap());
        let loud = utterance.samples.iter().rposition(|sample| sample.abs() > 0.02).unwrap_or(0);
        let gap = (utterance.samples.len() - loud) as f64 / 16.0 - 150.0;
        let turn = turns.take(Input::Sound(utterance)).await;
        let done = Instant::now();
        turns.forget();
        speaker.arm();
        assert!(voice.speak(&turn.spoken));
        let sound = speaker.first(Duration::from_secs(5));
        voice.stop();
        assert!(voice.drain(Duration::from_secs(2)));
        // Nothing but the room between two orders.
        tokio::time::sleep(Duration::from_millis(300)).await;
        while ear.drafts.try_recv().is_ok() {}
        let since = |at: Instant| at.duration_since(released).as_secs_f64() * 1_000.0;
        let times = if draft { &mut with } else { &mut without };
        times.gap.push(gap);
        times.transcript.push(since(heard_at) + turn.ms.store.min(5.0) + turn.ms.names + turn.ms.speech);
        times.change.push(since(done));
        times.sound.extend(sound.map(since));
        let heard = turn.heard.unwrap_or_default();
        match words.remove(&file) {
            Some(before) if before == heard => alike += 1,
            Some(before) => println!("{file}: {before:?} and {heard:?}"),
            None => drop(words.insert(file, heard)),
        }
    }
    println!("{count} orders each way, {alike} with the same words; {:?}", hearing.counts());
    for (title, at) in [("p50", 0.5), ("p95", 0.95)] {
        let of = |times: &Vec<f64>| quantile(times, at);
        println!("{title}: the key went up {:.0} ms after the last sound", of(&with.gap));
        for (stage, with, without) in [
            ("transcript", &with.transcript, &without.transcript),
            ("change", &with.change, &without.change),
            ("first sample of the reply", &with.sound, &without.sound),
        ] {
            let (with, without) = (of(with), of(without));
            println!(
                "{title}: {stage}: {with:.0} ms with drafts, {without:.0} ms without, ratio {:.2}",
                with / without
            );
        }
    }
    turns.close().await;
}

fn quantile(times: &[f64], at: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * at) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Tells when the speaker begins to sound.
struct Speaker {
    armed: Arc<AtomicBool>,
    first: Arc<Mutex<Option<Instant>>>,
    recorder: std::process::Child,
}

impl Speaker {
    fn listen() -> Self {
        let mut recorder = Command::new("parec")
            .args(["--device=speaker.monitor", "--raw", "--format=s16le", "--channels=1", "--latency-msec=10"])
            .arg(format!("--rate={SPEAKER_RATE}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut sound = recorder.stdout.take().unwrap();
        let armed = Arc::new(AtomicBool::new(false));
        let first = Arc::new(Mutex::new(None));
        std::thread::spawn({
            let (armed, first) = (Arc::clone(&armed), Arc::clone(&first));
            move || {
                let mut bytes = [0; 960];
                while sound.read_exact(&mut bytes).is_ok() {
                    let loud =
                        bytes.chunks_exact(2).any(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 300);
                    if loud && armed.swap(false, Ordering::Relaxed) {
                        *first.lock().unwrap() = Some(Instant::now());
                    }
                }
            }
        });
        Self { armed, first, recorder }
    }

    fn arm(&self) {
        *self.first.lock().unwrap() = None;
        self.armed.store(true, Ordering::Relaxed);
    }

    fn first(&self, patience: Duration) -> Option<Instant> {
        let deadline = Instant::now() + patience;
        loop {
            let first = *self.first.lock().unwrap();
            if first.is_some() || Instant::now() > deadline {
                return first;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        let _ended = self.recorder.kill();
        let _reaped = self.recorder.wait();
    }
}

/// Presses the key up to 50 ms after the first sound of each order, and counts the words that differ from those of the
/// whole recording.
#[tokio::test]
async fn the_first_syllable() {
    let Some(count) = orders_wanted() else { return };
    let config = Config::load(None, |_| None).unwrap();
    let recogniser = parts::recogniser(&config).await.map_err(|failure| failure.error).unwrap();
    let (mut words, mut lost, mut first_lost) = (0, [0; 2], [0; 2]);
    for (at, file) in recordings(count).into_iter().enumerate() {
        let recording = wav::read(&Path::new(AUDIO).join(file)).unwrap();
        let room = vec![0.000_3; 16_000];
        let sound = [room.clone(), recording, room].concat();
        let begins = sound.iter().position(|sample| sample.abs() > 0.02).unwrap();
        // 0 to 50 ms, evenly.
        let pressed = begins + at * 800 / count.saturating_sub(1).max(1);
        let whole = heard(&recogniser, &sound, 8_000, 300).await;
        words += whole.len();
        for (which, pre_roll) in [300, 0].into_iter().enumerate() {
            let part = heard(&recogniser, &sound, pressed, pre_roll).await;
            lost[which] += differing(&whole, &part);
            first_lost[which] += usize::from(whole.first() != part.first());
        }
    }
    println!("{count} orders of {words} words; the key went down 0 to 50 ms after the first sound");
    println!("with 300 ms of pre-roll: {} words differ, the first in {} orders", lost[0], first_lost[0]);
    println!("without pre-roll: {} words differ, the first in {} orders", lost[1], first_lost[1]);
    assert!(lost[0] < lost[1]);
}

async fn heard(recogniser: &Recogniser, sound: &[f32], pressed: usize, pre_roll_ms: u32) -> Vec<String> {
    let mut endpoint = Endpoint::new(pre_roll_ms, 150, 30_000);
    endpoint.on(Event::Frames(&sound[..pressed]));
    endpoint.on(Event::Press);
    endpoint.on(Event::Frames(&sound[pressed..sound.len() - 8_000]));
    endpoint.on(Event::Release);
    let Effect::Ended { utterance, .. } = endpoint.on(Event::Frames(&sound[sound.len() - 8_000..])) else {
        panic!("the tail is over");
    };
    let utterance = Utterance { id: UtteranceId::new(), ..utterance };
    match recogniser.hear(utterance, &[]).await.unwrap() {
        Heard::Words(transcript) => {
            let plain = transcript.text.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != ' ', "");
            plain.split(' ').map(str::to_owned).collect()
        }
        Heard::Nothing(_) => Vec::new(),
    }
}

/// How many words must be changed, left out or put in to make one of the other.
fn differing(one: &[String], other: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, word) in one.iter().enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (column, theirs) in other.iter().enumerate() {
            let cost = (before + usize::from(word != theirs)).min(row[column] + 1).min(row[column + 1] + 1);
            before = std::mem::replace(&mut row[column + 1], cost);
        }
    }
    row[other.len()]
}
