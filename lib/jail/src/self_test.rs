//! A handful of live attacks, to show on this machine that the jail holds.
//!
//! They need no compiler: each is a program of the system, jailed for the compile stage, which may do
//! more. The first must work, so that the others do not fail for want of a shell.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{Exit, Jail, Limit, Limits, SpawnError, Stage};

/// One live attack and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried: `read /etc/passwd`.
    pub name: String,
    /// What must come of it: `denied`.
    pub expected: String,
    /// What came of it: `denied`, `succeeded`, `killed`, or why it was not started.
    pub outcome: String,
}

impl Attempt {
    /// Whether the jail held.
    pub fn ok(&self) -> bool {
        self.outcome == self.expected
    }
}

/// Tries the attacks, with an existing folder to work in (nothing is left in it but a small file).
/// Takes some 150 ms.
pub fn self_test(folder: &Path) -> Vec<Attempt> {
    let host = std::process::id();
    let outside = std::env::temp_dir().join(format!("jail-self-test-{host}"));
    let outside = outside.display();
    let run = |name: &str, expected: &str, stage, script: &str| {
        let jail = Jail::new(stage, "/bin/sh", folder).env("PATH", "/usr/bin:/bin");
        let limits = Limits { cpu_ms: 1_000, file_bytes: 1 << 20, ..jail.limits };
        let jail = Jail { limits, ..jail.arg("-c").arg(script) };
        let wall = if expected == KILLED { 100 } else { 10_000 };
        let outcome = match outcome(&jail, Duration::from_millis(wall)) {
            Ok(outcome) => outcome,
            // The run stage may not even execute the loader that a program with libraries needs.
            Err(SpawnError::Step { step: "exec", .. }) if stage == Stage::Run => DENIED.to_owned(),
            Err(error) => error.to_string(),
        };
        Attempt { name: name.to_owned(), expected: expected.to_owned(), outcome }
    };
    let compile = |name, expected, script: &str| run(name, expected, Stage::Compile, script);
    vec![
        compile("write and read in its own folder", SUCCEEDED, "echo x > own && cat own"),
        compile("read /etc/passwd", DENIED, "cat /etc/passwd"),
        compile("read the host's environment", DENIED, &format!("cat /proc/{host}/environ")),
        compile("list the home folder", DENIED, "ls /home /root"),
        compile("write outside its folder", DENIED, &format!("echo x > {outside}")),
        compile("write a file above the limit", DENIED, "head -c 2000000 /dev/urandom > own"),
        compile("run a program of its own", DENIED, "cp /bin/true own && ./own"),
        compile("signal the host", DENIED, &format!("kill -0 {host}")),
        compile("change its limits", DENIED, "ulimit -n 100000"),
        compile("sleep past the deadline", KILLED, "sleep 1000"),
        run("start a program with libraries in the run stage", DENIED, Stage::Run, "true"),
    ]
}

const SUCCEEDED: &str = "succeeded";
const DENIED: &str = "denied";
const KILLED: &str = "killed";

fn outcome(jail: &Jail, wall: Duration) -> Result<String, SpawnError> {
    let prisoner = jail.spawn()?;
    let process = prisoner.process;
    let ended = process.wait(Instant::now() + wall);
    let mut output = Vec::new();
    let read = prisoner.stdout.take(1 << 10).read_to_end(&mut output);
    Ok(match (ended.status, ended.stopped) {
        (_, Some(Limit::Wall | Limit::Cpu | Limit::Threads)) => KILLED.to_owned(),
        (Exit::Code(0), None) => SUCCEEDED.to_owned(),
        _ if read.is_ok() && output.is_empty() => DENIED.to_owned(),
        (status, None) => format!("{status:?}, with output"),
    })
}
