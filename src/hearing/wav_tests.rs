#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::io::{Seek as _, Write as _};

use proptest::prelude::*;

use super::*;
use crate::domain::SAMPLE_RATE;

/// One second of a 440 Hz tone at half volume, on every channel.
fn tone(spec: WavSpec) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for i in 0..spec.sample_rate {
        let value = 0.5 * (std::f64::consts::TAU * 440.0 * f64::from(i) / f64::from(spec.sample_rate)).sin();
        for _ in 0..spec.channels {
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(value as f32).unwrap(),
                SampleFormat::Int => {
                    let full = f64::from(2_u32).powi(i32::from(spec.bits_per_sample) - 1) - 1.0;
                    writer.write_sample((value * full).round() as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate, bits_per_sample, sample_format }
}

fn plain() -> Vec<u8> {
    tone(spec(1, 16_000, 16, SampleFormat::Int))
}

fn read_bytes(bytes: &[u8]) -> Result<Vec<f32>, WavError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read(file.path())
}

#[test]
fn every_format_gives_the_same_second() {
    for (channels, rate, bits, format) in [
        (1, 16_000, 16, SampleFormat::Int),
        (2, 44_100, 16, SampleFormat::Int),
        (1, 8_000, 8, SampleFormat::Int),
        (6, 48_000, 24, SampleFormat::Int),
        (2, 96_000, 32, SampleFormat::Int),
        (1, 22_050, 32, SampleFormat::Float),
        (2, 192_000, 32, SampleFormat::Float),
    ] {
        let samples = read_bytes(&tone(spec(channels, rate, bits, format))).unwrap();
        assert!(samples.len().abs_diff(SAMPLE_RATE as usize) <= 2, "{rate}: {}", samples.len());
        let worst = (1_000..15_000_u32)
            .map(|i| {
                let expected = 0.5 * (std::f64::consts::TAU * 440.0 * f64::from(i) / f64::from(SAMPLE_RATE)).sin();
                (f64::from(samples[i as usize]) - expected).abs()
            })
            .fold(0.0, f64::max);
        // Eight bits are 1/128 apart.
        assert!(worst < if bits == 8 { 0.02 } else { 0.003 }, "{channels} × {rate} × {bits}: {worst}");
    }
}

#[test]
fn each_broken_file_has_its_own_error() {
    let whole = plain();
    let mut lying = whole.clone();
    lying[40..44].copy_from_slice(&0x0fff_fff0_u32.to_le_bytes());
    let mut silent = whole[..44].to_vec();
    silent[40..44].copy_from_slice(&0_u32.to_le_bytes());
    let mut mulaw = whole.clone();
    mulaw[20..22].copy_from_slice(&7_u16.to_le_bytes());
    let mut slow = whole.clone();
    slow[24..28].copy_from_slice(&4_000_u32.to_le_bytes());
    slow[28..32].copy_from_slice(&8_000_u32.to_le_bytes());
    let mut no_channels = whole.clone();
    no_channels[22..24].copy_from_slice(&0_u16.to_le_bytes());
    for (bytes, expected) in [
        (Vec::new(), "the file is empty"),
        (b"not a recording at all, only words".to_vec(), "it is no WAV file"),
        (b"RIFF".to_vec(), "it ends before"),
        (whole[..20].to_vec(), "it ends before"),
        (whole[..2_000].to_vec(), "it ends before"),
        (lying, "it ends before"),
        (silent, "it holds no sound"),
        (mulaw, "not supported"),
        (slow, "a rate of 4000"),
    ] {
        let message = read_bytes(&bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} instead of {expected:?}");
    }
    assert!(read_bytes(&no_channels).is_err());
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(&folder.path().join("none.wav")), Err(WavError::Missing { .. })));
    assert!(matches!(read(folder.path()), Err(WavError::Open { .. })));
}

/// What programs write into a pipe: they cannot go back and fill in the length.
#[test]
fn an_open_ended_length_reads_to_the_end() {
    for length in [u32::MAX, 0x7fff_ffff, 0x7fff_f000, 0x8000_0000] {
        for (spec, at) in [
            (spec(1, 16_000, 16, SampleFormat::Int), 40),
            (spec(2, 48_000, 16, SampleFormat::Int), 40),
            (spec(6, 48_000, 24, SampleFormat::Int), 64),
        ] {
            let mut bytes = tone(spec);
            assert_eq!(&bytes[at - 4..at], b"data");
            bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
            bytes[4..8].copy_from_slice(&length.to_le_bytes());
            assert_eq!(read_bytes(&bytes).unwrap().len(), 16_000, "{length:x}");
            bytes.truncate(at + 4);
            assert!(matches!(read_bytes(&bytes), Err(WavError::NoSound { .. })));
        }
    }
}

#[test]
fn a_recording_beyond_the_limit_is_refused_by_its_header() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut header = plain()[..44].to_vec();
    let bytes = 2 * 16_000 * (RECORDING_SECONDS_MAX + 1);
    header[40..44].copy_from_slice(&bytes.to_le_bytes());
    file.as_file().write_all(&header).unwrap();
    // A hole, not 19 MB on the disk.
    file.as_file().set_len(u64::from(bytes) + 44).unwrap();
    assert!(matches!(read(file.path()), Err(WavError::TooLong { seconds: 601, .. })));
    // The same without a length in the header.
    header[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    file.as_file().seek(std::io::SeekFrom::Start(0)).unwrap();
    file.as_file().write_all(&header).unwrap();
    assert!(matches!(read(file.path()), Err(WavError::TooLong { seconds: 601, .. })));
}

#[test]
fn what_is_not_a_number_becomes_silence() {
    let mut bytes = tone(spec(1, 16_000, 32, SampleFormat::Float));
    let end = bytes.len();
    bytes[end - 16..end - 12].copy_from_slice(&f32::NAN.to_le_bytes());
    bytes[end - 12..end - 8].copy_from_slice(&f32::INFINITY.to_le_bytes());
    bytes[end - 8..end - 4].copy_from_slice(&7.0_f32.to_le_bytes());
    let samples = read_bytes(&bytes).unwrap();
    assert_eq!(samples.len(), 16_000);
    assert_eq!(&samples[15_996..15_999], &[0.0, 0.0, 1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A damaged header ends in sound or in an error, never in a panic or in a huge allocation.
    #[test]
    fn damage_never_panics(damage in prop::collection::vec((0_usize..64, any::<u8>()), 1..6), keep in 0_usize..4_000, extensible in any::<bool>()) {
        let mut bytes = if extensible {
            tone(spec(2, 8_000, 24, SampleFormat::Int))
        } else {
            tone(spec(1, 8_000, 16, SampleFormat::Int))
        };
        bytes.truncate(keep);
        for (at, value) in damage {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        if let Ok(samples) = read_bytes(&bytes) {
            prop_assert!(samples.iter().all(|sample| sample.is_finite() && sample.abs() <= 1.0));
        }
    }
}
