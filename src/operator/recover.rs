//! `db recover --to TIME`: the embedded database as it was.

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::json;

use super::archive::{base, blocking, second};
use crate::cli::Global;
use crate::config::Config;
use crate::parts::{EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show::{self, Waiting};
use crate::store::embedded::recover::{Recovery, recover};
use crate::store::{embedded_options, schema_max};

/// Carries out `db recover`.
pub(super) async fn run(config: &Config, global: &Global, to: &str) -> Result<u8, Failure> {
    if config.database.url.is_some() {
        return Err(Failure::usage(anyhow::anyhow!(
            "this database is a server, whose files this program cannot change; its operator restores a base backup \
             there, with restore_command, recovery_target_time and recovery.signal"
        )));
    }
    // PostgreSQL counts microseconds.
    let to = moment(to, Utc::now()).map(|to| to.trunc_subsecs(6)).ok_or_else(|| {
        Failure::usage(anyhow::anyhow!(
            "\"{to}\" is no moment; write 2026-11-22T15:30:00Z, \"2026-11-22 15:30:00\" (UTC), or how long ago: 90s, \
             10m, 2h, 3d"
        ))
    })?;
    let (options, dry_run) = (embedded_options(config), global.dry_run);
    let waiting = Waiting::new();
    let told = waiting.clone();
    let done = blocking(move || recover(&options, to, schema_max(), dry_run, &|text| told.say(text))).await;
    waiting.done();
    let recovery = done?;
    say(&recovery, global.json);
    if recovery.done.is_none() {
        return Ok(if recovery.missing.is_none() { EXIT_DONE } else { EXIT_SOME_NOT });
    }
    // The recovered database goes on in a line of time of its own, and begins it with a base backup.
    let base = base(config).await?;
    if !global.json {
        show::line(format_args!("archiving goes on; the newest base backup is of {}", second(base.moment)));
    }
    Ok(EXIT_DONE)
}

fn say(recovery: &Recovery, json: bool) {
    let Recovery { to, base, missing, done } = recovery;
    if json {
        let done = done.as_ref().map(|done| {
            let guild = |(name, members, objectives, tasks): &(String, i64, i64, i64)| {
                json!({"name": name, "members": members, "objectives": objectives, "tasks": tasks})
            };
            json!({"former": done.former, "last_change": done.last_change, "schema": done.schema,
                "guilds": done.guilds.iter().map(guild).collect::<Vec<_>>()})
        });
        show::line(json!({"to": to, "base": base, "missing": missing, "done": done}));
        return;
    }
    let Some(done) = done else {
        show::line(format_args!("would bring back {to} from the base backup of {base}"));
        match missing {
            None => show::line("  the log since then is complete"),
            Some(name) => show::line(format_args!("  {name} is missing: only moments before it can be brought back")),
        }
        return;
    };
    show::line(format_args!("the database is as it was at {to}"));
    show::line(format_args!("  from the base backup of {base}"));
    match done.last_change {
        Some(at) => show::line(format_args!("  its last change was made at {at}")),
        None => show::line("  nothing was changed between that base backup and then"),
    }
    show::line(format_args!("  schema {}", done.schema));
    for (name, members, objectives, tasks) in &done.guilds {
        show::line(format_args!("  {name}: {members} members, {objectives} objectives, {tasks} tasks"));
    }
    let former = done.former.display();
    show::line(format_args!("  the database of before is kept in {former}; remove it when you do not need it"));
}

/// Reads a moment: RFC 3339, date and time of UTC, or how long ago.
fn moment(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.to_utc());
    }
    let utc = text.strip_suffix("UTC").or(text.strip_suffix('Z')).unwrap_or(text).trim_end();
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(utc, format) {
            return Some(moment.and_utc());
        }
    }
    let ago = text.strip_suffix("ago").unwrap_or(text).trim_end();
    let seconds = match ago.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let count: i64 = ago.get(..ago.len() - 1)?.trim_end().parse().ok().filter(|count| *count >= 0)?;
    now.checked_sub_signed(TimeDelta::try_seconds(count.checked_mul(seconds)?)?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;

    #[test]
    fn a_moment_is_read_in_every_spelling_or_refused() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T15:30:00Z").unwrap().to_utc();
        let check = |text: &str, expected: Option<&str>| {
            let found = moment(text, now).map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
            assert_eq!(found.as_deref(), expected, "{text:?}");
        };
        check("2026-11-22T16:30:00+01:00", Some("2026-11-22T15:30:00Z"));
        check("2026-11-22T15:29:59.5Z", Some("2026-11-22T15:29:59.500Z"));
        check("2026-11-22 15:29:59", Some("2026-11-22T15:29:59Z"));
        check(" 2026-11-22 15:29 UTC", Some("2026-11-22T15:29:00Z"));
        check("10m", Some("2026-11-22T15:20:00Z"));
        check("90s ago", Some("2026-11-22T15:28:30Z"));
        check("1d", Some("2026-11-21T15:30:00Z"));
        for wrong in ["", "soon", "10", "m", "-5m", "99999999999999d", "2026-13-01 00:00:00", "10é"] {
            check(wrong, None);
        }
    }
}
