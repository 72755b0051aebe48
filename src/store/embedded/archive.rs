//! The archive: a copy of everything the embedded database writes, from which any moment can be brought back.
//!
//! ```text
//! data_dir/archive.dir              where the archive is, while archiving is on
//! ARCHIVE/
//!   system                          which database it belongs to
//!   wal/000000010000000000000003.gz what was written, in pieces of 16 MB before they are packed
//!   base/20261122T153000.123456Z/   a base backup; its name is the first moment it can bring back
//! ```
//!
//! A base backup and every piece written after it are the database at any moment since. Pieces are never overwritten.

mod base;
mod error;
mod wal;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::cluster::Cluster;
use super::{Embedded, EmbeddedError, EmbeddedOptions};

pub use base::Base;
pub use error::ArchiveError;
pub(super) use wal::{Control, History, Pieces};

/// How long a change may wait for its copy while nothing else is written, in seconds. Each wait ends in a piece of its
/// own, some ten kilobytes when packed.
pub const ARCHIVE_SECONDS_MAX: u64 = 300;
/// The name of a base backup, a moment of UTC.
const NAME: &str = "%Y%m%dT%H%M%S%.6fZ";
/// The most bytes of the file that names the archive.
const DIR_BYTES_MAX: u64 = 4096;

/// A folder with base backups and what was written since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    dir: PathBuf,
}

/// What was cleared away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Base backups.
    pub bases: usize,
    /// Pieces of the log that no base backup needs any more.
    pub pieces: usize,
}

impl Archive {
    /// The archive at `dir`, whose path has to pass through a shell and PostgreSQL's settings unharmed.
    fn at(dir: PathBuf) -> Result<Self, ArchiveError> {
        let plain = |c: char| !c.is_control() && !"'\"\\%$`!".contains(c);
        if dir.is_absolute() && dir.to_str().is_some_and(|text| text.chars().all(plain)) {
            Ok(Self { dir })
        } else {
            Err(ArchiveError::Path { path: dir })
        }
    }

    /// The archive of the data folder, when archiving is on.
    pub(super) fn of(data_dir: &Path) -> Result<Option<Self>, ArchiveError> {
        let path = data_dir.join("archive.dir");
        let text = match fs::metadata(&path) {
            Ok(found) if found.len() <= DIR_BYTES_MAX => {
                fs::read_to_string(&path).map_err(error::files("read", &path))?
            }
            Ok(_) => return Err(ArchiveError::Path { path }),
            Err(_) => return Ok(None),
        };
        Self::at(PathBuf::from(text.trim_end_matches('\n'))).map(Some)
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn wal(&self) -> PathBuf {
        self.dir.join("wal")
    }

    fn base(&self) -> PathBuf {
        self.dir.join("base")
    }

    /// The lines of `postgresql.conf`. The copy is packed beside its place, is on the disk before it gets its name, and
    /// is never overwritten; a piece that is there already with the same content counts as done.
    pub(super) fn settings(&self, fsync: bool) -> String {
        let wal = self.wal().display().to_string();
        let (sync, sync_folder) =
            if fsync { (" && sync \"$to.tmp\"".to_owned(), format!(" && sync ''{wal}''")) } else { Default::default() };
        format!(
            "# Written because of archive.dir; `sphereconnect db archive off` takes it away.\n\
             wal_level = replica\narchive_mode = on\narchive_timeout = {ARCHIVE_SECONDS_MAX}s\n\
             archive_command = 'to=''{wal}/%f.gz''; if test ! -f \"$to\"; then gzip -1c \"%p\" >\"$to.tmp\"{sync} && \
             mv \"$to.tmp\" \"$to\"{sync_folder}; else gzip -dc \"$to\" | cmp -s - \"%p\"; fi'\n"
        )
    }

    /// How PostgreSQL gets a piece back.
    pub(super) fn restore_command(&self) -> String {
        let wal = self.wal().display().to_string();
        format!("test -f '{wal}/%f.gz' && gzip -dc '{wal}/%f.gz' >\"%p\"")
    }

    /// The base backups, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn bases(&self) -> Result<Vec<Base>, ArchiveError> {
        base::list(&self.base())
    }

    /// How many pieces of the log there are, and their bytes.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        let pieces = fs::read_dir(self.wal()).into_iter().flatten().flatten();
        let sizes = pieces.filter_map(|piece| Some(piece.metadata().ok()?.len()));
        sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
    }

    /// Removes all but the newest `keep` base backups, never the last, and what no base backup needs any more.
    ///
    /// # Errors
    /// When a file cannot be removed; what is left is whole.
    pub fn clear(&self, keep: usize) -> Result<Cleared, ArchiveError> {
        let mut bases = self.bases()?;
        let kept = bases.split_off(bases.len().saturating_sub(keep.max(1)));
        let mut cleared = Cleared::default();
        let Some(oldest) = kept.first() else { return Ok(cleared) };
        let needed = oldest.first_piece()?;
        for base in &bases {
            fs::remove_dir_all(&base.path).map_err(error::files("remove", &base.path))?;
            cleared.bases += 1;
        }
        for name in wal::names(&self.wal())? {
            // The line of time is left aside: what is older on any line is of no use to a later base backup.
            let old = name.len() >= 24 && !name.contains("history") && name.get(8..24) < needed.get(8..24);
            if old {
                let path = self.wal().join(format!("{name}.gz"));
                fs::remove_file(&path).map_err(error::files("remove", &path))?;
                cleared.pieces += 1;
            }
        }
        Ok(cleared)
    }

    /// Refuses the archive of another database: its pieces have the same names.
    pub(super) fn check_system(&self, system: &str) -> Result<(), ArchiveError> {
        let own = fs::read_to_string(self.dir.join("system")).is_ok_and(|found| found.trim() == system);
        if own { Ok(()) } else { Err(ArchiveError::Taken { path: self.dir.clone() }) }
    }

    /// Makes the folders, for the database's user to write, and the archive this database's own.
    fn make(&self, cluster: &Cluster, system: &str) -> Result<(), ArchiveError> {
        cluster.make_folder(&self.dir)?;
        let mark = self.dir.join("system");
        if mark.exists() || self.wal().exists() || self.base().exists() {
            self.check_system(system)?;
        } else {
            fs::write(&mark, format!("{system}\n")).map_err(error::files("write", &mark))?;
        }
        for folder in [self.wal(), self.base()] {
            cluster.make_folder(&folder)?;
            cluster.check_writable(&folder)?;
        }
        Ok(())
    }
}

/// The archive of the embedded database, when archiving is on.
///
/// # Errors
/// When `archive.dir` cannot be read.
pub fn archive_of(options: &EmbeddedOptions) -> Result<Option<Archive>, ArchiveError> {
    Archive::of(&options.data_dir)
}

/// Turns archiving on, from the next start of the server; `dir` is `archive` in the data folder when it is not named.
/// A base backup has to follow at once. Blocks.
///
/// # Errors
/// [`ArchiveError::Busy`] while a program uses the database, and what a folder may be wrong for.
pub fn archive_on(options: &EmbeddedOptions, dir: Option<&Path>) -> Result<Archive, ArchiveError> {
    // Made first when it is missing.
    Embedded::open(options, &|_| {}).map(Embedded::close)?;
    let cluster = Cluster::find(options)?;
    let lock = cluster.lock_alone()?;
    let dir = dir.map_or_else(|| cluster.data_dir().join("archive"), Path::to_path_buf);
    let dir = std::path::absolute(&dir).map_err(error::files("find", &dir))?;
    let archive = Archive::at(dir)?;
    let control = Control::read(&cluster, &cluster.pg())?;
    archive.make(&cluster, &control.system)?;
    let (path, fresh) = (cluster.data_dir().join("archive.dir"), cluster.data_dir().join("archive.dir.tmp"));
    let mut file = fs::File::create(&fresh).map_err(error::files("write", &fresh))?;
    let written = writeln!(file, "{}", archive.dir.display()).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&fresh, &path)).map_err(error::files("write", &path))?;
    cluster.sync_folder()?;
    drop(lock);
    Ok(archive)
}

/// Turns archiving off, from the next start of the server. What was archived stays. Returns where it is, or `None` when
/// archiving was off. Blocks.
///
/// # Errors
/// [`ArchiveError::Busy`] while a program uses the database.
pub fn archive_off(options: &EmbeddedOptions) -> Result<Option<Archive>, ArchiveError> {
    let Some(archive) = Archive::of(&options.data_dir)? else { return Ok(None) };
    let cluster = Cluster::find(options)?;
    let lock = cluster.lock_alone()?;
    let path = cluster.data_dir().join("archive.dir");
    fs::remove_file(&path).map_err(error::files("remove", &path))?;
    cluster.sync_folder()?;
    drop(lock);
    Ok(Some(archive))
}

fn moment_of(name: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(name, NAME).ok().map(|moment| moment.and_utc())
}

fn name_of(moment: DateTime<Utc>) -> String {
    moment.format(NAME).to_string()
}

impl From<ArchiveError> for EmbeddedError {
    /// A file that names no archive stops the start: without it the copies would end silently.
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Embedded(error) => error,
            other => Self::Archive { what: other.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;

    #[test]
    fn a_path_passes_through_shell_and_settings() {
        for path in ["/var/lib/a b", "/mnt/backup/ärchiv", "/a-b_c.d,e"] {
            Archive::at(path.into()).unwrap();
        }
        for path in ["relative", "/a'b", "/a\"b", "/a%fb", "/a$HOME", "/a`b`", "/a\\b", "/a\nb"] {
            assert!(Archive::at(path.into()).is_err(), "{path}");
        }
    }

    #[test]
    fn a_base_backup_is_named_by_its_moment() {
        let moment = moment_of("20261122T153000.123456Z").unwrap();
        assert_eq!(moment.to_rfc3339(), "2026-11-22T15:30:00.123456+00:00");
        assert_eq!(name_of(moment), "20261122T153000.123456Z");
        assert_eq!(moment_of("20261122T153000.123456Z.tmp"), None);
    }
}
