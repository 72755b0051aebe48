//! `status` for people.

use chrono::Local;

use super::board::{Report, State};
use crate::show;

/// Prints how the daemon is.
pub fn print(report: &Report) {
    show::line(text(report).trim_end());
}

fn text(report: &Report) -> String {
    let mut all = String::new();
    let mut row = |name: &str, text: &str| all.push_str(&format!("{name:<11} {text}\n"));
    let state = match report.state {
        State::Idle => "idle, waits for the key",
        State::Listening => "listening",
        State::Hearing => "hearing somebody speak",
        State::Thinking => "thinking",
        State::Speaking => "speaking",
        State::Stopping => "stopping when the accepted orders are done",
    };
    let setting = &report.setting;
    let trouble = |text: &Option<String>| text.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
    row("state", state);
    row("running", &format!("{}, process {}, version {}", length(report.uptime_s), report.pid, report.version));
    row("speaker", &format!("{} of {}", setting.member, setting.guild));
    row("key", &setting.key);
    row("microphone", &format!("{}{}", setting.microphone, trouble(&report.microphone_trouble)));
    row("endpoint", report.endpoint.as_deref().unwrap_or("none, fixed wordings only"));
    row("database", &format!("{}{}", setting.database, trouble(&report.database_trouble)));
    let outcomes: Vec<_> = report.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    row("turns", &if outcomes.is_empty() { "none yet".to_owned() } else { outcomes.join(", ") });
    let heard = report.utterances;
    row("utterances", &format!("{} accepted, {} refused, {} lost", heard.accepted, heard.refused, heard.lost));
    if !report.latency_ms.is_empty() {
        row("", "");
        row("stage", "   p50 ms    p95 ms");
        for one in &report.latency_ms {
            row(&one.stage, &format!("{:>9.1} {:>9.1}", one.p50, one.p95));
        }
    }
    if !report.turns.is_empty() {
        row("", "");
        row("last turns", "outcome    route        ms");
        for one in &report.turns {
            let heard = one.heard.as_ref().map(|words| format!("  {words}")).unwrap_or_default();
            let at = one.at.with_timezone(&Local).format("%H:%M:%S").to_string();
            row(&at, &format!("{:<10} {:<6} {:>8.0}{heard}", one.outcome, one.route, one.ms));
        }
    }
    all
}

/// A length of time as people say it.
fn length(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_two_units() {
        let said = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 200_000].map(length);
        let expected = ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "23 h 59 min", "1 d 0 h", "2 d 7 h"];
        assert_eq!(said, expected);
    }
}
