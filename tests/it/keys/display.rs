//! Keys and mouse buttons under an X server.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sphereconnect::hearing::key::KeyEvent::{Discard, Press, Release};
use sphereconnect::hearing::key::{Keys, Mode, Reader, Source, check, press_any};
use x11rb::protocol::xproto::{ConnectionExt as _, GrabMode};

use super::{PATIENCE, assert_quiet, events, programs_are_there, runs, settings};

/// The server's process, for the test that ends it.
const PID: &str = "SPHERECONNECT_TEST_X_PID";

/// An X server without a screen; dropping it ends it.
pub(crate) struct Display {
    server: Child,
    /// What `DISPLAY` is to be.
    pub(crate) name: String,
}

impl Display {
    pub(crate) fn start() -> Self {
        let arguments = ["-displayfd", "1", "-screen", "0", "320x200x24", "-nolisten", "tcp", "-noreset"];
        let mut server = Command::new("Xvfb");
        let mut server = server.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let number = BufReader::new(server.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        Self { server, name: format!(":{number}") }
    }

    /// Moves keys and the mouse: `keydown F8`.
    pub(crate) fn hands(&self, words: &str) {
        hands(&self.name, words);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ended = self.server.kill();
        let _reaped = self.server.wait();
    }
}

fn hands(display: &str, words: &str) {
    let mut command = Command::new("xdotool");
    assert!(command.args(words.split(' ')).env("DISPLAY", display).status().unwrap().success(), "{words}");
}

/// `xdotool` on the display of this process.
fn here(words: &str) {
    hands(&std::env::var("DISPLAY").unwrap(), words);
}

fn on_a_display(test: &str) {
    if programs_are_there(test, &["Xvfb", "xdotool"]) {
        let display = Display::start();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY").env(PID, display.server.id().to_string());
        runs(command, test);
    }
}

#[test]
fn a_key_is_seen_whoever_has_the_keyboard() {
    on_a_display("keys::display::sees");
}

#[test]
fn a_key_can_be_shown() {
    on_a_display("keys::display::is_shown");
}

#[test]
fn a_display_that_ends_lets_the_key_go_and_may_come_back() {
    on_a_display("keys::display::comes_back");
}

#[test]
fn without_a_display_it_is_said_what_to_do() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("DISPLAY", "").env("WAYLAND_DISPLAY", "");
    runs(command, "keys::display::is_not_there");
}

#[test]
#[ignore = "runs without a display, in an environment that another test makes"]
fn is_not_there() {
    let error = Reader::X11.check().unwrap_err().to_string();
    assert!(error.contains("DISPLAY is not set") && error.contains("talk.source = \"evdev\""), "{error}");
    let wanted = super::TalkSettings { source: Source::X11, ..settings("f8", Mode::Hold) };
    assert_eq!(Keys::start(&wanted).unwrap_err().to_string(), error);
}

#[test]
#[ignore = "runs on a display that another test starts"]
fn sees() {
    let found = check(&settings("F8", Mode::Hold)).unwrap();
    println!("{found}");
    assert!(found.starts_with("hold f8 to talk; X11 on display"), "{found}");
    let mut wanted = settings("F8", Mode::Hold);
    wanted.discard_key = Some("ctrl+F8".parse().unwrap());
    let (keys, receiver) = Keys::start(&wanted).unwrap();
    here("keydown F8");
    assert_eq!(events(&receiver, 1), [Press]);
    // Long enough to repeat.
    assert_quiet(&receiver);
    std::thread::sleep(Duration::from_millis(600));
    here("keyup F8");
    assert_eq!(events(&receiver, 1), [Release]);
    // The game needs other keys meanwhile.
    here("keydown shift keydown w keydown F8");
    assert_eq!(events(&receiver, 1), [Press]);
    here("keyup shift keyup w keyup F8");
    assert_eq!(events(&receiver, 1), [Release]);
    here("keydown ctrl key F8 keyup ctrl");
    assert_eq!(events(&receiver, 1), [Discard]);

    // A game in full screen takes the keyboard for itself.
    let (game, screen) = x11rb::connect(None).unwrap();
    let root = x11rb::connection::Connection::setup(&game).roots[screen].root;
    let grab = game.grab_keyboard(true, root, x11rb::CURRENT_TIME, GrabMode::ASYNC, GrabMode::ASYNC).unwrap();
    assert_eq!(grab.reply().unwrap().status, x11rb::protocol::xproto::GrabStatus::SUCCESS);
    here("keydown F8");
    assert_eq!(events(&receiver, 1), [Press]);
    here("keyup F8");
    assert_eq!(events(&receiver, 1), [Release]);
    here("key F9 key a click 1");
    assert_quiet(&receiver);
    drop((keys, game));

    // A key that most keyboards have only by its number, and one at the thumb.
    for (setting, down, up) in
        [("F13", "keydown F13", "keyup F13"), ("shift+mouse:8", "keydown shift mousedown 8", "mouseup 8 keyup shift")]
    {
        let (_keys, receiver) = Keys::start(&settings(setting, Mode::Hold)).unwrap();
        here(down);
        assert_eq!(events(&receiver, 1), [Press], "{setting}");
        here(up);
        assert_eq!(events(&receiver, 1), [Release], "{setting}");
    }

    let (_keys, receiver) = Keys::start(&settings("rightctrl", Mode::Auto)).unwrap();
    here("key Control_R");
    assert_eq!(events(&receiver, 1), [Press]);
    assert_quiet(&receiver);
    here("key Control_R");
    assert_eq!(events(&receiver, 1), [Release]);
}

#[test]
#[ignore = "runs on a display that another test starts"]
fn is_shown() {
    for (words, expected) in [
        ("key F8", Some("f8")),
        ("keydown ctrl key g keyup ctrl", Some("ctrl+g")),
        ("key Control_R", Some("rightctrl")),
        ("click 1 click 9", Some("mouse:9")),
        ("click 1 click 5", None),
    ] {
        let patience = if expected.is_some() { PATIENCE } else { Duration::from_millis(700) };
        let shown = std::thread::spawn(move || press_any(Source::Auto, patience).unwrap());
        // The server tells only who already listens.
        std::thread::sleep(Duration::from_millis(300));
        here(words);
        assert_eq!(shown.join().unwrap().as_deref(), expected, "{words}");
    }
}

#[test]
#[ignore = "runs on a display that another test starts"]
fn comes_back() {
    let (name, pid) = (std::env::var("DISPLAY").unwrap(), std::env::var(PID).unwrap());
    let (_keys, receiver) = Keys::start(&settings("F8", Mode::Hold)).unwrap();
    here("keydown F8");
    assert_eq!(events(&receiver, 1), [Press]);
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    assert_eq!(events(&receiver, 1), [Release]);

    let mut again = Command::new("Xvfb").arg(&name).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let back = loop {
        let up = Command::new("xdotool").args(["key", "F8"]).stderr(Stdio::null()).status().unwrap();
        if up.success() && receiver.recv_timeout(Duration::from_millis(100)) == Ok(Press) {
            break true;
        }
        if Instant::now() > deadline {
            break false;
        }
    };
    again.kill().unwrap();
    again.wait().unwrap();
    assert!(back, "the key is dead after the server came back");
}
