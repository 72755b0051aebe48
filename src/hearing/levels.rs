//! What an utterance's loudness says of the microphone: muted, too quiet, too loud, humming. Pure.

use std::f32::consts::TAU;
use std::fmt;

use crate::domain::SAMPLE_RATE;

/// Samples of the windows that are compared, a tenth of a second: a whole number of waves of 50 and of 60 Hz.
const WINDOW: usize = SAMPLE_RATE as usize / 10;
/// Below this peak there is nothing but rounding: the microphone is muted.
const SILENT_PEAK: f32 = 0.000_2;
/// Below this level of the loudest window nobody is understood well.
const FAINT_LEVEL: f32 = 0.004;
/// From here a sample counts as cut off.
const FULL: f32 = 0.985;
/// More of an utterance than this cut off is heard as distortion.
const CLIPPED_SHARE_MAX: f32 = 0.002;
/// Quieter than this a hum does not matter.
const HUM_LEVEL_MIN: f32 = 0.004;
/// A hum has more than this share of what is heard in the quietest window.
const HUM_SHARE_MIN: f32 = 0.7;
/// Louder than this, and within [`NOISE_DISTANCE_DB_MIN`] of the speech, the room is too loud.
const NOISE_LEVEL_MIN: f32 = 0.01;
/// Speech should be so many decibels above what is there without it.
const NOISE_DISTANCE_DB_MIN: f32 = 10.0;

/// How loud an utterance is. Levels are root mean squares; 1 is the loudest there can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// The largest sample, 0 to 1.
    pub peak: f32,
    /// The loudest tenth of a second.
    pub loudest: f32,
    /// The quietest tenth of a second.
    pub quietest: f32,
    /// The share of samples that are cut off, 0 to 1.
    pub clipped: f32,
    /// The share of the quietest tenth of a second that is mains hum, 0 to 1.
    pub hum: f32,
}

/// What is wrong with the microphone's level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LevelTrouble {
    /// Nothing at all comes.
    Silent,
    /// Far too quiet.
    Faint,
    /// Cut off.
    Clipped,
    /// Mains hum.
    Hum,
    /// The room is nearly as loud as the speaker.
    Noisy,
}

impl Levels {
    /// Measures sound at [`SAMPLE_RATE`]; `None` when there is less than a tenth of a second.
    #[must_use]
    pub fn of(samples: &[f32]) -> Option<Self> {
        let windows = samples.chunks_exact(WINDOW).map(|window| (level(window), window));
        let (mut quietest, mut loudest): (Option<(f32, &[f32])>, f32) = (None, 0.0);
        for (level, window) in windows {
            loudest = loudest.max(level);
            if quietest.is_none_or(|(least, _)| level < least) {
                quietest = Some((level, window));
            }
        }
        let (quiet, window) = quietest?;
        #[expect(clippy::cast_precision_loss, reason = "an utterance has less than 2^24 samples")]
        let clipped = samples.iter().filter(|sample| sample.abs() >= FULL).count() as f32 / samples.len() as f32;
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        Some(Self { peak, loudest, quietest: quiet, clipped, hum: hum(window) })
    }

    /// The gravest thing that is wrong, if any.
    #[must_use]
    pub fn trouble(&self) -> Option<LevelTrouble> {
        if self.peak < SILENT_PEAK {
            Some(LevelTrouble::Silent)
        } else if self.clipped > CLIPPED_SHARE_MAX {
            Some(LevelTrouble::Clipped)
        } else if self.loudest < FAINT_LEVEL {
            Some(LevelTrouble::Faint)
        } else if self.quietest > HUM_LEVEL_MIN && self.hum > HUM_SHARE_MIN {
            Some(LevelTrouble::Hum)
        } else if self.quietest > NOISE_LEVEL_MIN
            && 20.0 * (self.loudest / self.quietest).log10() < NOISE_DISTANCE_DB_MIN
        {
            Some(LevelTrouble::Noisy)
        } else {
            None
        }
    }
}

impl fmt::Display for LevelTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => {
                "no sound at all came: the microphone is muted, or another one is meant; unmute it, or set \
                 hearing.microphone"
            }
            Self::Faint => "what came was very quiet; turn the microphone up, or go nearer to it",
            Self::Clipped => "what came was too loud and is distorted; turn the microphone down",
            Self::Hum => "the mains hum in the microphone; try another socket or cable, or keep it away from power supplies",
            Self::Noisy => {
                "what is around you is nearly as loud as you; go nearer to the microphone, or turn on the sound system's noise \
                 suppression"
            }
        })
    }
}

/// The root mean square without what is constant.
fn level(samples: &[f32]) -> f32 {
    power(samples).sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "a window has less than 2^24 samples")]
fn power(samples: &[f32]) -> f32 {
    let count = samples.len().max(1) as f32;
    let mean = samples.iter().sum::<f32>() / count;
    samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum::<f32>() / count
}

/// The share of the mains and their overtones: the larger of 50 and 60 Hz.
fn hum(window: &[f32]) -> f32 {
    let whole = power(window);
    if whole <= 0.0 {
        return 0.0;
    }
    let of = |mains: f32| (1..=6_u8).map(|tone| tone_power(window, mains * f32::from(tone))).sum::<f32>() / whole;
    of(50.0).max(of(60.0)).min(1.0)
}

/// The power of one frequency.
#[expect(clippy::cast_precision_loss, reason = "a window has less than 2^24 samples")]
fn tone_power(window: &[f32], hertz: f32) -> f32 {
    let (mut re, mut im) = (0.0_f32, 0.0_f32);
    for (at, sample) in window.iter().enumerate() {
        let angle = TAU * hertz * at as f32 / SAMPLE_RATE as f32;
        re += sample * angle.cos();
        im += sample * angle.sin();
    }
    let count = window.len().max(1) as f32;
    2.0 * (re * re + im * im) / (count * count)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use std::path::Path;

    use super::*;
    use crate::hearing::wav;

    fn order() -> Vec<f32> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio/piper_joe");
        let order = wav::read(&path.join("set_priority_of_ghost_convoy_to_critical.wav")).unwrap();
        // What a microphone gives before and after.
        [vec![0.000_5; 4_000], order, vec![0.000_5; 4_000]].concat()
    }

    fn check(change: impl Fn(usize, f32) -> f32, expected: Option<LevelTrouble>) {
        let samples: Vec<f32> = order().into_iter().enumerate().map(|(at, sample)| change(at, sample)).collect();
        let levels = Levels::of(&samples).unwrap();
        assert_eq!(levels.trouble(), expected, "{levels:?}");
    }

    fn sine(at: usize, hertz: f32) -> f32 {
        (at as f32 * hertz * TAU / SAMPLE_RATE as f32).sin()
    }

    #[test]
    fn what_is_wrong_is_noticed() {
        check(|_, sample| sample, None);
        check(|_, sample| sample * 0.3, None);
        check(|_, _| 0.0, Some(LevelTrouble::Silent));
        check(|_, sample| sample * 0.01, Some(LevelTrouble::Faint));
        check(|_, sample| (sample * 6.0).clamp(-1.0, 1.0), Some(LevelTrouble::Clipped));
        for mains in [50.0, 60.0] {
            let hum = |at| 0.03 * sine(at, mains) + 0.02 * sine(at, 3.0 * mains);
            check(|at, sample| sample * 0.5 + hum(at), Some(LevelTrouble::Hum));
            check(|at, sample| sample * 0.5 + 0.05 * hum(at), None);
        }
        // A noise from a fixed multiplicative sequence.
        let noise = |at: usize| ((at as u64 * 2_654_435_761 % 65_536) as f32 / 32_768.0 - 1.0) * 0.3;
        check(|at, sample| sample * 0.3 + noise(at), Some(LevelTrouble::Noisy));
        assert_eq!(Levels::of(&[0.0; WINDOW - 1]), None);
    }
}
