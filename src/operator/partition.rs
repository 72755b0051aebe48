//! `db partition`: objectives and tasks in pieces by guild, for databases of many guilds.

use std::sync::Arc;

use serde_json::json;

use crate::cli::{Global, Partition as Command};
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, Failure};
use crate::show::{self, Waiting};
use crate::store::{Progress, Repartitioned, Spread};

/// Carries out `db partition …`.
pub(super) async fn run(config: &Config, global: &Global, command: Option<Command>) -> Result<u8, Failure> {
    let store = parts::store(config).await?;
    let count = match command {
        None => {
            say_spread(&store.spread().await?, global.json);
            store.close().await;
            return Ok(EXIT_DONE);
        }
        Some(Command::On { partitions }) => partitions,
        Some(Command::Off) => 0,
    };
    let waiting = Waiting::new();
    let told = waiting.clone();
    let progress: Progress = Arc::new(move |text| told.say(text));
    let done = store.repartition(count, global.dry_run, &progress).await;
    waiting.done();
    let done = done?;
    let spread = store.spread().await?;
    store.close().await;
    say_done(&done, global.json);
    say_spread(&spread, global.json);
    Ok(EXIT_DONE)
}

fn say_done(done: &Repartitioned, json: bool) {
    if json {
        return show::line(json!(done));
    }
    if done.tries == 0 {
        return show::line("the tables are in one piece already");
    }
    let Repartitioned { rows, tries, locked_ms, former_gone } = done;
    show::line(format_args!("{rows} rows were moved; the tables were locked for {locked_ms} ms, at try {tries}"));
    if !former_gone {
        show::line("somebody is still reading the former tables; the next `db partition` removes them");
    }
}

fn say_spread(spread: &[Spread], json: bool) {
    if json {
        return show::line(json!({"tables": spread}));
    }
    for Spread { table, partitions, rows, bytes } in spread {
        let kept = match partitions {
            0 => "in one piece".to_owned(),
            count => format!("in {count} partitions by guild"),
        };
        show::line(format_args!("{table}: {kept}, about {rows} rows, {} KB", bytes / 1024));
    }
}
