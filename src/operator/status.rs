//! `db status`: one page about the database.

use crate::cli::Global;
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show;
use crate::store::operate::Status;

use super::{size, table};

/// Prints the page. The exit code is 1 when the schema is not this program's.
pub(super) async fn run(config: &Config, global: &Global) -> Result<u8, Failure> {
    let status = parts::operator(config).await?.status().await?;
    if global.json {
        show::line(serde_json::json!(status));
    } else {
        print(&status);
    }
    Ok(if status.schema.state == "current" { EXIT_DONE } else { EXIT_SOME_NOT })
}

fn print(status: &Status) {
    let at = if status.embedded { "embedded" } else { "a server's" };
    let database = format!("{} ({at}), {}", status.database, size(status.size_bytes));
    let guilds = status.guilds.map_or_else(|| "no tables yet".to_owned(), |count| count.to_string());
    let autovacuum = &status.autovacuum;
    let advice = if autovacuum.as_recommended { "as recommended" } else { "recommended: on, 3 workers, every 20 s" };
    let on = if autovacuum.on { "on" } else { "OFF" };
    let (workers, naptime) = (autovacuum.workers, autovacuum.naptime_seconds);
    let connections: Vec<String> =
        status.connections.iter().map(|one| format!("{} {}", one.count, one.state)).collect();
    let connections = if connections.is_empty() { "none but this".to_owned() } else { connections.join(", ") };
    for (name, value) in [
        ("program", status.program.clone()),
        ("server", format!("PostgreSQL {}", status.server)),
        ("database", database),
        ("schema", schema(status)),
        ("guilds", guilds),
        ("connections", connections),
        ("oldest transaction", oldest(status)),
        ("longest wait", wait(status)),
        ("autovacuum", format!("{on}, {workers} workers, every {naptime} s ({advice})")),
        ("archive", archive(status)),
    ] {
        show::line(format_args!("{name:<19} {value}"));
    }
    for hidden in &status.hidden {
        show::line(format_args!("{:<19} {hidden}", "not visible"));
    }
    show::line("");
    let moment = |at: &Option<String>| at.as_deref().map_or("never", |at| at.get(..16).unwrap_or(at)).replace('T', " ");
    let rows: Vec<Vec<String>> = status
        .tables
        .iter()
        .map(|one| {
            let share = format!("{:.1} %", one.dead_share * 100.0);
            let (live, dead) = (one.live.to_string(), one.dead.to_string());
            let (whole, indexes) = (size(one.size_bytes), size(one.index_bytes));
            vec![
                one.table.clone(),
                live,
                dead,
                share,
                whole,
                indexes,
                moment(&one.vacuumed_at),
                moment(&one.analyzed_at),
            ]
        })
        .collect();
    table(&["table", "live rows", "dead", "share", "size", "of it indexes", "vacuumed", "analyzed"], &rows);
    show::line("");
    let rows: Vec<Vec<String>> = status
        .indexes
        .iter()
        .map(|one| {
            let note = if !one.valid {
                "LEFT OVER"
            } else if one.unused {
                "unused"
            } else {
                ""
            };
            vec![one.index.clone(), one.table.clone(), one.scans.to_string(), size(one.size_bytes), note.to_owned()]
        })
        .collect();
    table(&["index", "table", "scans", "size", ""], &rows);
}

fn schema(status: &Status) -> String {
    let schema = &status.schema;
    let said = match schema.state.as_str() {
        "current" => "this program's",
        "none" => "none yet; `sphereconnect db migrate` makes it",
        "newer" => "NEWER than this program; update the program",
        _ => "older than this program; `sphereconnect db migrate` brings it up to date",
    };
    format!("{} ({} of {} migrations): {said}", schema.version, schema.migrations, schema.migrations_known)
}

fn oldest(status: &Status) -> String {
    status.oldest_transaction.as_ref().map_or_else(
        || "none".to_owned(),
        |one| {
            let unknown = || "hidden".to_owned();
            let (login, state) = (one.login.clone().unwrap_or_else(unknown), one.state.clone().unwrap_or_else(unknown));
            format!("{:.0} s, {state}, login {login}, process {}", one.seconds, one.pid)
        },
    )
}

fn wait(status: &Status) -> String {
    status.longest_wait.as_ref().map_or_else(
        || "nobody waits for a lock".to_owned(),
        |one| format!("process {} waits since {:.0} s for {:?}", one.pid, one.seconds, one.waits_for),
    )
}

fn archive(status: &Status) -> String {
    let archive = &status.archive;
    let part = |count: i64, last: &Option<String>, at: &Option<String>| match (last, at) {
        (Some(last), Some(at)) => format!("{count} (last {last} at {at})"),
        _ => count.to_string(),
    };
    if archive.mode == "off" {
        return "off; `sphereconnect db archive on` allows recovery to any moment".to_owned();
    }
    let archived = part(archive.archived, &archive.last_archived, &archive.last_archived_at);
    let failed = part(archive.failed, &archive.last_failed, &archive.last_failed_at);
    format!("{}, archived {archived}, failed {failed}", archive.mode)
}
