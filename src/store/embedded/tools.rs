//! Having the cluster to oneself, its folders, and PostgreSQL's other programs.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::EmbeddedError;
use super::archive::ArchiveError;
use super::cluster::{Cluster, files};

/// The longest wait for a server that is about to leave.
const LEAVING_MAX: Duration = Duration::from_secs(3);
/// The longest one of PostgreSQL's programs may take: a base backup of a very large database is the slow case.
const PROGRAM_MAX: Duration = Duration::from_secs(3600);
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(10);
/// How much of what a program said is shown.
const SAID_LINES_MAX: usize = 8;

impl Cluster {
    /// The lock, or who has it. While it is held no program starts the server.
    pub(super) fn lock_alone(&self) -> Result<File, ArchiveError> {
        let began = Instant::now();
        loop {
            if let Some(lock) = self.try_lock()? {
                return Ok(lock);
            }
            if began.elapsed() > LEAVING_MAX {
                return Err(ArchiveError::Busy { pid: self.postmaster().map_or(0, |found| found.pid) });
            }
            thread::sleep(POLL);
        }
    }

    /// Makes a folder that only the database's user may use, unless it is there.
    pub(super) fn make_folder(&self, folder: &Path) -> Result<(), ArchiveError> {
        if folder.is_dir() {
            return Ok(());
        }
        fs::DirBuilder::new().recursive(true).mode(0o711).create(folder).map_err(files("make the folder", folder))?;
        self.account().own_folder(folder).map_err(files("give away", folder))?;
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        Ok(fs::set_permissions(folder, private).map_err(files("make private", folder))?)
    }

    /// Whether the database's user can write in a folder, tried by doing it.
    pub(super) fn check_writable(&self, folder: &Path) -> Result<(), ArchiveError> {
        self.account().check_way(folder)?;
        let mut command = self.command(Path::new("/bin/sh"))?;
        command.args(["-c", "touch \"$1/probe.tmp\" && rm \"$1/probe.tmp\"", "sh"]).arg(folder);
        let tried = command.stderr(Stdio::null()).status();
        if tried.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        Err(ArchiveError::Shut { path: folder.to_path_buf(), account: self.account().name.clone() })
    }

    /// Runs one of PostgreSQL's programs to its end and returns what it printed.
    pub(super) fn run(&self, program: &str, arguments: impl FnOnce(&mut Command)) -> Result<String, ArchiveError> {
        let mut command = self.command(&self.binaries.dir.join(program))?;
        arguments(&mut command);
        self.run_command(program, command)
    }

    /// Runs any program to its end and returns what it printed, which has to be short.
    pub(super) fn run_command(&self, program: &str, mut command: Command) -> Result<String, ArchiveError> {
        let spawn = |source| EmbeddedError::Spawn { program: self.binaries.dir.join(program), source };
        let began = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(spawn)?;
        while child.try_wait().map_err(spawn)?.is_none() {
            if began.elapsed() > PROGRAM_MAX {
                child.kill().map_err(spawn)?;
                break;
            }
            thread::sleep(POLL);
        }
        let ended = child.wait_with_output().map_err(spawn)?;
        if ended.status.success() {
            return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        let said = said.lines().take(SAID_LINES_MAX).collect::<Vec<_>>().join("\n");
        Err(ArchiveError::Program { program: program.to_owned(), status: ended.status.to_string(), said })
    }
}
