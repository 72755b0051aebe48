//! Reads a recording.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec};

use super::resample::{RATE_MAX, RATE_MIN, ResampleError, Resampler};

/// The longest recording that is read at all, in seconds. What an order may last is decided where it is recognised.
pub const RECORDING_SECONDS_MAX: u32 = 600;
/// The most channels a recording may have.
pub const CHANNELS_MAX: u16 = 32;
/// A length in a header from here on means "until the end": what programs write that cannot go back to the header.
const OPEN_ENDED_BYTES: u32 = 0x7fff_0000;
/// How far into a file its sound must begin, in bytes, for an open-ended length to be recognised.
const HEAD_BYTES: u64 = 4_096;
/// How many frames are mixed and converted at a time.
const BLOCK_FRAMES: usize = 4_096;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// There is no such file.
    #[error("cannot read {path:?}: there is no such file; check the path")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The system would not let it be read.
    #[error("cannot read {path:?}; check that it is a file and may be read")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It has no bytes.
    #[error("cannot read {path:?}: the file is empty; record it again")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Another kind of file, or a broken header.
    #[error("cannot read {path:?}: it is no WAV file ({detail}); convert it with sox or ffmpeg")]
    NotWav {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// It ends before the length its header promises.
    #[error(
        "cannot read {path:?}: it ends before the length its header promises; \
         record it again, or repair it with sox --ignore-length"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// A WAV file without sound.
    #[error("cannot read {path:?}: it holds no sound; record it again")]
    NoSound {
        /// The file.
        path: PathBuf,
    },
    /// Longer than [`RECORDING_SECONDS_MAX`].
    #[error("cannot read {path:?}: it lasts {seconds} s, the limit is {RECORDING_SECONDS_MAX} s; cut it with sox")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How long it says it lasts.
        seconds: u32,
    },
    /// A kind of WAV that is not taken.
    #[error(
        "cannot read {path:?}: {what} is not supported; convert it to 16-bit PCM with sox or ffmpeg \
         (taken are {RATE_MIN} to {RATE_MAX} samples a second, 8 to 32 bit or float, up to {CHANNELS_MAX} channels)"
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The format it has.
        what: String,
    },
    /// The sample rate could not be converted.
    #[error("cannot read {path:?}")]
    Resample {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ResampleError,
    },
}

/// Reads a recording as mono at [`crate::domain::SAMPLE_RATE`], every sample -1 to 1: channels are averaged, and what
/// is not a number becomes silence. Memory follows what the file holds, not what its header says.
///
/// # Errors
/// See [`WavError`].
pub fn read(path: &Path) -> Result<Vec<f32>, WavError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => WavError::Missing { path: path.to_owned() },
        _ => WavError::Open { path: path.to_owned(), source },
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_file() && metadata.len() == 0 {
        return Err(WavError::Empty { path: path.to_owned() });
    }
    let failed_head = |source| WavError::Open { path: path.to_owned(), source };
    let mut file = BufReader::new(file);
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(failed_head)?;
    let open_ended = close(&mut head).is_some();
    let mut reader = WavReader::new(Cursor::new(head).chain(file)).map_err(|error| refused(path, error))?;
    let spec = reader.spec();
    supported(path, spec)?;
    if !open_ended {
        // A pipe has no length to hold against the header.
        within_limits(path, spec, reader.duration(), metadata.is_file().then_some(metadata.len()))?;
    }
    let resample = |source| WavError::Resample { path: path.to_owned(), source };
    let mut resampler = Resampler::new(spec.sample_rate).map_err(resample)?;
    let (mut out, mut block, mut frames) = (Vec::new(), Vec::with_capacity(BLOCK_FRAMES), 0);
    loop {
        match mix(path, &mut reader, spec, &mut block) {
            Err(WavError::Truncated { .. }) if open_ended => {}
            mixed => mixed?,
        }
        if block.is_empty() {
            break;
        }
        frames += block.len();
        if frames > (RECORDING_SECONDS_MAX * spec.sample_rate) as usize {
            return Err(WavError::TooLong { path: path.to_owned(), seconds: RECORDING_SECONDS_MAX + 1 });
        }
        resampler.push(&block, &mut out).map_err(resample)?;
    }
    resampler.finish(&mut out).map_err(resample)?;
    if out.is_empty() {
        return Err(WavError::NoSound { path: path.to_owned() });
    }
    for sample in &mut out {
        *sample = sample.clamp(-1.0, 1.0);
    }
    Ok(out)
}

/// Gives an open-ended length of the sound a value that fits its frames. None when the header has no such length.
fn close(head: &mut [u8]) -> Option<()> {
    let number = |head: &[u8], at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let mut at = 12;
    let mut frame_bytes = 1;
    loop {
        let length = number(head, at + 4)?;
        match head.get(at..at + 4)? {
            b"fmt " => frame_bytes = number(head, at + 20)? & 0xffff,
            b"data" if length >= OPEN_ENDED_BYTES => {
                let whole = OPEN_ENDED_BYTES - OPEN_ENDED_BYTES.checked_rem(frame_bytes)?;
                head.get_mut(at + 4..at + 8)?.copy_from_slice(&whole.to_le_bytes());
                return Some(());
            }
            b"data" => return None,
            _ => {}
        }
        // Chunks begin at even places.
        at = at.checked_add(8 + length as usize + (length as usize & 1))?;
        if at > head.len() {
            return None;
        }
    }
}

/// Refuses formats that are not taken.
fn supported(path: &Path, spec: WavSpec) -> Result<(), WavError> {
    let unsupported = |what: String| WavError::Unsupported { path: path.to_owned(), what };
    if spec.channels == 0 || spec.channels > CHANNELS_MAX {
        return Err(unsupported(format!("{} channels", spec.channels)));
    }
    if !(RATE_MIN..=RATE_MAX).contains(&spec.sample_rate) {
        return Err(unsupported(format!("a rate of {} samples a second", spec.sample_rate)));
    }
    match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Int, 1..=32) | (SampleFormat::Float, 32) => Ok(()),
        (SampleFormat::Int, bits) => Err(unsupported(format!("{bits}-bit sound"))),
        (SampleFormat::Float, bits) => Err(unsupported(format!("{bits}-bit float"))),
    }
}

/// Refuses what the header already shows to be cut off, or too long.
fn within_limits(path: &Path, spec: WavSpec, frames: u32, bytes: Option<u64>) -> Result<(), WavError> {
    let promised = u64::from(frames) * u64::from(spec.channels) * u64::from(spec.bits_per_sample.div_ceil(8));
    if bytes.is_some_and(|bytes| promised > bytes) {
        return Err(WavError::Truncated { path: path.to_owned() });
    }
    let seconds = frames.div_ceil(spec.sample_rate);
    if seconds > RECORDING_SECONDS_MAX {
        return Err(WavError::TooLong { path: path.to_owned(), seconds });
    }
    Ok(())
}

/// Fills `block` with the next frames, averaged to mono; it stays empty at the end.
fn mix<R: Read>(path: &Path, reader: &mut WavReader<R>, spec: WavSpec, block: &mut Vec<f32>) -> Result<(), WavError> {
    block.clear();
    let wanted = BLOCK_FRAMES * usize::from(spec.channels);
    let mut frame = Mixer { channels: spec.channels, filled: 0, sum: 0.0 };
    match spec.sample_format {
        SampleFormat::Float => {
            for sample in reader.samples::<f32>().take(wanted) {
                frame.add(sample.map_err(|error| refused(path, error))?, block);
            }
        }
        SampleFormat::Int => {
            let full = (1_u64 << (spec.bits_per_sample - 1)) as f32;
            for sample in reader.samples::<i32>().take(wanted) {
                let sample = sample.map_err(|error| refused(path, error))? as f32;
                frame.add(sample / full, block);
            }
        }
    }
    Ok(())
}

/// Averages the channels of one frame after the other.
struct Mixer {
    channels: u16,
    filled: u16,
    sum: f32,
}

impl Mixer {
    fn add(&mut self, sample: f32, block: &mut Vec<f32>) {
        // A float file may hold anything; one bad value must not spread through the converter.
        self.sum += if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        self.filled += 1;
        if self.filled == self.channels {
            block.push(self.sum / f32::from(self.channels));
            self.filled = 0;
            self.sum = 0.0;
        }
    }
}

/// Names hound's refusal.
fn refused(path: &Path, error: hound::Error) -> WavError {
    let path = path.to_owned();
    match error {
        // hound reports an early end as an error of kind `Other`.
        hound::Error::IoError(source)
            if matches!(source.kind(), std::io::ErrorKind::Other | std::io::ErrorKind::UnexpectedEof) =>
        {
            WavError::Truncated { path }
        }
        hound::Error::IoError(source) => WavError::Open { path, source },
        hound::Error::FormatError(detail) => WavError::NotWav { path, detail: detail.to_owned() },
        hound::Error::Unsupported => WavError::Unsupported { path, what: "its encoding".to_owned() },
        error => WavError::Unsupported { path, what: error.to_string() },
    }
}

#[cfg(test)]
#[path = "wav_tests.rs"]
mod tests;
