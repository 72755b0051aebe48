//! What the system's signals ask of the daemon.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};

use super::desk::Desk;
use crate::cli::Talk;
use crate::parts::EXIT_SOME_NOT;

/// What the daemon's loop waits for.
#[derive(Debug)]
pub struct Asked {
    /// No more is to be accepted, and what was accepted is to be done.
    pub stop: Arc<Notify>,
    /// The settings are to be read again. One that waits is enough.
    pub reload: mpsc::Receiver<()>,
}

/// The signals, caught from the moment this exists.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    toggle: Signal,
    discard: Signal,
}

impl Signals {
    /// Catches SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2.
    ///
    /// # Errors
    /// When the system does not let them be caught.
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            toggle: signal(SignalKind::user_defined1())?,
            discard: signal(SignalKind::user_defined2())?,
        })
    }

    /// Passes them on, on a task of its own: a turn that is being taken must not hold them up. The second request to end
    /// ends the program at once; the database keeps what was applied until then.
    pub fn watch(mut self, desk: Arc<Desk>) -> Asked {
        let stop = Arc::new(Notify::new());
        let (reloads, reload) = mpsc::channel(1);
        let asked = Asked { stop: Arc::clone(&stop), reload };
        tokio::spawn(async move {
            let mut stopping = false;
            loop {
                let talk = tokio::select! {
                    _ = self.terminate.recv() => None,
                    _ = self.interrupt.recv() => None,
                    _ = self.hang_up.recv() => {
                        if reloads.try_send(()).is_err() {
                            tracing::debug!("the settings are about to be read again already");
                        }
                        continue;
                    }
                    _ = self.toggle.recv() => Some(Talk::Toggle),
                    _ = self.discard.recv() => Some(Talk::Discard),
                };
                match talk {
                    Some(talk) => {
                        if let Err(error) = desk.hand.talk(talk) {
                            eprintln!("{error}");
                        }
                    }
                    None if stopping => {
                        eprintln!("ended at once; orders that were accepted may not have been done");
                        std::process::exit(i32::from(EXIT_SOME_NOT));
                    }
                    None => {
                        stopping = true;
                        desk.board.stopping();
                        stop.notify_one();
                    }
                }
            }
        });
        asked
    }
}
