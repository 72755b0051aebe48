//! The operator's side: what keeps a guild's database well over the years.

use crate::cli::{Db, Global};
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, Failure};
use crate::show;

/// Carries out one of the `db` commands; returns the exit code.
///
/// # Errors
/// [`Failure`] with the words for the operator and the exit code.
pub async fn run(config: &Config, global: &Global, command: Db) -> Result<u8, Failure> {
    match command {
        Db::Migrate => migrate(config, global).await,
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
