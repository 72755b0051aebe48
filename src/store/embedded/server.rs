//! The running server: a child process, and the thread that belongs to it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the server may take to write everything down and leave.
const STOP_MAX: Duration = Duration::from_secs(20);
/// How long it may take after being told to leave at once; it repairs itself at the next start.
const QUIT_MAX: Duration = Duration::from_secs(5);

/// A server of ours; dropping it stops it.
#[derive(Debug)]
pub(super) struct Server {
    pid: i32,
    end: Arc<End>,
    thread: Option<JoinHandle<()>>,
}

/// How the server ended, once it has.
#[derive(Debug, Default)]
struct End {
    status: Mutex<Option<String>>,
    came: Condvar,
}

impl Server {
    /// Starts `command` on a thread that lives as long as the server does. The kernel ties the death signal of
    /// [`tie_to_parent`] to the *thread* that spawned, so no thread of a pool will do. `lock` is let go when the server
    /// has ended.
    pub(super) fn start(mut command: Command, lock: File) -> io::Result<Self> {
        let end = Arc::new(End::default());
        let theirs = Arc::clone(&end);
        let (tell, told) = sync_channel(1);
        let thread = thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            let spawned = command.spawn();
            drop(command);
            match spawned {
                Ok(child) => {
                    let told = tell.send(Ok(child.id()));
                    debug_assert!(told.is_ok(), "the starter waits for this");
                    theirs.watch(child, lock);
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        })?;
        let pid = told.recv().map_err(io::Error::other)??;
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        Ok(Self { pid, end, thread: Some(thread) })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// How the server ended, or `None` while it runs.
    pub(super) fn ended(&self) -> Option<String> {
        self.end.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the server to write everything down and leave, insists when it does not, and waits until it is gone.
    pub(super) fn stop(&mut self) {
        let steps = [(libc::SIGINT, STOP_MAX), (libc::SIGQUIT, QUIT_MAX), (libc::SIGKILL, QUIT_MAX)];
        let gone = steps.into_iter().any(|(signal, patience)| self.end.signal(self.pid, signal, patience));
        if !gone {
            tracing::warn!(pid = self.pid, "the database does not stop");
            return;
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl End {
    /// Waits for the child's end, lets go of the lock, and tells.
    fn watch(&self, mut child: Child, lock: File) {
        wait_unreaped(&child);
        // The pid is ours until it is reaped, and signals are sent under this lock: none can hit a stranger.
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        drop(lock);
        *status = Some(ended);
        self.came.notify_all();
    }

    /// Sends `signal` unless the server has ended; whether it had ended after at most `patience`.
    #[expect(unsafe_code, reason = "the standard library sends no signal but SIGKILL")]
    fn signal(&self, pid: i32, signal: i32, patience: Duration) -> bool {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.is_none() {
            // SAFETY: takes two numbers; the pid is a child that is not reaped while the status is locked and empty.
            unsafe { libc::kill(pid, signal) };
        }
        let waited = self.came.wait_timeout_while(status, patience, |status| status.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }
}

/// Waits for the child's end and leaves it to be reaped.
#[expect(unsafe_code, reason = "the standard library always reaps what it waits for")]
fn wait_unreaped(child: &Child) {
    loop {
        // SAFETY: an all-zero siginfo_t is a valid one to be filled in.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` outlives the call, and the child is ours and not reaped.
        let done = unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut info, libc::WEXITED | libc::WNOWAIT) };
        if done == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// Makes the child get `signal` when the spawning thread dies, however it dies, and inherit `lock`, so that the lock
/// stays taken until the child and all its children are gone.
#[expect(unsafe_code, reason = "the standard library knows neither death signals nor inherited files")]
pub(super) fn tie_to_parent(command: &mut Command, signal: i32, lock: &File) {
    let parent = std::process::id();
    let lock = lock.as_raw_fd();
    // SAFETY: between fork and exec only calls that are safe there: prctl, getppid, fcntl. None allocates or locks.
    unsafe {
        command.pre_exec(move || {
            #[cfg(target_os = "linux")]
            if libc::prctl(libc::PR_SET_PDEATHSIG, signal) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before the signal was asked for.
            if u32::try_from(libc::getppid()).ok() != Some(parent) {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            if libc::fcntl(lock, libc::F_SETFD, 0) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
}
