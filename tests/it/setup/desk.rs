//! The guide and `doctor` with a real sound server and a real X server: the microphone, the key that is pressed, the
//! voice, and an order that is spoken.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;

use super::{Guide, ask, guide, settings};
use crate::audio::card::on_a_card;
use crate::keys::display::Display;
use crate::keys::programs_are_there;
use crate::support::demo::Run;
use crate::support::{folder, program};

/// A recorded order.
const ORDER: &str = "tests/fixtures/audio/piper_joe/set_priority_of_ghost_convoy_to_critical.wav";

#[test]
fn a_desk_is_set_up_and_an_order_is_graded() {
    if programs_are_there("the guide at a desk", &["Xvfb", "xdotool"]) {
        on_a_card("setup::desk::is_complete");
    }
}

#[test]
fn doctor_says_how_the_microphone_sounds() {
    on_a_card("setup::desk::is_examined");
}

/// Speaks into the microphone.
fn speak() -> Child {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER);
    Command::new("paplay").arg("--device=micfeed").arg(recording).spawn().unwrap()
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn is_complete() {
    let (data, display) = (folder(), Display::start());
    let mut command = guide(data.path(), &["--endpoint", "none"]);
    command.env("DISPLAY", &display.name);
    let mut one = Guide::start(command);
    one.answers(&[("[embedded]: ", ""), ("which guild [demo]: ", "1"), ("[Isolde Marchetti]: ", "")]);
    // Nobody speaks: silence is explained, and another try is possible.
    one.answers(&[("which one, or skip", "default")]);
    let said = one.until("keep it nevertheless [yes]: ");
    assert!(said.contains("! no sound at all came"), "{said}");
    one.answer("no");
    one.until("which one, or skip");
    one.answer("");
    let mut speaker = speak();
    let said = one.until("keep this one [yes]: ");
    assert!(said.contains("that is good") && said.contains("speech -"), "{said}");
    assert!(speaker.wait().unwrap().success());
    one.answer("");

    one.until("which key [show]: ");
    one.answer("");
    one.until("press it now");
    // The server tells only who already listens.
    std::thread::sleep(Duration::from_millis(500));
    display.hands("key F8");
    let said = one.until("mode [hold]: ");
    assert!(said.contains("that is f8") && said.contains("hold f8 to talk; X11 on display"), "{said}");
    one.answer("");
    one.answers(&[("shall replies be spoken [yes]: ", ""), ("did you hear it [yes]: ", "")]);
    one.answers(&[("write them to ", ""), ("say it aloud", "")]);
    one.until("say: \"");
    one.until("hold f8 to talk");
    std::thread::sleep(Duration::from_millis(500));
    display.hands("keydown F8");
    assert!(speak().wait().unwrap().success());
    // The sound system is still behind by its buffers when the player ends.
    std::thread::sleep(Duration::from_millis(300));
    display.hands("keyup F8");
    let (code, said) = one.end();
    println!("{said}");
    assert_eq!(code, Some(0), "{said}");
    let grades = &said[said.find("listening …").unwrap()..];
    let stages = ["microphone", "heard", "names", "understood", "done", "all of it"];
    for stage in stages {
        assert!(grades.lines().any(|line| line.starts_with(&format!("  {stage:<11} ok "))), "{stage}: {grades}");
    }
    assert!(grades.contains("Ghost Convoy (objective, "), "{grades}");
    let text = std::fs::read_to_string(settings(data.path())).unwrap();
    assert!(text.contains("key = \"f8\"") && text.contains("mode = \"hold\""), "{text}");
    let asked = ask(data.path(), &["say", "what is the status of Ghost Convoy"]);
    assert!(!asked.stdout.contains("critical priority"), "the trial changed nothing: {asked:?}");
}

/// What `doctor --json` says of one part.
fn part(run: &Run, name: &str) -> Value {
    let found = run.turns().into_iter().find(|line| line["part"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {run:?}"))
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn is_examined() {
    let data = folder();
    let silent = ask(data.path(), &["--json", "doctor"]);
    silent.expect(0, &["say something for 2 seconds"]);
    let found = part(&silent, "microphone");
    assert_eq!((&found["works"], &found["poor"]), (&Value::Bool(false), &Value::Bool(false)), "{found}");
    assert!(found["detail"].as_str().unwrap().contains("no sound at all came"), "{found}");
    assert_eq!(part(&silent, "voice")["works"], true);
    assert!(part(&silent, "daemon")["detail"].as_str().unwrap().contains("none runs here"));
    assert!(part(&silent, "talk key")["detail"].as_str().unwrap().contains("Enter in the terminal"));

    // What is played again and again is speech, loud enough, as long as it is examined.
    let mut voices = Command::new("sh");
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER);
    let mut voices =
        voices.args(["-c", "while paplay --device=micfeed \"$0\"; do :; done"]).arg(recording).spawn().unwrap();
    let spoken = ask(data.path(), &["--json", "doctor"]);
    voices.kill().unwrap();
    voices.wait().unwrap();
    let found = part(&spoken, "microphone");
    println!("{found}");
    assert_eq!((&found["works"], &found["poor"]), (&Value::Bool(true), &Value::Bool(false)), "{found}");

    // A daemon keeps its microphone, and the guide waits for its end.
    ask(data.path(), &["guild", "import", crate::support::demo::FILE]).expect(0, &[]);
    let mut command = program(data.path());
    command.args(["--as", "Veshkar", "run"]);
    let mut daemon = Guide::start(command);
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while ask(data.path(), &["status"]).code != 0 {
        assert!(std::time::Instant::now() < deadline, "the daemon does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
    let busy = ask(data.path(), &["--json", "doctor"]);
    let found = part(&busy, "microphone")["detail"].as_str().unwrap().to_owned();
    assert!(found.contains(&format!("in use by the daemon (process {})", daemon.child.id())), "{found}");
    assert!(part(&busy, "daemon")["detail"].as_str().unwrap().contains("runs as process"), "{busy:?}");
    ask(data.path(), &["setup", "--yes"]).expect(3, &["holds the microphone and the key", "end it with `kill"]);
    daemon.answer("q");
    assert_eq!(daemon.end().0, Some(0));
}
