//! Whether a refused request is worth another, and when.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The wait before the second request when the server names none.
pub(super) const WAIT: Duration = Duration::from_millis(250);
/// The wait before a server is asked again that is still reading its model.
pub(super) const LOADING_WAIT: Duration = Duration::from_millis(500);
/// The least time the second request must have; with less, its answer would come too late anyway.
const ANSWER_MIN: Duration = Duration::from_millis(300);

/// How long the server wants to be left alone; `None` for a status that another request would not change.
pub(super) fn wait(code: u16, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    matches!(code, 408 | 409 | 429 | 500..=599).then(|| named(headers, now).unwrap_or(WAIT))
}

/// Whether a wait leaves enough of the budget for an answer.
pub(super) fn fits(wait: Duration, left: Duration) -> bool {
    wait.saturating_add(ANSWER_MIN) <= left
}

fn named(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|ms| ms.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let after = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = after.parse::<f64>() {
        // A wait too long for a Duration is longer than any budget.
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(if seconds > 0.0 { Duration::MAX } else { WAIT }));
    }
    let at = DateTime::parse_from_rfc2822(after).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;
    use chrono::TimeZone as _;

    fn check(code: u16, header: Option<(&'static str, &str)>, expected_ms: Option<u128>) {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        let now = Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
        let got = wait(code, &headers, now).map(|wait| wait.as_millis());
        assert_eq!(got, expected_ms, "{code} {header:?}");
    }

    #[test]
    fn waits_as_the_server_asks() {
        for code in [408, 409, 429, 500, 502, 503, 529] {
            check(code, None, Some(250));
        }
        for code in [400, 401, 404, 413, 422] {
            check(code, Some(("retry-after", "1")), None);
        }
        check(429, Some(("retry-after", "2")), Some(2000));
        check(429, Some(("retry-after", "0.5")), Some(500));
        check(429, Some(("retry-after-ms", "120")), Some(120));
        check(503, Some(("retry-after", "Sun, 22 Nov 2026 12:00:03 GMT")), Some(3000));
        check(503, Some(("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT")), Some(0));
        check(503, Some(("retry-after", "soon")), Some(250));
        check(503, Some(("retry-after", "-1")), Some(250));
        check(503, Some(("retry-after", "NaN")), Some(250));
        check(503, Some(("retry-after", "1e300")), Some(Duration::MAX.as_millis()));
        assert!(!fits(Duration::MAX, Duration::from_secs(8)));
        assert!(fits(WAIT, Duration::from_secs(8)));
        assert!(!fits(WAIT, Duration::from_millis(400)));
    }
}
