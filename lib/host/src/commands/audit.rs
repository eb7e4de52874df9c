//! `audit verify FILE..`: is a session's log as it was written?

use std::fs::File;
use std::io::Write;

use anyhow::{Context, Result, bail};
use lexopt::Parser;

use super::verify_paths;
use crate::audit::{Checked, verify};

/// Checks the logs and prints one line for each: how many lines it has and its last hash, or the
/// first line that is broken.
///
/// # Errors
/// A [`UsageError`](super::UsageError); a log that cannot be read; a log that is broken.
pub fn run(arguments: Parser) -> Result<()> {
    let files = verify_paths(arguments, "audit knows `verify FILE..`")?;
    let mut output = std::io::stdout().lock();
    let mut broken = 0;
    for file in &files {
        let shown = file.display();
        let log = File::open(file)
            .with_context(|| format!("cannot open the audit log {shown}; check its path"))?;
        match verify(log)? {
            Checked::Intact { lines, last_hash } => {
                writeln!(output, "{shown}: intact, {lines} lines, last hash {last_hash}")?;
            }
            Checked::Broken { line, why } => {
                writeln!(output, "{shown}: broken, line {line} {why}")?;
                broken += 1;
            }
        }
    }
    if broken > 0 {
        bail!("{broken} of {} logs broken: do not rely on them", files.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::audit::Log;
    use crate::commands::UsageError;

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
        assert!(run(&[]).unwrap_err().is::<UsageError>());
    }
}
