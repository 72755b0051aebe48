//! The short tones that say how a turn ended before any word is spoken.

use crate::domain::Cue;

/// The loudest sample of a cue.
const PEAK: f32 = 0.4;
/// How long a note takes to swell and to fade, in milliseconds: without it every note clicks.
const RAMP_MS: u32 = 6;

/// One note: its pitch in hertz (0 is a rest) and its length in milliseconds.
type Note = (f32, u32);

/// The cue's sound: mono, -1 to 1, at `rate` samples a second, under half a second long.
#[must_use]
pub fn samples(cue: Cue, rate: u32) -> Vec<f32> {
    notes(cue).iter().flat_map(|(hertz, milliseconds)| note(*hertz, *milliseconds, rate)).collect()
}

/// Rising means good, falling means bad, level means neither.
fn notes(cue: Cue) -> &'static [Note] {
    match cue {
        Cue::Heard => &[(880.0, 60)],
        Cue::Late => &[(523.0, 50), (0.0, 70), (523.0, 50)],
        Cue::Done => &[(659.0, 80), (988.0, 120)],
        Cue::Question => &[(587.0, 70), (587.0, 70), (784.0, 130)],
        Cue::Refused => &[(440.0, 100), (330.0, 160)],
        Cue::Failed => &[(220.0, 120), (0.0, 50), (220.0, 180)],
        Cue::Nothing => &[(392.0, 90)],
    }
}

/// One note with soft edges and a little of its octave, which small speakers carry better.
fn note(hertz: f32, milliseconds: u32, rate: u32) -> impl Iterator<Item = f32> {
    let count = (u64::from(milliseconds) * u64::from(rate) / 1_000) as u32;
    let ramp = (rate * RAMP_MS / 1_000).max(1) as f32;
    (0..count).map(move |i| {
        let phase = std::f32::consts::TAU * (hertz * i as f32 / rate as f32).fract();
        let edge = (i.min(count - 1 - i) as f32 / ramp).min(1.0);
        PEAK * edge * (0.8 * phase.sin() + 0.2 * (2.0 * phase).sin())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Cue; 7] = [Cue::Heard, Cue::Late, Cue::Done, Cue::Question, Cue::Refused, Cue::Failed, Cue::Nothing];

    /// How much of one frequency there is.
    fn strength(samples: &[f32], hertz: f32, rate: u32) -> f32 {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, sample) in samples.iter().enumerate() {
            let angle = std::f32::consts::TAU * (hertz * i as f32 / rate as f32).fract();
            re += sample * angle.cos();
            im += sample * angle.sin();
        }
        re.hypot(im) / samples.len() as f32
    }

    #[test]
    fn every_cue_is_short_soft_at_the_edges_and_not_too_loud() {
        for cue in ALL {
            for rate in [16_000, 22_050, 48_000] {
                let samples = samples(cue, rate);
                let seconds = samples.len() as f32 / rate as f32;
                assert!((0.05..0.5).contains(&seconds), "{cue:?} lasts {seconds} s");
                let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
                assert!((0.3..=0.4).contains(&peak), "{cue:?} peaks at {peak}");
                assert!(samples[0].abs() < 0.01 && samples[samples.len() - 1].abs() < 0.01, "{cue:?} clicks");
                let jump = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0_f32, f32::max);
                assert!(jump < 0.2, "{cue:?} jumps by {jump}");
            }
        }
    }

    #[test]
    fn no_two_cues_sound_alike() {
        let sounds: Vec<_> = ALL.iter().map(|cue| samples(*cue, 22_050)).collect();
        for (i, one) in sounds.iter().enumerate() {
            for other in sounds.iter().skip(i + 1) {
                assert_ne!(one, other);
            }
        }
    }

    #[test]
    fn the_notes_have_their_pitch() {
        let done = samples(Cue::Done, 22_050);
        let (first, second) = done.split_at(done.len() * 2 / 5);
        assert!(strength(first, 659.0, 22_050) > 5.0 * strength(first, 988.0, 22_050));
        assert!(strength(second, 988.0, 22_050) > 5.0 * strength(second, 659.0, 22_050));
    }
}
