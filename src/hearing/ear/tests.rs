//! The ear without a microphone: sound and keys are handed to it, and time is what the samples say.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::path::Path;

use tokio::sync::mpsc::{Receiver, channel};

use super::super::{DRAFTS_MAX, EVENTS_MAX, wav};
use super::*;

/// What is read at a time: ten milliseconds.
const PIECE: usize = 160;

struct Bench {
    ear: Ear,
    utterances: Receiver<Utterance>,
    drafts: Receiver<Utterance>,
    events: Receiver<HearingEvent>,
}

impl Bench {
    fn new(settings: &HearingSettings) -> Self {
        let (utterances, utterances_out) = channel(UTTERANCES_MAX);
        let (drafts, drafts_out) = channel(DRAFTS_MAX);
        let (events, events_out) = channel(EVENTS_MAX);
        let source = Source::Resting { until: Instant::now() + Duration::from_secs(3_600) };
        let mut ear = Ear::new(settings, source, Outlet { utterances, drafts, events }, Arc::default());
        // As in a room before anybody speaks.
        ear.frames = vec![0.000_5; 8_000];
        ear.hear();
        Self { ear, utterances: utterances_out, drafts: drafts_out, events: events_out }
    }

    fn open() -> Self {
        Self::new(&HearingSettings { open: true, ..HearingSettings::default() })
    }

    fn hear(&mut self, samples: &[f32]) {
        for piece in samples.chunks(PIECE) {
            self.ear.frames = piece.to_vec();
            self.ear.hear();
        }
    }

    fn quiet(&mut self, milliseconds: usize) {
        self.hear(&vec![0.000_5; milliseconds * 16]);
    }

    /// As `press`, but as if the microphone were there.
    fn press(&mut self) {
        self.ear.apply(Event::Press);
    }

    fn told(&mut self) -> Vec<HearingEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

fn recording(name: &str) -> Vec<f32> {
    wav::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio").join(name)).unwrap()
}

fn order() -> Vec<f32> {
    recording("piper_joe/set_priority_of_ghost_convoy_to_critical.wav")
}

#[test]
fn an_open_microphone_cuts_by_itself() {
    let mut bench = Bench::open();
    let (first, second) = (order(), recording("kokoro_fenrir/who_is_online.wav"));
    for spoken in [&first, &second] {
        bench.hear(spoken);
        bench.quiet(1_500);
        let heard = bench.utterances.try_recv().unwrap();
        let edge = (heard.samples.len() as f64 - spoken.len() as f64) / 16_000.0;
        assert!((-0.3..1.1).contains(&edge), "{edge:.2} s more than was said");
        assert!(!heard.overrun);
    }
    assert!(bench.utterances.try_recv().is_err());
    // A click is nothing that was said.
    let hum: Vec<f32> = (0..32_000_u16).map(|at| (f32::from(at) * 0.02).sin() * 0.3).collect();
    bench.hear(&hum);
    bench.hear(&[0.9; 400]);
    bench.quiet(1_500);
    assert!(bench.utterances.try_recv().is_err());
}

#[test]
fn an_open_microphone_can_be_closed_and_does_not_hear_the_program() {
    let mut bench = Bench::open();
    bench.hear(&order()[..20_000]);
    bench.ear.set_open(false);
    bench.hear(&order());
    bench.quiet(1_500);
    bench.ear.set_open(true);
    bench.quiet(1_500);
    assert_eq!(bench.told(), [HearingEvent::Pressed, HearingEvent::Muted, HearingEvent::Unmuted]);
    bench.ear.shared.covered.store(true, Ordering::Relaxed);
    bench.hear(&order());
    bench.ear.shared.covered.store(false, Ordering::Relaxed);
    bench.quiet(1_500);
    assert!(bench.utterances.try_recv().is_err());
    bench.hear(&order());
    bench.quiet(1_500);
    assert!(bench.utterances.try_recv().is_ok());
}

#[test]
fn what_was_said_is_sent_ahead_once_a_pause() {
    let mut bench = Bench::new(&HearingSettings::default());
    let order = order();
    bench.press();
    bench.hear(&order);
    bench.quiet(600);
    let draft = bench.drafts.try_recv().unwrap();
    assert!(bench.drafts.try_recv().is_err());
    // It goes on: that was not the end, and at the release there is a new one.
    bench.hear(&order);
    bench.quiet(100);
    // The recording may itself end with a pause.
    let before = bench.drafts.try_recv().ok();
    bench.ear.release();
    let last = bench.drafts.try_recv().ok().or(before).unwrap();
    bench.quiet(200);
    let whole = bench.utterances.try_recv().unwrap();
    assert!(draft.id == whole.id && last.id == whole.id);
    assert!(draft.samples.len() < last.samples.len() && last.samples.len() < whole.samples.len());
    assert_eq!(whole.samples[..last.samples.len()], last.samples);
    assert_eq!(bench.ear.shared.counters.utterances.load(Ordering::Relaxed), 1);

    // Neither silence nor a word that is hardly begun is worth it.
    bench.press();
    bench.quiet(3_000);
    bench.ear.release();
    assert!(bench.drafts.try_recv().is_err());

    let mut bench = Bench::new(&HearingSettings { draft: false, ..HearingSettings::default() });
    bench.press();
    bench.hear(&order);
    bench.quiet(600);
    bench.ear.release();
    assert!(bench.drafts.try_recv().is_err());
}

#[test]
fn a_key_held_for_ten_minutes_gives_one_utterance() {
    let mut bench = Bench::new(&HearingSettings::default());
    let order = order();
    bench.press();
    let mut samples = 0;
    while samples < 600 * 16_000 {
        bench.hear(&order);
        samples += order.len();
        // Somebody reads them.
        while bench.drafts.try_recv().is_ok() {}
    }
    bench.ear.release();
    bench.quiet(1_000);
    let one = bench.utterances.try_recv().unwrap();
    assert_eq!(one.samples.len(), 30 * 16_000);
    assert!(bench.utterances.try_recv().is_err());
    let events = bench.told();
    assert!(matches!(
        events.as_slice(),
        [HearingEvent::Pressed, HearingEvent::Accepted { cut: true, .. }, HearingEvent::Released]
    ));
    // The next press is heard as ever.
    bench.press();
    bench.hear(&order);
    bench.ear.release();
    bench.quiet(1_000);
    assert!(bench.utterances.try_recv().is_ok());
}

#[test]
fn five_hundred_presses_in_ten_seconds_lose_and_double_nothing() {
    let mut bench = Bench::new(&HearingSettings { tail_ms: 0, ..HearingSettings::default() });
    // Every sample carries its number.
    let mut at = 0_u32;
    let mut next = |count: u32| {
        let samples: Vec<f32> = (at..at + count).map(|number| number as f32 / 262_144.0).collect();
        at += count;
        samples
    };
    bench.hear(&next(8_000));
    let (mut end, mut accepted, mut refused) = (0.0, 0, 0);
    for press in 0..500 {
        bench.press();
        bench.hear(&next(PIECE as u32));
        bench.ear.release();
        bench.hear(&next(PIECE as u32));
        // The reader is slower than the player's finger: it takes one of three.
        if press % 3 == 0 {
            let utterance = bench.utterances.try_recv().unwrap();
            assert!(utterance.samples.windows(2).all(|pair| pair[1] > pair[0]), "in order, and nothing twice");
            assert!(utterance.samples[0] > end || end == 0.0, "nothing of the one before");
            end = *utterance.samples.last().unwrap();
        }
        for event in bench.told() {
            accepted += usize::from(matches!(event, HearingEvent::Accepted { .. }));
            refused += usize::from(event == HearingEvent::Refused);
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert_eq!(accepted + refused, 500);
    assert!(accepted >= 167 && refused > 0);
}

#[test]
fn a_press_without_a_microphone_gives_nothing_to_act_on() {
    let mut bench = Bench::new(&HearingSettings::default());
    bench.ear.press();
    // It comes back in the middle of the sentence.
    bench.hear(&order());
    bench.ear.release();
    bench.quiet(500);
    assert!(bench.utterances.try_recv().unwrap().overrun);
    assert!(bench.drafts.try_recv().is_err());
    assert!(bench.told().contains(&HearingEvent::Trouble("the microphone is away".to_owned())));
}

#[test]
fn a_level_is_explained_once() {
    let mut bench = Bench::new(&HearingSettings::default());
    for _ in 0..3 {
        bench.press();
        bench.hear(&[0.0; 16_000]);
        bench.ear.release();
        bench.hear(&[0.0; 8_000]);
        bench.utterances.try_recv().unwrap();
    }
    // The half second before was not silent: only what came after it counts.
    let levels = bench.told().into_iter().filter(|event| matches!(event, HearingEvent::Level(_)));
    assert_eq!(
        levels.collect::<Vec<_>>(),
        [HearingEvent::Level(LevelTrouble::Faint), HearingEvent::Level(LevelTrouble::Silent)]
    );
}

#[test]
fn a_sleep_is_noticed() {
    let mut bench = Bench::new(&HearingSettings::default());
    assert!(!bench.ear.slept());
    bench.ear.clocks.1 -= SLEEP_MIN * 2;
    assert!(bench.ear.slept());
    assert!(!bench.ear.slept());
    // A clock that is set back is none.
    bench.ear.clocks.1 += SLEEP_MIN * 2;
    assert!(!bench.ear.slept());
}

/// The files of a folder of recordings.
fn recordings(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio").join(folder);
    let names = std::fs::read_dir(path).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<_> =
        names.filter(|name| name.ends_with(".wav")).map(|name| format!("{folder}/{name}")).collect();
    names.sort();
    names
}

#[test]
fn an_open_microphone_tells_orders_from_noise() {
    let folders = ["hibari_heart", "kokoro_bella", "kokoro_emma", "kokoro_fenrir", "kokoro_george", "piper_joe"];
    let orders: Vec<String> = folders.iter().flat_map(|folder| recordings(folder)).collect();
    let (mut once, mut drafts) = (0, 0);
    for name in &orders {
        let mut bench = Bench::open();
        bench.hear(&recording(name));
        bench.quiet(1_500);
        let heard: Vec<f64> =
            std::iter::from_fn(|| bench.utterances.try_recv().ok()).map(|heard| heard.seconds()).collect();
        once += usize::from(heard.len() == 1);
        if heard.len() != 1 {
            println!("{name}: {heard:?}");
        }
        // And with a key, how often it is sent ahead.
        let mut bench = Bench::new(&HearingSettings::default());
        bench.press();
        for piece in [recording(name), vec![0.000_5; 6_400]].concat().chunks(1_600) {
            bench.hear(piece);
            drafts += std::iter::from_fn(|| bench.drafts.try_recv().ok()).count();
        }
    }
    println!("{once} of {} orders are one utterance; {drafts} drafts", orders.len());
    assert!(orders.len() >= 50 && once * 100 >= orders.len() * 95);
    let mut noises = 0;
    for name in recordings("nothing") {
        let mut bench = Bench::open();
        bench.hear(&recording(&name));
        bench.quiet(1_500);
        let heard = std::iter::from_fn(|| bench.utterances.try_recv().ok()).count();
        println!("{name}: {heard} utterances");
        // Where people, beasts and radios speak or sing, it is for the recogniser and the commander's name to tell.
        if !["chatter", "cockpit", "monkeys", "music"].iter().any(|voices| name.contains(voices)) {
            noises += heard;
        }
    }
    assert_eq!(noises, 0);
}
