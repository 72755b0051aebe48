//! The daemon from outside: its socket, its signals, its numbers, its end. The real program on a virtual sound card.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod desktop;
mod outside;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::audio::card::on_a_card;
use crate::audio::{card, loud_seconds, recorded};
use crate::support::demo::{ARCHON, FILE, Run, run_now};
use crate::support::{Folder, folder, program};

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(5);
/// A recorded order, and what it comes to.
const ORDER: &str = "piper_joe/set_priority_of_ghost_convoy_to_critical.wav";

/// A running daemon; dropping it kills it.
struct Daemon {
    child: Child,
    data: PathBuf,
    turns: Receiver<String>,
    told: Arc<Mutex<Vec<String>>>,
    reading: Vec<JoinHandle<()>>,
}

impl Daemon {
    /// Starts it and waits until it listens. It has no terminal, like a service.
    fn start(data: &Path, options: &[&str]) -> Self {
        let mut command = program(data);
        command.args(["--json", "--as", ARCHON]).args(options).arg("run");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (turn, turns) = channel();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let kept = Arc::clone(&told);
        let reading = vec![
            std::thread::spawn(move || BufReader::new(out).lines().for_each(|line| turn.send(line.unwrap()).unwrap())),
            std::thread::spawn(move || {
                BufReader::new(err).lines().for_each(|line| kept.lock().unwrap().push(line.unwrap()));
            }),
        ];
        let daemon = Self { child, data: data.to_owned(), turns, told, reading };
        daemon.until_told("sphereconnect talk");
        daemon
    }

    /// How often it has said so on standard error.
    fn told(&self, text: &str) -> usize {
        self.told.lock().unwrap().iter().filter(|line| line.contains(text)).count()
    }

    fn until_told(&self, text: &str) {
        wait(text, || (self.told(text) > 0).then_some(()));
    }

    fn turn(&self) -> Value {
        serde_json::from_str(&self.turns.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    fn talk(&self, how: &str) {
        ask(&self.data, &["talk", how]).expect(0, &[]);
    }

    /// What `status --json` says.
    fn status(&self) -> Value {
        let run = ask(&self.data, &["--json", "status"]);
        run.expect(0, &[]);
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn until_state(&self, state: &str) {
        wait(state, || (self.status()["state"] == state).then_some(()));
    }

    /// Plays a recording while the key is down, by the socket.
    fn hear(&self, recording: &str) {
        self.talk("start");
        self.until_state("listening");
        play(recording);
        self.talk("stop");
    }

    /// Waits for its end: how it ended and everything it said.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
        let status = wait("its end", || self.child.try_wait().unwrap());
        self.reading.drain(..).for_each(|one| one.join().unwrap());
        (status, self.told.lock().unwrap().clone())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn ask(data: &Path, words: &[&str]) -> Run {
    let mut command = program(data);
    command.args(words);
    run_now(command)
}

/// A folder with the demo guild, and settings in it.
fn guild(settings: &str) -> (Folder, String) {
    let data = folder();
    ask(data.path(), &["guild", "import", FILE]).expect(0, &[]);
    let path = data.path().join("settings.toml");
    fs::write(&path, settings).unwrap();
    (data, path.display().to_string())
}

/// The player speaks; the sound system is still behind by its buffers when the player ends.
fn play(recording: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio").join(recording);
    assert!(Command::new("paplay").arg("--device=micfeed").arg(path).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(300));
}

fn wait<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(LOOK);
    }
}

#[test]
fn an_order_in_the_middle_of_the_end_is_done_and_answered() {
    on_a_card("daemon::stops");
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn stops() {
    let (data, config) = guild("");
    let daemon = Daemon::start(data.path(), &["--config", &config]);
    let mut turn = Value::Null;
    let mut ended = None;
    let sound = recorded(&card(), || {
        daemon.hear(ORDER);
        daemon.until_state("thinking");
        daemon.signal("TERM");
        turn = daemon.turn();
        ended = Some(daemon.end());
    });
    let (status, told) = ended.unwrap();
    assert_eq!(status.code(), Some(0), "{told:?}");
    assert!(told.iter().any(|line| line.contains("stopping when the accepted orders are done")), "{told:?}");
    assert_eq!(turn["outcome"], "applied", "{turn}");
    println!("after the signal: \"{}\", answered for {:.2} s", turn["reply"].as_str().unwrap(), loud_seconds(&sound));
    assert!(loud_seconds(&sound) > 0.8, "the answer is spoken before it ends");
    let asked = ask(data.path(), &["--as", ARCHON, "say", "what is the status of Ghost Convoy"]);
    assert!(asked.stdout.contains("critical priority"), "{asked:?}");
    ask(data.path(), &["status"]).expect(3, &["no daemon runs here"]);

    // Twice is at once: the second signal does not wait for the order.
    let daemon = Daemon::start(data.path(), &["--config", &config]);
    daemon.hear(ORDER);
    daemon.until_state("thinking");
    daemon.signal("INT");
    daemon.until_told("stopping");
    daemon.signal("INT");
    let (status, told) = daemon.end();
    assert_eq!(status.code(), Some(1), "{told:?}");
    assert!(told.iter().any(|line| line.contains("ended at once")), "{told:?}");
}
