//! Brings sound of any common rate to [`SAMPLE_RATE`], all at once or piece by piece.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _};

use crate::domain::SAMPLE_RATE;

/// The lowest rate taken, in samples a second.
pub const RATE_MIN: u32 = 8_000;
/// The highest rate taken, in samples a second.
pub const RATE_MAX: u32 = 192_000;
/// The least number of frames that are converted at a time.
const CHUNK_FRAMES: u32 = 1_024;

/// Why sound cannot be brought to [`SAMPLE_RATE`].
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    /// Outside [`RATE_MIN`] to [`RATE_MAX`].
    #[error("a rate of {0} samples a second is not supported; use {RATE_MIN} to {RATE_MAX}")]
    Rate(u32),
    /// The resampler could not be made.
    #[error("cannot convert the sample rate")]
    Construction(#[from] rubato::ResamplerConstructionError),
    /// The resampler refused a piece.
    #[error("cannot convert the sample rate")]
    Process(#[from] rubato::ResampleError),
    /// A buffer and its length do not agree.
    #[error("cannot convert the sample rate")]
    Buffer(#[from] audioadapter_buffers::SizeError),
}

/// Converts one mono stream to [`SAMPLE_RATE`]. What comes out is aligned with what went in: the filter's delay is
/// removed, and after [`Resampler::finish`] the lengths agree.
#[derive(Debug)]
pub struct Resampler {
    rate: u32,
    conversion: Option<Conversion>,
}

struct Conversion {
    fft: Fft<f32>,
    /// What did not fill a chunk yet.
    pending: Vec<f32>,
    /// One chunk's output.
    scratch: Vec<f32>,
    /// Leading samples still to drop: the filter's delay.
    delay: usize,
    /// Samples taken since the start.
    taken: u64,
    /// Samples given since the start.
    given: u64,
}

impl std::fmt::Debug for Conversion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversion").field("taken", &self.taken).field("given", &self.given).finish_non_exhaustive()
    }
}

impl Resampler {
    /// A converter from `rate` samples a second.
    ///
    /// # Errors
    /// [`ResampleError::Rate`] outside the limits.
    pub fn new(rate: u32) -> Result<Self, ResampleError> {
        if !(RATE_MIN..=RATE_MAX).contains(&rate) {
            return Err(ResampleError::Rate(rate));
        }
        let conversion = if rate == SAMPLE_RATE {
            None
        } else {
            let fft = Fft::new(rate as usize, SAMPLE_RATE as usize, chunk_frames(rate) as usize, 1, FixedSync::Both)?;
            Some(Conversion {
                scratch: vec![0.0; fft.output_frames_max()],
                delay: fft.output_delay(),
                pending: Vec::with_capacity(2 * fft.input_frames_max()),
                taken: 0,
                given: 0,
                fft,
            })
        };
        Ok(Self { rate, conversion })
    }

    /// Takes samples and appends to `out` what is ready. Up to one chunk stays inside: 21 ms at
    /// 48,000 samples a second, 40 ms at 44,100.
    ///
    /// # Errors
    /// What rubato refuses; not expected.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let Some(conversion) = &mut self.conversion else {
            out.extend_from_slice(samples);
            return Ok(());
        };
        conversion.taken += samples.len() as u64;
        conversion.pending.extend_from_slice(samples);
        let mut used = 0;
        while conversion.pending.len() - used >= conversion.fft.input_frames_next() {
            used += conversion.chunk(used, None, out)?;
        }
        conversion.pending.drain(..used);
        Ok(())
    }

    /// Appends to `out` what is still inside, so that the output is as long as the input (rounded up to a sample).
    ///
    /// # Errors
    /// What rubato refuses; not expected.
    pub fn finish(mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let Some(conversion) = &mut self.conversion else {
            return Ok(());
        };
        let due = (conversion.taken * u64::from(SAMPLE_RATE)).div_ceil(u64::from(self.rate));
        let mut left = conversion.pending.len();
        while conversion.given < due {
            conversion.chunk(0, Some(left), out)?;
            conversion.pending.clear();
            left = 0;
        }
        let surplus = usize::try_from(conversion.given - due).unwrap_or(usize::MAX);
        out.truncate(out.len().saturating_sub(surplus));
        Ok(())
    }
}

/// How many input frames make one chunk: whole periods of the two rates, and an even number, because the filter is as
/// long as a chunk and the middle of an odd one lies between two samples.
fn chunk_frames(rate: u32) -> u32 {
    let (mut divisor, mut rest) = (rate, SAMPLE_RATE);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let period = 2 * (rate / divisor);
    period * CHUNK_FRAMES.div_ceil(period)
}

impl Conversion {
    /// Converts one chunk that begins at `offset` of what is pending; `partial` says how many frames it really has when
    /// it is not full. Returns the number of input frames used.
    fn chunk(&mut self, offset: usize, partial: Option<usize>, out: &mut Vec<f32>) -> Result<usize, ResampleError> {
        let input = InterleavedSlice::new(&self.pending, 1, self.pending.len())?;
        let room = self.scratch.len();
        let mut output = InterleavedSlice::new_mut(&mut self.scratch, 1, room)?;
        let indexing =
            Indexing { input_offset: offset, output_offset: 0, partial_len: partial, active_channels_mask: None };
        let (used, made) = self.fft.process_into_buffer(&input, &mut output, Some(&indexing))?;
        let dropped = self.delay.min(made);
        self.delay -= dropped;
        let ready = self.scratch.get(dropped..made).unwrap_or(&[]);
        out.extend_from_slice(ready);
        self.given += ready.len() as u64;
        Ok(used)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    fn sine(rate: u32, hertz: f64, seconds: f64) -> Vec<f32> {
        (0..(f64::from(rate) * seconds) as usize)
            .map(|i| (0.5 * (std::f64::consts::TAU * hertz * i as f64 / f64::from(rate)).sin()) as f32)
            .collect()
    }

    fn convert(rate: u32, input: &[f32], piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate).unwrap();
        let mut out = Vec::new();
        for samples in input.chunks(piece) {
            resampler.push(samples, &mut out).unwrap();
        }
        resampler.finish(&mut out).unwrap();
        out
    }

    /// The amplitude of one frequency, from the middle of the sound.
    fn amplitude(samples: &[f32], hertz: f64) -> f64 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let (mut re, mut im) = (0.0, 0.0);
        for (i, sample) in middle.iter().enumerate() {
            let angle = std::f64::consts::TAU * hertz * i as f64 / f64::from(SAMPLE_RATE);
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        2.0 * re.hypot(im) / middle.len() as f64
    }

    #[test]
    fn a_tone_keeps_its_frequency_amplitude_and_length() {
        for rate in [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000] {
            for piece in [97, 480, 100_000] {
                let out = convert(rate, &sine(rate, 1_000.0, 2.0), piece);
                assert!(out.len().abs_diff(32_000) <= 2, "{rate}: {} samples", out.len());
                let kept = amplitude(&out, 1_000.0);
                assert!((kept - 0.5).abs() < 0.005, "{rate}: amplitude {kept}");
                let expected = sine(SAMPLE_RATE, 1_000.0, 2.0);
                let worst = (2_000..30_000).map(|i| (out[i] - expected[i]).abs()).fold(0.0_f32, f32::max);
                assert!(worst < 0.005, "{rate}: differs by {worst}, so it is shifted or bent");
            }
        }
    }

    #[test]
    fn a_tone_above_the_new_limit_does_not_fold_back() {
        let out = convert(48_000, &sine(48_000, 12_000.0, 2.0), 480);
        // 12 kHz would fold to 4 kHz.
        let alias_db = 20.0 * (amplitude(&out, 4_000.0) / 0.5).log10();
        assert!(alias_db < -60.0, "the alias is at {alias_db} dB");
        let peak = out[2_000..30_000].iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let peak_db = 20.0 * f64::from(peak / 0.5).log10();
        assert!(peak_db < -60.0, "what is left peaks at {peak_db} dB");
    }

    #[test]
    fn lengths_agree_down_to_nothing() {
        for (rate, frames) in [(48_000, 0), (48_000, 1), (44_100, 2), (8_000, 1), (44_100, 1_023), (96_000, 12_345)] {
            let out = convert(rate, &vec![0.25; frames], 1_000);
            let due = (frames as u64 * u64::from(SAMPLE_RATE)).div_ceil(u64::from(rate));
            assert_eq!(out.len() as u64, due, "{frames} frames at {rate}");
        }
    }

    #[test]
    fn odd_rates_work_and_far_ones_are_refused() {
        let out = convert(44_101, &sine(44_101, 1_000.0, 2.0), 4_410);
        assert!((amplitude(&out, 1_000.0) - 0.5).abs() < 0.005);
        assert!(matches!(Resampler::new(7_999), Err(ResampleError::Rate(7_999))));
        assert!(matches!(Resampler::new(192_001), Err(ResampleError::Rate(_))));
    }
}
