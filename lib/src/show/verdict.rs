//! The judge's results, as panels.
//!
//! A verdict shows, from top to bottom: the result in one sentence; each case with the actual and the
//! expected output; the compiler's messages; and, in a part that opens, the text for a model. Measured time
//! and memory differ from run to run, so they are hidden until `.cost()` asks for them.

use std::ops::Deref;

use code_evolution_wire::verdict::{self as wire, CaseVerdict, Diagnostic, Level, Outcome, Stage};

use super::html::{self, Align};
use super::number::{count, format};
use super::shows_itself;
use super::table::{self, Table};
use crate::inert;

/// The most cases shown at once. Beyond it, failed cases come first and the rest opens on a click.
const CASES: usize = 12;
/// The most diagnostics shown in full.
const DIAGNOSTICS: usize = 5;
/// The most characters of a value in a table.
const VALUE: usize = 120;
/// The most characters of a reason in a table.
const REASON: usize = 300;

/// The verdict on one candidate. Its fields are those of the wire's
/// [`Verdict`](code_evolution_wire::verdict::Verdict). They hold the candidate's raw text, so print the
/// verdict, not its fields.
///
/// ```no_run
/// # fn show(verdict: code_evolution::show::Verdict) {
/// println!("{verdict}");                              // as text
/// println!("{} of {}", verdict.passed, verdict.total);
/// println!("{}", verdict.cost());                     // time and memory
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct Verdict(pub wire::Verdict);

/// The verdicts on a population, in the order in which it was given.
#[derive(Clone, PartialEq)]
pub struct Verdicts(pub Vec<Verdict>);

impl Deref for Verdict {
    type Target = wire::Verdict;

    fn deref(&self) -> &wire::Verdict {
        &self.0
    }
}

impl Verdict {
    /// Returns the verdict in one line: `✓ all 4 cases passed`, `✗ does not compile: 1 error (E0382)`.
    pub fn headline(&self) -> String {
        let sign = if self.is_success() { '✓' } else { '✗' };
        let passed = match self.total {
            0 => "there is no case".to_owned(),
            1 if self.passed == 1 => "1 case passed".to_owned(),
            total if self.passed == total => format!("all {} passed", count(total, "case")),
            total => format!("{} of {} passed", self.passed, count(total, "case")),
        };
        let after = match self.stage {
            Stage::Compile => " while compiling".to_owned(),
            _ => format!("; {passed}"),
        };
        match &self.outcome {
            Outcome::Finished => format!("{sign} {passed}"),
            Outcome::Refused { reason } => format!("✗ refused: {}", inert::short(reason, REASON)),
            Outcome::CompileError => format!("✗ does not compile: {}", self.error_summary()),
            Outcome::Panicked { panic } => format!("✗ {}{after}", panic_text(panic)),
            Outcome::Signal { number, name } => {
                format!("✗ ended by signal {number} ({}){after}", inert::short(name, 20))
            }
            Outcome::Exited { code } => format!("✗ exited by itself with code {code}{after}"),
            Outcome::TimeOut { limit_ms } => {
                format!("✗ time-out after {} ms{after}", format(*limit_ms as f64))
            }
            Outcome::OutOfMemory { limit_bytes } => {
                format!("✗ out of memory, more than {}{after}", bytes(*limit_bytes))
            }
            Outcome::TooManyThreads { limit } => {
                format!("✗ too many threads, more than {limit} at once{after}")
            }
            Outcome::TooMuchOutput { limit_bytes } => {
                format!("✗ printed too much, more than {}{after}", bytes(*limit_bytes))
            }
            Outcome::ProtocolViolation { reason } => {
                format!("✗ broke the judge's protocol: {}{after}", inert::short(reason, REASON))
            }
        }
    }

    /// Returns the cost: time and memory by the kernel's accounting. It differs from run to run.
    pub fn cost(&self) -> Table {
        Verdicts(vec![self.clone()]).cost()
    }

    /// Returns the verdict as HTML.
    pub fn to_html(&self) -> String {
        let mut body = html::headline(&self.headline());
        body += &self.cases_html();
        body += &diagnostics_html(&self.diagnostics);
        if !self.feedback.is_empty() {
            let length = count(self.feedback.chars().count(), "character");
            let summary = format!("what a model will be told ({length})");
            body += &html::details(&summary, &html::pre(&self.feedback));
        }
        html::panel(&body)
    }

    /// Returns the verdict as text.
    pub fn to_text(&self) -> String {
        let mut parts = vec![self.headline()];
        if self.stage == Stage::Run {
            let (shown, more) = self.shown_cases();
            if !shown.is_empty() {
                let (head, rows) = case_rows(&shown);
                parts.push(table::text(&head, &vec![Align::Left; head.len()], &rows));
            }
            if more > 0 {
                parts.push(format!("({} more)", count(more, "case")));
            }
        }
        parts.extend(diagnostics_text(&self.diagnostics));
        parts.join("\n")
    }

    fn error_summary(&self) -> String {
        let mut codes: Vec<String> = Vec::new();
        let errors = self.diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error);
        for code in errors.filter_map(|diagnostic| diagnostic.code.as_ref()) {
            let code = inert::short(code, 40);
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        if codes.len() > DIAGNOSTICS {
            codes.truncate(DIAGNOSTICS);
            codes.push("…".to_owned());
        }
        let errors = count(self.errors(), "error");
        if codes.is_empty() { errors } else { format!("{errors} ({})", codes.join(", ")) }
    }

    /// Returns the cases to show at once, and how many are left.
    fn shown_cases(&self) -> (Vec<&CaseVerdict>, usize) {
        let cases = || self.cases.iter();
        let shown: Vec<&CaseVerdict> = if self.cases.len() <= CASES {
            cases().collect()
        } else if self.passed < self.total {
            cases().filter(|case| !case.passed).take(CASES).collect()
        } else {
            Vec::new()
        };
        let more = self.cases.len() - shown.len();
        (shown, more)
    }

    fn cases_html(&self) -> String {
        if self.stage != Stage::Run || self.cases.is_empty() {
            return String::new();
        }
        let table = |cases: &[&CaseVerdict]| {
            let (head, rows) = case_rows(cases);
            html::table(&head, &[], &rows)
        };
        let (shown, more) = self.shown_cases();
        let mut body = if shown.is_empty() { String::new() } else { table(&shown) };
        if more > 0 {
            let all: Vec<&CaseVerdict> = self.cases.iter().collect();
            body += &html::details(&format!("all {}", count(all.len(), "case")), &table(&all));
        }
        body
    }
}
shows_itself!(Verdict, Verdicts);

impl Deref for Verdicts {
    type Target = [Verdict];

    fn deref(&self) -> &[Verdict] {
        &self.0
    }
}

impl IntoIterator for Verdicts {
    type Item = Verdict;
    type IntoIter = std::vec::IntoIter<Verdict>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Verdicts {
    type Item = &'a Verdict;
    type IntoIter = std::slice::Iter<'a, Verdict>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<Verdict> for Verdicts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        Verdicts(verdicts.into_iter().collect())
    }
}

impl Verdicts {
    /// Returns how many of the candidates compile.
    pub fn compiled(&self) -> usize {
        self.0.iter().filter(|verdict| verdict.compiled()).count()
    }

    /// Returns how many candidates pass every case.
    pub fn successes(&self) -> usize {
        self.0.iter().filter(|verdict| verdict.is_success()).count()
    }

    /// Returns the cost: time and memory by the kernel's accounting. It differs from run to run.
    pub fn cost(&self) -> Table {
        let mut table = Table::new([
            "candidate",
            "CPU (ms)",
            "peak memory (MB)",
            "compile (ms)",
            "link (ms)",
            "start (ms)",
            "cases (ms)",
            "from cache",
        ]);
        for (index, verdict) in self.iter().enumerate() {
            let timings = &verdict.timings;
            table.push((
                index + 1,
                format(verdict.cpu_ms),
                format(verdict.peak_bytes as f64 / 1e6),
                format(timings.compile_ms),
                format(timings.link_ms),
                format(timings.start_ms),
                format(timings.cases_ms),
                if verdict.cached { "yes" } else { "no" },
            ));
        }
        table
    }

    /// Returns the population as HTML, one row per candidate.
    pub fn to_html(&self) -> String {
        self.table().to_html()
    }

    /// Returns the population as text.
    pub fn to_text(&self) -> String {
        self.table().to_text()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["candidate", "verdict", "first problem"]);
        for (index, verdict) in self.iter().enumerate() {
            let case = || verdict.cases.iter().find(|case| !case.passed);
            let problem = match verdict.diagnostics.iter().find(|d| d.level == Level::Error) {
                Some(error) => error.message.clone(),
                None if verdict.stage < Stage::Run => String::new(),
                None => {
                    case().map(|case| format!("{}: {}", case.name, note(case))).unwrap_or_default()
                }
            };
            table.push((index + 1, verdict.headline(), inert::short(&problem, VALUE)));
        }
        table
    }
}

/// Returns the head and the rows of a table of cases. The table has an input column only if some case has a
/// name that does not show its input; only these cases fill the column.
fn case_rows(cases: &[&CaseVerdict]) -> (Vec<String>, Vec<Vec<String>>) {
    let tells = |case: &CaseVerdict| case.name.contains(&format!("({})", input(case)));
    let told = cases.iter().all(|case| tells(case));
    let mut head = vec!["result", "case", "input", "expected", "got", "note"];
    if told {
        head.remove(2);
    }
    let value = |value: &Option<serde_json::Value>| match value {
        Some(value) => inert::short(&value.to_string(), VALUE),
        None => "–".to_owned(),
    };
    let rows = cases.iter().map(|case| {
        let mut row = vec![
            if case.passed { "✓ passed" } else { "✗ failed" }.to_owned(),
            inert::short(&case.name, VALUE) + if case.hidden { " (hidden)" } else { "" },
            if tells(case) { String::new() } else { inert::short(&input(case), VALUE) },
            value(&case.expected),
            value(&case.got),
            note(case),
        ];
        if told {
            row.remove(2);
        }
        row
    });
    (head.into_iter().map(str::to_owned).collect(), rows.collect())
}

fn input(case: &CaseVerdict) -> String {
    case.input.iter().map(serde_json::Value::to_string).collect::<Vec<_>>().join(", ")
}

/// Says why a case failed.
fn note(case: &CaseVerdict) -> String {
    match (&case.panic, &case.problem) {
        (Some(panic), _) => panic_text(panic),
        (None, Some(problem)) => inert::short(problem, REASON),
        (None, None) if case.passed => String::new(),
        (None, None) => "wrong output".to_owned(),
    }
}

fn panic_text(panic: &wire::Panic) -> String {
    let place = panic.line.map(|line| format!(" in line {line}")).unwrap_or_default();
    format!("panicked{place}: {}", inert::short(&panic.message, REASON))
}

/// Shows the compiler's messages: the first few in full, the rest as a count.
pub(super) fn diagnostics_html(diagnostics: &[Diagnostic]) -> String {
    let mut body = String::new();
    for diagnostic in diagnostics.iter().take(DIAGNOSTICS) {
        body += &html::pre(diagnostic.rendered.trim_end());
    }
    if let Some(more) = more_diagnostics(diagnostics) {
        body += &html::paragraph(&more);
    }
    body
}

/// Shows the same as text, one part per message.
pub(super) fn diagnostics_text(diagnostics: &[Diagnostic]) -> Vec<String> {
    let shown = diagnostics.iter().take(DIAGNOSTICS);
    let shown = shown.map(|diagnostic| inert::quote(diagnostic.rendered.trim_end()));
    shown.chain(more_diagnostics(diagnostics)).collect()
}

fn more_diagnostics(diagnostics: &[Diagnostic]) -> Option<String> {
    let more = diagnostics.len().saturating_sub(DIAGNOSTICS);
    (more > 0).then(|| format!("({} more of the compiler)", count(more, "message")))
}

/// Writes a memory size: `256 MiB`.
fn bytes(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes >= 1.0 {
        format!("{} MiB", format(mebibytes))
    } else {
        format!("{} bytes", format(bytes as f64))
    }
}
