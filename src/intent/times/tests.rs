use chrono_tz::Tz;

use super::*;

fn at_in(text: &str, zone: Tz, now: &str) -> Option<String> {
    let now = DateTime::parse_from_rfc3339(now).map(|one| one.to_utc()).ok()?;
    moment(text, &Now { at: now, zone }).map(|one| one.with_timezone(&zone).format("%a %d %b %H:%M").to_string())
}

/// On a Wednesday at noon.
fn at(text: &str) -> Option<String> {
    at_in(text, Tz::UTC, "2026-03-04T12:00:00Z")
}

#[test]
fn moments_as_spoken() {
    for (text, expected) in [
        ("in two hours", Some("Wed 04 Mar 14:00")),
        ("thirty minutes from now", Some("Wed 04 Mar 12:30")),
        ("an hour and a half from now", Some("Wed 04 Mar 13:30")),
        ("in half an hour", Some("Wed 04 Mar 12:30")),
        ("in ninety minutes", Some("Wed 04 Mar 13:30")),
        ("in a couple of hours", Some("Wed 04 Mar 14:00")),
        ("at twenty hundred", Some("Wed 04 Mar 20:00")),
        ("twenty hundred hours", Some("Wed 04 Mar 20:00")),
        ("twenty one thirty", Some("Wed 04 Mar 21:30")),
        ("oh eight thirty zulu", Some("Thu 05 Mar 08:30")),
        ("zero eight hundred", Some("Thu 05 Mar 08:00")),
        ("1930", Some("Wed 04 Mar 19:30")),
        ("19:30", Some("Wed 04 Mar 19:30")),
        ("one nine three zero", Some("Wed 04 Mar 19:30")),
        // The next eight o'clock that comes.
        ("at eight", Some("Wed 04 Mar 20:00")),
        ("at eight o'clock", Some("Wed 04 Mar 20:00")),
        ("8:30", Some("Wed 04 Mar 20:30")),
        ("eight thirty", Some("Wed 04 Mar 20:30")),
        ("eight p m", Some("Wed 04 Mar 20:00")),
        ("8 p.m.", Some("Wed 04 Mar 20:00")),
        ("six a m", Some("Thu 05 Mar 06:00")),
        ("half past seven in the evening", Some("Wed 04 Mar 19:30")),
        ("quarter past eight", Some("Wed 04 Mar 20:15")),
        ("a quarter to nine", Some("Wed 04 Mar 20:45")),
        ("quarter to one", Some("Wed 04 Mar 12:45")),
        ("ten past seven", Some("Wed 04 Mar 19:10")),
        ("midnight", Some("Thu 05 Mar 00:00")),
        ("tonight at eight", Some("Wed 04 Mar 20:00")),
        ("eight tonight", Some("Wed 04 Mar 20:00")),
        ("tonight", Some("Wed 04 Mar 20:00")),
        ("tomorrow at eight pm", Some("Thu 05 Mar 20:00")),
        ("tomorrow twenty hundred", Some("Thu 05 Mar 20:00")),
        ("tomorrow evening", Some("Thu 05 Mar 20:00")),
        ("tomorrow morning at seven", Some("Thu 05 Mar 07:00")),
        ("tomorrow", Some("Thu 05 Mar 00:00")),
        ("noon tomorrow", Some("Thu 05 Mar 12:00")),
        ("the day after tomorrow at noon", Some("Fri 06 Mar 12:00")),
        ("friday at nineteen thirty", Some("Fri 06 Mar 19:30")),
        ("next friday at eight", Some("Fri 06 Mar 08:00")),
        ("friday night at nine", Some("Fri 06 Mar 21:00")),
        ("wednesday", Some("Wed 11 Mar 00:00")),
        ("on the third of december at ten", Some("Thu 03 Dec 10:00")),
        ("december third", Some("Thu 03 Dec 00:00")),
        ("March 21st at noon", Some("Sat 21 Mar 12:00")),
        ("the twenty first", Some("Sat 21 Mar 00:00")),
        ("the second", Some("Thu 02 Apr 00:00")),
        ("in three days at noon", Some("Sat 07 Mar 12:00")),
        ("later", None),
        ("soon", None),
        ("eleven past", None),
        ("today at nine a m", None),
        ("twenty pm", None),
        ("at twenty five hundred", None),
        ("at eight seventy", None),
        ("in ten thousand days", None),
        ("the thirty second", None),
        ("gold rush", None),
        ("", None),
    ] {
        assert_eq!(at(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn times_are_those_of_the_speakers_zone() {
    let berlin = Tz::Europe__Berlin;
    for (text, now, expected) in [
        ("at eight", "2026-07-01T17:00:00Z", Some("Wed 01 Jul 20:00")),
        ("at eight", "2026-07-01T19:00:00Z", Some("Thu 02 Jul 08:00")),
        ("at twenty hundred zulu", "2026-07-01T17:00:00Z", Some("Wed 01 Jul 22:00")),
        // It is tomorrow there already.
        ("today at noon", "2026-07-01T23:00:00Z", Some("Thu 02 Jul 12:00")),
        // The clocks jump from two to three.
        ("at oh two thirty", "2026-03-28T23:00:00Z", Some("Sun 29 Mar 03:30")),
    ] {
        assert_eq!(at_in(text, berlin, now).as_deref(), expected, "{text}");
    }
}

#[test]
fn lengths_as_spoken() {
    for (text, expected) in [
        ("thirty minutes", Some(30)),
        ("two hours", Some(120)),
        ("an hour and a half", Some(90)),
        ("two and a half hours", Some(150)),
        ("one hour and thirty minutes", Some(90)),
        ("one hour thirty", Some(90)),
        ("three quarters of an hour", Some(45)),
        ("half a day", Some(720)),
        ("a day and a half", Some(2160)),
        ("a couple of hours", Some(120)),
        ("1.5 hours", Some(90)),
        ("ninety", None),
        ("an hour and a", None),
        ("minutes", None),
        ("zero minutes", None),
    ] {
        assert_eq!(minutes(text), expected, "{text}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(crate::intent::fuzz_cases()))]

    #[test]
    fn any_words_are_survived(text in "\\PC{0,60}") {
        let _ = (minutes(&text), moment(&text, &Now { at: DateTime::UNIX_EPOCH, zone: Tz::UTC }));
    }

    #[test]
    fn words_of_times_in_any_order_never_lead_into_the_past(words in proptest::collection::vec(proptest::sample::select(vec![
        "in", "at", "on", "the", "of", "half", "quarter", "past", "to", "eight", "twenty", "hundred", "thirty", "pm", "am",
        "tomorrow", "friday", "december", "third", "hours", "minutes", "a", "and", "days", "tonight", "noon", "oh", "2:30",
        "march", "weeks", "zulu", "next", "0815", "o'clock", "evening",
    ]), 0..9)) {
        let now = DateTime::parse_from_rfc3339("2026-03-28T23:59:59Z").unwrap_or_default().to_utc();
        for zone in [Tz::UTC, Tz::Europe__Berlin, Tz::Pacific__Kiritimati] {
            let found = moment(&words.join(" "), &Now { at: now, zone });
            let furthest = now + Duration::days(DAYS_AHEAD_MAX);
            proptest::prop_assert!(found.is_none_or(|one| one >= now && one <= furthest), "{:?} {:?}", words, found);
        }
    }
}
