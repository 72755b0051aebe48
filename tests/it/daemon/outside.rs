//! One daemon through a day: talk, status, numbers, signals, other settings, a second one, and visitors who mean no good.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::{Daemon, ORDER, ask, card, guild, on_a_card, wait};
use crate::support::demo::{ARCHON, run_now};
use crate::support::program;

/// An order that has to be asked about: two members sound like that.
const UNCLEAR: &str = "hibari_heart/assign_recover_the_black_box_to_maelis.wav";

#[test]
fn a_daemon_is_reached_from_outside_and_stays_well() {
    on_a_card("daemon::outside::lives");
}

#[test]
fn two_daemons_are_one_too_many_and_a_dead_one_is_none() {
    on_a_card("daemon::outside::is_alone");
}

fn socket() -> PathBuf {
    card().join("sphereconnect/control.sock")
}

/// Sends bytes and reads one answer.
fn send(bytes: &[u8]) -> Value {
    let mut stream = UnixStream::connect(socket()).unwrap();
    stream.write_all(bytes).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn lives() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = |rate: i32, microphone: &str| {
        format!(
            "[hearing]\nmicrophone = \"{microphone}\"\n[voice]\nrate = {rate}\nnotify = true\n\
             [metrics]\nlisten = \"{address}\"\n[log]\nfilter = \"info\"\nfile = \"{}\"\n",
            card().join("kept.log").display()
        )
    };
    let (data, config) = guild(&settings(0, ""));
    let trace = card().join("trace.json").display().to_string();
    let daemon = Daemon::start(data.path(), &["--config", &config, "--trace", &trace]);
    let mode = fs::metadata(socket()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let before = daemon.status();
    assert_eq!((&before["state"], &before["member"]), (&"idle".into(), &ARCHON.into()), "{before}");
    assert_eq!(before["turns"].as_array().unwrap().len(), 0);

    daemon.hear(ORDER);
    let turn = daemon.turn();
    assert_eq!((&turn["outcome"], &turn["source"]), (&"applied".into(), &"microphone".into()), "{turn}");
    let asked = ask(data.path(), &["--as", ARCHON, "say", "what is the status of Ghost Convoy"]);
    assert!(asked.stdout.contains("critical priority"), "{asked:?}");

    let heard = turn["heard"].as_str().unwrap();
    let after = wait("the turn on the board", || Some(daemon.status()).filter(|one| one["outcomes"]["done"] == 1));
    assert_eq!(after["utterances"]["accepted"], 1, "{after}");
    assert_eq!(after["turns"][0]["ms"], turn["ms"]["total"], "{after}");
    assert_eq!(after["latency_ms"][5]["p95"], turn["ms"]["total"], "{after}");
    assert!(!after.to_string().contains(heard), "words are only told when they are kept: {after}");
    println!("{}", ask(data.path(), &["status"]).stdout);

    // A note that cannot be shown, twice: it is said once.
    for _ in 0..2 {
        daemon.hear(UNCLEAR);
        assert_eq!(daemon.turn()["outcome"], "asked");
    }
    daemon.until_told("no notes on the desktop");
    assert_eq!(daemon.told("no notes on the desktop"), 1);

    numbers(&format!("http://{address}"));
    signals(&daemon);
    hostile(&daemon);
    let kept = fs::read_to_string(card().join("kept.log")).unwrap();
    assert!(kept.contains("a turn was taken") && !kept.contains(heard), "{kept}");

    reads_again(&daemon, &config, &settings(20, "another"));
    ends(daemon, &trace, heard);
}

/// Other settings, and some that cannot be used.
fn reads_again(daemon: &Daemon, config: &str, settings: &str) {
    fs::write(config, settings).unwrap();
    daemon.signal("HUP");
    daemon.until_told("changed: voice.rate");
    daemon.until_told("these need a restart: hearing.microphone");
    fs::write(config, "[voice]\nrate = \"fast\"\n").unwrap();
    daemon.signal("HUP");
    daemon.until_told("the old settings stay");
}

/// It ends as it should, and leaves a trace without words.
fn ends(daemon: Daemon, trace: &str, heard: &str) {
    daemon.signal("TERM");
    let (status, told) = daemon.end();
    assert_eq!(status.code(), Some(0), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("panicked")), "{told:?}");
    assert!(!socket().exists());
    let trace = fs::read_to_string(trace).unwrap();
    let events: Vec<Value> = serde_json::from_str(&trace).unwrap();
    for stage in ["turn", "look", "listen", "order", "understand", "carry_out"] {
        assert!(events.iter().any(|event| event["name"] == stage), "no {stage} in {trace}");
    }
    assert!(trace.contains("speech_ms") && !trace.contains(heard), "{trace}");
}

/// A real client scrapes.
fn numbers(base: &str) {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let scraped = client.get(format!("{base}/metrics")).send().await.unwrap();
        assert_eq!(scraped.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
        let text = scraped.text().await.unwrap();
        for line in [
            "sphereconnect_turns_total{outcome=\"done\",route=\"local\"} 1",
            "sphereconnect_turns_total{outcome=\"asked\",route=\"local\"} 2",
            "sphereconnect_utterances_total{fate=\"accepted\"} 3",
            "sphereconnect_turn_stage_seconds_count{stage=\"speech\"} 3",
        ] {
            assert!(text.contains(line), "no {line} in\n{text}");
        }
        assert!(!text.contains("Ghost") && !text.contains("Maelis"), "{text}");
        assert_eq!(client.get(base).send().await.unwrap().status(), 404);
        assert_eq!(client.post(format!("{base}/metrics")).body("x").send().await.unwrap().status(), 405);
    });
}

/// Two signals are a key and its discarding; nothing comes of what was discarded.
fn signals(daemon: &Daemon) {
    daemon.signal("USR1");
    daemon.until_state("listening");
    daemon.signal("USR2");
    daemon.until_told("discarded");
    daemon.until_state("idle");
    daemon.talk("toggle");
    daemon.until_state("listening");
    daemon.talk("discard");
    daemon.until_state("idle");
    assert_eq!(daemon.status()["utterances"]["accepted"], 3);
}

/// Whatever comes, the next one is answered.
fn hostile(daemon: &Daemon) {
    let bad: [&[u8]; 6] = [
        b"\n",
        b"garbage\n",
        &[0xff, 0xfe, 0, b'\n'],
        b"{\"do\":\"talk\",\"key\":\"explode\"}\n",
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
        b"{\"do\":\"quit\"}\n",
    ];
    for bytes in bad {
        let answer = send(bytes);
        assert_eq!(answer["ok"], false, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains("no request"), "{answer}");
    }
    // Ten megabytes without a line's end: refused long before.
    let mut stream = UnixStream::connect(socket()).unwrap();
    let sent = stream.write_all(&vec![b'x'; 10_000_000]);
    assert!(sent.is_err(), "nobody read it all");
    // One byte and no more, and as many as nobody has: each is let go after its time, and the next is served.
    let idle: Vec<UnixStream> = (0..40).map(|_| UnixStream::connect(socket()).unwrap()).collect();
    let mut slow = UnixStream::connect(socket()).unwrap();
    slow.write_all(b"{").unwrap();
    assert_eq!(daemon.status()["state"], "idle");
    let mut rest = Vec::new();
    slow.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    slow.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "{rest:?}");
    drop(idle);
    // Two requests on one connection.
    let mut stream = UnixStream::connect(socket()).unwrap();
    stream.write_all(b"{\"do\":\"status\"}\n{\"do\":\"talk\",\"key\":\"stop\"}\n").unwrap();
    let lines = BufReader::new(stream).lines().take(2).map(|line| line.unwrap());
    let answers: Vec<Value> = lines.map(|line| serde_json::from_str(&line).unwrap()).collect();
    assert!(answers.iter().all(|answer| answer["ok"] == true), "{answers:?}");
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn is_alone() {
    let (data, config) = guild("");
    ask(data.path(), &["talk", "start"]).expect(3, &["no daemon runs here", "sphereconnect run"]);
    let first = Daemon::start(data.path(), &["--config", &config]);
    let mut second = program(data.path());
    second.args(["--as", ARCHON, "run"]);
    let pid = first.child.id().to_string();
    run_now(second).expect(3, &["runs already as process", &pid, "daemon.folder", &format!("`kill {pid}`")]);
    assert_eq!(first.status()["pid"], first.child.id());

    // Killed, it leaves its socket behind, and nobody there.
    first.signal("KILL");
    let (status, _) = first.end();
    assert_eq!(status.code(), None);
    assert!(socket().exists());
    ask(data.path(), &["status"]).expect(3, &["no daemon runs here"]);
    let next = Daemon::start(data.path(), &["--config", &config]);
    assert_eq!(next.status()["pid"], next.child.id());
    next.signal("TERM");
    assert_eq!(next.end().0.code(), Some(0));
}
