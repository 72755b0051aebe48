//! The server's own messages.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A log that is longer is put aside at the next start; one former log is kept.
const BYTES_MAX: u64 = 1 << 20;
/// How much of its end an error shows.
const SHOWN_BYTES_MAX: u64 = 4096;
const SHOWN_LINES_MAX: usize = 8;

/// The file the server writes to.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) path: PathBuf,
    /// Where the latest start of ours begins.
    from: AtomicU64,
}

impl Log {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, from: AtomicU64::new(0) }
    }

    /// Puts a long log aside and notes where this start's messages begin.
    pub(super) fn begin(&self) -> io::Result<()> {
        let length = fs::symlink_metadata(&self.path).map_or(0, |found| found.len());
        let aside = length > BYTES_MAX;
        if aside {
            fs::rename(&self.path, self.path.with_extension("log.old"))?;
        }
        self.from.store(if aside { 0 } else { length }, Ordering::Relaxed);
        Ok(())
    }

    /// The last lines of this start; empty when they cannot be read.
    pub(super) fn end(&self) -> String {
        let end = self.read_end().unwrap_or_default();
        let text = String::from_utf8_lossy(&end);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let shown = lines.len().saturating_sub(SHOWN_LINES_MAX);
        lines.into_iter().skip(shown).collect::<Vec<_>>().join("\n")
    }

    fn read_end(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        let shown_from = file.metadata()?.len().saturating_sub(SHOWN_BYTES_MAX);
        file.seek(SeekFrom::Start(shown_from.max(self.from.load(Ordering::Relaxed))))?;
        let mut end = Vec::new();
        file.take(SHOWN_BYTES_MAX).read_to_end(&mut end)?;
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;

    #[test]
    fn the_end_shows_this_start_only_and_a_long_log_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path().join("postgres.log"));
        assert_eq!(log.end(), "", "no log yet");
        fs::write(&log.path, "former\n").unwrap();
        log.begin().unwrap();
        let lines: String = (0..20).map(|number| format!("line {number}\n\n")).collect();
        fs::write(&log.path, format!("former\n{lines}")).unwrap();
        assert_eq!(log.end().lines().next(), Some("line 12"));
        assert_eq!(log.end().lines().last(), Some("line 19"));
        fs::write(&log.path, vec![b'x'; usize::try_from(BYTES_MAX).unwrap() + 1]).unwrap();
        log.begin().unwrap();
        assert!(!log.path.exists() && folder.path().join("postgres.log.old").exists());
    }
}
