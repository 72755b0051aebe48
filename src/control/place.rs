//! Where the daemon's socket is, and that there is only one daemon at it.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use super::ControlError;
use crate::config::Config;

/// The socket's name in its folder.
const SOCKET: &str = "control.sock";
/// The name of the file that the one daemon has locked for as long as it lives.
const LOCK: &str = "control.lock";
/// The folder's name in the system's folder for running programs.
const RUNTIME: &str = "sphereconnect";
/// The folder's name in the data folder, where the system has none for running programs.
const DATA: &str = "control";
/// The longest process id that is read, in bytes.
const PID_BYTES_MAX: u64 = 20;

/// The folders in which a daemon may be, the first the one that a new daemon takes.
#[must_use]
pub fn folders(config: &Config) -> Vec<PathBuf> {
    if let Some(folder) = &config.daemon.folder {
        return vec![folder.clone()];
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime = runtime.filter(|folder| folder.is_absolute() && folder.is_dir());
    runtime.map(|folder| folder.join(RUNTIME)).into_iter().chain([config.data_dir.join(DATA)]).collect()
}

/// The socket in a folder.
#[must_use]
pub fn socket(folder: &Path) -> PathBuf {
    folder.join(SOCKET)
}

/// The right to be the daemon of a folder; it ends with the program, however that ends.
#[derive(Debug)]
pub struct Claim {
    socket: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl Claim {
    /// Takes the first of the [`folders`], and listens there. What a killed daemon left behind is taken over.
    ///
    /// # Errors
    /// [`ControlError::Running`] when another daemon has it; see [`ControlError`].
    pub fn take(config: &Config) -> Result<(Self, UnixListener), ControlError> {
        let folders = folders(config);
        let Some(folder) = folders.first() else { return Err(ControlError::NoDaemon(String::new())) };
        make_private(folder)?;
        let (lock, socket) = (lock(&folder.join(LOCK))?, socket(folder));
        match fs::symlink_metadata(&socket) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(ControlError::NoSocket(socket.display().to_string()));
            }
            // Nobody listens there: the lock is ours.
            Ok(_) => fs::remove_file(&socket).map_err(system("remove", &socket))?,
            Err(_) => {}
        }
        // The folder lets nobody else in, so nobody can be quicker than the permissions.
        let listener = UnixListener::bind(&socket).map_err(system("listen at", &socket))?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).map_err(system("protect", &socket))?;
        Ok((Self { socket, _lock: lock }, listener))
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // The lock's file stays: whoever removed it could let two daemons lock two files of the same name.
        if let Err(error) = fs::remove_file(&self.socket) {
            tracing::debug!(%error, "the socket stays; the next daemon takes it over");
        }
    }
}

/// Makes the folder for its owner alone, or sees that it is.
fn make_private(folder: &Path) -> Result<(), ControlError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(system("make", folder))?;
    let found = fs::symlink_metadata(folder).map_err(system("read", folder))?;
    // Where the system does not say whose process this is, the permissions have to do.
    let own = fs::metadata("/proc/self").map_or(true, |process| process.uid() == found.uid());
    if found.is_dir() && own && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(ControlError::Open(folder.display().to_string()))
    }
}

/// Locks the file and writes down who has it.
fn lock(path: &Path) -> Result<File, ControlError> {
    let mut options = File::options();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mut file = opened.map_err(system("open", path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.take(PID_BYTES_MAX).read_to_string(&mut text);
            return Err(ControlError::Running { pid: read.ok().and_then(|_| text.trim().parse().ok()) });
        }
        Err(TryLockError::Error(error)) => return Err(system("lock", path)(error)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(system("write", path))?;
    Ok(file)
}

fn system(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ControlError {
    let path = path.display().to_string();
    move |source| ControlError::System { what, path, source }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    fn config(folder: &Path) -> Config {
        let environment = |name: &str| (name == "SPHERECONNECT_DATA_DIR").then(|| folder.display().to_string());
        let mut config = Config::load(None, environment).unwrap();
        config.daemon.folder = Some(folder.join("own"));
        config
    }

    #[tokio::test]
    async fn only_one_has_it_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let (claim, listener) = Claim::take(&config).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&folder.path().join("own")), mode(claim.socket())), (0o700, 0o600));
        let error = Claim::take(&config).unwrap_err();
        assert!(matches!(error, ControlError::Running { pid: Some(pid) } if pid == std::process::id()), "{error}");
        let socket = claim.socket().to_owned();
        drop((claim, listener));
        assert!(!socket.exists());
        drop(Claim::take(&config).unwrap());
    }

    #[tokio::test]
    async fn a_socket_that_was_left_behind_is_taken_over_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let own = folder.path().join("own");
        make_private(&own).unwrap();
        drop(UnixListener::bind(socket(&own)).unwrap());
        assert!(socket(&own).exists(), "a killed daemon's socket");
        drop(Claim::take(&config).unwrap());
        fs::write(socket(&own), "something else").unwrap();
        assert!(matches!(Claim::take(&config), Err(ControlError::NoSocket(_))));
        fs::remove_file(socket(&own)).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(Claim::take(&config), Err(ControlError::Open(_))));
    }
}
