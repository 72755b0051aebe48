//! Notes on the desktop for what a player should not miss: questions and failures.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use notify_rust::{Notification, Timeout};

use crate::turn::{Ending, Turn};

/// Notes that may wait to be shown; more are dropped, for only the newest matter.
const NOTES_MAX: usize = 4;
/// How long a note stays.
const SHOWN: Duration = Duration::from_secs(8);
/// What stands on every note.
const NAME: &str = "SphereConnect";

/// Shows notes on a thread of its own, for the desktop may take its time.
#[derive(Debug, Clone)]
pub struct Notes {
    queue: Option<SyncSender<(&'static str, String)>>,
}

impl Notes {
    /// Starts the thread named `notes` when notes are wanted.
    #[must_use]
    pub fn start(wanted: bool) -> Self {
        if !wanted {
            return Self { queue: None };
        }
        let (queue, waiting) = sync_channel(NOTES_MAX);
        match std::thread::Builder::new().name("notes".to_owned()).spawn(move || show_all(&waiting)) {
            Ok(_) => Self { queue: Some(queue) },
            Err(error) => {
                tracing::warn!(%error, "no notes on the desktop");
                Self { queue: None }
            }
        }
    }

    /// Shows a turn that asked, was refused or failed.
    pub fn turn(&self, turn: &Turn) {
        let head = match turn.outcome {
            Ending::Asked => "Question",
            Ending::Refused => "Refused",
            Ending::Failed => "Failed",
            Ending::Applied | Ending::Answered | Ending::Ignored => return,
        };
        self.show(head, &turn.reply);
    }

    /// Shows something else that went wrong.
    pub fn trouble(&self, text: &str) {
        self.show("Trouble", text);
    }

    fn show(&self, head: &'static str, text: &str) {
        let Some(queue) = &self.queue else { return };
        if queue.try_send((head, text.to_owned())).is_err() {
            tracing::debug!("a note was not shown: too many wait");
        }
    }
}

/// Shows what comes until nobody sends any more. That it cannot is said once, until it can again.
fn show_all(waiting: &Receiver<(&'static str, String)>) {
    let mut said = false;
    for (head, text) in waiting {
        let shown = Notification::new()
            .appname(NAME)
            .summary(&format!("{NAME}: {head}"))
            .body(&plain(&text))
            .timeout(Timeout::from(SHOWN))
            .show();
        match shown {
            Ok(_) => said = false,
            Err(error) if !said => {
                eprintln!(
                    "no notes on the desktop: {error}; start a notification service, or set voice.notify = false"
                );
                said = true;
            }
            Err(error) => tracing::debug!(%error, "a note was not shown"),
        }
    }
}

/// The text with what the desktop would take for markup written out.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_is_no_markup() {
        assert_eq!(plain("<b>Rock & Roll</b>"), "&lt;b&gt;Rock &amp; Roll&lt;/b&gt;");
    }
}
