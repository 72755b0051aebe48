//! The first-run guide as a player and as a script use it: the real program, answered through its standard input.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

mod desk;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::audio::card::{alsa_settings, inside};
use crate::support::demo::{Run, run_now};
use crate::support::{Folder, folder, program};

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(5);

/// A guide that runs; dropping it kills it.
struct Guide {
    child: Child,
    answers: Option<ChildStdin>,
    said: Arc<Mutex<String>>,
    reading: Vec<JoinHandle<()>>,
    /// What was seen of what it said.
    seen: usize,
}

impl Guide {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let kept = Arc::clone(&said);
        let reading = vec![
            std::thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(length) = out.read(&mut piece)
                    && length > 0
                {
                    kept.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
                }
            }),
            std::thread::spawn(move || drop(err.read_to_end(&mut Vec::new()))),
        ];
        Self { answers: child.stdin.take(), child, said, reading, seen: 0 }
    }

    /// Waits until it has said so, after what was waited for before; what it said until then.
    fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.said.lock().unwrap().clone();
            if let Some(at) = said[self.seen..].find(text) {
                let (from, to) = (self.seen, self.seen + at + text.len());
                self.seen = to;
                return said[from..to].to_owned();
            }
            assert!(Instant::now() < deadline, "waited in vain for {text:?} in {said}");
            std::thread::sleep(LOOK);
        }
    }

    fn answer(&mut self, line: &str) {
        self.answers.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Answers each question that has these words.
    fn answers(&mut self, all: &[(&str, &str)]) {
        for (question, answer) in all {
            self.until(question);
            self.answer(answer);
        }
    }

    /// Waits for its end: the exit code and everything it said.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.answers.take());
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.said.lock().unwrap());
            std::thread::sleep(LOOK);
        };
        self.reading.drain(..).for_each(|one| one.join().unwrap());
        (status.code(), self.said.lock().unwrap().clone())
    }
}

impl Drop for Guide {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Where the player's own settings are for a program with this data folder.
fn settings(data: &Path) -> PathBuf {
    data.join("settings/sphereconnect/config.toml")
}

fn guide(data: &Path, words: &[&str]) -> Command {
    let mut command = program(data);
    command.arg("setup").args(words);
    command
}

fn ask(data: &Path, words: &[&str]) -> Run {
    let mut command = program(data);
    command.args(words);
    run_now(command)
}

/// Everything below a folder, with its content.
fn files(folder: &Folder) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push((path.clone(), fs::read(path).unwrap())) }
        }
    }
    found.sort();
    found
}

#[test]
fn without_a_desk_everything_else_is_set_up() {
    let folder = tempfile::tempdir().unwrap();
    alsa_settings(folder.path());
    inside("setup::has_no_desk", folder.path());
}

/// No sound, no display, no endpoint: each is said, and the guide goes on.
#[test]
#[ignore = "runs without sound, in an environment that another test makes"]
fn has_no_desk() {
    let data = folder();
    let mut one = Guide::start(guide(data.path(), &[]));
    one.answers(&[
        ("embedded or an address [embedded]: ", "mysql://somewhere"),
        ("embedded or an address [embedded]: ", "postgres://me:hidden@127.0.0.1:1/guild"),
    ]);
    assert!(one.until("embedded or an address [embedded]: ").contains("! the database cannot be reached"));
    one.answer("");
    one.answers(&[("which guild [demo]: ", "no/such.toml"), ("cannot read no/such.toml", "new")]);
    one.answers(&[("the guild's name [My Guild]: ", "Iron Lantern"), ("your name in it [", "Joana")]);
    one.answers(&[("which one, or skip", "")]);
    let said = one.until("keep it nevertheless [yes]: ");
    assert!(said.contains("! no microphone found") && said.contains("plug one in"), "{said}");
    one.answer("");
    one.answers(&[("which key [", "F99"), ("! no key is called \"F99\"", "enter")]);
    one.answers(&[("mode [hold]: ", "held"), ("no mode is called \"held\"", "3")]);
    one.answers(&[("shall replies be spoken [yes]: ", "perhaps"), ("! say yes or no", "yes")]);
    let said = one.until("its address, or none [none]: ");
    assert!(said.contains("! no speech") && said.contains("replies are shown until it works"), "{said}");
    one.answer("http://127.0.0.1:9");
    let said = one.until("its address, or none [none]: ");
    assert!(said.contains("! cannot reach the language model at 127.0.0.1:9"), "{said}");
    one.answer("http://127.0.0.1:9");
    one.answers(&[("it is kept, and tried whenever it is needed", "")]);
    let said = one.until("your order [set priority of First Flight to high]: ");
    assert!(said.contains("Iron Lantern: ") && said.contains("written: "), "{said}");
    one.answer("");
    let (code, said) = one.end();
    println!("{said}");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("objective.set_priority objective=\"First Flight\" priority=\"high\""), "{said}");
    assert!(said.contains("would be done") && said.contains("nothing was changed"), "{said}");

    let text = fs::read_to_string(settings(data.path())).unwrap();
    println!("{text}");
    for line in ["member = \"Joana\"", "mode = \"auto\"", "url = \"http://127.0.0.1:9\"", "key = \"stdin\""] {
        assert!(text.contains(line), "no {line} in {text}");
    }
    assert!(text.starts_with("# Written by `sphereconnect setup`") && !text.contains("hidden"), "{text}");
    // Every command reads that file by itself. The trial changed nothing.
    let run =
        ask(data.path(), &["say", "what is the status of First Flight", "set priority of First Flight to critical"]);
    run.expect(0, &[]);
    assert!(run.stdout.contains("medium priority") && run.stdout.contains("has critical priority"), "{run:?}");

    again(&data);
}

/// There is a file already.
fn again(data: &Folder) {
    let path = settings(data.path());
    let text = fs::read_to_string(&path).unwrap();
    let own = format!("# Joana's own\n{text}\n[speech]\nthreads = 2 # the game needs the rest\n");
    let own = own.replace("key = \"stdin\"", "key = \"F13\" # at the thumb\nsource = \"x11\"");
    fs::write(&path, &own).unwrap();
    let before = files(data).into_iter().filter(|(file, _)| *file == path).collect::<Vec<_>>();
    for (last, code) in [("no", 1), ("yes", 0)] {
        let mut one =
            Guide::start(guide(data.path(), &["--microphone", "skip", "--voice", "no", "--order", "who am I"]));
        one.answers(&[("embedded or an address [embedded]: ", ""), ("which guild [Iron Lantern]: ", "")]);
        let said = one.until("which key [f13]: ");
        assert!(said.contains("DISPLAY is not set") && said.contains("talk.source = \"evdev\""), "{said}");
        one.answer("ctrl+F8");
        one.answers(&[("mode [auto]: ", ""), ("[http://127.0.0.1:9]: ", "none")]);
        one.answers(&[("(the rest of it stays) [yes]: ", last)]);
        let (ended, said) = one.end();
        assert_eq!(ended, Some(code), "{said}");
        if last == "no" {
            assert!(said.ends_with("nothing was changed\n"), "{said}");
            let after = files(data).into_iter().filter(|(file, _)| *file == path).collect::<Vec<_>>();
            assert_eq!(before, after);
        } else {
            assert!(said.contains("You are Joana, with the rank of Leader"), "{said}");
        }
    }
    let text = fs::read_to_string(&path).unwrap();
    for line in [
        "# Joana's own",
        "threads = 2 # the game needs the rest",
        "key = \"ctrl+f8\" # at the thumb",
        "enabled = false",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }
    assert!(text.contains("url = \"\"") && text.contains("source = \"x11\""), "{text}");
}

#[test]
fn without_answers_it_says_how_to_give_them() {
    let data = folder();
    let run = ask(data.path(), &["setup"]);
    run.expect(2, &["nothing was changed: the answers ended at \"embedded or an address\"", "--database", "--yes"]);
    let run = ask(data.path(), &["setup", "--yes", "--mode", "held", "--microphone", "skip", "--voice", "no"]);
    run.expect(2, &["nothing was changed: --mode: no mode is called \"held\""]);
    let mut five = Guide::start(guide(data.path(), &[]));
    for _ in 0..5 {
        five.answer("nonsense");
    }
    let (code, said) = five.end();
    assert_eq!(code, Some(2), "{said}");
    assert!(files(&data).is_empty());
}

#[test]
fn ctrl_c_leaves_everything_as_it_was() {
    let data = folder();
    let words = ["--guild-from", "demo", "--microphone", "skip", "--key", "enter", "--voice", "no"];
    let mut one = Guide::start(guide(data.path(), &words));
    for _ in 0..4 {
        one.answer("");
    }
    one.until("write them to ");
    assert!(Command::new("kill").args(["-s", "INT", &one.child.id().to_string()]).status().unwrap().success());
    let deadline = Instant::now() + PATIENCE;
    while one.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "Ctrl-C does not stop it");
        std::thread::sleep(LOOK);
    }
    let (code, said) = one.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.ends_with("stopped\n"), "{said}");
    assert!(files(&data).is_empty(), "nothing was written");
}

#[test]
fn a_script_answers_with_options_alone() {
    let data = folder();
    let file = data.path().join("own.toml");
    let named = file.display().to_string();
    let words = ["--yes", "--json", "--config", &named, "--guild", "Night Watch", "--as", "Ada", "--guild-from", "new"];
    let desk = ["--microphone", "skip", "--key", "F13", "--mode", "toggle", "--voice", "no"];
    let run = run_now({
        let mut command = guide(data.path(), &words);
        command.args(desk);
        command
    });
    run.expect(0, &["which key [", "write them to "]);
    let lines: Vec<Value> = run.turns();
    assert_eq!(lines[0]["settings"], named, "{lines:?}");
    let stages: Vec<_> = lines[1..].iter().map(|line| line["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["heard", "names", "understood", "done", "all of it"]);
    assert!(lines[1..].iter().all(|line| line["grade"] == "ok"), "{lines:?}");
    assert!(!settings(data.path()).exists(), "the file that was named is the one");
    ask(data.path(), &["--config", &named, "say", "who am I"]).expect(0, &[]);
}
