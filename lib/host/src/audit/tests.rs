use code_evolution_wire::verdict::{Outcome, Stage};
use proptest::prelude::*;

use super::chain::LONGEST_LINE;
use super::*;

fn log(events: &[(&str, Value)]) -> (tempfile::TempDir, Log) {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::new(folder.path().join("new/audit.jsonl"));
    for (event, summary) in events {
        log.append(event, summary.clone(), b"payload").unwrap();
    }
    (folder, log)
}

fn three() -> (tempfile::TempDir, Vec<String>) {
    let (folder, log) =
        log(&[("a", json!({"x": {"y": {}}})), ("b", json!("}}\",\"hash\":\"")), ("c", json!(1.5))]);
    let text = std::fs::read_to_string(log.path()).unwrap();
    (folder, text.split_inclusive('\n').map(str::to_owned).collect())
}

fn broken_line(lines: &[String]) -> Option<u64> {
    match verify(lines.concat().as_bytes()).unwrap() {
        Checked::Intact { .. } => None,
        Checked::Broken { line, .. } => Some(line),
    }
}

#[test]
fn an_unchanged_log_is_intact() {
    let (_folder, lines) = three();
    let last = lines[2].trim_end().trim_end_matches("\"}");
    let expected = Checked::Intact { lines: 3, last_hash: last[last.len() - 64..].to_owned() };
    assert_eq!(verify(lines.concat().as_bytes()).unwrap(), expected);
    assert_eq!(
        verify(&b""[..]).unwrap(),
        Checked::Intact { lines: 0, last_hash: GENESIS.to_owned() }
    );
    let entry: Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!(entry["digest"], digest(b"payload"));
    assert!(humantime::parse_rfc3339(entry["time"].as_str().unwrap()).is_ok());
}

#[test]
fn the_first_broken_line_is_named() {
    let (_folder, lines) = three();
    let [a, b, c] = [&lines[0], &lines[1], &lines[2]].map(String::clone);
    assert_eq!(broken_line(&[a.clone(), b.replace("\"b\"", "\"B\""), c.clone()]), Some(2));
    assert_eq!(broken_line(&[a.clone(), c.clone()]), Some(2));
    assert_eq!(broken_line(&[b.clone(), c.clone()]), Some(1));
    assert_eq!(broken_line(&[a.clone(), c.clone(), b.clone()]), Some(2));
    assert_eq!(broken_line(&[a.clone(), a.clone(), b.clone(), c.clone()]), Some(2));
    assert_eq!(broken_line(&[a.clone(), b.clone(), c.trim_end().to_owned()]), Some(3));
    assert_eq!(broken_line(&[a, "\n".to_owned(), b, c]), Some(2));
}

#[test]
fn a_cut_log_is_not_continued() {
    let (_folder, log) = log(&[("a", json!(1))]);
    let text = std::fs::read_to_string(log.path()).unwrap();
    for cut in [&text[..text.len() - 1], "{}\n", "\n"] {
        std::fs::write(log.path(), cut).unwrap();
        let error = log.append("b", json!(2), b"").unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("last line"), "{error}");
        assert_eq!(std::fs::read_to_string(log.path()).unwrap(), cut);
    }
}

#[test]
fn two_writers_build_one_chain() {
    let (_folder, log) = log(&[]);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let log = &log;
            // Each line opens the file again, as another process would.
            scope.spawn(move || {
                for n in 0..25 {
                    log.append("line", json!([writer, n, "x".repeat(9_000)]), b"").unwrap();
                }
            });
        }
    });
    let checked = verify(File::open(log.path()).unwrap()).unwrap();
    assert!(matches!(checked, Checked::Intact { lines: 100, .. }), "{checked:?}");
}

#[test]
fn questions_and_answers_are_summed_up_without_keys() {
    let (_folder, log) = log(&[]);
    log.hide(Key::new("AbCdEfGh12345678IjKlMnOp90123456").unwrap());
    let prompt = format!(
        "use sk-canary-0123456789 AbCdEfGh12345678IjKlMnOp90123456 {}",
        "long ".repeat(100)
    );
    log.clone().asked(&Ask::new(&prompt)).unwrap();
    let verdict = Verdict::new(Stage::Run, Outcome::Finished, Vec::new());
    let task = Task::new("fn count() -> u8").case((), 1);
    log.judged(&task, "fn count() {}", None, &verdict).unwrap();
    let text = std::fs::read_to_string(log.path()).unwrap();
    assert!(
        text.contains("use *** *** long") && !text.contains("canary") && text.len() < 2_400,
        "{text}"
    );
    assert!(text.contains(&digest(b"fn count() {}")));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(log.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn kept_content_has_a_limit_and_no_key() {
    let (_folder, log) = log(&[]);
    let kept = |text: &str| {
        log.keep("a", json!({}), json!({"text": text}), b"").unwrap();
        let text = std::fs::read_to_string(log.path()).unwrap();
        let last: Entry = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        last.kept
    };
    assert_eq!(kept("use sk-canary-0123456789"), Some(json!({"text": "use ***"})));
    assert_eq!(kept(&"x".repeat(1_000)), Some(json!({"text": "x".repeat(1_000)})));
    assert_eq!(kept(&"x".repeat(LONGEST_KEPT)), None);
    for _ in 0..MOST_KEPT.div_ceil(LONGEST_KEPT as u64 - 100) {
        log.keep("a", json!({}), json!("x".repeat(LONGEST_KEPT - 100)), b"").unwrap();
    }
    assert_eq!(kept("short"), None, "the log has its size");
    assert!(std::fs::metadata(log.path()).unwrap().len() < MOST_KEPT + LONGEST_LINE);
    let checked = verify(File::open(log.path()).unwrap()).unwrap();
    assert!(matches!(checked, Checked::Intact { .. }), "{checked:?}");
}

#[test]
fn no_part_of_a_key_remains() {
    let (_folder, log) = log(&[]);
    // Only the beginning of this key has the shape of a key; its end does not.
    log.hide(Key::new("sk-0123456789abcdef:tail-of-key").unwrap());
    log.asked(&Ask::new("use sk-0123456789abcdef:tail-of-key")).unwrap();
    let text = std::fs::read_to_string(log.path()).unwrap();
    assert!(text.contains("\"use ***\""), "{text}");
}

#[test]
fn an_error_names_the_file() {
    let (_folder, log) = log(&[("a", json!(1))]);
    std::fs::write(log.path(), "cut").unwrap();
    let error = format!("{:#}", log.append("b", json!(2), b"").unwrap_err());
    assert!(error.contains(&log.path().display().to_string()), "{error}");
}

proptest! {
    #[test]
    fn any_changed_byte_is_noticed(at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let (_folder, lines) = three();
        let mut bytes = lines.concat().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let checked = verify(bytes.as_slice()).unwrap();
        prop_assert!(matches!(checked, Checked::Broken { .. }), "byte {}: {:?}", at, checked);
    }
}
