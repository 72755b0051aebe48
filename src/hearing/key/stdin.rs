//! The terminal: Enter begins to listen, Enter again ends it, `q` and Enter stops the program.

use std::fs::File;
use std::io::{BufRead, Read};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc::SyncSender;

use super::{KeyError, Trigger};

/// The longest line read from the terminal, in bytes.
const LINE_BYTES_MAX: u64 = 1_024;

/// Starts a thread that sends what the lines mean. It ends with its source, after [`Trigger::Quit`] or after the first
/// trigger that nobody takes; one that waits for a line ends with the program. Without a terminal nothing is read.
pub(super) fn read(triggers: SyncSender<Trigger>) -> Result<(), KeyError> {
    if is_null() {
        return Ok(());
    }
    std::thread::Builder::new().name("terminal".to_owned()).spawn(move || lines(std::io::stdin().lock(), &triggers))?;
    Ok(())
}

/// Whether standard input is the system's empty one, as a service has it: nobody can press Enter there, and its end is
/// no wish to stop.
pub(super) fn is_null() -> bool {
    let own = std::io::stdin().as_fd().try_clone_to_owned().and_then(|own| File::from(own).metadata());
    let null = std::fs::metadata("/dev/null");
    own.is_ok_and(|own| null.is_ok_and(|null| own.rdev() == null.rdev()))
}

/// Sends what the lines mean until they end; other words than `q`, `quit` and `exit` mean nothing.
fn lines(mut source: impl BufRead, triggers: &SyncSender<Trigger>) {
    loop {
        let mut line = Vec::new();
        let read = source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let trigger = match read {
            Ok(0) | Err(_) => Trigger::Quit,
            Ok(_) => match String::from_utf8_lossy(&line).trim() {
                "" => Trigger::Toggle,
                "q" | "Q" | "quit" | "exit" => Trigger::Quit,
                _ => continue,
            },
        };
        if triggers.send(trigger).is_err() || trigger == Trigger::Quit {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::super::TRIGGERS_MAX;
    use super::Trigger::{Quit, Toggle};
    use super::*;

    fn check(typed: &[u8], expected: &[Trigger]) {
        let (triggers, receiver) = sync_channel(TRIGGERS_MAX);
        lines(typed, &triggers);
        drop(triggers);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), expected, "{typed:?}");
    }

    #[test]
    fn enter_toggles_and_q_quits() {
        check(b"", &[Quit]);
        check(b"\n", &[Toggle, Quit]);
        check(b"\n\n\r\n", &[Toggle, Toggle, Toggle, Quit]);
        check(b"\n\nq\n\n", &[Toggle, Toggle, Quit]);
        check(b" quit \n", &[Quit]);
        check(b"hello\n\n", &[Toggle, Quit]);
        check(b"q", &[Quit]);
        check(&[0xff, 0xfe, b'\n', b'\n'], &[Toggle, Quit]);
    }

    #[test]
    fn a_line_without_end_is_read_in_pieces() {
        check(&vec![b'x'; 1_000_000], &[Quit]);
    }
}
