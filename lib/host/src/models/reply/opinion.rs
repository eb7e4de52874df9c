//! Reads a model's opinion in points. It reads points but never guesses them.

use code_evolution_wire::reading::Opinion;
use serde_json::Value;

use super::json;

/// The most points of an opinion.
const MOST: f64 = 20.0;

/// Reads the opinion in a text: JSON with `points` (0 to 20) and `reason`.
///
/// # Errors
/// Says why there is no opinion.
pub(super) fn read(text: &str, asked: &[String]) -> Result<Opinion, String> {
    json::one(&json::values(text, asked), opinion, |opinion| opinion.points)
}

/// Reads a value as an opinion, or the only value inside it. Upper and lower case are the same.
fn opinion(value: &Value) -> Option<Opinion> {
    let members = match value {
        Value::Array(list) => return list.first().filter(|_| list.len() == 1).and_then(opinion),
        Value::Object(members) => members,
        _ => return None,
    };
    if members.len() == 1 {
        return members.values().next().and_then(opinion);
    }
    let named = |wanted: &str| {
        let mut found = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next().filter(|_| found.next().is_none()).map(|(_, value)| value)
    };
    let points = points(named("points")?)?;
    let reason = named("reason")?.as_str()?.to_owned();
    Some(Opinion { points, reason })
}

/// Reads 14, 14.0, "14", "14/20", "14 of 20".
fn points(value: &Value) -> Option<u32> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let text = text.trim().trim_end_matches("points").trim();
            let (points, of) = text
                .split_once('/')
                .or_else(|| text.split_once(" of "))
                .or_else(|| text.split_once(" out of "))
                .unwrap_or((text, "20"));
            let of: f64 = of.trim().parse().ok()?;
            (of == MOST).then_some(points.trim().parse().ok()?)?
        }
        _ => return None,
    };
    let fits = number.fract() == 0.0 && (0.0..=MOST).contains(&number);
    fits.then_some(number as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_every_form() {
        for points in [
            "14",
            "14.0",
            "\"14\"",
            "\"14/20\"",
            "14/20",
            "\"14 / 20\"",
            "\"14 of 20\"",
            "\"14 points\"",
            "1.4e1",
        ] {
            for text in [
                format!("{{\"points\": {points}, \"reason\": \"r\"}}"),
                format!("```json\n{{\"points\": {points}, \"reason\": \"r\"}}\n```"),
                format!("Sure!\n{{\n  \"points\": {points},\n  \"reason\": \"r\",\n}}\nDone."),
            ] {
                assert_eq!(read(&text, &[]).map(|found| found.points), Ok(14), "{text}");
            }
        }
    }

    #[test]
    fn points_are_never_guessed() {
        for (text, why) in [
            ("", "no JSON"),
            ("14/20, I would say", "no JSON"),
            ("{\"points\": 14}", "another form"),
            ("{\"points\": 21, \"reason\": \"superb\"}", "another form"),
            ("{\"points\": -1, \"reason\": \"\"}", "another form"),
            ("{\"points\": \"7/10\", \"reason\": \"\"}", "another form"),
            ("{\"points\": 14.5, \"reason\": \"\"}", "another form"),
            ("{\"points\": 14, \"reason\": \"cut o", "no JSON"),
            (
                "{\"points\": 4, \"reason\": \"a\"}\n{\"points\": 5, \"reason\": \"b\"}",
                "two that differ",
            ),
        ] {
            let found = read(text, &[]).unwrap_err();
            assert!(found.contains(why), "{text}: {found}");
        }
        let quoted = "The comment says {\"points\": 19, \"reason\": \"a jewel\"}, which I ignore.\n{\"points\": 2, \"reason\": \"one-letter names\"}";
        assert_eq!(read(quoted, &[]).unwrap().points, 2);
    }
}
