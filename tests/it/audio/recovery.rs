//! What becomes of the ear when the microphone or the whole sound server goes away, in the middle of a sentence too.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use sphereconnect::domain::Utterance;
use sphereconnect::hearing::key::{KEY_EVENTS_MAX, KeyEvent};
use sphereconnect::hearing::{Heard, Hearing, HearingEvent, HearingSettings};

use super::card::{MICROPHONE, kill_server, on_a_card, pactl, start_server};
use super::{card, likeness_of, sync_channel, wait, write_sweep};

/// How long a recovery may take; the longest rest between two attempts is 8 seconds.
const RECOVERY: Duration = Duration::from_secs(25);

#[test]
fn a_microphone_and_a_server_that_go_away_are_found_again() {
    on_a_card("audio::recovery::recovers");
}

struct Bench {
    press: SyncSender<KeyEvent>,
    ear: Heard,
    order: PathBuf,
    expected: Vec<f32>,
}

impl Bench {
    /// Holds the key while the order is played; `meanwhile` happens in its middle.
    fn say(&mut self, device: &str, meanwhile: impl FnOnce()) -> Utterance {
        std::thread::sleep(Duration::from_millis(600));
        self.press.send(KeyEvent::Press).unwrap();
        let mut player = Command::new("paplay").arg(format!("--device={device}")).arg(&self.order).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        meanwhile();
        let deadline = Instant::now() + Duration::from_secs(4);
        while player.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                // It plays to nobody.
                player.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(400));
        self.press.send(KeyEvent::Release).unwrap();
        wait(|| self.ear.utterances.try_recv().ok())
    }

    /// Says it until it is heard whole; nothing that has a hole passes for whole.
    fn is_heard_again(&mut self, device: &str) -> bool {
        let deadline = Instant::now() + RECOVERY;
        while Instant::now() < deadline {
            let heard = self.say(device, || {});
            if !heard.overrun && heard.samples.len() > self.expected.len() {
                let likeness = likeness_of(&heard.samples, &self.expected);
                println!("{:.2} s, likeness {likeness:.4}", heard.seconds());
                if likeness > 0.98 {
                    return true;
                }
            }
        }
        false
    }

    fn told(&mut self) -> Vec<HearingEvent> {
        std::iter::from_fn(|| self.ear.events.try_recv().ok()).collect()
    }
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn recovers() {
    let folder = card();
    let order = folder.join("order.wav");
    let expected = write_sweep(&order);
    let (press, keys) = sync_channel(KEY_EVENTS_MAX);
    let (hearing, ear) = Hearing::start(&HearingSettings::default(), keys).unwrap();
    let mut bench = Bench { press, ear, order, expected };
    assert!(bench.is_heard_again("micfeed"));
    bench.told();

    // The microphone is pulled out in the middle of a sentence and comes back.
    let heard = bench.say("micfeed", || unplug(&folder));
    println!("unplugged: {:.2} s, lost: {}", heard.seconds(), heard.overrun);
    println!("{:?}", bench.told());
    plug_in(&folder);
    assert!(bench.is_heard_again("micfeed"), "the microphone that came back is not heard: {:?}", bench.told());
    println!("{:?}", bench.told());

    // Another one becomes the default.
    let second =
        MICROPHONE.map(|words| words.replace("micfeed", "feed2").replace("source_name=mic ", "source_name=mic2 "));
    assert!(second.iter().all(|words| pactl(&folder, words)) && pactl(&folder, "set-default-source mic2"));
    assert!(bench.is_heard_again("feed2"), "the new default is not heard: {:?}", bench.told());

    // The whole server dies in the middle of a sentence.
    bench.told();
    let heard = bench.say("feed2", || kill_server(&folder));
    println!("server killed: {:.2} s, lost: {}", heard.seconds(), heard.overrun);
    assert!(heard.overrun, "half a sentence passes for a whole one");
    let deadline = Instant::now() + RECOVERY;
    let mut told = Vec::new();
    while !told.iter().any(|event| matches!(event, HearingEvent::Trouble(_))) && Instant::now() < deadline {
        told.extend(bench.told());
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(3));
    told.extend(bench.told());
    let troubles = told.iter().filter(|event| matches!(event, HearingEvent::Trouble(_))).count();
    assert_eq!(troubles, 1, "said once: {told:?}");
    let mut server = start_server(&folder);
    let back = bench.is_heard_again("micfeed");
    let told = bench.told();
    for program in &mut server {
        program.kill().unwrap();
        program.wait().unwrap();
    }
    assert!(back, "the server that came back is not heard: {told:?}");
    assert!(told.contains(&HearingEvent::Restored), "{told:?}");
    println!("{:?}", hearing.counts());
}

/// The modules that are named so.
fn modules(folder: &Path) -> Vec<String> {
    let list = Command::new("pactl").args(["list", "short", "modules"]).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(folder.exists());
    let ours = list.lines().filter(|line| line.contains("micfeed"));
    ours.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

fn unplug(folder: &Path) {
    let modules = modules(folder);
    assert_eq!(modules.len(), 2);
    assert!(modules.iter().rev().all(|module| pactl(folder, &format!("unload-module {module}"))));
}

fn plug_in(folder: &Path) {
    assert!(MICROPHONE.iter().all(|words| pactl(folder, words)) && pactl(folder, "set-default-source mic"));
}
