//! `sphereconnect journal`: who did what, as far as the reader may see it.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Map, Value};

use crate::cli::{Global, Journal};
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show;
use crate::store::JournalLine;

/// The most lines that can be asked for at once.
pub const LINES_MAX: i32 = 1000;
/// The right to read what others did.
const LEADING: &str = "manage_guilds";

/// Signs the reader in and prints the journal, newest first.
///
/// # Errors
/// For a member or a time that is none, and when the database cannot be reached.
pub async fn run(config: &Config, global: &Global, wanted: &Journal) -> Result<u8, Failure> {
    let since = wanted.since.as_deref().map(|text| moment(text, Utc::now())).transpose();
    let since = since.map_err(|text| Failure::usage(anyhow::anyhow!(text)))?;
    let store = parts::store(config).await?;
    let session = parts::sign_in(&store, config, global).await?;
    let read = async {
        let mut tx = store.begin(&session).await?;
        let reader = tx.actor().await?;
        let others = |name: &str| name.to_lowercase() != reader.member.name.to_lowercase();
        if wanted.whose.as_deref().is_some_and(others) && !reader.rights.contains(LEADING) {
            let error = anyhow::anyhow!("what others did is shown to ranks with {LEADING} only; leave out --member");
            return Err(Failure { code: EXIT_SOME_NOT, error });
        }
        let lines = tx.journal_read(wanted.whose.as_deref(), since, wanted.limit).await?;
        tx.rollback().await?;
        Ok(lines)
    };
    let lines = read.await;
    if let Err(error) = store.sign_out(&session).await {
        tracing::debug!(%error, "the session was not closed; it ends by itself");
    }
    print(&lines?, global.json);
    store.close().await;
    Ok(EXIT_DONE)
}

/// Reads "90m", "12h", "3d", "2w", a day or an instant.
fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let wrong =
        || format!("\"{text}\" is no time; say how long ago (90m, 12h, 3d, 2w), a day (2026-11-01) or an instant");
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return day.and_hms_opt(0, 0, 0).map(|at| at.and_utc()).ok_or_else(wrong);
    }
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let minutes: i64 = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return Err(wrong()),
    };
    let count: i64 = text.trim_end_matches(unit).trim_end().parse().map_err(|_| wrong())?;
    let ago = count.checked_mul(minutes).filter(|ago| *ago >= 0).and_then(Duration::try_minutes);
    ago.and_then(|ago| now.checked_sub_signed(ago)).ok_or_else(wrong)
}

fn print(lines: &[JournalLine], json: bool) {
    if json {
        lines.iter().for_each(|one| show::line(serde_json::json!(one)));
        return;
    }
    if lines.is_empty() {
        show::line("the journal has nothing to show");
        return;
    }
    let who = lines.iter().map(|one| one.member.chars().count()).max().unwrap_or_default();
    for one in lines {
        let undone = if one.undone_at.is_some() { ", taken back" } else { "" };
        let at = one.at.format("%Y-%m-%d %H:%M:%S UTC");
        let what =
            if one.source == "sql" { "changed without an order".to_owned() } else { show::orders(&one.commands) };
        show::line(format_args!("{at}  {:<who$}  {:<8}  {what}{undone}", one.member, said(&one.outcome)));
        if let Some(heard) = &one.heard {
            show::line(format_args!("    heard    {heard}"));
        }
        if let Some(reply) = one.reply.as_ref().filter(|reply| !reply.is_empty() && one.outcome != "applied") {
            show::line(format_args!("    reply    {reply}"));
        }
        for change in one.changes.as_array().into_iter().flatten() {
            show::line(format_args!("    {}", changed(change)));
        }
    }
}

fn said(outcome: &str) -> &str {
    if outcome == "applied" { "done" } else { outcome }
}

/// A changed row in one line: what it is, and each field before and after.
fn changed(change: &Value) -> String {
    let text = |key: &str| change.get(key).and_then(Value::as_str).unwrap_or_default();
    let side = |key: &str| change.get(key).and_then(Value::as_object);
    let one = |fields: &Map<String, Value>, key: &str| match fields.get(key) {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let thing = match (text("kind"), side("after").or_else(|| side("before"))) {
        ("category_link", Some(link)) => format!("category {} of {}", one(link, "category"), one(link, "objective")),
        (kind, _) => format!("{} {}", kind.replace('_', " "), text("name")),
    };
    match (side("before"), side("after")) {
        (None, Some(_)) => format!("{thing}: made"),
        (Some(_), None) => format!("{thing}: removed"),
        (Some(before), Some(after)) => {
            let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
            keys.sort();
            keys.dedup();
            let all: Vec<String> =
                keys.into_iter().map(|key| format!("{key} {} → {}", one(before, key), one(after, key))).collect();
            format!("{thing}: {}", all.join(", "))
        }
        (None, None) => thing,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    #[test]
    fn a_time_is_said_in_several_ways() {
        let now = "2026-11-22T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        for (text, wanted) in [
            ("90m", "2026-11-22T10:30:00Z"),
            ("12h", "2026-11-22T00:00:00Z"),
            ("3d", "2026-11-19T12:00:00Z"),
            ("2w", "2026-11-08T12:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap(), wanted.parse::<DateTime<Utc>>().unwrap(), "{text}");
        }
        for text in ["", "m", "yesterday", "-3d", "3y", "2026-13-01", "9223372036854775807w", "é"] {
            assert!(moment(text, now).is_err(), "{text}");
        }
    }
}
