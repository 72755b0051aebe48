//! `db maintain`: step by step, and a table of what was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::{Global, MaintainPart};
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show::{self, Waiting};
use crate::store::operate::{Part, Plan};

use super::table;

/// Does the steps one after another. The exit code is 1 when some were skipped or left out.
pub(super) async fn run(
    config: &Config,
    global: &Global,
    only: &[MaintainPart],
    index: Option<String>,
) -> Result<u8, Failure> {
    let plan = Plan { parts: only.iter().map(part).collect(), index };
    let mut work = parts::operator(config).await?.maintenance(&plan).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let pressed = Arc::clone(&stop);
    let listening = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            pressed.store(true, Ordering::Relaxed);
        }
    });
    let waiting = Waiting::new();
    let (steps, mut all) = (work.steps.clone(), Vec::new());
    for (at, step) in steps.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (what, on) = step.words();
        waiting.say(&format!("{} of {}: {what} {on}", at + 1, steps.len()));
        let done = match work.carry_out(step).await {
            Ok(done) => done,
            Err(error) => {
                waiting.done();
                return Err(error.into());
            }
        };
        if global.json {
            show::line(serde_json::json!(done));
        }
        all.push(done);
    }
    waiting.done();
    listening.abort();
    work.end().await?;
    if !global.json {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|one| {
                let ms = format!("{} ms", one.ms);
                vec![format!("{} {}", one.step, one.on), one.outcome.to_owned(), ms, one.detail.clone()]
            })
            .collect();
        table(&["step", "outcome", "took", "result"], &rows);
    }
    let left = steps.len() - all.len();
    if left > 0 {
        eprintln!("stopped by Ctrl-C: {left} of {} steps were left out; the next run does them", steps.len());
    }
    let skipped = all.iter().any(|one| one.outcome != "done");
    Ok(if left > 0 || skipped { EXIT_SOME_NOT } else { EXIT_DONE })
}

fn part(word: &MaintainPart) -> Part {
    match word {
        MaintainPart::Vacuum => Part::Vacuum,
        MaintainPart::Analyze => Part::Analyze,
        MaintainPart::Reindex => Part::Reindex,
        MaintainPart::Sessions => Part::Sessions,
        MaintainPart::Journal => Part::Journal,
    }
}
