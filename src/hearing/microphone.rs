//! Captures sound from an input device.
//!
//! The device's callback averages the channels and pushes into a fixed ring; everything else (the sample rate, the log,
//! the opening again) happens on the reader's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{ErrorKind, FromSample, SampleFormat, SizedSample, SupportedStreamConfig};

use super::resample::{ResampleError, Resampler};

/// How long a device may take to open.
pub const OPEN_WAIT: Duration = Duration::from_secs(5);
/// A device that gives no sound for so long is taken to be gone.
pub const SILENT_WAIT: Duration = Duration::from_secs(3);
/// What the ring holds, in seconds of sound: how late the reader may be.
pub const RING_SECONDS: u32 = 2;
/// Stream errors that may wait to be read; more are only counted.
const FAULTS_MAX: usize = 8;
/// How often stream errors are logged at most.
const FAULT_LOG_EVERY: Duration = Duration::from_secs(10);
/// The most devices named in a message.
const DEVICES_NAMED_MAX: usize = 8;

/// Why there is no sound from a microphone.
#[derive(Debug, thiserror::Error)]
pub enum MicrophoneError {
    /// No input device at all, or none of the wanted name.
    #[error("no microphone found: {wanted}; {found}")]
    NotFound {
        /// What was looked for.
        wanted: String,
        /// What is there, and what to do.
        found: String,
    },
    /// It is there, but does not work.
    #[error(
        "cannot open the microphone {device:?}: {detail}; check that it is plugged in and that no program holds it"
    )]
    Open {
        /// The device.
        device: String,
        /// What the sound system said.
        detail: String,
    },
    /// It did not open within [`OPEN_WAIT`].
    #[error(
        "cannot open the microphone: no answer from the sound system within {} s; restart it or choose another device",
        OPEN_WAIT.as_secs()
    )]
    TooSlow,
    /// Its sample format is not taken.
    #[error("cannot use the microphone {device:?}: {what} is not supported; choose another device")]
    Unsupported {
        /// The device.
        device: String,
        /// The format it gives.
        what: String,
    },
    /// The sample rate could not be converted.
    #[error("cannot convert the microphone's sound")]
    Resample(#[from] ResampleError),
    /// The system gave no thread.
    #[error("cannot start the microphone's thread")]
    Thread(#[from] std::io::Error),
}

/// What one [`Microphone::read`] found out, besides sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Sound was lost since the last read.
    pub lost: bool,
    /// The device is gone; open it again.
    pub gone: bool,
}

/// An open input device. Dropping it closes the device.
#[derive(Debug)]
pub struct Microphone {
    device: String,
    rate: u32,
    ring: rtrb::Consumer<f32>,
    counters: Arc<Counters>,
    faults: Receiver<cpal::Error>,
    resampler: Resampler,
    scratch: Vec<f32>,
    heard_at: Instant,
    logged_at: Option<Instant>,
    /// The thread that holds the stream waits for this to be dropped.
    _hold: SyncSender<()>,
}

/// What the callbacks count.
#[derive(Debug, Default)]
struct Counters {
    /// Samples that found the ring full.
    lost: AtomicU64,
    /// Errors of the stream.
    faults: AtomicU64,
}

/// What the opening thread hands over.
#[derive(Debug)]
struct Opened {
    device: String,
    rate: u32,
    ring: rtrb::Consumer<f32>,
    counters: Arc<Counters>,
    faults: Receiver<cpal::Error>,
}

/// A device that is being opened. Dropping it lets the attempt end by itself.
#[derive(Debug)]
pub(super) struct Opening {
    opened: Receiver<Result<Opened, MicrophoneError>>,
    hold: SyncSender<()>,
    since: Instant,
}

impl Opening {
    /// Begins to open the device of that name, or the default one.
    pub(super) fn start(device: Option<&str>) -> Result<Self, MicrophoneError> {
        let wanted = device.map(str::to_owned);
        let (hold, held) = sync_channel(0);
        let (ready, opened) = sync_channel(1);
        // Opening can hang inside the sound system: a thread of its own can be left behind.
        std::thread::Builder::new().name("microphone".to_owned()).spawn(move || {
            let (stream, answer) = match start(wanted.as_deref()) {
                Ok((stream, opened)) => (Some(stream), Ok(opened)),
                Err(error) => (None, Err(error)),
            };
            if ready.send(answer).is_ok() {
                // Nothing is ever sent: this ends when the microphone is dropped.
                let _closed: Result<(), _> = held.recv();
            }
            drop(stream);
        })?;
        Ok(Self { opened, hold, since: Instant::now() })
    }

    /// The microphone as soon as it is there; `None` while it is not. After [`OPEN_WAIT`] it is too slow.
    pub(super) fn wait(&self, patience: Duration) -> Option<Result<Microphone, MicrophoneError>> {
        let opened = match self.opened.recv_timeout(patience) {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return Some(Err(error)),
            Err(RecvTimeoutError::Timeout) if self.since.elapsed() < OPEN_WAIT => return None,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Some(Err(MicrophoneError::TooSlow));
            }
        };
        tracing::info!(device = opened.device, rate = opened.rate, "microphone open");
        let resampler = match Resampler::new(opened.rate) {
            Ok(resampler) => resampler,
            Err(error) => return Some(Err(error.into())),
        };
        Some(Ok(Microphone {
            resampler,
            device: opened.device,
            rate: opened.rate,
            ring: opened.ring,
            counters: opened.counters,
            faults: opened.faults,
            scratch: Vec::new(),
            heard_at: Instant::now(),
            logged_at: None,
            _hold: self.hold.clone(),
        }))
    }
}

/// The names of the input devices, as the setting takes them. Empty when there are none or the sound system is away.
#[must_use]
pub fn devices() -> Vec<String> {
    let devices = cpal::default_host().input_devices();
    devices.map(|devices| devices.filter_map(|device| name(&device)).collect()).unwrap_or_default()
}

impl Microphone {
    /// Opens the device of that name (see [`devices`]; its description serves too), or the default one. Blocks up to
    /// [`OPEN_WAIT`].
    ///
    /// # Errors
    /// See [`MicrophoneError`].
    pub fn open(device: Option<&str>) -> Result<Self, MicrophoneError> {
        Opening::start(device)?.wait(OPEN_WAIT).unwrap_or(Err(MicrophoneError::TooSlow))
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The device's own rate, in samples a second.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Appends to `out` what was captured since the last read, mono at [`crate::domain::SAMPLE_RATE`]. Does not wait.
    /// Call it at least every [`RING_SECONDS`], or sound is lost.
    ///
    /// # Errors
    /// When the sample rate cannot be converted; not expected.
    pub fn read(&mut self, out: &mut Vec<f32>) -> Result<Reading, ResampleError> {
        let mut reading = Reading { lost: self.counters.lost.swap(0, Ordering::Relaxed) > 0, gone: false };
        for fault in self.faults.try_iter().collect::<Vec<_>>() {
            match fault.kind() {
                ErrorKind::Xrun => reading.lost = true,
                ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated | ErrorKind::HostUnavailable => {
                    reading.gone = true;
                }
                // Some sound systems report an error from time to time and go on; a stream that stops is noticed below.
                _ => {}
            }
            self.log(&fault);
        }
        self.scratch.clear();
        if let Ok(chunk) = self.ring.read_chunk(self.ring.slots()) {
            self.scratch.extend(chunk);
        }
        if self.scratch.is_empty() {
            reading.gone |= self.heard_at.elapsed() > SILENT_WAIT;
        } else {
            self.heard_at = Instant::now();
            self.resampler.push(&self.scratch, out)?;
        }
        Ok(reading)
    }

    fn log(&mut self, fault: &cpal::Error) {
        if self.logged_at.is_none_or(|at| at.elapsed() >= FAULT_LOG_EVERY) {
            self.logged_at = Some(Instant::now());
            let count = self.counters.faults.load(Ordering::Relaxed);
            tracing::warn!(device = self.device, faults = count, "microphone: {fault}");
        }
    }
}

/// Finds the device and starts its stream.
fn start(wanted: Option<&str>) -> Result<(cpal::Stream, Opened), MicrophoneError> {
    let device = find(wanted)?;
    let label = name(&device).unwrap_or_else(|| "default".to_owned());
    let failed = |error: cpal::Error| MicrophoneError::Open { device: label.clone(), detail: error.to_string() };
    let config = match device.default_input_config() {
        Ok(config) => config,
        // A default device is announced even where there is no sound at all; only its settings are refused.
        Err(_) if wanted.is_none() => return Err(not_found("the default device does not answer")),
        Err(error) => return Err(failed(error)),
    };
    let rate = config.sample_rate();
    let room = rate.saturating_mul(RING_SECONDS) as usize;
    let (samples, ring) = rtrb::RingBuffer::new(room);
    let counters = Arc::new(Counters::default());
    let (report, faults) = sync_channel(FAULTS_MAX);
    let sink = Sink { samples, counters: Arc::clone(&counters), report };
    let stream = match config.sample_format() {
        SampleFormat::I8 => capture::<i8>(&device, &config, sink),
        SampleFormat::I16 => capture::<i16>(&device, &config, sink),
        SampleFormat::I24 => capture::<cpal::I24>(&device, &config, sink),
        SampleFormat::I32 => capture::<i32>(&device, &config, sink),
        SampleFormat::I64 => capture::<i64>(&device, &config, sink),
        SampleFormat::U8 => capture::<u8>(&device, &config, sink),
        SampleFormat::U16 => capture::<u16>(&device, &config, sink),
        SampleFormat::U24 => capture::<cpal::U24>(&device, &config, sink),
        SampleFormat::U32 => capture::<u32>(&device, &config, sink),
        SampleFormat::U64 => capture::<u64>(&device, &config, sink),
        SampleFormat::F32 => capture::<f32>(&device, &config, sink),
        SampleFormat::F64 => capture::<f64>(&device, &config, sink),
        other => return Err(MicrophoneError::Unsupported { device: label, what: format!("the format {other}") }),
    }
    .map_err(failed)?;
    stream.play().map_err(failed)?;
    Ok((stream, Opened { device: label, rate, ring, counters, faults }))
}

/// Where the callbacks put what they get.
struct Sink {
    samples: rtrb::Producer<f32>,
    counters: Arc<Counters>,
    report: SyncSender<cpal::Error>,
}

/// Builds the stream. Its data callback allocates nothing, locks nothing and logs nothing.
fn capture<T>(device: &cpal::Device, config: &SupportedStreamConfig, sink: Sink) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let Sink { mut samples, counters, report } = sink;
    let channels = usize::from(config.channels()).max(1);
    let share = 1.0 / f32::from(config.channels().max(1));
    let faults = Arc::clone(&counters);
    device.build_input_stream(
        config.config(),
        move |data: &[T], _| {
            let mut lost = 0;
            for frame in data.chunks_exact(channels) {
                let sum: f32 = frame.iter().map(|sample| f32::from_sample_(*sample)).sum();
                let mean = sum * share;
                // A float device may deliver anything; one bad value must not spread through the converter.
                if samples.push(if mean.is_finite() { mean.clamp(-1.0, 1.0) } else { 0.0 }).is_err() {
                    lost += 1;
                }
            }
            if lost > 0 {
                counters.lost.fetch_add(lost, Ordering::Relaxed);
            }
        },
        move |error| {
            faults.faults.fetch_add(1, Ordering::Relaxed);
            // A full queue loses the text of the error, not its count.
            let _full: Result<(), _> = report.try_send(error);
        },
        Some(OPEN_WAIT),
    )
}

/// The default device, or the one whose name, id or description is the wanted one.
fn find(wanted: Option<&str>) -> Result<cpal::Device, MicrophoneError> {
    let host = cpal::default_host();
    let Some(wanted) = wanted else {
        return host.default_input_device().ok_or_else(|| not_found("there is no default input device"));
    };
    let devices: Vec<_> = host.input_devices().map(Iterator::collect).unwrap_or_default();
    let texts = |device: &cpal::Device| {
        let id = device.id().map(|id| id.to_string()).unwrap_or_default();
        let description = device.description().map(|text| text.name().to_owned()).unwrap_or_default();
        [name(device).unwrap_or_default(), id, description]
    };
    let at = choose(&devices.iter().map(texts).collect::<Vec<_>>(), wanted);
    at.and_then(|at| devices.into_iter().nth(at))
        .ok_or_else(|| not_found(&format!("no input device, or more than one, is called {wanted:?}")))
}

/// Which of the devices is meant: the one that is called so, or the only one whose name has that in it.
fn choose(devices: &[[String; 3]], wanted: &str) -> Option<usize> {
    let wanted = wanted.to_lowercase();
    let is_so = |texts: &[String; 3]| texts.iter().any(|text| text.to_lowercase() == wanted);
    if let Some(at) = devices.iter().position(is_so) {
        return Some(at);
    }
    let has_it = |texts: &[String; 3]| texts.iter().any(|text| text.to_lowercase().contains(&wanted));
    let mut fitting = devices.iter().enumerate().filter(|(_, texts)| has_it(texts));
    let (at, _) = fitting.next()?;
    fitting.next().is_none().then_some(at)
}

/// How the setting names a device: the sound system's own name for it.
fn name(device: &cpal::Device) -> Option<String> {
    device.id().ok().map(|id| id.id().to_owned())
}

fn not_found(wanted: &str) -> MicrophoneError {
    let mut devices = devices();
    let more = devices.len().saturating_sub(DEVICES_NAMED_MAX);
    devices.truncate(DEVICES_NAMED_MAX);
    let found = if devices.is_empty() {
        "the sound system knows no input devices: plug one in, or start the sound server".to_owned()
    } else {
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("plug one in, or choose one of: {}{rest}", devices.join(", "))
    };
    MicrophoneError::NotFound { wanted: wanted.to_owned(), found }
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn a_part_of_a_name_is_enough_when_it_is_the_only_one() {
        let devices = [["hw:1,0", "alsa:hw:1,0", "USB Headset"], ["pulse", "alsa:pulse", "Sound Server"]]
            .map(|texts| texts.map(str::to_owned));
        for (wanted, expected) in [
            ("pulse", Some(1)),
            ("usb", Some(0)),
            ("PULSE", Some(1)),
            ("HEADSET", Some(0)),
            ("alsa", None),
            ("x", None),
        ] {
            assert_eq!(choose(&devices, wanted), expected, "{wanted}");
        }
    }
}
