//! One order of three seconds through the recogniser as it ships, and through the same model with the library's own
//! settings: the whole context of 30 seconds, no names, no voice detector. Both hear the same sound on as many threads.

use std::cell::{LazyCell, RefCell};
use std::path::{Path, PathBuf};

use criterion::Criterion;
use sphereconnect::domain::{Heard, Utterance, UtteranceId};
use sphereconnect::hearing::wav;
use sphereconnect::speech::{DEFAULT_MODEL, MODELS_FOLDER, ModelFiles, Recogniser, SpeechSettings, VAD_MODEL};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

use super::clocks::Runs;
use super::guild;

/// The order that is heard.
const RECORDING: &str = "tests/fixtures/audio/piper_joe/set_priority_of_ghost_convoy_to_critical.wav";
/// As many names as `prompt_names_max` says when nothing else is set.
const NAMES_MAX: usize = 40;

pub fn measure(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let samples = wav::read(&in_project(RECORDING)).unwrap();
    let names = guild::roster().bias(None, NAMES_MAX);
    let recogniser = LazyCell::new(|| runtime.block_on(Recogniser::start(settings())).unwrap());
    let plain = LazyCell::new(|| RefCell::new(load_plain()));
    let hear = |names: &[String]| {
        let source = "bench".to_owned();
        let utterance = Utterance { id: UtteranceId::new(), source, samples: samples.clone(), overrun: false };
        words(runtime.block_on(recogniser.hear(utterance, names)).unwrap())
    };
    let hear_plain = || hear_plain(&mut plain.borrow_mut(), &samples);
    let (shipped, nameless, library) = (Runs::default(), Runs::default(), Runs::default());

    let mut group = criterion.benchmark_group("speech");
    group.sample_size(10);
    // What loads lazily is loaded before the clock runs.
    group.bench_function("as shipped", |bencher| {
        LazyCell::force(&recogniser);
        bencher.iter_custom(|times| shipped.time(times, || hear(&names)));
    });
    group.bench_function("as shipped, without a prompt", |bencher| {
        LazyCell::force(&recogniser);
        bencher.iter_custom(|times| nameless.time(times, || hear(&[])));
    });
    group.bench_function("the library's settings", |bencher| {
        LazyCell::force(&plain);
        bencher.iter_custom(|times| library.time(times, hear_plain));
    });
    group.finish();
    if shipped.medians().is_some() && library.medians().is_some() {
        println!("speech: as shipped it heard {:?}, with the library's settings {:?}", hear(&names), hear_plain());
    }
    for (title, runs) in [("as shipped", &shipped), ("as shipped, without a prompt", &nameless)] {
        let (Some((wall, processor)), Some((their_wall, their_processor))) = (runs.medians(), library.medians()) else {
            continue;
        };
        println!(
            "speech: {title}: median {wall:.0} ms, {processor:.0} ms of processor; the library's settings: \
             {their_wall:.0} ms, {their_processor:.0} ms of processor: {:.2} times the time, {:.2} times the processor",
            their_wall / wall,
            their_processor / processor
        );
    }
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn settings() -> SpeechSettings {
    let folder = in_project(MODELS_FOLDER);
    let files = ModelFiles { model: folder.join(DEFAULT_MODEL), vad_model: folder.join(VAD_MODEL) };
    SpeechSettings { prompt_names_max: NAMES_MAX, ..SpeechSettings::new(files) }
}

fn words(heard: Heard) -> String {
    match heard {
        Heard::Words(transcript) => transcript.text,
        Heard::Nothing(why) => format!("({why})"),
    }
}

fn load_plain() -> WhisperState {
    whisper_rs::install_logging_hooks();
    let mut parameters = WhisperContextParameters::new();
    parameters.use_gpu(false);
    WhisperContext::new_with_params(settings().model, parameters).unwrap().create_state().unwrap()
}

fn hear_plain(state: &mut WhisperState, samples: &[f32]) -> String {
    let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    parameters.set_n_threads(settings().threads.try_into().unwrap());
    parameters.set_print_progress(false);
    parameters.set_print_timestamps(false);
    state.full(parameters, samples).unwrap();
    let text: String = state.as_iter().map(|segment| segment.to_string()).collect();
    text.trim().to_owned()
}
