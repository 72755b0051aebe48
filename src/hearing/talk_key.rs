//! The key that is held, or toggled, to talk.

use std::io::{BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Key events that may wait to be read; a person cannot be that far ahead.
pub const KEY_EVENTS_MAX: usize = 16;
/// The longest line read from the terminal, in bytes.
const LINE_BYTES_MAX: u64 = 1_024;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEvent {
    /// It went down: listen.
    Press,
    /// It went up: that was all.
    Release,
    /// The source is closed, or the player wants to stop the program.
    Quit,
}

/// Where presses come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TalkKey {
    /// The terminal: Enter begins to listen, Enter again ends it, `q` and Enter stops the program.
    #[default]
    Stdin,
}

impl TalkKey {
    /// What to tell the player.
    #[must_use]
    pub fn instruction(self) -> &'static str {
        match self {
            Self::Stdin => "press Enter to talk and Enter again to send; q and Enter stops",
        }
    }

    /// Starts a thread named `talk-key` that sends what the key does, and [`KeyEvent::Quit`] as the last event.
    ///
    /// The thread ends with its source or after the first event that nobody takes; one that waits for a line from the
    /// terminal ends with the program.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn listen(self) -> std::io::Result<Receiver<KeyEvent>> {
        let (events, receiver) = sync_channel(KEY_EVENTS_MAX);
        match self {
            Self::Stdin => {
                std::thread::Builder::new()
                    .name("talk-key".to_owned())
                    .spawn(move || lines(std::io::stdin().lock(), &events))?;
            }
        }
        Ok(receiver)
    }
}

/// Sends what the lines mean until they end.
fn lines(mut source: impl BufRead, events: &SyncSender<KeyEvent>) {
    let mut toggle = Toggle::default();
    loop {
        let mut line = Vec::new();
        let read = source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let event = match read {
            Ok(0) | Err(_) => Some(KeyEvent::Quit),
            Ok(_) => toggle.line(&String::from_utf8_lossy(&line)),
        };
        if let Some(event) = event
            && (events.send(event).is_err() || event == KeyEvent::Quit)
        {
            return;
        }
    }
}

/// Makes presses and releases from a key that only says that it was hit.
#[derive(Debug, Default)]
struct Toggle {
    down: bool,
}

impl Toggle {
    /// What one line means; other words than `q`, `quit` and `exit` mean nothing.
    fn line(&mut self, line: &str) -> Option<KeyEvent> {
        match line.trim() {
            "" => {
                self.down = !self.down;
                Some(if self.down { KeyEvent::Press } else { KeyEvent::Release })
            }
            "q" | "Q" | "quit" | "exit" => Some(KeyEvent::Quit),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyEvent::{Press, Quit, Release};
    use super::*;

    fn check(typed: &[u8], expected: &[KeyEvent]) {
        let (events, receiver) = sync_channel(KEY_EVENTS_MAX);
        lines(typed, &events);
        drop(events);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), expected, "{typed:?}");
    }

    #[test]
    fn enter_toggles_and_q_quits() {
        check(b"", &[Quit]);
        check(b"\n", &[Press, Quit]);
        check(b"\n\n\r\n", &[Press, Release, Press, Quit]);
        check(b"\n\nq\n\n", &[Press, Release, Quit]);
        check(b" quit \n", &[Quit]);
        check(b"hello\n\n", &[Press, Quit]);
        check(b"q", &[Quit]);
        check(&[0xff, 0xfe, b'\n', b'\n'], &[Press, Quit]);
    }

    #[test]
    fn a_line_without_end_is_read_in_pieces() {
        check(&vec![b'x'; 1_000_000], &[Quit]);
    }

    #[test]
    fn the_setting_is_a_word() {
        assert_eq!(serde_json::to_string(&TalkKey::Stdin).ok().as_deref(), Some("\"stdin\""));
    }
}
