//! Saving the database into a file that PostgreSQL's own `pg_restore` understands, with a manifest beside it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::manifest::{self, FORMAT, Kind, Manifest};
use super::{OperateError, Operator, tools};

/// How long the dump waits for somebody who changes a table's structure, in pg_dump's spelling.
const LOCK_WAIT_MAX: &str = "--lock-wait-timeout=60s";

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The dump; its manifest is beside it, with `.json` at its end.
    pub path: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
}

impl Operator {
    /// Saves the database as it is at this moment; programs go on working. `target` is a file, or a folder in which
    /// the file gets a name with the time. Only its owner may read the file: it holds everything, verifiers of
    /// passwords included.
    ///
    /// # Errors
    /// [`OperateError::Exists`] without `force`, and whatever `pg_dump` says; no half file is left behind.
    pub async fn backup(
        &self,
        target: &Path,
        kind: Kind,
        force: bool,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Backup, OperateError> {
        let now = Utc::now();
        let path = if target.is_dir() {
            target.join(format!("{}-{}.dump", self.database(), now.format("%Y%m%dT%H%M%SZ")))
        } else {
            target.to_path_buf()
        };
        if !force && (path.exists() || manifest::path_of(&path).exists()) {
            return Err(OperateError::Exists(path));
        }
        let mut on = self.connect().await?;
        let schema = super::schema(&mut on).await?;
        if schema.version == 0 {
            return Err(OperateError::Empty);
        }
        let (server, major) = server(&mut on).await?;
        let program = self.tools("pg_dump", major).await?;
        let dump = Half::new(&path)?;
        // The counts and the dump see the same moment.
        sqlx::raw_sql("begin isolation level repeatable read read only").execute(&mut on).await?;
        let snapshot: String = sqlx::query_scalar("select pg_export_snapshot()").fetch_one(&mut on).await?;
        let mut tables =
            if kind == Kind::Schema { Default::default() } else { manifest::rows(&mut on, progress).await? };
        if kind == Kind::Data {
            // The record of migrations goes with the tables, not with their rows.
            tables.remove("_sqlx_migrations");
        }
        let mut command = self.command(&program, &self.database());
        command.args(["--format=custom", "--no-password", "--verbose", "--enable-row-security"]);
        // Rows of a partition are written down as rows of its table, and fit a table that is not partitioned, too.
        // Rights on the system's own functions are the server's, not the backup's; a restore sets them anew.
        command
            .args(["--exclude-schema=pg_catalog", "--load-via-partition-root", LOCK_WAIT_MAX])
            .arg(format!("--snapshot={snapshot}"));
        match kind {
            Kind::Full => &mut command,
            Kind::Schema => command.arg("--schema-only"),
            Kind::Data => command.args(["--data-only", "--exclude-table-data=public._sqlx_migrations"]),
        };
        command.arg("--file").arg(&dump.path);
        tools::run(command, "pg_dump", progress).await?;
        let (migrations, leakproof) = (migrations(&mut on).await?, leakproof(&mut on).await?);
        let catalogue = manifest::catalogue(&mut on).await?;
        sqlx::raw_sql("commit").execute(&mut on).await?;
        on.close().await?;

        progress("writing the manifest");
        let manifest = Manifest {
            format: FORMAT,
            kind,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            server,
            database: self.database(),
            migrations,
            bytes: fs::metadata(&dump.path).map_err(OperateError::file("read", &dump.path))?.len(),
            sha256: manifest::sha256(&dump.path)?,
            catalogue,
            leakproof,
            tables,
        };
        let beside = Half::new(&manifest::path_of(&path))?;
        let text = serde_json::to_string_pretty(&manifest).map_err(std::io::Error::other);
        let written = text.and_then(|text| File::options().write(true).open(&beside.path)?.write_all(text.as_bytes()));
        written.map_err(OperateError::file("write", &beside.path))?;
        dump.finish()?;
        beside.finish()?;
        Ok(Backup { path, manifest })
    }
}

/// Writes a text into a file that only its owner reads, whole or not at all.
///
/// # Errors
/// [`OperateError::Exists`] without `force`; [`OperateError::File`].
pub fn write_private(path: &Path, text: &str, force: bool) -> Result<(), OperateError> {
    if !force && path.exists() {
        return Err(OperateError::Exists(path.to_path_buf()));
    }
    let half = Half::new(path)?;
    let written = File::options().write(true).open(&half.path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(OperateError::file("write", &half.path))?;
    half.finish()
}

/// PostgreSQL's version, as text and as the number that its programs must match.
pub(super) async fn server(on: &mut PgConnection) -> Result<(String, u32), OperateError> {
    let (server, number): (String, i32) =
        sqlx::query_as("select current_setting('server_version'), current_setting('server_version_num')::int / 10000")
            .fetch_one(on)
            .await?;
    Ok((server, u32::try_from(number).unwrap_or_default()))
}

async fn migrations(on: &mut PgConnection) -> Result<Vec<i64>, OperateError> {
    let all = "select version from _sqlx_migrations where success order by version";
    Ok(sqlx::query_scalar(all).fetch_all(on).await?)
}

async fn leakproof(on: &mut PgConnection) -> Result<Vec<String>, OperateError> {
    let all =
        "select proname::text from pg_proc where pronamespace = 'public'::regnamespace and proleakproof order by 1";
    Ok(sqlx::query_scalar(all).fetch_all(on).await?)
}

/// A file that is being written beside its place; it goes away unless it is finished.
struct Half {
    path: PathBuf,
    place: PathBuf,
}

impl Half {
    fn new(place: &Path) -> Result<Self, OperateError> {
        let mut name = std::ffi::OsString::from(".");
        name.push(place.file_name().unwrap_or_default());
        name.push(format!(".{}.part", std::process::id()));
        let path = place.with_file_name(name);
        drop(fs::remove_file(&path));
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(OperateError::file("write", &path))?;
        Ok(Self { path, place: place.to_path_buf() })
    }

    /// Puts it in its place once all of it is on the disk.
    fn finish(self) -> Result<(), OperateError> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(OperateError::file("write", &self.path))?;
        fs::rename(&self.path, &self.place).map_err(OperateError::file("rename", &self.path))?;
        let folder = self.place.parent().filter(|one| !one.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(OperateError::file("write", folder))
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        // Gone already when it was finished.
        drop(fs::remove_file(&self.path));
    }
}
