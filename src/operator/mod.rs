//! The operator's side: what keeps a guild's database well over the years.

mod archive;
mod backup;
mod maintain;
mod partition;
mod recover;
mod restore;
mod status;

use std::sync::Arc;

use crate::cli::{Db, Global};
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, Failure};
use crate::show::{self, Waiting};

/// Carries out one of the `db` commands; returns the exit code.
///
/// # Errors
/// [`Failure`] with the words for the operator and the exit code.
pub async fn run(config: &Config, global: &Global, command: Db) -> Result<u8, Failure> {
    match command {
        Db::Migrate => migrate(config, global).await,
        Db::Status => status::run(config, global).await,
        Db::Backup { target, schema, data, force } => {
            backup::run(config, global, &target, backup::kind(schema, data), force).await
        }
        Db::Restore { file, force } => restore::run(config, global, &file, force).await,
        Db::Maintain { only, index } => maintain::run(config, global, &only, index).await,
        Db::Archive { command } => archive::run(config, global, command).await,
        Db::Partition { command } => partition::run(config, global, command).await,
        Db::Recover { to } => recover::run(config, global, &to).await,
    }
}

async fn migrate(config: &Config, global: &Global) -> Result<u8, Failure> {
    let status = parts::store(config).await?.status().await?;
    let (count, version) = (status.migrations, status.version);
    if global.json {
        show::line(serde_json::json!({"migrations": count, "server": version}));
    } else {
        show::line(format_args!("the schema is up to date: {count} migrations on PostgreSQL {version}"));
    }
    Ok(EXIT_DONE)
}

/// Waits for a work and tells on standard error how far it is. Ctrl-C drops the work, which takes away what it left.
async fn watched<T, E: Into<Failure>>(
    work: impl AsyncFnOnce(&(dyn Fn(&str) + Send + Sync)) -> Result<T, E>,
) -> Result<T, Failure> {
    let waiting = Waiting::new();
    let told = Arc::new(waiting.clone());
    let progress = move |text: &str| told.say(text);
    let done = tokio::select! {
        done = work(&progress) => done.map_err(Into::into),
        pressed = tokio::signal::ctrl_c() => {
            pressed.map_err(Failure::part)?;
            Err(Failure::part(anyhow::anyhow!("stopped by Ctrl-C; nothing was changed")))
        }
    };
    waiting.done();
    done
}

/// A number of bytes as people say it.
fn size(bytes: i64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let mut value = bytes as f64 / 1024.0;
    let mut at = 0;
    while value >= 1024.0 && at + 1 < units.len() {
        value /= 1024.0;
        at += 1;
    }
    format!("{value:.1} {}", units.get(at).copied().unwrap_or("TB"))
}

/// Rows under a head, in columns; the first and the last are flush left, the others right.
fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain(head.get(at).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (at, (cell, width)) in cells.zip(&widths).enumerate() {
            text += &match at {
                0 => format!("{cell:<width$}"),
                at if at + 1 == widths.len() => format!("  {cell}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        show::line(text.trim_end());
    };
    print(&mut head.iter().copied());
    for row in rows {
        print(&mut row.iter().map(String::as_str));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_said_in_the_unit_that_fits() {
        let check = |bytes: i64, expected: &str| assert_eq!(size(bytes), expected);
        check(0, "0.0 kB");
        check(1536, "1.5 kB");
        check(5 << 20, "5.0 MB");
        check(3 << 40, "3.0 TB");
        check(i64::MAX, "8388608.0 TB");
    }
}
