//! The settings of the talk key.

use std::time::Duration;

use serde::Deserialize;

use crate::hearing::key::{Chord, TalkSettings};

/// As they stand in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTalk {
    key: String,
    mode: String,
    discard_key: String,
    source: String,
    pub(super) grace_ms: u64,
    pub(super) longest_ms: u64,
}

impl FileTalk {
    /// What they mean; the first that means nothing is named.
    pub(super) fn settings(&self) -> Result<TalkSettings, String> {
        let chord = |place: &str, text: &str| text.parse::<Chord>().map_err(|error| format!("{place}: {error}"));
        let key = (!matches!(self.key.as_str(), "" | "stdin")).then(|| chord("talk.key", &self.key));
        let discard_key = (!self.discard_key.is_empty()).then(|| chord("talk.discard_key", &self.discard_key));
        Ok(TalkSettings {
            key: key.transpose()?,
            discard_key: discard_key.transpose()?,
            source: self.source.parse().map_err(|error| format!("talk.source: {error}"))?,
            mode: self.mode.parse().map_err(|error| format!("talk.mode: {error}"))?,
            grace: Duration::from_millis(self.grace_ms),
            longest: Duration::from_millis(self.longest_ms),
        })
    }
}
