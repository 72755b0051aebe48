//! What the server's first process says of itself in `postmaster.pid`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most of `postmaster.pid` that is read; a real one has eight short lines and two paths.
const PID_FILE_BYTES_MAX: u64 = 16 << 10;

/// One `postmaster.pid`: a running server's, or a killed one's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: i32,
    pub(super) socket_dir: PathBuf,
    /// It accepts connections, or did when it died without a word.
    pub(super) ready: bool,
}

impl Postmaster {
    /// Reads the file in the cluster `pg`, when there is one.
    pub(super) fn read(pg: &Path) -> Option<Self> {
        let mut text = String::new();
        let file = File::open(pg.join("postmaster.pid")).ok()?;
        file.take(PID_FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
        parse(&text)
    }

    /// Whether there is a process of this number, were it only one that nobody has reaped.
    pub(super) fn exists(&self) -> bool {
        Path::new(&format!("/proc/{}", self.pid)).exists()
    }

    /// The folder the process works in, when there is such a process and it may be looked at. A server works in its
    /// cluster.
    pub(super) fn works_in(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/cwd", self.pid)).ok()
    }
}

/// Lines: pid, data folder, start, port, socket folder, address, shared memory, state.
fn parse(text: &str) -> Option<Postmaster> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
    let socket_dir = lines.nth(3).unwrap_or_default().into();
    let ready = lines.nth(2).is_some_and(|state| state.trim() == "ready");
    Some(Postmaster { pid, socket_dir, ready })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read_at_every_stage() {
        let check = |text: &str, expected: Option<(i32, &str, bool)>| {
            let found = parse(text);
            let found = found.as_ref().map(|it| (it.pid, it.socket_dir.to_str().unwrap_or("?"), it.ready));
            assert_eq!(found, expected, "{text:?}");
        };
        check("", None);
        check("garbage\n", None);
        check("-12\n", None);
        check("12\n/d\n1\n5432\n", Some((12, "", false)));
        check("12\n/d/pg\n1\n5432\n/d/socket\n\n  1 2\nstarting\n", Some((12, "/d/socket", false)));
        check("12\n/d/pg\n1\n5432\n/d/socket\n\n  1 2\nready   \n", Some((12, "/d/socket", true)));
    }
}
