//! The recogniser itself: whisper.cpp with its context cut to the utterance. The only file that calls it.

use std::ffi::{c_int, c_void};
use std::path::Path;

use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState, WhisperSysContext,
    WhisperSysState, WhisperTokenData, WhisperTokenId, WhisperVadContext, WhisperVadContextParams,
};

use super::SpeechError;
use super::guard::{Voice, measure_voice};
use super::prompt::{PROMPT_TOKENS_MAX, prompt_names, prompt_tokens};
use super::repeat::{CLASS_MARK, repeat_cut, repeat_start, without_broken_tail};

/// Samples that one frame of the recogniser's audio context stands for.
const SAMPLES_A_FRAME: usize = 320;
/// Frames of context beyond the sound. Over 32 orders with a long prompt 64 took an eighth less time than 128 and had 6.2
/// instead of 4.3 % of the words wrong; without a prompt the two were alike.
const CONTEXT_FRAMES_EXTRA: usize = 128;
/// The context is rounded up to this many frames, which the matrix kernels like.
const CONTEXT_FRAMES_STEP: usize = 64;
/// Tokens a second of speech can hold, and how many any utterance may have on top.
const TOKENS_A_SECOND: usize = 8;
const TOKENS_EXTRA: usize = 12;
/// Sound is padded with silence to this many samples: the recogniser hears nothing in less than a second.
const SAMPLES_MIN: usize = 17_600;

/// Signs that stand for a word, and the one that stands for a part of a letter.
const SIGNS_SPOKEN: [char; 6] = ['%', '$', '€', '£', '+', char::REPLACEMENT_CHARACTER];

/// What was recognised, before anyone judged it.
#[derive(Debug, Clone, Default)]
pub(super) struct Recognised {
    /// The words, trimmed, without a repeat.
    pub(super) text: String,
    /// The mean probability of the text's tokens, 0 to 1.
    pub(super) confidence: f32,
    /// The names that were in the prompt.
    pub(super) names: Vec<String>,
    /// Whether a repeat was cut away.
    pub(super) repeated: bool,
}

/// A loaded recogniser and voice detector.
pub(super) struct Engine {
    context: WhisperContext,
    state: WhisperState,
    vad: WhisperVadContext,
    /// For each text token the class it is compared by.
    classes: Vec<u32>,
    comma: Vec<WhisperTokenId>,
    threads: c_int,
}

impl Engine {
    /// Loads both models. The files must have passed [`super::files::check`]: whisper.cpp trusts what it reads.
    pub(super) fn load(model: &Path, vad: &Path, threads: usize) -> Result<Self, SpeechError> {
        whisper_rs::install_logging_hooks();
        let unloadable = |path: &Path| SpeechError::Load { path: path.to_owned() };
        let mut parameters = WhisperContextParameters::new();
        parameters.use_gpu(false).flash_attn(false);
        let context = WhisperContext::new_with_params(model, parameters).map_err(|_| unloadable(model))?;
        let state = context.create_state().map_err(|_| unloadable(model))?;
        // The wrapper panics on a path with a NUL, which no file that was read has.
        let vad_path = vad.to_str().ok_or_else(|| unloadable(vad))?;
        let mut vad_parameters = WhisperVadContextParams::new();
        vad_parameters.set_n_threads(1);
        let vad = WhisperVadContext::new(vad_path, vad_parameters).map_err(|_| unloadable(vad))?;
        let classes = token_classes(&context);
        let comma = tokenise(&context, ",");
        let threads = c_int::try_from(threads.max(1)).unwrap_or(1);
        Ok(Self { context, state, vad, classes, comma, threads })
    }

    /// Whether the model knows other languages than English.
    pub(super) fn multilingual(&self) -> bool {
        self.context.is_multilingual()
    }

    /// How much speech there is in the samples and where.
    pub(super) fn voice(&mut self, samples: &[f32]) -> Result<Voice, SpeechError> {
        if samples.is_empty() {
            return Ok(Voice::default());
        }
        self.vad.detect_speech(samples).map_err(|error| SpeechError::Recognition(error.to_string()))?;
        Ok(measure_voice(self.vad.probabilities()))
    }

    /// The words in the samples. `names` are those expected, most important first.
    pub(super) fn recognise(
        &mut self,
        samples: &[f32],
        names: &[String],
        names_max: usize,
    ) -> Result<Recognised, SpeechError> {
        let mut names = prompt_names(names, names_max);
        let pieces: Vec<Vec<WhisperTokenId>> =
            names.iter().map(|name| tokenise(&self.context, &format!(" {name}"))).collect();
        let (prompt, fits) = prompt_tokens(&pieces, &self.comma, PROMPT_TOKENS_MAX);
        names.truncate(fits);

        let mut padded = Vec::new();
        let samples = if samples.len() < SAMPLES_MIN {
            padded.extend_from_slice(samples);
            padded.resize(SAMPLES_MIN, 0.0);
            &padded
        } else {
            samples
        };
        let filter =
            RepeatFilter { classes: &self.classes, end: self.context.token_eot(), vocabulary: self.context.n_vocab() };
        let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        params.set_n_threads(self.threads);
        params.set_no_context(true);
        params.set_single_segment(true);
        params.set_print_progress(false);
        params.set_print_timestamps(false);
        params.set_temperature_inc(0.0);
        params.set_max_tokens(c_int::try_from(tokens_max(samples.len())).unwrap_or(c_int::MAX));
        let frames_max = usize::try_from(self.context.n_audio_ctx()).unwrap_or(0);
        params.set_audio_ctx(c_int::try_from(context_frames(samples.len(), frames_max)).unwrap_or(0));
        if !prompt.is_empty() {
            params.set_tokens(&prompt);
        }
        force_end_on_repeat(&mut params, &filter);
        self.state.full(params, samples).map_err(|error| SpeechError::Recognition(error.to_string()))?;
        Ok(self.result(names))
    }

    /// Reads the words out of the state.
    fn result(&self, names: Vec<String>) -> Recognised {
        let end = self.context.token_eot();
        let mut tokens: Vec<(u32, f32, Vec<u8>)> = Vec::new();
        for segment in self.state.as_iter() {
            for at in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(at) else { continue };
                let id = token.token_id();
                if id < end {
                    let bytes = token.to_bytes().map(<[u8]>::to_vec).unwrap_or_default();
                    tokens.push((class_of(&self.classes, id), token.token_probability(), bytes));
                }
            }
        }
        let classes: Vec<u32> = tokens.iter().map(|(class, _, _)| *class).collect();
        let cut = repeat_cut(&classes);
        tokens.truncate(cut.unwrap_or(tokens.len()));
        let bytes: Vec<u8> = tokens.iter().flat_map(|(_, _, bytes)| bytes.iter().copied()).collect();
        #[expect(clippy::cast_precision_loss, reason = "an utterance has a few hundred tokens")]
        let confidence = tokens.iter().map(|(_, probability, _)| probability).sum::<f32>() / tokens.len().max(1) as f32;
        Recognised {
            // A comma at the end is where more was about to come.
            text: without_broken_tail(String::from_utf8_lossy(&bytes).trim().trim_end_matches(',')).to_owned(),
            confidence: confidence.clamp(0.0, 1.0),
            names,
            repeated: cut.is_some(),
        }
    }
}

/// How many frames of context so many samples get.
fn context_frames(samples: usize, frames_max: usize) -> usize {
    (samples.div_ceil(SAMPLES_A_FRAME) + CONTEXT_FRAMES_EXTRA).next_multiple_of(CONTEXT_FRAMES_STEP).min(frames_max)
}

/// How many tokens so many samples can hold.
fn tokens_max(samples: usize) -> usize {
    TOKENS_A_SECOND * samples.div_ceil(crate::domain::SAMPLE_RATE as usize) + TOKENS_EXTRA
}

/// The text's tokens; none for text the model cannot spell.
fn tokenise(context: &WhisperContext, text: &str) -> Vec<WhisperTokenId> {
    // Every token stands for at least one byte, so this is always room enough; with too little the wrapper would
    // read past its buffer.
    context.tokenize(text, text.len() + 1).unwrap_or_default()
}

/// Gives tokens that differ only in case and blanks one class, and those that are not spoken [`CLASS_MARK`].
fn token_classes(context: &WhisperContext) -> Vec<u32> {
    let mut known = std::collections::HashMap::new();
    (0..context.token_eot().min(context.n_vocab()))
        .map(|id| {
            let bytes = context.token_to_bytes(id).unwrap_or_default();
            let text = String::from_utf8_lossy(bytes).trim().to_lowercase();
            if !text.chars().any(|c| c.is_alphanumeric() || SIGNS_SPOKEN.contains(&c)) {
                return CLASS_MARK;
            }
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX - 1) + 1;
            *known.entry(text).or_insert(next)
        })
        .collect()
}

/// The class of a token; timestamps and other special ones are marks.
fn class_of(classes: &[u32], id: WhisperTokenId) -> u32 {
    usize::try_from(id).ok().and_then(|at| classes.get(at)).copied().unwrap_or(CLASS_MARK)
}

/// What the callback needs to know.
struct RepeatFilter<'a> {
    classes: &'a [u32],
    end: WhisperTokenId,
    vocabulary: c_int,
}

/// Lets the recogniser end as soon as its words repeat. `filter` must live until `full` has returned.
#[expect(unsafe_code, reason = "the wrapper has no safe form of this callback")]
fn force_end_on_repeat(params: &mut FullParams<'_, '_>, filter: &RepeatFilter<'_>) {
    // SAFETY: the callback only reads the tokens and writes the logits it is given, keeps nothing, and cannot unwind;
    // the caller keeps `filter` alive, unmoved, for as long as the parameters are used.
    unsafe {
        params.set_filter_logits_callback(Some(end_on_repeat));
        params.set_filter_logits_callback_user_data(std::ptr::from_ref(filter).cast_mut().cast::<c_void>());
    }
}

/// Called by whisper.cpp before each token is chosen.
#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn end_on_repeat(
    _context: *mut WhisperSysContext,
    _state: *mut WhisperSysState,
    tokens: *const WhisperTokenData,
    tokens_count: c_int,
    logits: *mut f32,
    filter: *mut c_void,
) {
    let count = usize::try_from(tokens_count).unwrap_or(0);
    if count == 0 || tokens.is_null() || logits.is_null() || filter.is_null() {
        return;
    }
    // SAFETY: whisper.cpp passes `tokens_count` tokens and one logit for each word of its vocabulary, both valid and
    // not otherwise used during the call; `filter` is what `force_end_on_repeat` was given.
    let (tokens, logits, filter) = unsafe {
        let filter = &*filter.cast::<RepeatFilter<'_>>();
        let vocabulary = usize::try_from(filter.vocabulary).unwrap_or(0);
        (std::slice::from_raw_parts(tokens, count), std::slice::from_raw_parts_mut(logits, vocabulary), filter)
    };
    let classes: Vec<u32> = tokens.iter().map(|token| class_of(filter.classes, token.id)).collect();
    if repeat_start(&classes).is_none() {
        return;
    }
    let end = usize::try_from(filter.end).unwrap_or(usize::MAX);
    for (at, logit) in logits.iter_mut().enumerate() {
        *logit = if at == end { 0.0 } else { f32::NEG_INFINITY };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_context_to_the_sound() {
        for (samples, frames) in
            [(0, 128), (1, 192), (16_000, 192), (52_000, 320), (480_000, 1500), (usize::MAX / 2, 1500)]
        {
            assert_eq!(context_frames(samples, 1500), frames, "{samples}");
        }
    }

    #[test]
    fn bounds_the_tokens_by_the_sound() {
        for (samples, tokens) in [(0, 12), (16_000, 20), (52_000, 44), (480_000, 252)] {
            assert_eq!(tokens_max(samples), tokens, "{samples}");
        }
    }
}
