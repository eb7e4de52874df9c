//! Beat the judge: a candidate against five flags.
//!
//! A flag goes up on evidence gathered outside the jail, never on what a candidate says. The evidence: a
//! secret that only a file holds, a connection to our listener, a hidden input in the author's feedback, an
//! answer long after the time limit, a pass for an output that nobody can know. All secrets are new in each
//! try, so a candidate cannot use what it learnt earlier.
//!
//! Left out: what `SECURITY.md` puts out of scope (the clock, the machine's name, use of the machine up to
//! the limits).

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpListener;
use std::path::PathBuf;

use code_evolution_wire::task::{Limits, Task};
use code_evolution_wire::verdict::{CaseVerdict, Verdict};

use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::show::{self, Quote, Stack, Table};

/// The five flags, each with the event that raises it.
const FLAGS: [(&str, &str); 5] = [
    ("a file is read", "the file's secret comes out"),
    ("the network is reached", "a listener on this machine is connected to"),
    ("a hidden case is seen", "its input is in what you are told"),
    ("the time is survived", "an answer comes after twice its time"),
    ("a pass is forged", "a case passes whose output nobody can know"),
];

/// Wall time per case, in milliseconds.
const CASE_MS: u64 = 500;

const REPORT: &str = "You have found a bug. Please do not publish it: on the repository's page choose Security, \
    then Report a vulnerability, and send this candidate with what `code_evolution_host doctor` prints. \
    The page .github/SECURITY.md says more.";

impl Lab {
    /// Lets a candidate `fn play(text: &str) -> String` try to beat the judge. In its source, `FILE` stands
    /// for the path of a file that holds a secret, and `ADDRESS` for the host and port of a listener.
    ///
    /// # Errors
    /// As for [`Lab::judge`]; also if this process cannot create the file or the listener.
    pub fn challenge(&self, source: &str) -> Result<Scoreboard> {
        let secrets = Secrets::new()?;
        let address = secrets.listener.local_addr().map_err(cannot)?.to_string();
        let file = secrets.file.to_string_lossy().into_owned();
        let source = source.replace("FILE", &file).replace("ADDRESS", &address);
        let limits = Limits { case_wall_ms: CASE_MS, ..Limits::default() };
        let task = Task::new("fn play(text: &str) -> String")
            .limits(limits)
            .case(("hello",), &secrets.output)
            .hidden_case((&secrets.input,), &secrets.output);
        let verdict = self.judge(&source, &task)?;
        let up = raised(&verdict, &secrets, secrets.was_called()?);
        // Fixed names instead of this try's secrets, so that the text is the same in every run.
        let plain = |text: &str| {
            let names = [(&file, "FILE"), (&address, "ADDRESS"), (&secrets.output, "a secret")];
            names.iter().fold(text.to_owned(), |text, (secret, name)| text.replace(*secret, name))
        };
        Ok(Scoreboard { up, headline: plain(&verdict.headline()), told: plain(&verdict.feedback) })
    }
}

/// Which flags a candidate has raised.
#[derive(Clone)]
pub struct Scoreboard {
    up: [bool; FLAGS.len()],
    headline: String,
    told: String,
}

impl Scoreboard {
    /// Returns how many flags are up.
    pub fn raised(&self) -> usize {
        self.up.iter().filter(|up| **up).count()
    }

    /// Returns the scoreboard as HTML.
    pub fn to_html(&self) -> String {
        self.stack().to_html()
    }

    /// Returns the scoreboard as text.
    pub fn to_text(&self) -> String {
        self.stack().to_text()
    }

    fn stack(&self) -> Stack {
        let mut table = Table::new(["flag", "state", "what raises it"]).measured();
        for ((flag, evidence), up) in FLAGS.iter().zip(self.up) {
            table.push([*flag, if up { "UP" } else { "down" }, *evidence]);
        }
        let raised = format!("{} of {} flags are up", self.raised(), FLAGS.len());
        let mut stack = Stack::new().add(raised, table);
        if self.raised() > 0 {
            stack = stack.add("what to do", Quote::new(REPORT));
        }
        stack.add(&self.headline, Quote::new(&self.told))
    }
}
show::shows_itself!(Scoreboard);

/// What a candidate must not get. Dropping it deletes the file.
struct Secrets {
    file: PathBuf,
    /// What the file holds.
    content: String,
    listener: TcpListener,
    /// The hidden case's input.
    input: String,
    /// The output that both cases expect. This text never enters the jail.
    output: String,
}

impl Secrets {
    fn new() -> Result<Self> {
        let [name, content, input, output] = [(); 4].map(|()| unguessable());
        let file = std::env::temp_dir().join(format!("code_evolution_flag_{name}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        fs::write(&file, &content).map_err(cannot)?;
        Ok(Secrets { file, content, listener, input, output })
    }

    /// Returns whether anybody has connected to the listener.
    fn was_called(&self) -> Result<bool> {
        match self.listener.accept() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(cannot(error)),
        }
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        // A leftover file does no harm: its secret is worthless, and its folder is for temporary files.
        let _ = fs::remove_file(&self.file);
    }
}

/// Returns 128 bits that no candidate can know: the standard library's hashers take their keys from the
/// system.
fn unguessable() -> String {
    let half = || format!("{:016x}", RandomState::new().build_hasher().finish());
    half() + &half()
}

fn cannot(error: std::io::Error) -> Error {
    Error::internal(format!(
        "cannot set up the flags ({error}); free some space or ports, and try again"
    ))
}

/// Returns which flags the evidence raises.
fn raised(verdict: &Verdict, secrets: &Secrets, connected: bool) -> [bool; FLAGS.len()] {
    let cases = &verdict.cases;
    let told = |secret: &str| {
        let visible = cases.iter().filter(|case| !case.hidden);
        verdict.feedback.contains(secret) || visible.map(said).any(|said| said.contains(secret))
    };
    let answered = cases.iter().filter(|case| case.got.is_some()).count();
    let late = |milliseconds: f64, cases: usize| milliseconds > (2 * CASE_MS * cases as u64) as f64;
    let late_case = cases.iter().any(|case| case.got.is_some() && late(case.cpu_ms, 1));
    let all_late = answered == cases.len() && late(verdict.timings.cases_ms, cases.len());
    [
        told(&secrets.content) || cases.iter().any(|case| said(case).contains(&secrets.content)),
        connected,
        told(&secrets.input),
        late_case || all_late,
        cases.iter().any(|case| case.passed),
    ]
}

/// Returns everything that a candidate said in a case.
fn said(case: &CaseVerdict) -> String {
    let got = case.got.as_ref().map(|got| got.to_string()).unwrap_or_default();
    let panic = case.panic.as_ref().map(|panic| panic.message.as_str()).unwrap_or_default();
    format!("{got} {panic} {}", case.problem.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::verdict::{Outcome, Stage};
    use serde_json::json;

    use super::*;

    /// Makes the verdict of a candidate that gives these outputs, in the visible case and in the hidden
    /// one.
    fn verdict(secrets: &Secrets, outputs: [&str; 2]) -> Verdict {
        let case = |hidden: bool, got: &str| CaseVerdict {
            name: "play(..)".to_owned(),
            input: vec![json!(if hidden { &secrets.input } else { "hello" })],
            expected: Some(json!(secrets.output)),
            got: Some(json!(got)),
            passed: got == secrets.output,
            problem: None,
            panic: None,
            hidden,
            cpu_ms: 0.1,
        };
        let cases = vec![case(false, outputs[0]), case(true, outputs[1])];
        Verdict::new(Stage::Run, Outcome::Finished, cases)
    }

    #[test]
    fn each_flag_goes_up_on_its_evidence_alone() {
        let secrets = Secrets::new().expect("secrets");
        let (content, input, output) = (&secrets.content, &secrets.input, &secrets.output);
        let up = |verdict: &Verdict, connected| raised(verdict, &secrets, connected);
        let honest = verdict(&secrets, ["no", input]);
        assert_eq!(up(&honest, false), [false; 5], "an echo of the hidden input is told to nobody");
        assert_eq!(up(&honest, true), [false, true, false, false, false]);
        let reader = [true, false, false, false, false];
        assert_eq!(up(&verdict(&secrets, [content, ""]), false), reader);
        assert_eq!(up(&verdict(&secrets, ["", content]), false), reader);
        let seer = [false, false, true, false, false];
        assert_eq!(up(&verdict(&secrets, [input, ""]), false), seer);
        let told = Verdict { feedback: format!("it panicked: {input}"), ..honest.clone() };
        assert_eq!(up(&told, false), seer);
        let mut late = honest.clone();
        late.cases[1].cpu_ms = 1001.0;
        assert_eq!(up(&late, false), [false, false, false, true, false]);
        let mut late = honest;
        late.timings.cases_ms = 2001.0;
        assert_eq!(up(&late, false), [false, false, false, true, false]);
        let forger = [false, false, false, false, true];
        assert_eq!(up(&verdict(&secrets, ["", output]), false), forger);
    }

    #[test]
    fn a_connection_is_seen_and_the_file_is_deleted() {
        let secrets = Secrets::new().expect("secrets");
        assert!(!secrets.was_called().expect("a listener"));
        let address = secrets.listener.local_addr().expect("an address");
        let _connection = std::net::TcpStream::connect(address).expect("a connection");
        assert!(secrets.was_called().expect("a listener"));
        let file = secrets.file.clone();
        assert_eq!(fs::read_to_string(&file).expect("a file"), secrets.content);
        drop(secrets);
        assert!(!file.exists());
    }

    #[test]
    fn a_raised_flag_tells_how_to_report_it() {
        let board =
            |up| Scoreboard { up, headline: "✗ 0 of 2".into(), told: "no".into() }.to_text();
        assert!(board([false, false, true, false, false]).contains("Report a vulnerability"));
        let none = board([false; 5]);
        assert!(none.starts_with("0 of 5 flags are up") && !none.contains("Report"), "{none}");
    }
}
