//! `db restore`: a backup takes the database's place.

use std::path::Path;

use serde_json::json;

use crate::cli::Global;
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, Failure};
use crate::show;

use super::watched;

pub(super) async fn run(config: &Config, global: &Global, file: &Path, force: bool) -> Result<u8, Failure> {
    let operator = parts::operator(config).await?;
    let restored = watched(async |progress| operator.restore(file, force, progress).await).await?;
    let manifest = &restored.manifest;
    if global.json {
        show::line(json!({
            "file": file, "kind": manifest.kind, "made_at": manifest.made_at, "tables": restored.tables,
            "rows": restored.rows, "equal": true, "schema_compared": restored.schema_compared,
            "migrated": restored.migrated, "kept": restored.kept, "notes": restored.notes,
        }));
        return Ok(EXIT_DONE);
    }
    let (made, from) = (&manifest.made_at, &manifest.database);
    show::line(format_args!("restored {} of {made}, made of the database {from}", file.display()));
    let also = if restored.schema_compared { ", and so is the schema" } else { "" };
    let (tables, rows) = (restored.tables, restored.rows);
    show::line(format_args!("compared: {rows} rows in {tables} tables are equal by count and checksum{also}"));
    show::line("sessions were ended; whoever was signed in signs in again");
    if restored.migrated > 0 {
        show::line(format_args!("{} migrations brought its older schema up to date", restored.migrated));
    }
    if let Some(kept) = &restored.kept {
        show::line(format_args!("the old database is kept as {kept}, until the next restore replaces it"));
    }
    for note in &restored.notes {
        show::line(format_args!("note: {note}"));
    }
    Ok(EXIT_DONE)
}
