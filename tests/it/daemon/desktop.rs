//! Notes on a desktop: a real bus, and a listener in the place of the desktop. And the unit, read by systemd itself.

use std::sync::mpsc::channel;
use std::time::Duration;

use dbus::arg::PropMap;
use dbus::blocking::Connection;
use dbus::channel::{MatchingReceiver as _, Sender as _};
use dbus::message::MatchRule;
use sphereconnect::control::notes::Notes;

use super::{PATIENCE, ask, on_a_card};
use crate::support::folder;

/// The name under which a desktop takes notes.
const DESKTOP: &str = "org.freedesktop.Notifications";

/// A note as it is called: the program, what it replaces, its picture, its head, its text, its buttons, hints, its time.
type Note = (String, u32, String, String, String, Vec<String>, PropMap, i32);

#[test]
fn a_question_is_shown_on_the_desktop() {
    on_a_card("daemon::desktop::shows");
}

#[test]
#[ignore = "runs on a virtual card that another test starts, for its bus"]
fn shows() {
    let (shown, notes) = channel();
    let (ready, listening) = channel();
    std::thread::spawn(move || {
        let bus = Connection::new_session().unwrap();
        bus.request_name(DESKTOP, false, false, true).unwrap();
        let rule = MatchRule::new_method_call();
        bus.start_receive(
            rule,
            Box::new(move |call, bus| {
                if call.member().is_some_and(|member| &*member == "Notify") {
                    shown.send(call.read_all::<Note>().unwrap()).unwrap();
                }
                let answer = call.method_return().append1(7_u32);
                bus.send(answer).unwrap();
                true
            }),
        );
        ready.send(()).unwrap();
        while bus.process(Duration::from_secs(1)).is_ok() {}
    });
    listening.recv_timeout(PATIENCE).unwrap();
    Notes::start(false).trouble("nobody wants to see this");
    let own = Notes::start(true);
    own.trouble("the microphone <stopped> & went");
    let (program, _, _, head, text, _, _, stays) = notes.recv_timeout(PATIENCE).unwrap();
    println!("{program}: {head}: {text} for {stays} ms");
    assert_eq!((program.as_str(), head.as_str()), ("SphereConnect", "SphereConnect: Trouble"));
    assert_eq!(text, "the microphone &lt;stopped&gt; &amp; went");
    assert_eq!(stays, 8_000);
    assert!(notes.try_recv().is_err(), "only what is wanted is shown");
}

/// systemd's own reader finds nothing to complain about.
#[test]
fn the_unit_is_read_by_systemd() {
    let data = folder();
    let printed = ask(data.path(), &["--as", "Per Cent 100%", "service", "print"]);
    printed.expect(0, &[]);
    assert!(printed.stdout.contains("\"Per Cent 100%%\" run"), "{printed:?}");
    let unit = data.path().join("sphereconnect.service");
    std::fs::write(&unit, &printed.stdout).unwrap();
    let mut reader = std::process::Command::new("systemd-analyze");
    reader.args(["verify", "--user", "--man=no"]).arg(&unit).env("XDG_RUNTIME_DIR", data.path());
    let Ok(read) = reader.output() else {
        println!("no systemd here, so the unit is not read by it");
        return;
    };
    let text = String::from_utf8_lossy(&read.stderr);
    println!("systemd-analyze: {} {text}", read.status);
    assert!(read.status.success() && !text.contains("sphereconnect.service"), "{text}");
}
