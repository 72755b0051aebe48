//! Keys and joystick buttons of the kernel's devices, which `umockdev` describes and moves from files.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sphereconnect::hearing::key::KeyEvent::{Discard, Press, Release};
use sphereconnect::hearing::key::{Keys, Mode, Reader, Source, TalkSettings};

use super::{assert_quiet, events, programs_are_there, runs, settings};

/// Runs a test where these devices are and move.
fn with_devices(devices: &[(&str, &str)], test: &str) {
    if !programs_are_there(test, &["umockdev-run"]) {
        return;
    }
    let mut command = Command::new("umockdev-run");
    for (device, node) in devices {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/devices");
        let file = |ending: &str| folder.join(format!("{device}.{ending}")).display().to_string();
        command.args(["--device", &file("umockdev"), "--ioctl", &format!("{node}={}", file("ioctl"))]);
        command.args(["--evemu-events", &format!("{node}={}", file("events"))]);
    }
    command.arg("--").arg(std::env::current_exe().unwrap()).env("DISPLAY", "").env("WAYLAND_DISPLAY", "wayland-1");
    runs(command, test);
}

const KEYBOARD: (&str, &str) = ("keyboard", "/dev/input/event5");
const JOYSTICK: (&str, &str) = ("joystick", "/dev/input/event6");
const MOUSE: (&str, &str) = ("mouse", "/dev/input/event7");

#[test]
fn a_keyboard_of_the_kernel_is_read() {
    with_devices(&[KEYBOARD], "keys::devices::reads_a_keyboard");
}

#[test]
fn a_joystick_is_read() {
    with_devices(&[JOYSTICK, KEYBOARD], "keys::devices::reads_a_joystick");
}

#[test]
fn where_the_kernel_shows_no_devices_it_is_said_what_to_do() {
    // An empty testbed hides what this machine has.
    if programs_are_there("devices", &["umockdev-run"]) {
        let mut command = Command::new("umockdev-run");
        command.arg("--").arg(std::env::current_exe().unwrap());
        runs(command, "keys::devices::has_none");
    }
}

#[test]
#[ignore = "runs without devices, in an environment that another test makes"]
fn has_none() {
    let error = Reader::Evdev.check().unwrap_err().to_string();
    assert!(error.starts_with("no keyboard or mouse is below /dev/input"), "{error}");
    let wanted = TalkSettings { source: Source::Evdev, ..settings("f8", Mode::Hold) };
    assert_eq!(Keys::start(&wanted).unwrap_err().to_string(), error);
    assert!(Reader::Joystick.check().unwrap().contains("no joystick is plugged in now"));
}

#[test]
#[ignore = "runs with a keyboard that another test makes"]
fn reads_a_keyboard() {
    let wanted = TalkSettings { discard_key: Some("ctrl+F8".parse().unwrap()), ..settings("F8", Mode::Hold) };
    let (_keys, receiver) = Keys::start(&wanted).unwrap();
    assert_eq!(events(&receiver, 1), [Press]);
    let pressed = Instant::now();
    // Held with shift while it repeats; then the one that discards; then contacts that bounce.
    assert_eq!(events(&receiver, 1), [Release]);
    println!("held for {:.3} s", pressed.elapsed().as_secs_f64());
    assert!(pressed.elapsed() > Duration::from_millis(400));
    assert_eq!(events(&receiver, 3), [Discard, Press, Release]);
    assert_quiet(&receiver);
}

#[test]
#[ignore = "runs with a joystick that another test makes"]
fn reads_a_joystick() {
    println!("{}", Reader::Joystick.check().unwrap());
    let wanted =
        TalkSettings { discard_key: Some("joystick:288".parse().unwrap()), ..settings("joystick:289", Mode::Hold) };
    let (_keys, receiver) = Keys::start(&wanted).unwrap();
    assert_eq!(events(&receiver, 3), [Press, Release, Discard]);
    assert_quiet(&receiver);
}

#[test]
fn a_keyboard_that_is_plugged_in_later_is_read_beside_the_mouse() {
    with_devices(&[MOUSE, KEYBOARD], "keys::devices::reads_what_comes_later");
}

#[test]
#[ignore = "runs with a mouse and a keyboard that another test makes"]
fn reads_what_comes_later() {
    // The testbed's own folder: what is moved away there is unplugged.
    let node = Path::new(&std::env::var("UMOCKDEV_DIR").unwrap()).join("dev/input/event5");
    let away = node.with_file_name("away");
    std::fs::rename(&node, &away).unwrap();
    let wanted = TalkSettings { discard_key: Some("mouse:8".parse().unwrap()), ..settings("F8", Mode::Hold) };
    let (_keys, receiver) = Keys::start(&wanted).unwrap();
    assert_eq!(events(&receiver, 1), [Discard]);
    assert_quiet(&receiver);
    std::fs::rename(&away, &node).unwrap();
    assert_eq!(events(&receiver, 2), [Press, Release]);
}
