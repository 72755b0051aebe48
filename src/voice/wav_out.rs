//! Writes what a player would hear into a WAV file: the cue, then the sentence spoken by the `espeak-ng` program.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use super::cue;
use super::{VoiceSettings, speakable};
use crate::domain::Cue;

/// The program that speaks.
const PROGRAM: &str = "espeak-ng";
/// The rate of a file that holds only a cue; espeak-ng's own.
const RATE: u32 = 22_050;
/// The pause between cue and sentence, in milliseconds.
const PAUSE_MS: u32 = 120;
/// How long espeak-ng may take for a sentence; it needs about 20 ms.
const SPEAK_WAIT: Duration = Duration::from_secs(10);
/// How often it is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);
/// The most sound taken from it, in bytes: over ten minutes.
const SOUND_BYTES_MAX: u64 = 32 << 20;

/// Why a reply could not be written as a WAV file.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// The program is not installed.
    #[error("cannot speak into a file: the program espeak-ng is missing; install the package espeak-ng")]
    EspeakMissing(#[source] std::io::Error),
    /// The program would not speak.
    #[error("cannot speak into a file: espeak-ng failed ({0}); check the voice's name with espeak-ng --voices")]
    EspeakFailed(String),
    /// The program did not end in time.
    #[error("cannot speak into a file: espeak-ng took longer than {} s", SPEAK_WAIT.as_secs())]
    TooSlow,
    /// The file or its folder could not be written.
    #[error("cannot write {path:?}; check that the folder may be written and has room")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Writes `NNN-<outcome>.wav` into `dir` (made when it is missing): the cue, and after a pause the text, if there is
/// any; mono, 16 bit, at espeak-ng's rate (22,050 samples a second for its own voices). An older file of that name is
/// replaced. Returns the file's path.
///
/// # Errors
/// See [`VoiceError`].
pub fn write(
    dir: &Path,
    index: usize,
    outcome: &str,
    cue: Cue,
    text: &str,
    settings: &VoiceSettings,
) -> Result<PathBuf, VoiceError> {
    let path = dir.join(file_name(index, outcome));
    let text = speakable(text);
    let (rate, speech) = if text.is_empty() { (RATE, Vec::new()) } else { speak(&text, settings)? };
    let gain = settings.gain();
    let quantised = |sample: f32| (sample * gain * f32::from(i16::MAX)).round() as i16;
    let mut samples: Vec<i16> = cue::samples(cue, rate).into_iter().map(quantised).collect();
    if !speech.is_empty() {
        samples.resize(samples.len() + (rate * PAUSE_MS / 1_000) as usize, 0);
        samples.extend(speech);
    }
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| VoiceError::Write { path: path.clone(), source };
    std::fs::create_dir_all(dir).map_err(|error| failed(error.into()))?;
    save(&path, rate, &samples).map_err(|error| failed(error.into()))?;
    Ok(path)
}

fn save(path: &Path, sample_rate: u32, samples: &[i16]) -> Result<(), hound::Error> {
    let spec =
        hound::WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()
}

/// The file's name; whatever does not belong into one becomes `_`.
fn file_name(index: usize, outcome: &str) -> String {
    let outcome: String =
        outcome.chars().take(40).map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    format!("{index:03}-{outcome}.wav")
}

/// Lets espeak-ng speak the text; returns its rate and samples. The text goes through a pipe, so it can hold anything.
pub(super) fn speak(text: &str, settings: &VoiceSettings) -> Result<(u32, Vec<i16>), VoiceError> {
    let mut command = Command::new(PROGRAM);
    command.args(["--stdin", "--stdout", "-b", "1"]);
    command.args(["-s", &settings.words_per_minute().to_string()]);
    command.args(["-p", &settings.espeak_pitch().to_string()]);
    command.args(["-a", &settings.espeak_amplitude().to_string()]);
    if !settings.voice.is_empty() {
        // Joined to its option, a name that begins with a dash cannot become another option.
        command.arg(format!("-v{}", settings.voice));
    }
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => VoiceError::EspeakMissing(error),
        _ => VoiceError::EspeakFailed(error.to_string()),
    })?;
    let sound = converse(&mut child, text);
    if sound.is_err() {
        // Already ended, or to be ended: either way nothing is left behind.
        let _ended: Result<(), _> = child.kill();
        let _reaped: Result<_, _> = child.wait();
    }
    decode(&sound?)
}

/// Sends the text and takes the sound, errors and exit code, all within [`SPEAK_WAIT`].
fn converse(child: &mut Child, text: &str) -> Result<Vec<u8>, VoiceError> {
    let failed = |error: std::io::Error| VoiceError::EspeakFailed(error.to_string());
    let (send_sound, sound) = sync_channel(1);
    let (send_complaint, complaint) = sync_channel(1);
    if let Some(mut input) = child.stdin.take() {
        let text = format!("{text}\n");
        // A thread, because a full pipe would block both sides; a program that does not read shows in its exit code.
        spawn("espeak-in", move || drop(input.write_all(text.as_bytes()))).map_err(failed)?;
    }
    if let Some(output) = child.stdout.take() {
        spawn("espeak-out", move || drop(send_sound.send(all(output, SOUND_BYTES_MAX)))).map_err(failed)?;
    }
    if let Some(output) = child.stderr.take() {
        spawn("espeak-err", move || drop(send_complaint.send(all(output, 4_096)))).map_err(failed)?;
    }
    let deadline = Instant::now() + SPEAK_WAIT;
    let sound = sound.recv_timeout(SPEAK_WAIT).map_err(|_| VoiceError::TooSlow)?;
    loop {
        match child.try_wait().map_err(failed)? {
            Some(status) if status.success() => return Ok(sound),
            Some(status) => {
                let complaint = complaint.recv_timeout(POLL).unwrap_or_default();
                let complaint = String::from_utf8_lossy(&complaint);
                let first = complaint.lines().next().unwrap_or_default().trim();
                return Err(VoiceError::EspeakFailed(if first.is_empty() {
                    status.to_string()
                } else {
                    first.to_owned()
                }));
            }
            None if Instant::now() >= deadline => return Err(VoiceError::TooSlow),
            None => std::thread::sleep(POLL),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Reads to the end, but no more than `limit` bytes; what fails to be read is left out.
fn all(source: impl Read, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _partial: std::io::Result<usize> = source.take(limit).read_to_end(&mut bytes);
    bytes
}

/// Takes the samples out of a WAV stream. Its header promises more than comes, as a pipe cannot be rewound.
fn decode(bytes: &[u8]) -> Result<(u32, Vec<i16>), VoiceError> {
    let mut reader =
        hound::WavReader::new(bytes).map_err(|error| VoiceError::EspeakFailed(format!("its sound: {error}")))?;
    let spec = reader.spec();
    if spec.channels != 1 || spec.sample_rate < 8_000 || spec.sample_rate > 48_000 {
        return Err(VoiceError::EspeakFailed("its sound has an unknown format".to_owned()));
    }
    let samples: Vec<i16> = reader.samples::<i16>().map_while(Result::ok).collect();
    if samples.is_empty() {
        return Err(VoiceError::EspeakFailed("it gave no sound".to_owned()));
    }
    Ok((spec.sample_rate, samples))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    /// Writes a reply and reads it back.
    fn reply(text: &str, settings: &VoiceSettings) -> Result<Vec<i16>, VoiceError> {
        let dir = tempfile::tempdir().unwrap();
        let path = write(&dir.path().join("replies"), 7, "applied", Cue::Done, text, settings)?;
        assert_eq!(path.file_name().unwrap(), "007-applied.wav");
        let mut reader = hound::WavReader::open(path).unwrap();
        let expected = hound::WavSpec {
            channels: 1,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        assert_eq!(reader.spec(), expected);
        Ok(reader.samples().map(Result::unwrap).collect())
    }

    fn rms(samples: &[i16]) -> f64 {
        (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
    }

    #[test]
    fn the_cue_comes_first_and_then_the_sentence() {
        let settings = VoiceSettings::default();
        let cue = cue::samples(Cue::Done, RATE).len();
        let samples = reply("Scout the Route is with Kestrel.", &settings).unwrap();
        let start = cue + (RATE * PAUSE_MS / 1_000) as usize;
        assert!(rms(&samples[..cue]) > 1_000.0);
        assert!(samples[cue..start].iter().all(|sample| *sample == 0));
        let seconds = (samples.len() - start) as f64 / f64::from(RATE);
        assert!((1.0..4.0).contains(&seconds), "the sentence lasts {seconds} s");
        assert!(rms(&samples[start..]) > 500.0);
        assert_eq!(reply(" \n", &settings).unwrap().len(), cue);
    }

    #[test]
    fn any_text_can_be_spoken() {
        let settings = VoiceSettings::default();
        let sentence = reply("one", &settings).unwrap().len();
        for text in
            ["-h --version", "$(touch x); `id` | cat > y & \"'", "nul \0 bell \u{7}", "[[h@'loU", "Ünïcödé 漢字 🚀"]
        {
            assert!(reply(text, &settings).is_ok(), "{text:?}");
        }
        // A long text is longer than a pipe holds.
        let long = "every ship reports to the hangar ".repeat(120);
        assert!(reply(&long, &settings).unwrap().len() > 20 * sentence);
    }

    #[test]
    fn settings_are_heard() {
        let plain = VoiceSettings::default();
        let text = "The objective is on hold until tomorrow.";
        let normal = reply(text, &plain).unwrap();
        let fast = reply(text, &VoiceSettings { rate: 80, ..plain.clone() }).unwrap();
        assert!(fast.len() * 4 < normal.len() * 3, "{} against {}", fast.len(), normal.len());
        let quiet = reply(text, &VoiceSettings { volume: -50, ..plain.clone() }).unwrap();
        assert!(rms(&quiet) * 2.0 < rms(&normal));
        let high = reply(text, &VoiceSettings { pitch: 60, ..plain.clone() }).unwrap();
        assert_ne!(high, normal);
        let scots = reply(text, &VoiceSettings { voice: "en-gb-scotland".to_owned(), ..plain.clone() }).unwrap();
        assert_ne!(scots, normal);
        // What a name that espeak-ng does not know gives is its business: its own voice, or an error.
        for voice in ["no-such-voice", "-h", "; exit 1"] {
            let wrong = reply(text, &VoiceSettings { voice: voice.to_owned(), ..plain.clone() });
            assert!(matches!(wrong, Ok(_) | Err(VoiceError::EspeakFailed(_))), "{voice}: {wrong:?}");
        }
    }

    #[test]
    fn names_are_safe() {
        assert_eq!(file_name(3, "applied"), "003-applied.wav");
        assert_eq!(file_name(1_234, "../x y"), "1234-___x_y.wav");
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = write(file.path(), 1, "applied", Cue::Done, "", &VoiceSettings::default()).unwrap_err();
        assert!(error.to_string().contains("001-applied.wav"), "{error}");
    }
}
