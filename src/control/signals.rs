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

/// The signals that would end a program which does not know them, caught from the moment this exists. Until
/// [`Signals::watch`] a request to end still ends it, for nothing is accepted yet.
#[derive(Debug)]
pub struct Signals {
    hang_up: Signal,
    toggle: Signal,
    discard: Signal,
}

impl Signals {
    /// Catches SIGHUP, SIGUSR1 and SIGUSR2.
    ///
    /// # Errors
    /// When the system does not let them be caught.
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            toggle: signal(SignalKind::user_defined1())?,
            discard: signal(SignalKind::user_defined2())?,
        })
    }

    /// Catches SIGTERM and SIGINT too, and passes all on, on a task of its own: a turn that is being taken must not hold them up. The second request to end
    /// ends the program at once; the database keeps what was applied until then.
    ///
    /// # Errors
    /// When the system does not let them be caught.
    pub fn watch(mut self, desk: Arc<Desk>) -> std::io::Result<Asked> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = Arc::new(Notify::new());
        let (reloads, reload) = mpsc::channel(1);
        let asked = Asked { stop: Arc::clone(&stop), reload };
        tokio::spawn(async move {
            let mut stopping = false;
            loop {
                let talk = tokio::select! {
                    _ = terminate.recv() => None,
                    _ = interrupt.recv() => None,
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
                        end_at_once(EXIT_SOME_NOT);
                    }
                    None => {
                        stopping = true;
                        desk.board.stopping();
                        stop.notify_one();
                    }
                }
            }
        });
        Ok(asked)
    }
}

/// Ends the program without the clean-up of the libraries in it: a recogniser at work would crash on that.
#[expect(unsafe_code, reason = "the standard library ends a program only with its libraries' clean-up")]
fn end_at_once(code: u8) -> ! {
    // SAFETY: it takes a number and does not return, so that nothing of this program runs after it.
    unsafe { libc::_exit(i32::from(code)) }
}
