//! `doctor`: shows which layers are in force, and whether they hold.

use std::io::Write;

use anyhow::{Context, Result, bail};
use code_evolution_jail::{Stage, layers, refusal};
use code_evolution_wire::program::{Execution, Program, Status};
use code_evolution_wire::task::Limits;
use code_evolution_wire::verdict::Stage as Reached;
use lexopt::Parser;

use super::no_more;
use super::workshop::Workshop;
use crate::judge::{Judge, Options};

/// Shows the layers and the limits, and attacks the jail. Fails if candidates cannot run safely here, or if
/// the workshop cannot be opened.
///
/// # Errors
/// A [`UsageError`](super::UsageError); a missing layer; a folder of the workshop that cannot be written to;
/// an attack that succeeds.
pub fn run(arguments: Parser) -> Result<()> {
    no_more(arguments)?;
    let mut output = std::io::stdout().lock();
    let layers = layers();
    writeln!(output, "system           {} on {}", std::env::consts::OS, layers.arch)?;
    writeln!(
        output,
        "Landlock         {}",
        match layers.landlock_abi {
            0 => "missing".to_owned(),
            abi => format!("version {abi}"),
        }
    )?;
    writeln!(output, "seccomp          {}", if layers.seccomp { "in force" } else { "missing" })?;
    writeln!(
        output,
        "root             {}",
        match layers.root {
            true => "yes; a candidate loses its capabilities",
            false => "no",
        }
    )?;
    for (name, stage) in [("compile stage", Stage::Compile), ("run stage", Stage::Run)] {
        let verdict = refusal(stage).map_or("runs".to_owned(), |why| format!("refused: {why}"));
        writeln!(output, "{name:<16} {verdict}")?;
    }
    writeln!(output, "default limits   {}", serde_json::to_string(&Limits::default())?)?;
    if let Some(reason) = refusal(Stage::Compile).or_else(|| refusal(Stage::Run)) {
        bail!("no candidate would be run here: {reason}");
    }

    if let Some(workshop) = Workshop::around_us() {
        let refusal = workshop.refusal();
        let verdict = if refusal.is_some() { "cannot be opened" } else { "can be opened" };
        writeln!(output, "workshop         {verdict}")?;
        if let Some(reason) = refusal {
            bail!("JupyterLab does not start here: {reason}");
        }
    }

    // With the scan, some attacks would be refused before they reach the jail.
    let judge = Judge::with(Options { scan: false, ..Options::default() })?;
    let canary = tempfile::NamedTempFile::new().context("writing a file to be stolen")?;
    let secret = format!("canary-{:x}", std::process::id());
    writeln!(canary.as_file(), "{secret}")?;
    let (mut broken, mut unknown) = (Vec::new(), Vec::new());
    for attack in attacks(&canary.path().display().to_string(), variable().as_deref()) {
        let result = run_patiently(&judge, &attack)?;
        let seen = attack.held.seen(&result, &secret);
        writeln!(output, "attack           {seen}: {}", attack.name)?;
        match seen {
            AttackResult::Held => {}
            AttackResult::TooSlow => unknown.push(attack.name),
            AttackResult::Broken => {
                let Execution { status, stdout, stderr, .. } = result;
                broken.push(format!("{} ({status}: {stdout}{stderr})", attack.name));
            }
        }
    }
    if !broken.is_empty() {
        bail!("the jail does not hold here: {}; run nothing", broken.join("; "));
    }
    if !unknown.is_empty() {
        bail!(
            "this machine is too slow to tell whether the jail holds ({}); close other programs and run \
             doctor again",
            unknown.join("; ")
        );
    }
    Ok(())
}

/// Runs an attack. If it meets a limit of time, the machine may be busy, so the next attempt gets more time.
fn run_patiently(judge: &Judge, attack: &Attack) -> Result<Execution> {
    let mut result = judge.execute(&attack.program(PATIENCE_MS[0]))?;
    for cpu_ms in &PATIENCE_MS[1..] {
        if !attack.held.is_too_slow(&result) {
            break;
        }
        result = judge.execute(&attack.program(*cpu_ms))?;
    }
    Ok(result)
}

/// The CPU time of an attack, in milliseconds, for each attempt. On an idle machine, an attack needs only a
/// few milliseconds.
const PATIENCE_MS: [u64; 3] = [200, 2_000, 10_000];

/// The point at which the jail stops an attack.
enum StopPoint {
    /// The attack does not compile, and leaks nothing.
    Compiling,
    /// The attack runs, fails in its attempt, and prints `held`.
    Running,
    /// The attack runs until it meets this limit.
    Until(Status),
}

/// The result of an attack.
enum AttackResult {
    /// The jail held.
    Held,
    /// The jail did not hold.
    Broken,
    /// The attack met a limit of time before it showed anything.
    TooSlow,
}

impl std::fmt::Display for AttackResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AttackResult::Held => "held",
            AttackResult::Broken => "BROKEN",
            AttackResult::TooSlow => "too slow to tell",
        })
    }
}

impl StopPoint {
    fn seen(&self, result: &Execution, secret: &str) -> AttackResult {
        let told = [&result.stdout, &result.stderr].iter().any(|text| text.contains(secret));
        match self.holds(result, secret) {
            true => AttackResult::Held,
            false if self.is_too_slow(result) && !told => AttackResult::TooSlow,
            false => AttackResult::Broken,
        }
    }

    /// Returns whether the attack met a limit of time that it should not meet.
    fn is_too_slow(&self, result: &Execution) -> bool {
        let wanted = matches!(self, StopPoint::Until(limit) if result.status == *limit);
        result.status == Status::TimeOut && !wanted
    }

    /// Returns whether the attack was stopped at this point and revealed nothing of the secret.
    fn holds(&self, result: &Execution, secret: &str) -> bool {
        match self {
            StopPoint::Compiling => {
                let told =
                    [&result.stdout, &result.stderr].iter().any(|text| text.contains(secret));
                result.stage == Reached::Compile && result.status != Status::TimeOut && !told
            }
            StopPoint::Running => result.stage == Reached::Run && result.stdout == "held\n",
            StopPoint::Until(limit) => result.stage == Reached::Run && result.status == *limit,
        }
    }
}

struct Attack {
    name: &'static str,
    program: String,
    held: StopPoint,
}

impl Attack {
    /// Returns the program with this much CPU time, in milliseconds, and a longer limit of wall time.
    fn program(&self, cpu_ms: u64) -> Program {
        let limits = Limits { cpu_ms, wall_ms: cpu_ms.max(2_000) * 3, ..Limits::default() };
        Program { limits, ..Program::new(self.program.clone()) }
    }
}

/// Returns a variable of this process that a compiler in the jail must not see. `None` if all variables are
/// among those that the compiler gets.
fn variable() -> Option<String> {
    let given = ["PATH", "TMPDIR", "LC_ALL"];
    std::env::vars_os()
        // Skip a value that is not text: `env!` refuses it, which would look like a success of the jail.
        .filter_map(|(name, value)| name.into_string().ok().filter(|_| value.to_str().is_some()))
        .find(|name| !given.contains(&name.as_str()))
}

/// Makes the attacks, on a file that must stay unread and a variable that must stay hidden. An attack that is
/// not blocked must compile; otherwise its compile error would look like a defence.
fn attacks(secret_file: &str, variable: Option<&str>) -> Vec<Attack> {
    let running = |name, attempt: &str| Attack {
        name,
        program: format!(
            "fn main() {{ println!(\"{{}}\", if {{ {attempt} }} {{ \"broken\" }} else {{ \"held\" }}) }}"
        ),
        held: StopPoint::Running,
    };
    let endless = |name, body: &str, limit| Attack {
        name,
        program: format!("fn main() {{ {body} }}"),
        held: StopPoint::Until(limit),
    };
    let signal = format!(
        "unsafe extern \"C\" {{ fn kill(pid: i32, signal: i32) -> i32; }}
        (unsafe {{ kill({}, 0) }}) == 0",
        std::process::id()
    );
    // Show only the length: the output may end up in a bug report.
    let compiling = |name, stolen: &str| Attack {
        name,
        program: format!("fn main() {{ println!(\"{{}} bytes\", {stolen}.len()) }}"),
        held: StopPoint::Compiling,
    };
    let mut attacks =
        vec![compiling("read a file while compiling", &format!("include_str!({secret_file:?})"))];
    attacks.extend(
        variable.map(|name| {
            compiling("read the environment while compiling", &format!("env!({name:?})"))
        }),
    );
    attacks.extend([
        running("read a file", &format!("std::fs::read({secret_file:?}).is_ok()")),
        running("read the environment", "std::env::vars().next().is_some()"),
        running("write a file", "std::fs::write(\"stolen\", \"x\").is_ok()"),
        running("list a folder", "std::fs::read_dir(\"/\").is_ok()"),
        running("start a process", "std::process::Command::new(\"/bin/true\").status().is_ok()"),
        running("open a connection", "std::net::TcpListener::bind(\"127.0.0.1:0\").is_ok()"),
        running("reach a name server", "std::net::UdpSocket::bind(\"0.0.0.0:0\").is_ok()"),
        running("signal the host", &signal),
        endless("compute forever", "loop { std::hint::black_box(1); }", Status::TimeOut),
        endless(
            "take all memory",
            "std::hint::black_box(vec![1u8; 1 << 40]);",
            Status::OutOfMemory,
        ),
    ]);
    attacks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(stage: Reached, status: Status, stdout: &str) -> Execution {
        Execution {
            stage,
            status,
            stdout: stdout.to_owned(),
            stdout_cut: false,
            stderr: String::new(),
            stderr_cut: false,
            diagnostics: Vec::new(),
            cpu_ms: 0.0,
            peak_bytes: 0,
        }
    }

    #[test]
    fn a_time_out_is_a_broken_jail_only_if_it_reveals_the_secret() {
        let late = ended(Reached::Run, Status::TimeOut, "");
        assert!(matches!(StopPoint::Running.seen(&late, "canary"), AttackResult::TooSlow));
        assert!(matches!(
            StopPoint::Until(Status::OutOfMemory).seen(&late, "canary"),
            AttackResult::TooSlow
        ));
        assert!(matches!(
            StopPoint::Until(Status::TimeOut).seen(&late, "canary"),
            AttackResult::Held
        ));
        let told = ended(Reached::Run, Status::TimeOut, "canary");
        assert!(matches!(StopPoint::Running.seen(&told, "canary"), AttackResult::Broken));
        let broken = ended(Reached::Run, Status::Exited(0), "broken\n");
        assert!(matches!(StopPoint::Running.seen(&broken, "canary"), AttackResult::Broken));
        let late = ended(Reached::Compile, Status::TimeOut, "");
        assert!(matches!(StopPoint::Running.seen(&late, "canary"), AttackResult::TooSlow));
        assert!(matches!(StopPoint::Compiling.seen(&late, "canary"), AttackResult::TooSlow));
    }

    /// On a slow machine nothing ends in the first 200 ms. A later attempt with more time shows that the jail
    /// holds.
    #[test]
    fn a_slow_attack_gets_more_time() {
        let judge = Judge::new().unwrap();
        let busy = "let start = std::time::Instant::now(); \
                    while start.elapsed().as_millis() < 400 {} true";
        let attack = Attack {
            name: "slow",
            program: format!("fn main() {{ if {{ {busy} }} {{ println!(\"held\") }} }}"),
            held: StopPoint::Running,
        };
        let result = run_patiently(&judge, &attack).unwrap();
        assert!(matches!(attack.held.seen(&result, "canary"), AttackResult::Held), "{result:?}");
    }

    #[test]
    fn an_attack_on_readable_data_is_reported_as_stolen() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { cache: folder.path().into(), scan: false, ..Options::default() };
        let judge = Judge::with(options).unwrap();
        // These attacks must succeed: the compiler may read the candidate's own source and this variable.
        let attacks = attacks("candidate.rs", Some("PATH")).into_iter();
        for attack in attacks.filter(|attack| matches!(attack.held, StopPoint::Compiling)) {
            let result = judge.execute(&Program::new(attack.program)).unwrap();
            assert!(!attack.held.holds(&result, "canary"), "{}: {result:?}", attack.name);
        }
    }
}
