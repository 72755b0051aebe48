//! One utterance, from the sound to what is made of it, and when the words of its first part are those of the whole.

use std::time::Instant;

use super::SpeechError;
use super::engine::Engine;
use super::guard::{Voice, judge_words};
use crate::domain::{Heard, UtteranceId};

/// What was recognised of an utterance, or of its first part.
#[derive(Debug, Clone)]
pub(super) struct Found {
    id: UtteranceId,
    samples: usize,
    names: Vec<String>,
    voice: Voice,
    pub(super) heard: Heard,
}

impl Found {
    /// Whether the whole utterance says no more than this first part did: the detector, which only looks back, finds the
    /// same speech in it and none after it.
    fn is_all(&self, id: UtteranceId, samples: usize, names: &[String], voice: &Voice) -> bool {
        self.id == id && self.samples <= samples && self.names == names && self.voice == *voice
    }
}

/// Recognises an utterance; `draft` is what was found in its first part, if it was tried.
pub(super) fn recognise(
    engine: &mut Engine,
    draft: &mut Option<Found>,
    id: UtteranceId,
    mut samples: Vec<f32>,
    names: &[String],
    names_max: usize,
) -> Result<Found, SpeechError> {
    // What is not a number would spread through every sum.
    samples.iter_mut().filter(|sample| !sample.is_finite()).for_each(|sample| *sample = 0.0);
    let begun = Instant::now();
    let voice = engine.voice(&samples)?;
    if let Some(draft) = draft.take_if(|draft| draft.is_all(id, samples.len(), names, &voice)) {
        tracing::debug!(stt.duration_ms = begun.elapsed().as_secs_f64() * 1000.0, "recognised before");
        return Ok(draft);
    }
    let found = |heard| Found { id, samples: samples.len(), names: names.to_vec(), voice, heard };
    if !voice.is_speech() {
        tracing::debug!(stt.speech_ms = voice.speech_ms, "no speech");
        return Ok(found(Heard::Nothing("no speech was heard".to_owned())));
    }
    let recognised = engine.recognise(voice.trim(&samples), names, names_max)?;
    tracing::debug!(
        stt.duration_ms = begun.elapsed().as_secs_f64() * 1000.0,
        stt.speech_ms = voice.speech_ms,
        stt.confidence = recognised.confidence,
        stt.names = recognised.names.len(),
        stt.repeated = recognised.repeated,
        "recognised"
    );
    Ok(found(judge_words(&recognised.text, recognised.confidence, &recognised.names, voice)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_speech_of_the_same_utterance_is_taken() {
        let (id, voice) = (UtteranceId::new(), Voice { speech_ms: 512, start: 1_024, end: 9_216 });
        let names = ["Kestrel".to_owned()];
        let heard = Heard::Nothing("a test".to_owned());
        let found = Found { id, samples: 12_000, names: names.to_vec(), voice, heard };
        assert!(found.is_all(id, 16_000, &names, &voice));
        assert!(!found.is_all(UtteranceId::new(), 16_000, &names, &voice));
        assert!(!found.is_all(id, 11_999, &names, &voice));
        assert!(!found.is_all(id, 16_000, &[], &voice));
        let more = Voice { speech_ms: 544, end: 14_000, ..voice };
        assert!(!found.is_all(id, 16_000, &names, &more), "something was said after it");
    }
}
