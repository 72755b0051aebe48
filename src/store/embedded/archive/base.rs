//! Base backups: the whole cluster at one moment, taken while it is in use.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::error::files;
use super::{Archive, ArchiveError, moment_of, name_of, wal};
use crate::store::embedded::cluster::Cluster;
use crate::store::embedded::probe::PORT;
use crate::store::embedded::{Embedded, KEEPER};

/// One base backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The first moment it can bring back.
    pub moment: DateTime<Utc>,
    /// Its folder.
    pub path: PathBuf,
}

/// Which part of the log the backup itself needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::embedded) struct Range {
    pub(in crate::store::embedded) timeline: u32,
    pub(in crate::store::embedded) start: u64,
    pub(in crate::store::embedded) end: u64,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    #[serde(rename = "WAL-Ranges")]
    ranges: Vec<ManifestRange>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManifestRange {
    timeline: u32,
    #[serde(rename = "Start-LSN")]
    start: String,
    #[serde(rename = "End-LSN")]
    end: String,
}

impl Base {
    /// Reads it from the manifest.
    pub(in crate::store::embedded) fn range(&self) -> Result<Range, ArchiveError> {
        let path = self.path.join("backup_manifest");
        let broken = |what: String| ArchiveError::Broken { path: self.path.clone(), what };
        let text = fs::read(&path).map_err(|error| broken(format!("no manifest: {error}")))?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| broken(format!("its manifest: {error}")))?;
        let range = manifest.ranges.first().and_then(|one| {
            Some(Range { timeline: one.timeline, start: wal::position(&one.start)?, end: wal::position(&one.end)? })
        });
        range.ok_or_else(|| broken("its manifest names no log".to_owned()))
    }

    /// The name of the first piece of log it needs.
    pub(super) fn first_piece(&self) -> Result<String, ArchiveError> {
        let label = fs::read_to_string(self.path.join("backup_label")).unwrap_or_default();
        let piece = label.split_once("(file ").and_then(|(_, rest)| rest.split(')').next());
        let broken = || ArchiveError::Broken { path: self.path.clone(), what: "no backup_label".to_owned() };
        piece.filter(|name| name.len() == 24).map(str::to_owned).ok_or_else(broken)
    }

    /// Checks every file against the manifest, and that the log it needs is there.
    pub(in crate::store::embedded) fn verify(&self, cluster: &Cluster) -> Result<(), ArchiveError> {
        verify(cluster, &self.path)
    }
}

fn verify(cluster: &Cluster, path: &Path) -> Result<(), ArchiveError> {
    let verified = cluster.run("pg_verifybackup", |command| {
        command.arg("--quiet").arg(path);
    });
    verified.map(drop).map_err(|error| match error {
        ArchiveError::Program { said, .. } => ArchiveError::Broken { path: path.to_path_buf(), what: said },
        other => other,
    })
}

/// The base backups in a folder, oldest first.
pub(super) fn list(folder: &Path) -> Result<Vec<Base>, ArchiveError> {
    let entries = fs::read_dir(folder).map_err(files("read", folder))?.flatten();
    let base = |entry: fs::DirEntry| Some(Base { moment: moment_of(entry.file_name().to_str()?)?, path: entry.path() });
    let mut bases: Vec<Base> = entries.filter_map(base).collect();
    bases.sort_by_key(|base| base.moment);
    Ok(bases)
}

impl Embedded {
    /// Makes a base backup while the database is in use, and checks it before it counts. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError::Off`] when archiving is off; an unfinished backup is removed by the next one.
    pub fn base_backup(&self) -> Result<Base, ArchiveError> {
        let cluster = &self.cluster;
        let archive = Archive::of(cluster.data_dir())?.ok_or(ArchiveError::Off)?;
        let fresh = archive.base().join("new.tmp");
        match fs::remove_dir_all(&fresh) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(files("remove", &fresh)(error)),
            _ => {}
        }
        cluster.run("pg_basebackup", |command| {
            command.arg("--host").arg(self.socket_dir()).arg(format!("--port={PORT}"));
            command.arg(format!("--username={KEEPER}")).arg("--no-password").arg("--pgdata").arg(&fresh);
            command.args(["--format=plain", "--wal-method=stream", "--checkpoint=fast"]);
            command.arg("--manifest-checksums=SHA256").args((!cluster.fsync()).then_some("--no-sync"));
        })?;
        let moment = Utc::now();
        verify(cluster, &fresh)?;
        let path = archive.base().join(name_of(moment));
        fs::rename(&fresh, &path).map_err(files("rename", &fresh))?;
        if cluster.fsync() {
            let synced = fs::File::open(archive.base()).and_then(|folder| folder.sync_all());
            synced.map_err(files("write", &archive.base()))?;
        }
        let moment = moment_of(&name_of(moment)).unwrap_or(moment);
        Ok(Base { moment, path })
    }
}
