//! Tells when somebody speaks, 16 milliseconds at a time.

use earshot::Detector;

use crate::domain::SAMPLE_RATE;

/// Samples that are judged at a time.
pub const FRAME_SAMPLES: usize = 256;
/// A frame scored so high is voiced. Hum and white noise score up to 0.65.
const SCORE_MIN: f32 = 0.7;
/// Speech begins with so many voiced frames among the newest [`ONSET_WINDOW`]: 64 of 128 milliseconds.
const ONSET_FRAMES: u32 = 4;
const ONSET_WINDOW: u32 = 8;

/// How many frames so many milliseconds are, rounded up.
pub(super) const fn frames_in(milliseconds: u32) -> u32 {
    (milliseconds * (SAMPLE_RATE / 1_000)).div_ceil(FRAME_SAMPLES as u32)
}

/// The detector of one stream of sound.
pub(super) struct Vad {
    detector: Box<Detector>,
    pending: Vec<f32>,
}

impl std::fmt::Debug for Vad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vad").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

impl Vad {
    pub(super) fn new() -> Self {
        Self { detector: Detector::default_boxed(), pending: Vec::with_capacity(FRAME_SAMPLES) }
    }

    /// Takes sound and tells for every frame that became complete whether it is voiced.
    pub(super) fn push(&mut self, mut samples: &[f32], mut tell: impl FnMut(bool)) {
        while !samples.is_empty() {
            let room = FRAME_SAMPLES - self.pending.len();
            let (taken, rest) = samples.split_at(room.min(samples.len()));
            self.pending.extend_from_slice(taken);
            samples = rest;
            if self.pending.len() == FRAME_SAMPLES {
                tell(self.detector.predict_f32(&self.pending) >= SCORE_MIN);
                self.pending.clear();
            }
        }
    }

    /// Forgets what it heard: the stream has a hole here.
    pub(super) fn reset(&mut self) {
        self.detector.reset();
        self.pending.clear();
    }
}

/// How speech and pauses follow each other. Pure: counted in frames.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// The newest frames, the newest in the lowest bit.
    newest: u32,
    /// Voiced frames since [`Pace::begin`].
    voiced: u32,
    /// Frames since the last voiced one.
    quiet: u32,
}

impl Pace {
    /// An utterance begins; what was just heard is a part of it.
    pub(super) fn begin(&mut self) {
        self.voiced = (self.newest & (u32::MAX >> (32 - ONSET_WINDOW))).count_ones();
    }

    pub(super) fn frame(&mut self, voiced: bool) {
        self.newest = self.newest << 1 | u32::from(voiced);
        if voiced {
            self.voiced = self.voiced.saturating_add(1);
            self.quiet = 0;
        } else {
            self.quiet = self.quiet.saturating_add(1);
        }
    }

    /// Whether somebody begins to speak.
    pub(super) fn is_onset(&self) -> bool {
        (self.newest & (u32::MAX >> (32 - ONSET_WINDOW))).count_ones() >= ONSET_FRAMES
    }

    /// Voiced frames since the beginning.
    pub(super) fn voiced(&self) -> u32 {
        self.voiced
    }

    /// Frames since the last voiced one.
    pub(super) fn quiet(&self) -> u32 {
        self.quiet
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use std::path::Path;

    use super::*;
    use crate::hearing::wav;

    fn voiced(samples: &[f32], piece: usize) -> Vec<bool> {
        let (mut vad, mut frames) = (Vad::new(), Vec::new());
        samples.chunks(piece).for_each(|samples| vad.push(samples, |voiced| frames.push(voiced)));
        frames
    }

    #[test]
    fn pieces_do_not_matter_and_silence_and_hum_are_not_voiced() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio/piper_joe");
        let order = wav::read(&path.join("set_priority_of_ghost_convoy_to_critical.wav")).unwrap();
        let frames = voiced(&order, 160);
        assert_eq!(frames, voiced(&order, order.len()));
        assert_eq!(frames.len(), order.len() / FRAME_SAMPLES);
        assert!(frames.iter().filter(|voiced| **voiced).count() * 2 > frames.len(), "half of an order is voiced");
        let hum: Vec<f32> =
            (0..16_000_u16).map(|at| (f32::from(at) * 50.0 * std::f32::consts::TAU / 16_000.0).sin() * 0.3).collect();
        assert!(!voiced(&hum, 160).contains(&true));
        assert!(!voiced(&vec![0.0; 16_000], 160).contains(&true));
    }

    #[test]
    fn a_pause_is_told_from_the_end() {
        let mut pace = Pace::default();
        [true, false, false, true].into_iter().for_each(|voiced| pace.frame(voiced));
        assert!(!pace.is_onset());
        [true, true].into_iter().for_each(|voiced| pace.frame(voiced));
        assert!(pace.is_onset());
        pace.begin();
        assert_eq!((pace.voiced(), pace.quiet()), (4, 0));
        (0..9).for_each(|_| pace.frame(false));
        assert_eq!((pace.voiced(), pace.quiet(), pace.is_onset()), (4, 9, false));
        pace.begin();
        assert_eq!(pace.voiced(), 0);
        assert_eq!((frames_in(0), frames_in(16), frames_in(250)), (0, 1, 16));
    }
}
