//! Turns rustc's JSON messages into a verdict's diagnostics.

use code_evolution_wire::verdict::{Diagnostic, Level, Suggestion};
use serde::Deserialize;

use super::scan::Published;

/// The most diagnostics of one verdict.
const MAX_DIAGNOSTICS: usize = 50;
/// The longest rendered text of one diagnostic, in bytes.
const MAX_RENDERED: usize = 4_000;
/// The candidate's file, as rustc names it.
pub const CANDIDATE: &str = "candidate.rs";

#[derive(Deserialize)]
struct Message {
    message: String,
    code: Option<Code>,
    level: String,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    children: Vec<Message>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    line_start: u32,
    is_primary: bool,
    label: Option<String>,
    suggested_replacement: Option<String>,
    suggestion_applicability: Option<String>,
}

/// Reads rustc's standard error, written with `--error-format=json`. Replaces the `hidden` texts (folders of
/// this machine). Skips lines that are not messages.
pub fn read(stderr: &[u8], published: &Published, hidden: &[(String, &str)]) -> Vec<Diagnostic> {
    stderr
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter_map(|message| Some((level(&message.level)?, message)))
        // Skip the closing count: "aborting due to 2 previous errors".
        .filter(|(_, message)| {
            message.code.is_some() || !message.spans.is_empty() || !is_count(message)
        })
        // Skip a warning about the code around the candidate.
        .filter(|(level, message)| *level == Level::Error || line(message).is_some())
        .take(MAX_DIAGNOSTICS)
        .map(|(level, message)| diagnostic(level, message, published, hidden))
        .collect()
}

/// Returns whether the diagnostic is one of clippy's lints, not the compiler's.
pub fn is_clippys(diagnostic: &Diagnostic) -> bool {
    diagnostic.code.as_deref().is_some_and(|code| code.starts_with("clippy::"))
}

/// Returns `None` for notes, and for the compiler's own failure.
fn level(name: &str) -> Option<Level> {
    match name {
        "error" => Some(Level::Error),
        "warning" => Some(Level::Warning),
        _ => None,
    }
}

/// Returns the line in the candidate that a message is about.
fn line(message: &Message) -> Option<u32> {
    primary(message).map(|span| span.line_start)
}

/// Returns the place in the candidate that a message is about.
fn primary(message: &Message) -> Option<&Span> {
    message.spans.iter().find(|span| span.is_primary && span.file_name == CANDIDATE)
}

fn is_count(message: &Message) -> bool {
    message.message.starts_with("aborting due to") || message.message.ends_with("emitted")
}

/// Turns plain text that a compiler or linker wrote before it failed into one error.
pub fn plain(stderr: &[u8], hidden: &[(String, &str)]) -> Option<Diagnostic> {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('{')).take(20).collect();
    let text = clean(&lines.join("\n"), hidden);
    let message = text.lines().next()?.to_owned();
    Some(Diagnostic {
        level: Level::Error,
        message,
        code: None,
        line: None,
        label: None,
        rendered: text,
        suggestions: Vec::new(),
    })
}

/// rustc's notes about long types. They name a file that no longer exists, or an option that a model cannot
/// use.
const TYPE_NOTES: [&str; 2] = [
    "= note: the full name for the type has been written to",
    "= note: consider using `--verbose` to print the full type name",
];

fn without_type_notes(rendered: &str) -> String {
    let is_note = |line: &&str| TYPE_NOTES.iter().any(|note| line.trim_start().starts_with(note));
    rendered.split_inclusive('\n').filter(|line| !is_note(line)).collect()
}

fn clean(text: &str, hidden: &[(String, &str)]) -> String {
    let mut text = text.to_owned();
    for (secret, shown) in hidden {
        text = text.replace(secret, shown);
    }
    let end = text.floor_char_boundary(MAX_RENDERED);
    text.truncate(end);
    text.trim_end().to_owned()
}

fn diagnostic(
    level: Level,
    message: Message,
    published: &Published,
    hidden: &[(String, &str)],
) -> Diagnostic {
    let (line, label) = (line(&message), primary(&message).and_then(|span| span.label.clone()));
    let rendered = without_type_notes(message.rendered.as_deref().unwrap_or(&message.message));
    let suggestions = message
        .children
        .iter()
        .flat_map(|child| &child.spans)
        .filter(|span| span.file_name == CANDIDATE)
        .filter(|span| span.suggestion_applicability.as_deref() == Some("MachineApplicable"))
        .filter_map(|span| {
            let range = published.original(span.byte_start..span.byte_end);
            span.suggested_replacement.as_ref().map(|replacement| Suggestion {
                start: range.start,
                end: range.end,
                replacement: replacement.clone(),
            })
        })
        .collect();
    Diagnostic {
        level,
        code: message.code.map(|code| code.code),
        line,
        label: label.map(|label| clean(&label, hidden)),
        rendered: clean(&rendered, hidden),
        message: clean(&message.message, hidden),
        suggestions,
    }
}

/// Applies replacements to a source, all at once.
///
/// # Errors
/// If a replacement lies outside the source, or two overlap.
pub fn apply_suggestions(code: &str, suggestions: &[Suggestion]) -> Result<String, String> {
    let mut sorted: Vec<&Suggestion> = suggestions.iter().collect();
    sorted.sort_by_key(|suggestion| (suggestion.start, suggestion.end));
    sorted.dedup();
    let mut fixed = String::with_capacity(code.len());
    let mut from = 0;
    for suggestion in sorted {
        let (start, end) = (suggestion.start, suggestion.end);
        if start < from {
            return Err(format!(
                "two suggestions overlap at byte {start}; apply one, judge again, then the other"
            ));
        }
        let kept = code.get(from..start).filter(|_| code.get(start..end).is_some());
        let kept = kept.ok_or_else(|| {
            format!(
                "bytes {start}..{end} are not in the source ({} bytes); pass the source that was \
                 judged, unchanged",
                code.len()
            )
        })?;
        fixed.push_str(kept);
        fixed.push_str(&suggestion.replacement);
        from = end;
    }
    fixed.push_str(&code[from..]);
    Ok(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn replace(start: usize, end: usize, replacement: &str) -> Suggestion {
        Suggestion { start, end, replacement: replacement.to_owned() }
    }

    #[test]
    fn notes_on_long_types_are_left_out() {
        let rendered = "error[E0308]: mismatched types\n 3 |     evens\n   |     ^^^^^ expected `u64`\n\
            \x20 = note: expected type `u64`\n\
            \x20 = note: the full name for the type has been written to 'main.long-type-1.txt'\n\
            \x20 = note: consider using `--verbose` to print the full type name to the console\n";
        let kept = without_type_notes(rendered);
        assert!(kept.ends_with("^^^^^ expected `u64`\n  = note: expected type `u64`\n"), "{kept}");
        // A line of the candidate with the same words stays.
        let own = "1 | // = note: consider using `--verbose` to print the full type name\n";
        assert_eq!(without_type_notes(own), own);
    }

    #[test]
    fn suggestions_are_applied_together() {
        let fixes = [replace(4, 5, "y"), replace(0, 0, "mut "), replace(4, 5, "y")];
        assert_eq!(apply_suggestions("let x;", &fixes).unwrap(), "mut let y;");
    }

    #[test]
    fn bad_suggestions_are_refused() {
        assert!(apply_suggestions("é", &[replace(1, 2, "")]).unwrap_err().contains("not in"));
        assert!(apply_suggestions("abc", &[replace(2, 9, "")]).unwrap_err().contains("not in"));
        assert!(apply_suggestions("abc", &[replace(2, 1, "")]).unwrap_err().contains("not in"));
        let overlap = [replace(0, 2, "x"), replace(1, 3, "y")];
        assert!(apply_suggestions("abc", &overlap).unwrap_err().contains("overlap"));
    }

    proptest! {
        #[test]
        fn any_suggestion_is_applied_or_refused(
            code in ".{0,40}",
            ranges in proptest::collection::vec((0usize..60, 0usize..60), 0..4),
        ) {
            let fixes: Vec<_> = ranges.iter().map(|(a, b)| replace(*a, *b, "")).collect();
            if let Ok(fixed) = apply_suggestions(&code, &fixes) {
                prop_assert!(fixed.len() <= code.len());
            }
        }
    }
}
