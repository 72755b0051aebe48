//! Real sound without a sound card: a private PipeWire with a virtual microphone and a virtual speaker.
//!
//! The sound libraries read their settings from the environment of the process, so each test starts the server and then
//! this test program once more, with that environment and one of the ignored tests.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at what it did not expect")]

pub mod card;
mod daemon;
mod measure;
mod recovery;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use card::{CARD, alsa_settings, inside, kill_speech, on_a_card};
use sphereconnect::domain::{Cue, SAMPLE_RATE};
use sphereconnect::hearing::key::{KEY_EVENTS_MAX, KeyEvent};
use sphereconnect::hearing::microphone::{Microphone, MicrophoneError, devices};
use sphereconnect::hearing::{Hearing, HearingEvent, HearingSettings, wav};
use sphereconnect::voice::{self, Engine, Voice, VoiceError, VoiceSettings};

/// The rate the virtual speaker is recorded at.
const SPEAKER_RATE: u32 = 48_000;

#[test]
fn a_recording_played_into_the_microphone_is_heard() {
    on_a_card("audio::hears");
}

#[test]
fn a_reply_is_heard_from_the_speaker() {
    on_a_card("audio::speaks");
}

#[test]
fn without_sound_every_part_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    alsa_settings(folder.path());
    inside("audio::is_deaf_and_mute", folder.path());
}

#[test]
fn without_espeak_a_reply_file_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    inside("audio::cannot_write_a_reply", folder.path());
}

/// The card's folder, for an ignored test.
pub(crate) fn card() -> PathBuf {
    PathBuf::from(std::env::var_os(CARD).expect("this test is started by another one"))
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn hears() {
    let folder = card();
    let order = folder.join("order.wav");
    let expected = write_sweep(&order);
    assert!(devices().iter().any(|name| name == "default"), "{:?}", devices());
    assert!(matches!(Microphone::open(Some("no such device")), Err(MicrophoneError::NotFound { .. })));

    // The microphone alone.
    let mut microphone = Microphone::open(None).unwrap();
    let mut heard = Vec::new();
    let player = std::thread::spawn({
        let order = order.clone();
        move || Command::new("paplay").arg("--device=micfeed").arg(order).status()
    });
    let mut ended = None;
    while ended.is_none_or(|at: Instant| at.elapsed() < Duration::from_millis(700)) {
        let reading = microphone.read(&mut heard).unwrap();
        assert!(!reading.lost && !reading.gone, "{reading:?}");
        if ended.is_none() && player.is_finished() {
            ended = Some(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(player.join().unwrap().unwrap().success());
    let (likeness, at) = likeness(&heard, &expected);
    println!("{} at {} Hz: likeness {likeness:.5} from sample {at}", microphone.device(), microphone.rate());
    assert!(likeness > 0.98);
    drop(microphone);

    // The whole ear, twice, with a key.
    let (press, keys) = sync_channel(KEY_EVENTS_MAX);
    let (hearing, mut ear) = Hearing::start(&HearingSettings::default(), keys).unwrap();
    for _ in 0..2 {
        // Long enough for a whole pre-roll; what ended one utterance does not begin the next.
        std::thread::sleep(Duration::from_millis(600));
        press.send(KeyEvent::Press).unwrap();
        let held = Instant::now();
        assert!(Command::new("paplay").arg("--device=micfeed").arg(&order).status().unwrap().success());
        // The sound system is still behind by its buffers when the player ends.
        std::thread::sleep(Duration::from_millis(300));
        press.send(KeyEvent::Release).unwrap();
        let seconds = held.elapsed().as_secs_f64() + 0.3 + 0.15;
        let utterance = wait(|| ear.utterances.try_recv().ok());
        println!("held for {seconds:.3} s with its edges, got {:.3} s", utterance.seconds());
        assert!((utterance.seconds() - seconds).abs() < 0.2);
        assert!(!utterance.overrun);
        assert_eq!(utterance.source, "microphone");
        assert!(likeness_of(&utterance.samples, &expected) > 0.98);
        for expected in ["Pressed", "Released", "Accepted"] {
            let event = wait(|| ear.events.try_recv().ok());
            assert!(format!("{event:?}").starts_with(expected), "{event:?} instead of {expected}");
        }
    }
    // The program ends just after the key went up: the order is still heard to its end.
    std::thread::sleep(Duration::from_millis(600));
    press.send(KeyEvent::Press).unwrap();
    press.send(KeyEvent::Release).unwrap();
    press.send(KeyEvent::Quit).unwrap();
    let last = wait(|| ear.utterances.try_recv().ok());
    assert!((0.4..0.6).contains(&last.seconds()), "{}", last.seconds());
    while wait(|| ear.events.try_recv().ok()) != HearingEvent::Closed {}
    assert!(ear.utterances.blocking_recv().is_none());
    drop(hearing);
}

#[test]
#[ignore = "runs on a virtual card that another test starts"]
fn speaks() {
    let folder = card();
    let began = Instant::now();
    let (voice, note) = Voice::start(VoiceSettings::default());
    println!("the voice is ready after {:.3} s", began.elapsed().as_secs_f64());
    assert_eq!(note, None);

    let cue = recorded(&folder, || {
        assert!(voice.cue(Cue::Done));
        assert!(voice.drain(Duration::from_secs(5)));
    });
    println!("cue: {:.3} s above silence, peak {:.3}", loud_seconds(&cue), peak(&cue));
    assert!((0.15..0.35).contains(&loud_seconds(&cue)));
    // A speaker's two channels are added when they are recorded as one.
    assert!((0.2..0.8).contains(&peak(&cue)));

    let sentence = recorded(&folder, || {
        assert!(voice.speak("Scout the Route is with Kestrel."));
        assert!(voice.drain(Duration::from_secs(15)));
    });
    println!("sentence: {:.3} s above silence, peak {:.3}", loud_seconds(&sentence), peak(&sentence));
    assert!((0.8..4.0).contains(&loud_seconds(&sentence)));

    let long = "This sentence is far too long to be heard to its end, and it goes on and on and on and on.";
    let cut = recorded(&folder, || {
        assert!(voice.speak(long) && voice.speak(long));
        std::thread::sleep(Duration::from_millis(1_000));
        let asked = Instant::now();
        voice.stop();
        assert!(voice.drain(Duration::from_secs(2)));
        println!("cut after {:.3} s", asked.elapsed().as_secs_f64());
    });
    println!("cut sentence: {:.3} s above silence", loud_seconds(&cut));
    assert!((0.2..1.6).contains(&loud_seconds(&cut)));

    // espeak-ng's sound is played by the program itself, and can be sent through a radio: its lows are gone.
    let lows = |radio| {
        let (voice, note) = Voice::start(VoiceSettings { engine: Engine::Espeak, radio, ..VoiceSettings::default() });
        assert_eq!(note, None);
        let sound = recorded(&folder, || {
            assert!(voice.speak("Scout the Route is with Kestrel."));
            assert!(voice.drain(Duration::from_secs(15)));
        });
        assert!((0.8..4.0).contains(&loud_seconds(&sound)), "{}", loud_seconds(&sound));
        let cut = recorded(&folder, || {
            assert!(voice.speak(long) && voice.speak(long));
            std::thread::sleep(Duration::from_millis(1_000));
            voice.stop();
            assert!(voice.drain(Duration::from_secs(2)));
        });
        assert!((0.2..1.6).contains(&loud_seconds(&cut)), "{}", loud_seconds(&cut));
        lows_of(&sound)
    };
    let (plain, radio) = (lows(false), lows(true));
    println!("below 150 Hz: {plain:.4} of the sound, through the radio {radio:.4}");
    assert!(radio < plain / 2.0);

    // The service dies between two sentences; the next one is heard all the same.
    kill_speech(&folder);
    let again = recorded(&folder, || {
        assert!(voice.speak("Scout the Route is with Kestrel."));
        assert!(voice.drain(Duration::from_secs(15)));
    });
    println!("after its service died: {:.3} s above silence", loud_seconds(&again));
    assert!((0.8..4.0).contains(&loud_seconds(&again)));
    assert_eq!(voice.unheard(), 0);
}

#[test]
#[ignore = "runs without sound, in an environment that another test makes"]
fn is_deaf_and_mute() {
    let error = Microphone::open(None).unwrap_err();
    println!("{error}");
    assert!(matches!(error, MicrophoneError::NotFound { .. }), "{error:?}");
    assert!(error.to_string().starts_with("no microphone found"));
    let (voice, note) = Voice::start(VoiceSettings::default());
    let note = note.unwrap();
    println!("{note}");
    assert!(note.contains("no speech") && note.contains("no cues"), "{note}");
    assert!(voice.cue(Cue::Done) && voice.speak("nobody hears this"));
    assert!(voice.drain(Duration::from_secs(5)));
    assert_eq!(voice.unheard(), 2);
}

#[test]
#[ignore = "runs without programs to start, in an environment that another test makes"]
fn cannot_write_a_reply() {
    let error = voice::write(&card(), 1, "applied", Cue::Done, "hello", &VoiceSettings::default()).unwrap_err();
    assert!(matches!(error, VoiceError::EspeakMissing(_)), "{error:?}");
    assert!(error.to_string().contains("install the package espeak-ng"), "{error}");
    // A cue alone needs no program.
    assert!(voice::write(&card(), 2, "ignored", Cue::Nothing, "", &VoiceSettings::default()).is_ok());
}

/// Writes two seconds that sweep from 200 to 900 Hz, at the rate of a common microphone; returns them as they are to be
/// heard. Low tones, because two clocks may be half a sample apart.
fn write_sweep(path: &Path) -> Vec<f32> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..96_000_u32 {
        let t = f64::from(i) / 48_000.0;
        let value = 0.4 * (std::f64::consts::TAU * (200.0 + 175.0 * t) * t).sin();
        writer.write_sample((value * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
    let expected = wav::read(path).unwrap();
    assert_eq!(expected.len(), 2 * SAMPLE_RATE as usize);
    expected
}

/// Where the expected sound is in the heard one, and how alike the two are there: 1 is the same.
fn likeness(heard: &[f32], expected: &[f32]) -> (f64, usize) {
    assert!(heard.len() >= expected.len(), "only {} samples heard", heard.len());
    let probe = &expected[..4_000];
    let last = heard.len() - expected.len();
    let at = (0..=last).max_by(|a, b| dot(&heard[*a..], probe).total_cmp(&dot(&heard[*b..], probe))).unwrap();
    let part = &heard[at..at + expected.len()];
    (dot(part, expected) / (dot(part, part) * dot(expected, expected)).sqrt(), at)
}

fn likeness_of(heard: &[f32], expected: &[f32]) -> f64 {
    likeness(heard, expected).0
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum()
}

/// What the speaker plays meanwhile, -1 to 1.
pub(crate) fn recorded(folder: &Path, work: impl FnOnce()) -> Vec<f32> {
    let path = folder.join("speaker.raw");
    let mut recorder = Command::new("parec")
        .args(["--device=speaker.monitor", "--raw", "--format=s16le", "--channels=1", "--latency-msec=50"])
        .arg(format!("--rate={SPEAKER_RATE}"))
        .stdout(std::fs::File::create(&path).unwrap())
        .spawn()
        .unwrap();
    wait(|| (std::fs::metadata(&path).unwrap().len() > 0).then_some(()));
    work();
    std::thread::sleep(Duration::from_millis(400));
    recorder.kill().unwrap();
    recorder.wait().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    bytes.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect()
}

/// How long it is not silent, counted in pieces of 10 ms.
pub(crate) fn loud_seconds(samples: &[f32]) -> f64 {
    samples.chunks(SPEAKER_RATE as usize / 100).filter(|piece| peak(piece) > 0.01).count() as f64 / 100.0
}

/// The share of the sound's energy below 150 Hz, by two filters of first order.
fn lows_of(samples: &[f32]) -> f32 {
    let share = 1.0 - (-std::f32::consts::TAU * 150.0 / SPEAKER_RATE as f32).exp();
    let (mut once, mut twice) = (0.0, 0.0);
    let energy = samples.iter().map(|sample| {
        once += share * (sample - once);
        twice += share * (once - twice);
        twice * twice
    });
    energy.sum::<f32>() / samples.iter().map(|sample| sample * sample).sum::<f32>()
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()))
}

fn wait<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < deadline, "nothing happened");
        std::thread::sleep(Duration::from_millis(5));
    }
}
