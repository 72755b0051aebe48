//! How the voice sounds, and who speaks.

/// How the voice sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceSettings {
    /// Whether anything is played at all. Replies written as files do not ask for this.
    pub enabled: bool,
    /// How fast, -100 to 100; 0 is normal.
    pub rate: i8,
    /// How high, -100 to 100; 0 is normal.
    pub pitch: i8,
    /// How loud, -100 (silent) to 100 (full, the default).
    pub volume: i8,
    /// The voice: a name that espeak-ng knows (`en-us`), or one of the speech service's. Empty takes the default.
    pub voice: String,
    /// Who speaks.
    pub engine: Engine,
    /// Whether words sound as through a radio set; not with [`Engine::System`], which gives nobody its sound.
    pub radio: bool,
}

/// Who speaks the words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// The system's speech service, with the voices that are set up there.
    #[default]
    System,
    /// The program espeak-ng, whose sound this program plays itself.
    Espeak,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            rate: 0,
            pitch: 0,
            volume: 100,
            voice: String::new(),
            engine: Engine::System,
            radio: false,
        }
    }
}

impl VoiceSettings {
    /// The factor for samples, 0 to 1.
    pub(super) fn gain(&self) -> f32 {
        (f32::from(self.volume.clamp(-100, 100)) + 100.0) / 200.0
    }

    /// espeak-ng's speed: 80 to 450, 175 is normal.
    pub(super) fn words_per_minute(&self) -> i32 {
        let rate = i32::from(self.rate.clamp(-100, 100));
        175 + rate * if rate < 0 { 95 } else { 275 } / 100
    }

    /// espeak-ng's pitch: 0 to 99.
    pub(super) fn espeak_pitch(&self) -> i32 {
        (50 + i32::from(self.pitch.clamp(-100, 100)) / 2).min(99)
    }

    /// espeak-ng's amplitude: 0 to 100.
    pub(super) fn espeak_amplitude(&self) -> i32 {
        (i32::from(self.volume.clamp(-100, 100)) + 100) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_held_to_what_espeak_takes() {
        for (value, expected) in
            [(-128, (80, 0, 0)), (-100, (80, 0, 0)), (0, (175, 50, 50)), (100, (450, 99, 100)), (127, (450, 99, 100))]
        {
            let settings = VoiceSettings { rate: value, pitch: value, volume: value, ..VoiceSettings::default() };
            let got = (settings.words_per_minute(), settings.espeak_pitch(), settings.espeak_amplitude());
            assert_eq!(got, expected, "{value}");
            assert!((0.0..=1.0).contains(&settings.gain()));
        }
    }
}
