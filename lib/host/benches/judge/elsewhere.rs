//! The alternatives to our judge: `rustc x.rs && ./x`, and a fresh cargo project per candidate, as
//! evolution frameworks do for Rust. Neither is jailed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::candidates::{CASES, fizzbuzz};

/// Compiles and runs a candidate with its cases.
///
/// # Errors
/// If the candidate does not compile, or fails.
pub fn rustc_and_run(rustc: &Path, folder: &Path, code: &str) -> anyhow::Result<()> {
    let source = folder.join("x.rs");
    fs::write(&source, standalone(code))?;
    let compiled = Command::new(rustc)
        .args(["--edition=2024", "-Awarnings", "x.rs"])
        .current_dir(folder)
        .status()?;
    anyhow::ensure!(compiled.success(), "rustc fails");
    anyhow::ensure!(Command::new(folder.join("x")).status()?.success(), "the program fails");
    Ok(())
}

/// Compiles a program to an object, a cost that every compiled language has.
///
/// # Errors
/// If it does not compile.
pub fn rustc_only(rustc: &Path, folder: &Path, program: &str) -> anyhow::Result<()> {
    fs::write(folder.join("least.rs"), program)?;
    let compiled = Command::new(rustc)
        .args(["--edition=2024", "--emit=obj=least.o", "least.rs"])
        .current_dir(folder)
        .status()?;
    anyhow::ensure!(compiled.success(), "rustc fails");
    Ok(())
}

/// Starts the compiler only to print its version: the cost of a start.
///
/// # Errors
/// If the compiler cannot be started.
pub fn rustc_nothing(rustc: &Path) -> anyhow::Result<()> {
    let output = Command::new(rustc).arg("--version").output()?;
    anyhow::ensure!(output.status.success(), "rustc fails");
    Ok(())
}

/// Makes a cargo project from a candidate and its cases, then builds and runs the project.
///
/// # Errors
/// If one of the three steps fails.
pub fn cargo_and_run(folder: &Path, code: &str) -> anyhow::Result<()> {
    let project = tempfile::Builder::new().prefix("cargo-").tempdir_in(folder)?;
    let cargo = |arguments: &[&str]| -> anyhow::Result<()> {
        let mut cargo = Command::new("cargo");
        cargo.args(arguments).current_dir(project.path()).env_remove("CARGO_TARGET_DIR");
        anyhow::ensure!(cargo.status()?.success(), "cargo {arguments:?} fails");
        Ok(())
    };
    cargo(&["init", "--quiet", "--vcs=none", "--name=candidate"])?;
    fs::write(project.path().join("src/main.rs"), standalone(code))?;
    cargo(&["build", "--quiet", "--release"])?;
    cargo(&["run", "--quiet", "--release"])
}

/// Returns the candidate with its cases as a program.
fn standalone(code: &str) -> String {
    let cases: String =
        (1..=CASES).map(|n| format!("assert_eq!(fizzbuzz({n}), {:?});\n", fizzbuzz(n))).collect();
    format!("#![allow(warnings)]\n{code}\nfn main() {{ {cases} }}")
}
