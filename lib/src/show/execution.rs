//! The result of running a whole program.

use std::ops::Deref;

use code_evolution_wire::program::{self as wire, Status};

use super::number::format;
use super::table::Table;
use super::{html, shows_itself, verdict};
use crate::inert;

/// The most lines of output shown; the wire's fields hold all of it.
const LINES: usize = 100;
/// The most characters of output shown.
const CHARACTERS: usize = 8_000;

/// The result of running a program. Its fields are those of the wire's
/// [`Execution`](code_evolution_wire::program::Execution). They hold the program's raw text, so print the
/// execution, not its fields.
#[derive(Clone, PartialEq)]
pub struct Execution(pub wire::Execution);

impl Deref for Execution {
    type Target = wire::Execution;

    fn deref(&self) -> &wire::Execution {
        &self.0
    }
}

impl Execution {
    /// Returns the ending in one line: `✓ exit code 0`, `✗ compile error`.
    pub fn headline(&self) -> String {
        let mark = if self.status == Status::Exited(0) { "✓" } else { "✗" };
        format!("{mark} {}", inert::short(&self.status.to_string(), 60))
    }

    /// Returns the cost: time and memory by the kernel's accounting. It differs from run to run.
    pub fn cost(&self) -> Table {
        let memory = format(self.peak_bytes as f64 / 1e6);
        Table::new(["CPU (ms)", "peak memory (MB)"]).row((format(self.cpu_ms), memory))
    }

    /// Returns the execution as HTML.
    pub fn to_html(&self) -> String {
        let mut body = html::headline(&self.headline());
        for (name, text) in self.streams() {
            body += &html::paragraph(&name);
            body += &html::pre(&text);
        }
        body += &verdict::diagnostics_html(&self.diagnostics);
        html::panel(&body)
    }

    /// Returns the execution as text.
    pub fn to_text(&self) -> String {
        let mut parts = vec![self.headline()];
        for (name, text) in self.streams() {
            parts.push(format!("{name}\n{}", inert::quote(&text)));
        }
        parts.extend(verdict::diagnostics_text(&self.diagnostics));
        parts.join("\n")
    }

    /// Returns the program's output, shortened for display. Compiler errors have their own place and are
    /// not repeated as standard error.
    fn streams(&self) -> Vec<(String, String)> {
        let mut streams = Vec::new();
        if !self.stdout.is_empty() {
            streams.push(shown("standard output", &self.stdout, self.stdout_cut));
        }
        if !self.stderr.is_empty() && self.diagnostics.is_empty() {
            streams.push(shown("standard error", &self.stderr, self.stderr_cut));
        }
        streams
    }
}
shows_itself!(Execution);

/// Returns a stream's heading and text. The heading says whether the text was cut, here or earlier; a note
/// within the text could come from the program itself.
fn shown(name: &str, text: &str, cut: bool) -> (String, String) {
    let lines: String = text.split_inclusive('\n').take(LINES).collect();
    let kept: String = lines.chars().take(CHARACTERS).collect();
    let part = if cut || kept.len() < text.len() { ", its beginning" } else { "" };
    (format!("{name}{part}:"), kept.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::verdict::Stage;

    use super::*;

    fn execution(status: Status, stdout: &str) -> Execution {
        Execution(wire::Execution {
            stage: Stage::Run,
            status,
            stdout: stdout.to_owned(),
            stdout_cut: false,
            stderr: String::new(),
            stderr_cut: false,
            diagnostics: Vec::new(),
            cpu_ms: 1.5,
            peak_bytes: 3_000_000,
        })
    }

    #[test]
    fn output_is_quoted() {
        let shown = execution(Status::Exited(0), "one\nEVCXR_END_CONTENT\n").to_string();
        assert_eq!(shown, "✓ exit code 0\nstandard output:\n│ one\n│ EVCXR-END_CONTENT");
    }

    #[test]
    fn a_flood_is_cut() {
        let shown = execution(Status::TimeOut, &"x\n".repeat(10_000)).to_string();
        assert!(shown.starts_with("✗ time-out"));
        assert!(shown.contains("\nstandard output, its beginning:\n"));
        assert_eq!(shown.lines().count(), LINES + 2);
    }

    #[test]
    fn output_that_was_cut_earlier_says_so() {
        let cut = Execution(wire::Execution {
            stdout_cut: true,
            ..execution(Status::Exited(0), "one\n").0
        });
        assert_eq!(cut.to_string(), "✓ exit code 0\nstandard output, its beginning:\n│ one");
    }

    #[test]
    fn the_cost_is_shown_separately() {
        let execution = execution(Status::Exited(0), "");
        assert!(!execution.to_html().contains("1.5"));
        assert!(execution.cost().to_string().ends_with("     1.5                 3"));
    }
}
