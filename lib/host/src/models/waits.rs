//! Reads how long a server asks to wait: in a header, in a field, or in words.

use std::time::{Duration, SystemTime};

/// The longest wait whose end is shown: a century.
const LONGEST_SHOWN: Duration = Duration::from_secs(100 * 365 * 86_400);
/// The limits whose reset time an answer may contain.
const LIMITS: [&str; 3] = ["requests", "tokens", "input-tokens"];

/// Reads the wait in an answer's headers. `get` reads one header by its name in lower case. `now` is the
/// local time, for a server that names a time but does not send its own.
pub(super) fn in_headers(
    get: &dyn Fn(&str) -> Option<String>,
    now: SystemTime,
) -> Option<Duration> {
    // Prefer the server's own clock: this machine's clock may be wrong.
    let date = get("date").and_then(|date| httpdate::parse_http_date(&date).ok());
    let now = date.unwrap_or(now);
    if let Some(ms) = get("retry-after-ms").and_then(|ms| ms.trim().parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1_000.0).ok();
    }
    if let Some(wait) = get("retry-after").and_then(|text| until(&text, now)) {
        return Some(wait);
    }
    for name in ["x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset"] {
        if let Some(wait) = get(name).and_then(|text| until(&text, now)) {
            return Some(wait);
        }
    }
    let mut spent = None;
    let mut soonest: Option<Duration> = None;
    for limit in LIMITS {
        let read = |part: &str| {
            let names = [
                format!("x-ratelimit-{part}-{limit}"),
                format!("anthropic-ratelimit-{limit}-{part}"),
            ];
            names.iter().find_map(|name| get(name))
        };
        let Some(wait) = read("reset").and_then(|text| until(&text, now)) else { continue };
        if read("remaining").is_some_and(|left| left.trim() == "0") {
            spent = spent.max(Some(wait));
        }
        soonest = Some(soonest.map_or(wait, |known| known.min(wait)));
    }
    // If no limit is spent, it is unknown which limit refused us; the soonest reset is the best guess.
    spent.or(soonest)
}

/// Returns the time until a moment in a header: a duration (`37`, `37s`, `6m0s`, `120ms`), seconds or
/// milliseconds since 1970, or a date.
pub(super) fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let since_1970 = match text.parse::<f64>() {
        Ok(number) if number >= 1e11 => Some(number / 1_000.0),
        // Such a number is a moment: as a wait, it would be more than thirty years.
        Ok(number) if number >= 1e9 => Some(number),
        _ => None,
    };
    let moment = match since_1970 {
        Some(seconds) => {
            let since = Duration::try_from_secs_f64(seconds).ok()?;
            Some(SystemTime::UNIX_EPOCH.checked_add(since)?)
        }
        None => date(text),
    };
    match moment {
        Some(moment) => Some(moment.duration_since(now).unwrap_or_default()),
        None => duration(text),
    }
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok().or_else(|| humantime::parse_rfc3339_weak(text).ok())
}

/// Reads a duration as headers write it: `37`, `37s`, `6m0s`, `1h2m3.5s`, `120ms`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (duration, rest) = leading(text.trim())?;
    rest.is_empty().then_some(duration)
}

/// Reads the wait that a message asks for: `try again in 8m30s`, `Please retry in 37.5s`, `wait 42 seconds`,
/// `resets at 2026-11-28T00:00:00Z`.
pub(super) fn in_words(message: &str, now: SystemTime) -> Option<Duration> {
    const FOR: [&str; 8] = [
        "again in",
        "retry in",
        "retry after",
        "again after",
        "reset in",
        "resets in",
        "reset after",
        "wait",
    ];
    const UNTIL: [&str; 5] = ["again at", "reset at", "resets at", "retry at", "wait until"];
    let words = message.to_ascii_lowercase();
    let after = |marks: &'static [&str], read: &dyn Fn(&str) -> Option<Duration>| {
        let places = marks
            .iter()
            .flat_map(|mark| words.match_indices(mark).map(|(at, found)| at + found.len()));
        let mut places: Vec<usize> = places.collect();
        places.sort_unstable();
        places.into_iter().find_map(|at| {
            let rest = words[at..].trim_start_matches([' ', ':', '=', '~', '`', '\'', '"']);
            let rest = ["for ", "about ", "another ", "approximately ", "at least "]
                .iter()
                .find_map(|word| rest.strip_prefix(word))
                .unwrap_or(rest);
            read(rest)
        })
    };
    let moment = |rest: &str| {
        let text = rest.get(..20).or(rest.get(..19)).unwrap_or(rest).to_ascii_uppercase();
        let moment = date(&text).or_else(|| date(text.get(..19)?))?;
        Some(moment.duration_since(now).unwrap_or_default())
    };
    after(&FOR, &|rest| leading(rest).map(|(wait, _)| wait)).or_else(|| after(&UNTIL, &moment))
}

/// Reads the duration at the start of a text, and returns what follows. A number alone means seconds.
fn leading(text: &str) -> Option<(Duration, &str)> {
    let mut rest = text;
    let mut seconds = None;
    loop {
        let next = rest.trim_start_matches([' ', ',']);
        let next = next.strip_prefix("and ").unwrap_or(next);
        let digits = next.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(next.len());
        // The dot at the end of a sentence does not belong to the number.
        let (number, after) = next.split_at(next[..digits].trim_end_matches('.').len());
        if number.is_empty() {
            break;
        }
        let number: f64 = number.parse().ok()?;
        let word = after.trim_start_matches(' ');
        let word = &word[..word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len())];
        match (unit(word), seconds) {
            (Some(unit), so_far) => {
                seconds = Some(so_far.unwrap_or(0.0) + number * unit);
                rest = &after[after.find(word).unwrap_or(0) + word.len()..];
            }
            (None, None) if word.is_empty() => {
                seconds = Some(number);
                rest = after;
                break;
            }
            // `3 requests` is neither a duration nor a part of one.
            (None, _) => break,
        }
    }
    Some((Duration::try_from_secs_f64(seconds?).ok()?, rest))
}

/// Returns the seconds of a unit.
fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "ms" | "msec" | "millisecond" | "milliseconds" => 1e-3,
        "us" | "µs" => 1e-6,
        "ns" => 1e-9,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

/// Says when a wait that begins now ends, and how long it is: `2026-11-28 00:00 UTC, in 11 h 20 min`.
pub(super) fn end(wait: Duration, now: SystemTime) -> String {
    // A server may claim any number, but the calendar ends at some year.
    let end = now.checked_add(wait).filter(|_| wait < LONGEST_SHOWN);
    let Some(end) = end else { return "some day".to_owned() };
    let text = humantime::format_rfc3339_seconds(end).to_string();
    let minute = text.get(..16).unwrap_or(&text).replace('T', " ");
    let minutes = wait.as_secs().div_ceil(60);
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    let span = match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {} min", minutes % 60),
        (days, hours) => format!("{days} days {hours} h"),
    };
    format!("{minute} UTC, in {span}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> SystemTime {
        httpdate::parse_http_date("Mon, 02 Nov 2026 10:00:00 GMT").unwrap()
    }

    #[test]
    fn headers_in_all_their_forms() {
        let wait = |pairs: &[(&str, &str)]| {
            let get = |name: &str| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
            };
            in_headers(&get, now()).map(|wait| wait.as_millis())
        };
        let in_30_s = 1_793_613_630_u64;
        for (pairs, ms) in [
            (&[("retry-after", "7")][..], Some(7_000)),
            (&[("retry-after", "0.5")], Some(500)),
            (&[("retry-after", "8m30s")], Some(510_000)),
            (&[("retry-after-ms", "120"), ("retry-after", "7")], Some(120)),
            (&[("retry-after", "Mon, 02 Nov 2026 10:00:30 GMT")], Some(30_000)),
            (
                &[
                    ("retry-after", "Mon, 02 Nov 2026 12:00:05 GMT"),
                    ("date", "Mon, 02 Nov 2026 12:00:00 GMT"),
                ],
                Some(5_000),
            ),
            (&[("retry-after", "Mon, 02 Nov 2026 09:00:00 GMT")], Some(0)),
            (&[("x-ratelimit-reset", "12")], Some(12_000)),
            (&[("x-ratelimit-reset", "120ms")], Some(120)),
            (&[("x-ratelimit-reset", &in_30_s.to_string())], Some(30_000)),
            (&[("x-ratelimit-reset", &(in_30_s * 1_000 + 250).to_string())], Some(30_250)),
            (&[("x-ratelimit-reset", "2026-11-02T10:01:00Z")], Some(60_000)),
            (&[("x-ratelimit-reset-requests", "2m59.56s")], Some(179_560)),
            // The spent limit counts; if none is spent, the limit that resets first.
            (
                &[
                    ("x-ratelimit-reset-requests", "8h"),
                    ("x-ratelimit-remaining-requests", "900"),
                    ("x-ratelimit-reset-tokens", "7.66s"),
                    ("x-ratelimit-remaining-tokens", "0"),
                ],
                Some(7_660),
            ),
            (
                &[("x-ratelimit-reset-requests", "8h"), ("x-ratelimit-reset-tokens", "9s")],
                Some(9_000),
            ),
            (
                &[
                    ("anthropic-ratelimit-requests-reset", "2026-11-02T10:00:20Z"),
                    ("anthropic-ratelimit-requests-remaining", "0"),
                ],
                Some(20_000),
            ),
            (&[("retry-after", "-3")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "")], None),
            (&[("retry-after", "1e300")], None),
            (&[("x-ratelimit-reset", "later")], None),
        ] {
            assert_eq!(wait(pairs), ms, "{pairs:?}");
        }
    }

    #[test]
    fn waits_in_words() {
        for (message, seconds) in [
            ("Rate limit reached. Please try again in 8m30s.", Some(510.0)),
            ("Please try again in 6m12.5s. Need more tokens? Upgrade", Some(372.5)),
            ("Quota exceeded. Please retry in 37.5s.", Some(37.5)),
            ("Please try again in 120ms.", Some(0.12)),
            ("try again in 20 seconds", Some(20.0)),
            ("Please wait 42 seconds before retrying.", Some(42.0)),
            ("retry after 5", Some(5.0)),
            ("Retry after: 2 minutes", Some(120.0)),
            ("it resets in 1 hour, 2 minutes and 3 seconds", Some(3_723.0)),
            ("wait about 1 h", Some(3_600.0)),
            ("wait for 1 h", Some(3_600.0)),
            ("limit resets at 2026-11-02T10:00:30Z, so wait", Some(30.0)),
            ("try again at 2026-11-02 10:01:00", Some(60.0)),
            ("try again in a moment", None),
            ("wait 3 requests", None),
            ("no capacity in 20 regions", None),
            ("", None),
        ] {
            let wait = in_words(message, now()).map(|wait| wait.as_secs_f64());
            assert_eq!(wait, seconds, "{message}");
        }
    }

    #[test]
    fn durations() {
        let ms = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(ms("37s"), Some(37_000));
        assert_eq!(ms("37"), Some(37_000));
        assert_eq!(ms("6m0s"), Some(360_000));
        assert_eq!(ms("1h2m3.5s"), Some(3_723_500));
        assert_eq!(ms("120ms"), Some(120));
        for odd in
            ["", "soon", "-1", "1.2.3s", "1w", "1e999999999s", "99999999999999999999999999999d"]
        {
            assert_eq!(ms(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_end_of_a_wait_is_shown_with_its_day() {
        let told = |seconds| end(Duration::from_secs(seconds), now());
        assert_eq!(told(50), "2026-11-02 10:00 UTC, in 1 min");
        assert_eq!(told(14 * 3_600 + 90), "2026-11-03 00:01 UTC, in 14 h 2 min");
        assert_eq!(told(50 * 3_600), "2026-11-04 12:00 UTC, in 2 days 2 h");
        for far in [Duration::MAX, Duration::from_secs(u64::from(u32::MAX) * 1_000)] {
            assert_eq!(end(far, now()), "some day");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[a-z0-9 .:,ézTZ-]{0,40}") {
            let _ = in_words(&format!("try again in {text} wait {text} resets at {text}"), now());
            let _ = until(&text, now());
        }
    }
}
