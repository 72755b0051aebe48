//! What an evaluation came to, as a table or as JSON.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::judge::Verdict;
use crate::show;
use crate::turn::Turn;

/// One turn that was played.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) voice: String,
    pub(super) said: String,
    pub(super) free: bool,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
    pub(super) turn: Turn,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Report {
    rows: Vec<Row>,
}

/// What a part of the turns came to.
#[derive(Debug, Serialize)]
struct Sum<'a> {
    part: &'a str,
    turns: usize,
    right: usize,
    wrong_actions: usize,
    ms_p50: f64,
    ms_p95: f64,
}

impl Report {
    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether every turn is right.
    pub(super) fn is_perfect(&self) -> bool {
        self.rows.iter().all(|row| row.verdict.right)
    }

    /// Prints the sums, and of what is not right at most `worst` turns, wrong actions first.
    pub(super) fn print(&self, as_json: bool, worst: usize) {
        let voices: BTreeSet<&str> = self.rows.iter().map(|row| row.voice.as_str()).collect();
        let mut sums = vec![self.sum("all", |_| true)];
        if self.rows.iter().any(|row| row.free) {
            sums.push(self.sum("fixed wording", |row| !row.free));
            sums.push(self.sum("free wording", |row| row.free));
        }
        sums.extend(voices.iter().map(|voice| self.sum(voice, |row| row.voice == *voice)));
        if as_json {
            show::line(json!({"summary": sums}));
            return;
        }
        show::line(format_args!(
            "{:<18} {:>6} {:>6} {:>7}  {:>13}  {:>7} {:>7}",
            "", "turns", "right", "", "wrong actions", "ms p50", "p95"
        ));
        for sum in &sums {
            #[expect(clippy::cast_precision_loss, reason = "a share is shown with one digit")]
            let share = 100.0 * sum.right as f64 / sum.turns.max(1) as f64;
            show::line(format_args!(
                "{:<18} {:>6} {:>6} {share:>6.1}%  {:>13}  {:>7.1} {:>7.1}",
                sum.part, sum.turns, sum.right, sum.wrong_actions, sum.ms_p50, sum.ms_p95
            ));
        }
        let mut missed: Vec<&Row> = self.rows.iter().filter(|row| !row.verdict.right).collect();
        missed.sort_by_key(|row| !row.verdict.wrong_action);
        for row in missed.iter().take(worst) {
            self.miss(row);
        }
        if missed.len() > worst {
            show::line(format_args!("… and {} more; --worst {} shows all", missed.len() - worst, missed.len()));
        }
    }

    fn miss(&self, row: &Row) {
        let mark = if row.verdict.wrong_action { "WRONG ACTION" } else { "not right" };
        show::line(format_args!("\n{} ({}), {mark}: {}", row.id, row.voice, row.verdict.why.join(", ")));
        show::line(format_args!("  said   {}", row.said));
        if row.turn.heard.as_deref() != Some(row.said.as_str()) {
            show::line(format_args!("  heard  {}", row.turn.heard.as_deref().unwrap_or("(nothing)")));
        }
        let commands = row.turn.commands.as_array().into_iter().flatten().map(Value::to_string);
        let commands = commands.collect::<Vec<_>>().join(", ");
        show::line(format_args!("  came   {} {commands}", show::ending(row.turn.outcome)));
        show::line(format_args!("  reply  {}", row.turn.reply));
    }

    fn sum<'a>(&self, part: &'a str, of: impl Fn(&Row) -> bool) -> Sum<'a> {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| of(row)).collect();
        let mut total: Vec<f64> = rows.iter().map(|row| row.turn.ms.total).collect();
        total.sort_by(f64::total_cmp);
        let at = |percent: usize| total.get(total.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default();
        Sum {
            part,
            turns: rows.len(),
            right: rows.iter().filter(|row| row.verdict.right).count(),
            wrong_actions: rows.iter().filter(|row| row.verdict.wrong_action).count(),
            ms_p50: at(50),
            ms_p95: at(95),
        }
    }
}
