//! Brings the embedded database back to a moment.
//!
//! A base backup is copied beside the cluster and a private server replays the log on it, from the archive and from
//! what the cluster itself still has, up to the moment. Only when the result has been looked at do the folders change
//! places; the former cluster is kept. Killed at any point before that, the former cluster is what it was.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::archive::{Archive, ArchiveError, Base, Control, History, Pieces};
use super::cluster::{Cluster, RECOVERED, RECOVERING, files, remove_folder};
use super::postmaster::Postmaster;
use super::probe::{self, PORT_RECOVERY};
use super::server::{Server, tie_to_parent};
use super::{DATABASE, EmbeddedError, EmbeddedOptions, POLL};

/// The longest a recovery may replay.
const REPLAY_MAX: Duration = Duration::from_secs(3600);
/// How often it is said that it goes on.
const PROGRESS: Duration = Duration::from_secs(5);
/// The longest look at the recovered database.
const LOOK_MAX: Duration = Duration::from_secs(60);

/// What a recovery did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The moment that was asked for.
    pub to: DateTime<Utc>,
    /// The base backup it began with.
    pub base: DateTime<Utc>,
    /// The first piece of log that is missing after the base backup; moments after it cannot be brought back.
    pub missing: Option<String>,
    /// What came of it; `None` when it was only tried.
    pub done: Option<Recovered>,
}

/// The recovered database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Where the database of before is kept.
    pub former: PathBuf,
    /// When the last change in it was made; `None` when there was none after the base backup.
    pub last_change: Option<DateTime<Utc>>,
    /// The version of its schema.
    pub schema: i64,
    /// Its guilds, with the number of their members, objectives and tasks.
    pub guilds: Vec<(String, i64, i64, i64)>,
}

/// Brings the database back to `to`; everything that was committed up to then is in it. With `dry_run` it is only said
/// from what. The server must not be running, and runs no more afterwards. `schema_max` is the newest schema that this
/// program knows. Blocks, for as long as there is log to replay.
///
/// # Errors
/// See [`ArchiveError`]; the database is then as it was.
pub fn recover(
    options: &EmbeddedOptions,
    to: DateTime<Utc>,
    schema_max: i64,
    dry_run: bool,
    progress: &dyn Fn(&str),
) -> Result<Recovery, ArchiveError> {
    let cluster = Cluster::find(options)?;
    let archive = Archive::of(cluster.data_dir())?.ok_or(ArchiveError::Off)?;
    let now = Utc::now();
    if to > now {
        return Err(ArchiveError::TooLate { to, now });
    }
    let lock = cluster.lock_alone()?;
    cluster.prepare(&lock, Instant::now() + Duration::from_secs(options.ready_seconds_max), progress)?;
    let control = Control::read(&cluster, &cluster.pg())?;
    archive.check_system(&control.system)?;
    let history = History::read(&cluster.pg(), control.timeline)?;
    let base = choose(&archive, &history, to)?;
    let range = base.range()?;
    let pieces = Pieces::look(&archive.wal(), &cluster.pg())?;
    let missing = pieces.missing(&history, range.start, control.checkpoint, control.piece_bytes);
    let mut recovery = Recovery { to, base: base.moment, missing, done: None };
    if dry_run {
        return Ok(recovery);
    }
    let work = Work { cluster: &cluster, archive: &archive, base: &base, history: &history, lock: &lock, to };
    progress("checking the base backup");
    base.verify(&cluster)?;
    progress("copying the base backup");
    work.copy()?;
    let found = match work.replay(&recovery, progress) {
        Ok(found) => found,
        Err(error) => {
            // What is left behind is removed by the next start, too.
            drop(fs::remove_dir_all(work.fresh()));
            return Err(error);
        }
    };
    if found.schema > schema_max {
        return Err(ArchiveError::Unfit { what: format!("its schema {} is newer than this program", found.schema) });
    }
    let former = work.swap()?;
    recovery.done = Some(Recovered { former, ..found });
    drop(lock);
    Ok(recovery)
}

/// The newest base backup before `to` that lies in the cluster's own past.
fn choose(archive: &Archive, history: &History, to: DateTime<Utc>) -> Result<Base, ArchiveError> {
    let mut first = None;
    let mut found = None;
    for base in archive.bases()? {
        let range = base.range()?;
        if !history.holds(range.timeline, range.end) {
            continue;
        }
        first = first.or(Some(base.moment));
        if base.moment <= to {
            found = Some(base);
        }
    }
    match (found, first) {
        (Some(base), _) => Ok(base),
        (None, Some(first)) => Err(ArchiveError::TooEarly { to, first }),
        (None, None) => Err(ArchiveError::NoBase { path: archive.dir().to_path_buf() }),
    }
}

/// One recovery under way.
struct Work<'w> {
    cluster: &'w Cluster,
    archive: &'w Archive,
    base: &'w Base,
    history: &'w History,
    lock: &'w File,
    to: DateTime<Utc>,
}

impl Work<'_> {
    fn fresh(&self) -> PathBuf {
        self.cluster.data_dir().join(RECOVERING)
    }

    /// Copies the base backup, and beside its log the newer one of the cluster, which may not be archived yet.
    fn copy(&self) -> Result<(), ArchiveError> {
        let fresh = self.fresh();
        remove_folder(&fresh).map_err(files("remove", &fresh))?;
        self.cluster.make_folder(&fresh)?;
        let script = "cp -R -p \"$1/.\" \"$3\" && rm -f \"$3/backup_manifest\" && for file in \"$2\"/*; do \
                      if test -f \"$file\"; then cp -p \"$file\" \"$3/pg_wal/\" || exit 1; fi; done && : >\"$3/recovery.signal\"";
        let mut command = self.cluster.command(Path::new("/bin/sh"))?;
        command.args(["-c", script, "sh"]).arg(&self.base.path).arg(self.cluster.pg().join("pg_wal")).arg(&fresh);
        tie_to_parent(&mut command, libc::SIGTERM, self.lock);
        self.cluster.run_command("cp", command)?;
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&fresh, private).map_err(files("make private", &fresh))?;
        Ok(self.cluster.write_settings(&fresh)?)
    }

    /// Runs the private server until it has replayed up to the moment, looks at the result and stops it.
    fn replay(&self, recovery: &Recovery, progress: &dyn Fn(&str)) -> Result<Recovered, ArchiveError> {
        let fresh = self.fresh();
        self.cluster.log.begin().map_err(files("rename", &self.cluster.log.path))?;
        let mut command = self.cluster.server_command_for(&fresh, PORT_RECOVERY, self.lock)?;
        let settings = [
            format!("restore_command={}", self.archive.restore_command()),
            format!("recovery_target_time={}", self.to.to_rfc3339()),
            format!("recovery_target_timeline={}", self.history.timeline),
            "recovery_target_action=promote".to_owned(),
            "recovery_target_inclusive=on".to_owned(),
            "hot_standby=off".to_owned(),
            // What it writes is archived only when it has become the database.
            "archive_command=".to_owned(),
        ];
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        let lock = self.lock.try_clone().map_err(files("lock", self.cluster.data_dir()))?;
        let spawn = |source| EmbeddedError::Spawn { program: self.cluster.binaries.postgres(), source };
        let mut server = Server::start(command, lock).map_err(spawn)?;
        let (began, mut told) = (Instant::now(), Instant::now());
        progress("replaying the log");
        loop {
            if Postmaster::read(&fresh).is_some_and(|found| found.ready && found.pid == server.pid()) {
                break;
            }
            if let Some(status) = server.ended() {
                return Err(self.failed(status, recovery));
            }
            if began.elapsed() > REPLAY_MAX {
                server.stop();
                return Err(self.cluster.not_ready(REPLAY_MAX).into());
            }
            if told.elapsed() > PROGRESS {
                told = Instant::now();
                progress(&format!("still replaying the log, {} s so far", began.elapsed().as_secs()));
            }
            thread::sleep(POLL);
        }
        progress("looking at the recovered database");
        let found = look_blocking(&self.cluster.make_socket_dir()?);
        server.stop();
        found
    }

    /// Why the private server gave up.
    fn failed(&self, status: String, recovery: &Recovery) -> ArchiveError {
        let died = self.cluster.died(status);
        let text = died.to_string();
        let short = ["before configured recovery target", "before end of online backup", "could not locate required"];
        match &recovery.missing {
            Some(missing) if short.iter().any(|sign| text.contains(sign)) => {
                ArchiveError::Gap { missing: missing.clone(), path: self.archive.wal(), from: self.base.moment }
            }
            None if text.contains("before configured recovery target") => ArchiveError::Unchanged { to: self.to },
            _ => died.into(),
        }
    }

    /// Puts the recovered cluster in its place and keeps the former one beside it. The recovered one gets the name of
    /// a complete one first: a start that finds no cluster takes it.
    fn swap(&self) -> Result<PathBuf, ArchiveError> {
        let (pg, fresh) = (self.cluster.pg(), self.fresh());
        let recovered = self.cluster.data_dir().join(RECOVERED);
        let former = self.cluster.data_dir().join(format!("pg.before-{}", Utc::now().format("%Y%m%dT%H%M%S%.3fZ")));
        for (from, to) in [(&fresh, &recovered), (&pg, &former), (&recovered, &pg)] {
            fs::rename(from, to).map_err(files("rename", from))?;
            self.cluster.sync_folder()?;
        }
        Ok(former)
    }
}

/// Looks at the database on the socket in `socket_dir`, from any thread.
fn look_blocking(socket_dir: &Path) -> Result<Recovered, ArchiveError> {
    let unfit = |error: String| ArchiveError::Unfit { what: error };
    thread::scope(|scope| {
        // On a thread of its own, so that a caller inside an asynchronous runtime gets no panic.
        let looking = thread::Builder::new().name("recovery-look".to_owned()).spawn_scoped(scope, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| unfit(error.to_string()))?;
            let looked = runtime.block_on(async { tokio::time::timeout(LOOK_MAX, look(socket_dir)).await });
            looked.map_err(|_| unfit("it does not answer".to_owned()))?.map_err(|error| unfit(error.to_string()))
        });
        let looking = looking.map_err(|error| unfit(error.to_string()))?;
        looking.join().unwrap_or_else(|_| Err(unfit("looking at it ended early".to_owned())))
    })
}

async fn look(socket_dir: &Path) -> Result<Recovered, sqlx::Error> {
    let options = probe::connect_options(socket_dir, DATABASE).port(PORT_RECOVERY);
    let mut connection: PgConnection = options.connect().await?;
    let schema = sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(&mut connection)
        .await?;
    let guilds = sqlx::query_as(
        "select g.name, (select count(*) from users where guild_id = g.id),
            (select count(*) from objectives where guild_id = g.id), (select count(*) from tasks where guild_id = g.id)
        from guilds g order by g.name",
    )
    .fetch_all(&mut connection)
    .await?;
    let last_change = sqlx::query_scalar("select pg_last_xact_replay_timestamp()").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(Recovered { former: PathBuf::new(), last_change, schema, guilds })
}
