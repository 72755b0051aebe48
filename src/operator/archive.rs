//! `db archive`: everything that is written is copied, so that any moment can be brought back.

use serde_json::json;

use crate::cli::{Archive as Command, Global};
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show::{self, Waiting};
use crate::store::embedded::archive::{self, Archive, Base};
use crate::store::{Archiver, Store, StoreError, embedded_options};

/// What a server's operator is told: its files are out of this program's reach.
const SERVER: &str = "this database is a server, whose files this program cannot change";

/// Carries out `db archive …`.
pub(super) async fn run(config: &Config, global: &Global, command: Option<Command>) -> Result<u8, Failure> {
    if global.dry_run && command.is_some() {
        return Err(Failure::usage(anyhow::anyhow!("archiving cannot be tried and taken back; leave --dry-run out")));
    }
    if config.database.url.is_some() {
        if let Some(Command::Base { .. }) = command {
            return Err(Failure::usage(anyhow::anyhow!("{SERVER}; make its base backup there, with pg_basebackup")));
        }
        return server(config, global, command.is_some()).await;
    }
    let options = embedded_options(config);
    match command {
        None => status(config, global).await,
        Some(Command::On { dir }) => {
            let waiting = Waiting::new();
            waiting.say("turning archiving on");
            let made = blocking(move || archive::archive_on(&options, dir.as_deref())).await;
            waiting.done();
            let made = made?;
            let base = base(config).await?;
            say_base(global, &made, &base);
            if made.dir().starts_with(&config.data_dir) && !global.json {
                show::line(
                    "note: it is beside the database; name a folder on another disk to survive the loss of this one",
                );
            }
            Ok(EXIT_DONE)
        }
        Some(Command::Off) => {
            let was = blocking(move || archive::archive_off(&options)).await?;
            let dir = was.as_ref().map(|one| one.dir().to_path_buf());
            match (global.json, dir) {
                (true, dir) => show::line(json!({"archiving": false, "dir": dir})),
                (false, Some(dir)) => {
                    show::line(format_args!("archiving is off; what was archived stays in {}", dir.display()));
                }
                (false, None) => show::line("archiving was off already"),
            }
            Ok(EXIT_DONE)
        }
        Some(Command::Base { keep }) => {
            let base = base(config).await?;
            let archive = archive::archive_of(&options)?.ok_or(archive::ArchiveError::Off)?;
            say_base(global, &archive, &base);
            if let Some(keep) = keep {
                let cleared = blocking(move || archive.clear(keep)).await?;
                let (bases, pieces) = (cleared.bases, cleared.pieces);
                if global.json {
                    show::line(json!({"removed_bases": bases, "removed_pieces": pieces}));
                } else {
                    show::line(format_args!("removed {bases} older base backups and {pieces} pieces of log"));
                }
            }
            Ok(EXIT_DONE)
        }
    }
}

/// Makes a base backup, with a word while it takes long.
pub(super) async fn base(config: &Config) -> Result<Base, Failure> {
    let store = parts::store(config).await?;
    let waiting = Waiting::new();
    waiting.say("making a base backup");
    let base = store.base_backup().await;
    waiting.done();
    store.close().await;
    Ok(base?)
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, archive::ArchiveError> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| Failure::part(StoreError::Stopped))??)
}

fn say_base(global: &Global, archive: &Archive, base: &Base) {
    let (dir, moment) = (archive.dir().display(), base.moment);
    if global.json {
        show::line(json!({"archiving": true, "dir": archive.dir(), "base": moment}));
    } else {
        show::line(format_args!("archiving is on, into {dir}"));
        show::line(format_args!("every moment from {} on can be brought back", second(moment)));
    }
}

/// A moment for people: the first whole second that is not before it.
pub(super) fn second(moment: chrono::DateTime<chrono::Utc>) -> String {
    (moment + chrono::TimeDelta::milliseconds(999)).format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

async fn status(config: &Config, global: &Global) -> Result<u8, Failure> {
    let Some(archive) = archive::archive_of(&embedded_options(config))? else {
        if global.json {
            show::line(json!({"archiving": false}));
        } else {
            show::line("archiving is off; `sphereconnect db archive on` turns it on");
        }
        return Ok(EXIT_SOME_NOT);
    };
    let store = parts::store(config).await?;
    let found = healthy(&store, &archive, global).await;
    store.close().await;
    found
}

async fn healthy(store: &Store, archive: &Archive, global: &Global) -> Result<u8, Failure> {
    let archiver = store.archiver().await?;
    let bases = archive.bases()?;
    let (pieces, bytes) = archive.size();
    let well = archiver.wanting().is_empty() && !archiver.is_failing() && !bases.is_empty();
    if global.json {
        let moments: Vec<_> = bases.iter().map(|base| base.moment).collect();
        show::line(json!({"archiving": true, "dir": archive.dir(), "bases": moments, "pieces": pieces, "bytes": bytes,
            "healthy": well, "archiver": archiver}));
    } else {
        show::line(format_args!("archiving is on, into {}", archive.dir().display()));
        let megabytes = bytes.div_ceil(1 << 20);
        show::line(format_args!("  {} base backups, {pieces} pieces of log in {megabytes} MB", bases.len()));
        match (bases.first(), bases.last()) {
            (Some(first), Some(last)) => {
                show::line(format_args!("  every moment from {} on can be brought back", second(first.moment)));
                show::line(format_args!("  the newest base backup is of {}", second(last.moment)));
            }
            _ => show::line("  no base backup: make one with `sphereconnect db archive base`"),
        }
        say_archiver(&archiver);
        for line in archiver.wanting() {
            show::line(format_args!("  missing: {line}; close every program and start one again"));
        }
    }
    Ok(if well { EXIT_DONE } else { EXIT_SOME_NOT })
}

fn say_archiver(archiver: &Archiver) {
    if let (Some(name), Some(at)) = (&archiver.last_archived, archiver.last_archived_at) {
        show::line(format_args!("  last archived: {name} at {}", second(at)));
    }
    if let (true, Some(name), Some(at)) = (archiver.is_failing(), &archiver.last_failed, archiver.last_failed_at) {
        let failed = archiver.failed;
        show::line(format_args!("  failing: {name} at {}, {failed} failures; the server's log says why", second(at)));
    }
}

/// A server's settings, checked, with what its operator has to set.
async fn server(config: &Config, global: &Global, asked: bool) -> Result<u8, Failure> {
    let store = parts::store(config).await?;
    let archiver = store.archiver().await?;
    store.close().await;
    let wanting = archiver.wanting();
    let well = wanting.is_empty() && !archiver.is_failing();
    if global.json {
        show::line(json!({"archiving": wanting.is_empty(), "healthy": well, "wanting": wanting, "archiver": archiver}));
        return Ok(if well { EXIT_DONE } else { EXIT_SOME_NOT });
    }
    if asked {
        show::line(format_args!("{SERVER}; its operator turns archiving on and off there"));
    }
    let (level, mode, command) = (&archiver.wal_level, &archiver.archive_mode, &archiver.archive_command);
    show::line(format_args!("  wal_level = {level}, archive_mode = {mode}, archive_command = {command:?}"));
    say_archiver(&archiver);
    if wanting.is_empty() {
        show::line("  archiving is set up; base backups are made there with pg_basebackup");
    } else {
        show::line("  set in its postgresql.conf and restart it, then make a base backup with pg_basebackup:");
        wanting.iter().for_each(|line| show::line(format_args!("    {line}")));
    }
    Ok(if well { EXIT_DONE } else { EXIT_SOME_NOT })
}
