//! A short recording to judge a microphone by.

use std::time::{Duration, Instant};

use crate::domain::SAMPLE_RATE;
use crate::hearing::levels::Levels;
use crate::hearing::microphone::Microphone;

/// How often the level is taken.
const STEP: Duration = Duration::from_millis(100);
/// How many samples the level is taken of.
const STEP_SAMPLES: usize = SAMPLE_RATE as usize / 10;
/// The quietest level that the bar shows, in decibels below the loudest there can be.
const FLOOR_DB: f32 = -60.0;
/// How long the bar is, in characters.
const BAR_CHARS: usize = 30;

/// What a recording showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The device that was opened.
    pub device: String,
    /// Its own rate, in samples a second.
    pub rate: u32,
    /// How loud it was.
    pub levels: Levels,
}

/// Opens the microphone of that name, or the default one, and records it for so long; `each` gets the level ten times a
/// second, 0 to 1. Blocks.
///
/// # Errors
/// Why there is no sound, and what to do.
pub fn record(device: Option<&str>, length: Duration, mut each: impl FnMut(f32)) -> Result<Trial, String> {
    let mut microphone = Microphone::open(device).map_err(|error| error.to_string())?;
    let (began, mut samples, mut shown) = (Instant::now(), Vec::new(), 0);
    while began.elapsed() < length {
        std::thread::sleep(STEP);
        let reading = microphone.read(&mut samples).map_err(|error| error.to_string())?;
        if reading.gone {
            return Err(format!("{} stopped giving sound; plug it in again, or choose another", microphone.device()));
        }
        // What came late is as good as what came in time.
        while samples.len() >= shown + STEP_SAMPLES {
            let window = samples.get(shown..shown + STEP_SAMPLES).unwrap_or_default();
            each(Levels::of(window).map_or(0.0, |levels| levels.loudest));
            shown += STEP_SAMPLES;
        }
    }
    let levels = Levels::of(&samples)
        .ok_or_else(|| format!("{} gave no sound in {} s; choose another", microphone.device(), length.as_secs()))?;
    Ok(Trial { device: microphone.device().to_owned(), rate: microphone.rate(), levels })
}

/// How loud it is, in words.
#[must_use]
pub fn describe(levels: &Levels) -> String {
    format!(
        "speech {:.0} dB, background {:.0} dB, peak {:.0} dB",
        decibels(levels.loudest),
        decibels(levels.quietest),
        decibels(levels.peak)
    )
}

/// A level as a bar of a fixed length.
#[must_use]
pub fn bar(level: f32) -> String {
    let share = 1.0 - (decibels(level) / FLOOR_DB).clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the bar")]
    let filled = (share * BAR_CHARS as f32).round() as usize;
    format!("[{}{}] {:>4.0} dB", "#".repeat(filled), "-".repeat(BAR_CHARS.saturating_sub(filled)), decibels(level))
}

/// In decibels; 0 is the loudest there can be, and less than -99 is not said.
fn decibels(level: f32) -> f32 {
    (20.0 * level.max(0.000_01).log10()).max(-99.0)
}

#[cfg(test)]
mod tests {
    use super::{BAR_CHARS, bar};

    #[test]
    fn the_bar_grows_with_the_level_and_keeps_its_length() {
        let filled = |level: f32| bar(level).matches('#').count();
        assert_eq!((filled(0.0), filled(0.001), filled(0.031_6), filled(1.0)), (0, 0, BAR_CHARS / 2, BAR_CHARS));
        assert!([0.0, 0.2, 1.0, 9.0].iter().all(|level| bar(*level).len() == bar(0.5).len()));
        assert!(bar(0.0).ends_with("-99 dB"), "{}", bar(0.0));
    }
}
