//! `audit verify FILE`: is a session's log as it was written?

use std::ffi::OsString;
use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::audit::{Checked, verify};

/// Checks the logs and prints one line for each: how many lines it has and its last hash, or the
/// first line that is broken. The exit status is 1 where a log is broken.
///
/// # Errors
/// Where the arguments make no sense or a log cannot be read.
pub fn run(args: Vec<OsString>) -> Result<ExitCode> {
    let files = match args.split_first() {
        Some((command, files)) if command == "verify" && !files.is_empty() => files,
        _ => bail!("usage: code_evolution_host audit verify FILE ..."),
    };
    let mut status = ExitCode::SUCCESS;
    for file in files {
        let shown = file.display();
        let log = File::open(file)
            .with_context(|| format!("cannot open the audit log {shown}; check its path"))?;
        match verify(log)? {
            Checked::Intact { lines, last_hash } => {
                println!("{shown}: intact, {lines} lines, last hash {last_hash}");
            }
            Checked::Broken { line, why } => {
                println!("{shown}: broken, line {line} {why}");
                status = ExitCode::FAILURE;
            }
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Log;

    #[test]
    fn the_exit_status_tells() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        Log::new(&path).append("a", serde_json::json!(1), b"").unwrap();
        let run = |args: &[&std::ffi::OsStr]| super::run(args.iter().map(OsString::from).collect());
        let verify = |path: &std::path::Path| run(&["verify".as_ref(), path.as_ref()]);
        assert_eq!(verify(&path).unwrap(), ExitCode::SUCCESS);
        std::fs::write(&path, "{}\n").unwrap();
        assert_eq!(verify(&path).unwrap(), ExitCode::FAILURE);
        assert!(verify(&folder.path().join("none")).is_err());
        assert!(run(&["verify".as_ref()]).is_err() && run(&[]).is_err());
    }
}
