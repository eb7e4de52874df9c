//! Edits: a reply that changes the question's code instead of writing it anew.
//!
//! Models write SEARCH/REPLACE blocks, unified diffs, and code with `// ... existing code ...` in it. An edit
//! is applied only if it fits in exactly one place. White space at the ends of lines does not count; if
//! nothing fits exactly, indentation does not count either. Otherwise the edit is refused, with words that
//! tell the model what to answer instead.

use crate::models::reply::scan;

/// An edit in a reply.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Edit {
    /// The name of this kind of edit, for a person.
    pub(super) what: &'static str,
    changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// Replaces the old lines with the new ones.
    Replace { old: Vec<String>, new: Vec<New> },
    /// Code with gaps: each gap stands for lines that stay.
    Gaps(Vec<Vec<String>>),
}

/// A line that an edit writes.
#[derive(Debug, Clone, PartialEq)]
enum New {
    Line(String),
    /// A line that stays: its number among the old lines.
    Old(usize),
}

/// Finds the edit in a block. `base` are the codes of the question; they distinguish a diff from code in
/// which a line happens to begin with `-`.
pub(super) fn find(block: &str, tagged_diff: bool, base: &[String]) -> Option<Edit> {
    search_replace(block).or_else(|| diff(block, tagged_diff, base)).or_else(|| gaps(block))
}

/// Returns which of the three marks of a SEARCH/REPLACE block a line is, if any.
fn conflict_mark(line: &str) -> Option<usize> {
    let line = line.trim();
    let run = |mark: char| line.chars().take_while(|&c| c == mark).count();
    let word = |count: usize| line[count..].trim().to_uppercase();
    let named = |count: usize, names: &[&str]| {
        count >= 3 && names.iter().any(|name| word(count).starts_with(name))
    };
    let (open, dash, plus, equals, close) = (run('<'), run('-'), run('+'), run('='), run('>'));
    if open >= 5 || named(open, &["SEARCH", "ORIGINAL", "HEAD", "OLD"]) || named(dash, &["SEARCH"])
    {
        return Some(0);
    }
    if equals >= 5 && word(equals).is_empty() {
        return Some(1);
    }
    let ends =
        close >= 5 || named(close, &["REPLACE", "UPDATED", "NEW"]) || named(plus, &["REPLACE"]);
    ends.then_some(2)
}

fn search_replace(block: &str) -> Option<Edit> {
    let mut changes = Vec::new();
    let (mut side, mut old, mut new) = (None, Vec::new(), Vec::new());
    for line in block.lines() {
        match (conflict_mark(line), side) {
            (Some(0), None) => (side, old, new) = (Some(0), Vec::new(), Vec::new()),
            (Some(1), Some(0)) => side = Some(1),
            (Some(2), Some(1)) => {
                side = None;
                let (old, new) = (std::mem::take(&mut old), std::mem::take(&mut new));
                changes.push(Change::Replace { old, new });
            }
            (_, Some(0)) => old.push(line.to_owned()),
            (_, Some(_)) => new.push(New::Line(line.to_owned())),
            _ => {}
        }
    }
    // An edit without its last mark is not complete, although its purpose is clear.
    (!changes.is_empty() && side.is_none())
        .then_some(Edit { what: "a SEARCH/REPLACE edit", changes })
}

/// Returns whether a block looks like an edit, even if it cannot be read as one.
pub(super) fn has_marks(block: &str) -> bool {
    block.lines().any(|line| matches!(conflict_mark(line), Some(0 | 2)))
}

/// Returns whether code contains a mark of an edit, of a fence or of a model, outside of comments and
/// strings. Then the reply was misread, and the result is not a program.
pub(super) fn has_stray_marks(code: &str) -> bool {
    // Character runs that never occur in Rust. (Nested generics end with only a few `>`.)
    const MARKS: [&str; 12] = [
        "<<<<<",
        "=====",
        ">>>>>>>",
        "@@",
        "```",
        "<|",
        "</",
        "◁",
        "<think>",
        "<thinking>",
        "<THINK",
        "[THINK]",
    ];
    let tokens = scan::tokens(code);
    MARKS.iter().any(|mark| tokens.contains(mark))
        || tokens.lines().any(|line| conflict_mark(line).is_some())
}

fn diff(block: &str, tagged: bool, base: &[String]) -> Option<Edit> {
    let lines: Vec<&str> = block.lines().collect();
    let body = |line: &&&str| {
        let heads = ["+++ ", "--- ", "*** ", "diff --git", "index ", "\\ No newline", "@@"];
        !heads.iter().any(|head| line.starts_with(head))
    };
    let changed = |line: &&&str| line.starts_with(['+', '-']);
    let hunks = lines.iter().any(|line| line.starts_with("@@"));
    let count = lines.iter().filter(body).filter(changed).count();
    if count == 0 {
        return None;
    }
    let shaped = || {
        lines
            .iter()
            .filter(body)
            .all(|line| line.is_empty() || line.starts_with([' ', '+', '-', '\t']))
    };
    // A context line may have lost its first space. Then each removed line must be a line of the question's
    // code.
    let goes = |line: &&&str| {
        let old = line.strip_prefix('-').map(str::trim).filter(|old| !old.is_empty());
        old.is_some_and(|old| base.iter().any(|code| code.lines().any(|line| line.trim() == old)))
    };
    let sloppy = || {
        let mut gone = lines.iter().filter(body).filter(|line| line.starts_with('-')).peekable();
        gone.peek().is_some() && gone.all(|line| goes(&line) || line.trim() == "-")
    };
    if !(tagged || hunks || shaped() || sloppy()) {
        return None;
    }
    let mut changes = Vec::new();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for line in &lines {
        if line.starts_with("@@") {
            push(&mut changes, &mut old, &mut new);
            continue;
        }
        if !body(&line) {
            continue;
        }
        match line.chars().next() {
            Some('+') => new.push(New::Line(line[1..].to_owned())),
            Some('-') => old.push(line[1..].to_owned()),
            _ => {
                let line = line.strip_prefix(' ').unwrap_or(line);
                new.push(New::Old(old.len()));
                old.push(line.to_owned());
            }
        }
    }
    push(&mut changes, &mut old, &mut new);
    (!changes.is_empty()).then_some(Edit { what: "a diff", changes })
}

fn push(changes: &mut Vec<Change>, old: &mut Vec<String>, new: &mut Vec<New>) {
    let (old, new) = (std::mem::take(old), std::mem::take(new));
    // A hunk that has only context changes nothing.
    if old.len() != new.len() || new.iter().any(|line| matches!(line, New::Line(_))) {
        changes.push(Change::Replace { old, new });
    }
}

/// Returns whether a line is a mark for lines that were left out.
fn is_gap(line: &str) -> bool {
    let line = line.trim();
    if matches!(line, "..." | "…" | "// ..." | "// …" | "/* ... */" | "//...") {
        return true;
    }
    let Some(comment) = line.strip_prefix("//").or(line.strip_prefix("/*")) else { return false };
    let comment = comment.trim().trim_end_matches("*/").trim().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| comment.contains(word));
    if comment.contains("...") || comment.contains('…') {
        let words =
            ["existing", "unchanged", "rest", "remain", "same", "before", "omitted", "previous"];
        return says(&words) || comment.trim_matches(['.', '…', ' ']).is_empty();
    }
    let sure = [
        "existing code",
        "code unchanged",
        "unchanged code",
        "rest unchanged",
        "remains unchanged",
        "remains the same",
        "rest of the function",
        "rest of the code",
        "rest of your code",
        "rest of the implementation",
    ];
    comment.split_whitespace().count() <= 8 && says(&sure)
}

fn gaps(block: &str) -> Option<Edit> {
    let mut pieces = vec![Vec::new()];
    for line in block.lines() {
        if is_gap(line) {
            pieces.push(Vec::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(line.to_owned());
        }
    }
    let says = pieces.iter().flatten().any(|line| !line.trim().is_empty());
    (pieces.len() > 1 && says)
        .then(|| Edit { what: "code with gaps", changes: vec![Change::Gaps(pieces)] })
}

impl Edit {
    /// Returns the code after the edit.
    ///
    /// # Errors
    /// Says why the edit does not fit, for the model to read.
    pub(super) fn apply(&self, base: &str) -> Result<String, String> {
        let mut lines: Vec<String> = base.lines().map(str::to_owned).collect();
        for change in &self.changes {
            lines = match change {
                Change::Replace { old, new } => replace(&lines, old, new)?,
                Change::Gaps(pieces) => fill(&lines, pieces)?,
            };
        }
        Ok(lines.join("\n"))
    }

    /// Returns the lines that the edit writes, because they may be the whole code.
    pub(super) fn written(&self) -> String {
        let new = self.changes.iter().filter_map(|change| match change {
            Change::Replace { old, new } => {
                let lines = new.iter().map(|line| match line {
                    New::Line(line) => line.as_str(),
                    New::Old(at) => &old[*at],
                });
                Some(lines.collect::<Vec<_>>().join("\n"))
            }
            Change::Gaps(_) => None,
        });
        new.collect::<Vec<_>>().join("\n")
    }

    /// Adds another edit of the same code.
    pub(super) fn and(mut self, other: Edit) -> Edit {
        self.changes.extend(other.changes);
        self
    }
}

/// Tests whether two lines are the same. Each test is less strict than the test before it.
type LineTest = fn(&str, &str) -> bool;
const LINE_TESTS: [LineTest; 3] = [
    |a, b| a == b,
    |a, b| a.trim_end() == b.trim_end(),
    |a, b| a.split_whitespace().eq(b.split_whitespace()),
];

/// Finds the only place where these lines occur.
fn place(lines: &[String], wanted: &[String]) -> Result<usize, String> {
    for same in LINE_TESTS {
        let places: Vec<usize> = (0..=lines.len().saturating_sub(wanted.len()))
            .filter(|&at| {
                lines.len() >= at + wanted.len()
                    && wanted.iter().zip(&lines[at..]).all(|(a, b)| same(a, b))
            })
            .collect();
        match places[..] {
            [] => {}
            [at] => return Ok(at),
            _ => {
                return Err(format!(
                    "its lines (`{}`) occur there {} times",
                    shown(wanted),
                    places.len()
                ));
            }
        }
    }
    let missing = wanted.iter().find(|wanted| {
        !wanted.trim().is_empty() && !lines.iter().any(|line| LINE_TESTS[2](wanted, line))
    });
    Err(match missing {
        Some(line) => format!("no line there is `{}`", line.trim()),
        None => format!("its lines (`{}`, ...) do not follow each other there", shown(wanted)),
    })
}

fn shown(lines: &[String]) -> &str {
    lines.iter().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default()
}

fn replace(lines: &[String], old: &[String], new: &[New]) -> Result<Vec<String>, String> {
    let blank = |line: &&String| line.trim().is_empty();
    let first = old.iter().take_while(blank).count();
    let last = old.len() - old[first..].iter().rev().take_while(blank).count();
    let old = &old[first..last];
    if old.is_empty() {
        return Err("it does not say which lines it replaces".to_owned());
    }
    let at = place(lines, old)?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (had, has) = (indent(&old[0]), indent(&lines[at]));
    let moved = new.iter().filter_map(|line| {
        let line = match line {
            New::Line(line) => line,
            // Keep the line as the code has it; an empty old line at the edge was trimmed, so skip it.
            New::Old(number) => {
                return lines
                    .get(at + number.checked_sub(first)?)
                    .cloned()
                    .filter(|_| *number < last);
            }
        };
        Some(if line.trim().is_empty() || had == has {
            line.clone()
        } else {
            let width = (indent(line) + has).saturating_sub(had);
            format!("{}{}", " ".repeat(width), line.trim_start())
        })
    });
    let moved: Vec<String> = moved.collect();
    Ok([&lines[..at], &moved[..], &lines[at + old.len()..]].concat())
}

/// Fills the gaps with the lines that stay. At each gap, a piece must begin or end with a line that occurs
/// only once in the code.
fn fill(lines: &[String], pieces: &[Vec<String>]) -> Result<Vec<String>, String> {
    let mut out: Vec<String> = Vec::new();
    let mut from = 0;
    let filled = |line: &&String| !line.trim().is_empty();
    for (number, piece) in pieces.iter().enumerate() {
        let anchor = |line: &String, from: usize| -> Result<usize, String> {
            let same: Vec<usize> =
                (from..lines.len()).filter(|&at| LINE_TESTS[2](&lines[at], line)).collect();
            match same[..] {
                [at] => Ok(at),
                [] => Err(format!("the line `{}` beside a gap does not occur there", line.trim())),
                _ => Err(format!(
                    "the line `{}` beside a gap occurs there more than once",
                    line.trim()
                )),
            }
        };
        // The gap before this piece.
        if number > 0 {
            let to = match piece.iter().find(filled) {
                // Closing braces occur in many places; compare them from the end.
                Some(first) => match ends_with(lines, piece, from) {
                    Some(at) if number + 1 == pieces.len() => at,
                    _ => anchor(first, from)?,
                },
                None => lines.len(),
            };
            out.extend_from_slice(&lines[from.min(to)..to]);
            from = to;
        }
        out.extend(piece.iter().cloned());
        // The gap after this piece.
        if number + 1 < pieces.len()
            && let Some(last) = piece.iter().rfind(filled)
        {
            from = anchor(last, from)? + 1;
        } else if number + 1 == pieces.len() {
            from = lines.len();
        }
    }
    Ok(out)
}

/// Returns where a piece starts if the piece is the end of the code.
fn ends_with(lines: &[String], piece: &[String], from: usize) -> Option<usize> {
    let piece: Vec<&String> = piece.iter().filter(|line| !line.trim().is_empty()).collect();
    let at = lines.len().checked_sub(piece.len())?;
    (at >= from && piece.iter().zip(&lines[at..]).all(|(a, b)| LINE_TESTS[2](a, b))).then_some(at)
}

#[cfg(test)]
mod tests;
