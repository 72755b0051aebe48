//! Plays cues through the default sound output.

use std::num::NonZero;
use std::time::{Duration, Instant};

use rodio::buffer::SamplesBuffer;
use rodio::{DeviceSinkBuilder, DeviceSinkError, MixerDeviceSink, Player};

/// The rate cues are made at, in samples a second; the output converts.
const RATE: NonZero<u32> = NonZero::<u32>::MIN.saturating_add(47_999);
/// How often a running cue is asked whether it has ended or is to be cut.
const POLL: Duration = Duration::from_millis(5);
/// How much longer than its sound a cue may take.
const END_WAIT: Duration = Duration::from_secs(1);

/// The open sound output. It stays open: opening takes longer than a cue.
pub(super) struct Output {
    sink: MixerDeviceSink,
}

impl Output {
    /// Opens the default output.
    pub(super) fn open() -> Result<Self, DeviceSinkError> {
        let mut sink = DeviceSinkBuilder::from_default_device()?
            // Errors from time to time are normal; a stream that stops shows when a cue does not end.
            .with_error_callback(|error| tracing::debug!("sound output: {error}"))
            .open_stream()?;
        sink.log_on_drop(false);
        Ok(Self { sink })
    }

    /// The rate to make samples for.
    pub(super) fn rate(&self) -> u32 {
        RATE.get()
    }

    /// Plays mono samples and waits for their end, or until `cut` says so. False when the output does not take them in
    /// time: open it again.
    pub(super) fn play(&self, samples: Vec<f32>, cut: impl Fn() -> bool) -> bool {
        let seconds = samples.len() as f64 / f64::from(RATE.get());
        let deadline = Instant::now() + Duration::from_secs_f64(seconds) + END_WAIT;
        let player = Player::connect_new(self.sink.mixer());
        player.append(SamplesBuffer::new(NonZero::<u16>::MIN, RATE, samples));
        while !player.empty() {
            if cut() {
                player.stop();
                return true;
            }
            if Instant::now() >= deadline {
                player.stop();
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }
}
