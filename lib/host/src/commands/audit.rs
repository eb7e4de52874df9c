//! `audit verify FILE..`, `audit rejudge FILE..`, `audit show FILE`: reads sessions' logs.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser};

use super::{USAGE, UsageError, paths};
use crate::audit::rejudge::{Found, rejudge};
use crate::audit::run::Run;
use crate::audit::{Checked, page, verify};
use crate::judge::{Judge, Options};

/// The chain of a log is broken.
const BROKEN: u8 = 1;
/// A verdict differs.
const DIFFERS: u8 = 2;
/// A log could not be judged here.
const UNKNOWN: u8 = 3;

/// Runs the subcommand.
///
/// # Errors
/// A [`UsageError`]; a log that cannot be read; for `verify` and `show`, a broken log. `rejudge` returns no
/// errors: its exit code says everything, see [`USAGE`].
pub fn run(mut arguments: Parser) -> Result<ExitCode> {
    let known = || UsageError("audit knows verify, rejudge and show, each with a FILE".to_owned());
    let Some(Arg::Value(word)) = arguments.next().map_err(UsageError::from)? else {
        return Err(known().into());
    };
    let files = paths(arguments, "which log? give a FILE");
    match word.to_str() {
        Some("verify") => verify_all(&files?).map(|()| ExitCode::SUCCESS),
        Some("show") => match files?.as_slice() {
            [file] => show(file).map(|()| ExitCode::SUCCESS),
            _ => Err(UsageError("audit show takes one FILE".to_owned()).into()),
        },
        // Exit code 2 means that a verdict differs, so a wrong command line needs another code.
        Some("rejudge") => Ok(rejudge_all(files).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            if error.is::<UsageError>() {
                eprint!("\n{USAGE}");
            }
            ExitCode::from(UNKNOWN)
        })),
        _ => Err(known().into()),
    }
}

fn open(file: &Path) -> Result<File> {
    let shown = file.display();
    File::open(file).with_context(|| format!("cannot open the audit log {shown}; check its path"))
}

/// Prints one line per log: how many lines it has and its last hash, or its first broken line.
fn verify_all(files: &[PathBuf]) -> Result<()> {
    let mut output = std::io::stdout().lock();
    let mut broken = 0;
    for file in files {
        let (shown, checked) = (file.display(), verify(open(file)?)?);
        broken += usize::from(matches!(checked, Checked::Broken { .. }));
        writeln!(output, "{shown}: {checked}")?;
    }
    if broken > 0 {
        bail!("{broken} of {} logs broken: do not rely on them", files.len());
    }
    Ok(())
}

/// Prints the session as an HTML page.
fn show(file: &Path) -> Result<()> {
    let run = Run::read(open(file)?)?;
    let title = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    std::io::stdout().lock().write_all(page::page(&title, &run).as_bytes())?;
    match &run.checked {
        Checked::Intact { .. } => Ok(()),
        Checked::Broken { .. } => bail!("{}: {}; the page says so", file.display(), run.checked),
    }
}

/// Judges the logs one after the other. The exit code is the worst one of all logs: 1 before 2 before 3.
fn rejudge_all(files: Result<Vec<PathBuf>, UsageError>) -> Result<ExitCode> {
    let files = files?;
    let mut judge = None;
    let codes = files.iter().map(|file| {
        rejudge_one(file, &mut judge).unwrap_or_else(|error| {
            eprintln!("error: {}: {error:#}", file.display());
            Some(UNKNOWN)
        })
    });
    let worst = codes.flatten().min();
    Ok(worst.map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// Judges one log; `None` if all verdicts agree. The judge is made for the first intact log: a changed log is
/// detected without a compiler.
fn rejudge_one(file: &Path, judge: &mut Option<Judge>) -> Result<Option<u8>> {
    let (shown, run) = (file.display(), Run::read(open(file)?)?);
    let mut output = std::io::stdout().lock();
    writeln!(output, "{shown}: {}", run.checked)?;
    if let Checked::Broken { .. } = run.checked {
        return Ok(Some(BROKEN));
    }
    let judge = match judge {
        Some(judge) => judge,
        // Use no cached verdicts, because the command checks verdicts.
        None => judge.insert(Judge::with(Options { cache_bytes: 0, ..Options::default() })?),
    };
    let (mut differ, mut unknown) = (0, 0);
    let mut written = Ok(());
    rejudge(&run, judge, |candidate, found| {
        let (what, why) = match found {
            Found::Agrees => return,
            Found::Differs(why) => ("differs", why),
            Found::Unknown(why) => ("could not be judged here", why),
        };
        differ += usize::from(what == "differs");
        unknown += usize::from(what != "differs");
        let signature = run.task(candidate).map_or("", |kept| kept.task.signature.as_str());
        let name = page::visible(signature);
        let (line, why) = (candidate.line, page::visible(why));
        if written.is_ok() {
            written = writeln!(output, "{shown}: line {line} {what}: {why} (`{name}`)");
        }
    });
    written?;
    let all = run.candidates.len();
    let agree = all - differ - unknown;
    writeln!(
        output,
        "{shown}: {agree} of {all} verdicts agree, {differ} differ, {unknown} could not be judged here"
    )?;
    if all == 0 {
        writeln!(output, "{shown}: nothing was judged in this session, so the log proves nothing")?;
    }
    Ok(match (differ, unknown, all) {
        (1.., ..) => Some(DIFFERS),
        (0, 1.., _) | (0, 0, 0) => Some(UNKNOWN),
        (0, 0, 1..) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::audit::Log;

    #[test]
    fn a_broken_log_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        Log::new(&path).append("a", serde_json::json!(1), b"").unwrap();
        let run = |words: &[&OsStr]| super::run(Parser::from_args(words));
        let verify = |path: &std::path::Path| run(&["verify".as_ref(), path.as_ref()]);
        assert!(verify(&path).is_ok());
        std::fs::write(&path, "{}\n").unwrap();
        assert!(verify(&path).unwrap_err().to_string().contains("1 of 1 logs broken"));
        assert!(!verify(&folder.path().join("none")).unwrap_err().is::<UsageError>());
        assert!(run(&["verify".as_ref()]).unwrap_err().is::<UsageError>());
        assert!(
            run(&["show".as_ref(), "a".as_ref(), "b".as_ref()]).unwrap_err().is::<UsageError>()
        );
        assert!(run(&[]).unwrap_err().is::<UsageError>());
    }
}
