//! The private sound server, and the second run of this program inside it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set where a missing sound server is a failure and not a reason to skip.
const REQUIRED: &str = "SPHERECONNECT_TEST_SOUND";
/// Where the card's files are; set for the ignored tests.
pub(crate) const CARD: &str = "SPHERECONNECT_TEST_CARD";
const PROGRAMS: &[&str] = &["dbus-daemon", "pipewire", "pipewire-pulse", "wireplumber", "pactl", "paplay", "parec"];
const READY_WAIT: Duration = Duration::from_secs(20);
/// Where the server's processes are noted, in the card's folder.
const PIDS: &str = "server.pids";
/// What makes the virtual microphone: what is played into `micfeed` comes out of `mic`.
pub(super) const MICROPHONE: [&str; 2] = [
    "load-module module-null-sink sink_name=micfeed rate=48000 channels=1 channel_map=mono",
    "load-module module-remap-source source_name=mic master=micfeed.monitor channels=1 channel_map=mono \
     master_channel_map=mono remix=no",
];

/// Runs one ignored test on a card of its own.
pub(crate) fn on_a_card(test: &str) {
    let plugin = ["/usr/lib", "/usr/lib64"]
        .iter()
        .flat_map(|lib| [lib.to_string(), format!("{lib}/x86_64-linux-gnu"), format!("{lib}/aarch64-linux-gnu")])
        .any(|lib| Path::new(&lib).join("alsa-lib/libasound_module_pcm_pulse.so").exists());
    let mut missing: Vec<_> = PROGRAMS.iter().copied().filter(|program| find(program).is_none()).collect();
    if !plugin {
        missing.push("libasound2-plugins");
    }
    if !missing.is_empty() {
        let line = format!("skipped: {test}: a sound server is needed, missing: {}", missing.join(", "));
        assert!(std::env::var_os(REQUIRED).is_none(), "{line}");
        // Not `eprintln`: the line is to be seen although the test passes.
        let _shown = writeln!(std::io::stderr(), "{line}");
        return;
    }
    let card = Card::start();
    inside(test, card.folder.path());
}

fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.exists())
}

/// A private sound server; dropping it ends its programs.
struct Card {
    folder: tempfile::TempDir,
    programs: Vec<Child>,
}

impl Card {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        alsa_settings(folder.path());
        speech_settings(folder.path());
        let bus = format!("--address=unix:path={}", folder.path().join("bus").display());
        let bus = program(folder.path(), "dbus-daemon", &["--session", "--nofork", "--nopidfile", &bus]);
        let mut card = Self { folder, programs: vec![bus] };
        until("the bus", || card.folder.path().join("bus").exists());
        card.programs.extend(start_server(card.folder.path()));
        let pids = card.programs.iter().skip(1).map(|program| program.id().to_string());
        std::fs::write(card.folder.path().join(PIDS), pids.collect::<Vec<_>>().join(" ")).unwrap();
        card
    }
}

/// Starts the sound server and gives it the virtual microphone and speaker.
pub(super) fn start_server(folder: &Path) -> Vec<Child> {
    let mut programs = vec![program(folder, "pipewire", &[])];
    until("pipewire", || folder.join("pipewire-0").exists());
    programs.extend(["pipewire-pulse", "wireplumber"].map(|name| program(folder, name, &[])));
    until("the sound server", || control(folder, &["info"]));
    for arguments in [
        "load-module module-null-sink sink_name=speaker rate=48000 channels=2",
        MICROPHONE[0],
        MICROPHONE[1],
        "set-default-sink speaker",
        "set-default-source mic",
    ] {
        until(arguments, || pactl(folder, arguments));
    }
    programs
}

/// Ends the card's sound server at once, as a crash would.
pub(super) fn kill_server(folder: &Path) {
    let pids = std::fs::read_to_string(folder.join(PIDS)).unwrap();
    let _sent = Command::new("kill").arg("-9").args(pids.split(' ')).status();
    for file in ["pipewire-0", "pipewire-0.lock", "pipewire-0-manager", "pulse/native", "pulse/pid"] {
        let _gone = std::fs::remove_file(folder.join(file));
    }
}

/// `pactl` with these words; whether it worked.
pub(super) fn pactl(folder: &Path, words: &str) -> bool {
    control(folder, &words.split_whitespace().collect::<Vec<_>>())
}

fn program(folder: &Path, name: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    environment(&mut command, folder);
    command.spawn().unwrap()
}

fn control(folder: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new("pactl");
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    environment(&mut command, folder);
    command.status().unwrap().success()
}

fn until(what: &str, ready: impl Fn() -> bool) {
    let deadline = Instant::now() + READY_WAIT;
    while !ready() {
        assert!(Instant::now() < deadline, "{what} is not ready");
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        kill_speech(self.folder.path());
        for program in self.programs.iter_mut().rev() {
            let _ended = program.kill();
            let _reaped = program.wait();
        }
    }
}

/// ALSA's settings: everything goes to the private server.
pub(crate) fn alsa_settings(folder: &Path) {
    let server = folder.join("pulse/native");
    let text = format!(
        "</usr/share/alsa/alsa.conf>\n\
         pcm.!default {{ type pulse server \"unix:{0}\" }}\n\
         ctl.!default {{ type pulse server \"unix:{0}\" }}\n",
        server.display()
    );
    std::fs::write(folder.join("asound.conf"), text).unwrap();
}

/// The speech service's settings: only espeak-ng, into the private server.
fn speech_settings(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let settings = folder.join("speechd");
    std::fs::create_dir_all(settings.join("modules")).unwrap();
    let text = "AudioOutputMethod \"pulse\"\n\
                AddModule \"espeak-ng\" \"sd_espeak-ng\" \"espeak-ng.conf\"\n\
                DefaultModule espeak-ng\n\
                Timeout 0\n";
    std::fs::write(settings.join("speechd.conf"), text).unwrap();
    let stock = Path::new("/etc/speech-dispatcher/modules/espeak-ng.conf");
    if stock.exists() {
        std::fs::copy(stock, settings.join("modules/espeak-ng.conf")).unwrap();
    }
    let wrapper = folder.join("speechd.sh");
    std::fs::write(&wrapper, format!("#!/bin/sh\nexec speech-dispatcher -C '{}' \"$@\"\n", settings.display()))
        .unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn environment(command: &mut Command, folder: &Path) {
    let path = |name: &str| folder.join(name);
    for (name, value) in [
        ("XDG_RUNTIME_DIR", folder.to_owned()),
        ("XDG_CONFIG_HOME", path("config")),
        ("XDG_STATE_HOME", path("state")),
        ("XDG_CACHE_HOME", path("cache")),
        ("ALSA_CONFIG_PATH", path("asound.conf")),
        ("SPEECHD_CMD", path("speechd.sh")),
        (CARD, folder.to_owned()),
    ] {
        command.env(name, value);
    }
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", path("bus").display()));
    command.env("PULSE_SERVER", format!("unix:{}", path("pulse/native").display()));
    for name in ["SPEECHD_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"] {
        command.env_remove(name);
    }
}

/// Runs one ignored test of this program with the card's environment.
pub(crate) fn inside(test: &str, folder: &Path) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    environment(&mut command, folder);
    if test.ends_with("cannot_write_a_reply") {
        command.env("PATH", folder);
    }
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test}: {}\n{text}", output.status);
    assert!(text.contains("1 passed"), "{test} did not run\n{text}");
    println!("{text}");
}

/// Ends the card's own speech service, and waits until it is gone.
pub(super) fn kill_speech(folder: &Path) {
    let file = folder.join("speech-dispatcher/pid/speech-dispatcher.pid");
    let Ok(pid) = std::fs::read_to_string(file) else {
        return;
    };
    let _sent = Command::new("kill").args(["-9", pid.trim()]).status();
    let gone = Path::new("/proc").join(pid.trim());
    let deadline = Instant::now() + Duration::from_secs(2);
    while gone.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
}
