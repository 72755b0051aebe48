//! Plays cues through the default sound output.

use std::num::NonZero;
use std::time::{Duration, Instant};

use rodio::buffer::SamplesBuffer;
use rodio::{DeviceSinkBuilder, DeviceSinkError, MixerDeviceSink, Player, Source as _};

/// The rate cues are made at, in samples a second; the output converts.
const RATE: NonZero<u32> = NonZero::<u32>::MIN.saturating_add(47_999);
/// What a voice radio lets through, in hertz: the band of a telephone line.
const RADIO_LOW_HZ: u32 = 300;
const RADIO_HIGH_HZ: u32 = 3_400;
/// How much louder the sound is made before it is clipped at that level, so that it is rough but still to be understood.
const RADIO_DRIVE: f32 = 3.0;
const RADIO_CLIP: f32 = 0.6;
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
    pub(super) fn rate(&self) -> NonZero<u32> {
        RATE
    }

    /// Plays mono samples of a rate and waits for their end, or until `cut` says so. With `radio` they sound as through
    /// a radio set. False when the output does not take them in time: open it again.
    pub(super) fn play(&self, samples: Vec<f32>, rate: NonZero<u32>, radio: bool, cut: impl Fn() -> bool) -> bool {
        let seconds = samples.len() as f64 / f64::from(rate.get());
        let deadline = Instant::now() + Duration::from_secs_f64(seconds) + END_WAIT;
        let player = Player::connect_new(self.sink.mixer());
        let sound = SamplesBuffer::new(NonZero::<u16>::MIN, rate, samples);
        if radio {
            // The band comes last: clipping makes sounds outside of it.
            player.append(sound.distortion(RADIO_DRIVE, RADIO_CLIP).high_pass(RADIO_LOW_HZ).low_pass(RADIO_HIGH_HZ));
        } else {
            player.append(sound);
        }
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
