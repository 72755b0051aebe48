//! Pure: the noise of a cockpit under a recording: brown and pink noise, two hums and a slow swell. Always the same for
//! the same length, so that figures can be repeated.

use std::f32::consts::TAU;

use crate::domain::SAMPLE_RATE;

/// The hums, in hertz, and how loud each is beside the noise.
const HUMS: [(f32, f32); 2] = [(71.0, 0.5), (213.0, 0.35)];
/// How often a second the noise swells, and by which share.
const SWELL: (f32, f32) = (0.4, 0.4);
/// The loudest sample afterwards.
const PEAK: f32 = 0.95;

/// Mixes the noise under the samples, so that the speech is `decibels` louder, both measured over the whole.
pub(super) fn mix(samples: &mut [f32], decibels: f32) {
    let noise = cockpit(samples.len());
    let (speech, rumble) = (rms(samples), rms(&noise));
    if speech <= 0.0 || rumble <= 0.0 {
        return;
    }
    let gain = speech / rumble / 10_f32.powf(decibels / 20.0);
    for (sample, noise) in samples.iter_mut().zip(&noise) {
        *sample += noise * gain;
    }
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if peak > PEAK {
        samples.iter_mut().for_each(|sample| *sample *= PEAK / peak);
    }
}

fn cockpit(length: usize) -> Vec<f32> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut brown, mut pink) = (0.0_f32, [0.0_f32; 3]);
    (0..length)
        .map(|at| {
            #[expect(clippy::cast_precision_loss, reason = "an utterance is half a million samples at most")]
            let seconds = at as f32 / SAMPLE_RATE as f32;
            let white = random.next();
            brown = (brown + 0.02 * white) / 1.02;
            // Three leaky sums of white noise come close to pink (Paul Kellet's economy filter).
            pink[0] = 0.99765 * pink[0] + white * 0.099_046;
            pink[1] = 0.963 * pink[1] + white * 0.296_516_4;
            pink[2] = 0.57 * pink[2] + white * 1.052_691_3;
            let pinkish = (pink.iter().sum::<f32>() + white * 0.1848) * 0.05;
            let hums: f32 = HUMS.iter().map(|(hertz, level)| level * 0.1 * (TAU * hertz * seconds).sin()).sum();
            let swell = 1.0 - SWELL.1 * 0.5 * (1.0 + (TAU * SWELL.0 * seconds).sin());
            brown * 3.5 * 0.5 + pinkish + hums * swell
        })
        .collect()
}

fn rms(samples: &[f32]) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "an utterance is half a million samples at most")]
    let count = samples.len().max(1) as f32;
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / count).sqrt()
}

/// Xorshift (Marsaglia, 2003): the same numbers everywhere.
struct Random(u64);

impl Random {
    /// From -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        #[expect(clippy::cast_precision_loss, reason = "the upper 24 bits fit a float exactly")]
        let share = (self.0 >> 40) as f32 / (1_u64 << 24) as f32;
        share * 2.0 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_is_as_loud_as_it_is_meant_to_be() {
        #[expect(clippy::cast_precision_loss, reason = "a second of samples")]
        let speech: Vec<f32> = (0..16_000).map(|at| 0.1 * (TAU * 440.0 * at as f32 / 16_000.0).sin()).collect();
        for decibels in [20.0, 10.0, 5.0] {
            let mut mixed = speech.clone();
            mix(&mut mixed, decibels);
            let noise: Vec<f32> = mixed.iter().zip(&speech).map(|(mixed, speech)| mixed - speech).collect();
            let found = 20.0 * (rms(&speech) / rms(&noise)).log10();
            assert!((found - decibels).abs() < 0.1, "{found} instead of {decibels}");
        }
        let mut silence = vec![0.0; 100];
        mix(&mut silence, 10.0);
        assert!(silence.iter().all(|sample| *sample == 0.0));
        mix(&mut [], 10.0);
    }
}
