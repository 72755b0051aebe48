//! The talk key where it really is: on an X server with `xdotool` as the hands, and on kernel devices that `umockdev` plays.
//!
//! Display and devices are found through the environment of the process, so each test starts this program once more in such
//! an environment, with one of the ignored tests.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod devices;
pub(crate) mod display;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use sphereconnect::hearing::key::{KeyEvent, Keys, Mode, TalkSettings};

/// Set where missing programs are a failure and not a reason to skip.
const REQUIRED: &str = "SPHERECONNECT_TEST_SOUND";
/// The longest wait for something that is to happen.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it takes to believe that nothing happens.
const QUIET: Duration = Duration::from_millis(400);

/// Whether the programs are there; says so when not.
pub(crate) fn programs_are_there(test: &str, programs: &[&str]) -> bool {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
    let is_there = |program: &str| folders.iter().any(|folder| folder.join(program).exists());
    let missing: Vec<_> = programs.iter().filter(|program| !is_there(program)).copied().collect();
    if missing.is_empty() {
        return true;
    }
    let line = format!("skipped: {test}: missing programs: {}", missing.join(", "));
    assert!(std::env::var_os(REQUIRED).is_none(), "{line}");
    // Not `eprintln`: the line is to be seen although the test passes.
    let _shown = writeln!(std::io::stderr(), "{line}");
    false
}

/// Lets the command run one ignored test of this program.
fn runs(mut command: Command, test: &str) {
    let arguments = ["--exact", test, "--ignored", "--nocapture", "--test-threads=1"];
    let output = command.args(arguments).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test}: {}\n{text}", output.status);
    assert!(text.contains("1 passed"), "{test} did not run\n{text}");
    println!("{text}");
}

fn settings(key: &str, mode: Mode) -> TalkSettings {
    TalkSettings { key: Some(key.parse().unwrap()), mode, ..TalkSettings::default() }
}

/// What comes, up to so many events.
fn events(receiver: &Receiver<KeyEvent>, count: usize) -> Vec<KeyEvent> {
    (0..count).map_while(|_| receiver.recv_timeout(PATIENCE).ok()).collect()
}

fn assert_quiet(receiver: &Receiver<KeyEvent>) {
    assert_eq!(receiver.recv_timeout(QUIET).ok(), None);
}

#[test]
fn something_else_than_a_key_can_talk() {
    use KeyEvent::{Discard, Press, Quit, Release};
    use sphereconnect::hearing::key::Trigger;

    // A key that is not there does not matter here: nothing presses it.
    let (keys, receiver) = Keys::start(&settings("joystick:1", Mode::Hold)).unwrap();
    let sender = keys.sender();
    for trigger in [Trigger::Start, Trigger::Stop, Trigger::Toggle, Trigger::Toggle, Trigger::Start, Trigger::Discard] {
        sender.send(trigger).unwrap();
    }
    assert_eq!(events(&receiver, 6), [Press, Release, Press, Release, Press, Discard]);
    sender.send(Trigger::Quit).unwrap();
    assert_eq!(events(&receiver, 2), [Quit]);
    drop(keys);
}
