//! `db backup`: the whole database, its schema or its rows into a file, or one guild as a guild file.

use std::path::Path;

use serde_json::json;

use crate::cli::Global;
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, Failure};
use crate::store::operate::{Kind, write_private};
use crate::{guild_file, show};

use super::{size, watched};

/// What is asked for.
pub(super) fn kind(schema: bool, data: bool) -> Kind {
    match (schema, data) {
        (true, _) => Kind::Schema,
        (_, true) => Kind::Data,
        _ => Kind::Full,
    }
}

pub(super) async fn run(
    config: &Config,
    global: &Global,
    target: &Path,
    kind: Kind,
    force: bool,
) -> Result<u8, Failure> {
    if let Some(guild) = &global.guild {
        return guild_backup(config, global, target, kind, guild, force).await;
    }
    let operator = parts::operator(config).await?;
    let backup = watched(async |progress| operator.backup(target, kind, force, progress).await).await?;
    let (path, manifest) = (backup.path.display(), &backup.manifest);
    if global.json {
        show::line(json!({"file": backup.path, "manifest": manifest}));
        return Ok(EXIT_DONE);
    }
    let what = match kind {
        Kind::Full => "tables and rows",
        Kind::Schema => "tables without rows",
        Kind::Data => "rows without tables",
    };
    let bytes = size(i64::try_from(manifest.bytes).unwrap_or(i64::MAX));
    let (rows, version) = (manifest.rows(), manifest.schema_version());
    show::line(format_args!("{path}: {what}, {rows} rows, schema {version}, PostgreSQL {}, {bytes}", manifest.server));
    show::line(format_args!("{path}.json: what is in it; keep both together, and away from players"));
    Ok(EXIT_DONE)
}

async fn guild_backup(
    config: &Config,
    global: &Global,
    target: &Path,
    kind: Kind,
    guild: &str,
    force: bool,
) -> Result<u8, Failure> {
    if kind != Kind::Full {
        return Err(Failure::usage(anyhow::anyhow!("a guild file is whole; leave out --schema and --data")));
    }
    // Only the owner of the tables may.
    parts::operator(config).await?;
    let store = parts::store(config).await?;
    let name = store.guild_name(Some(guild)).await?;
    let text = guild_file::render(&store.guild_export(&name).await?);
    let path = if target.is_dir() { target.join(format!("{}.toml", file_name(&name))) } else { target.to_path_buf() };
    write_private(&path, &text, force)?;
    if global.json {
        show::line(json!({"file": path, "guild": name}));
    } else {
        show::line(format_args!("{}: the guild {name}, without passwords and journal", path.display()));
    }
    Ok(EXIT_DONE)
}

/// A guild's name as a file's: only what no system takes for something else.
fn file_name(guild: &str) -> String {
    guild.chars().map(|c| if c.is_alphanumeric() || c == ' ' || c == '-' { c } else { '_' }).collect()
}
