//! Finds the compiler and the linker, and builds the harness with them.
//!
//! Candidates are compiled by the real rustc, because the rustup shim costs milliseconds and needs the home
//! folder. rustc's own lld links them. It is called directly, because `cc` would be a second process. This
//! also keeps any `#[link]` of a candidate away from the linker's command line.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use super::error::JudgeError;
use crate::files::{build_folder, hex};

/// The harness's crate name.
pub const HARNESS_CRATE: &str = "code_evolution_harness";
/// The flags of every compilation that is linked into a candidate.
pub const FLAGS: [&str; 4] =
    ["-Ccodegen-units=1", "-Cdebuginfo=0", "-Cpanic=unwind", "-Cforce-unwind-tables=yes"];

/// A compiler and the tools that come with it.
#[derive(Debug)]
pub struct Toolchain {
    /// The folder that holds the compiler and its libraries.
    pub sysroot: PathBuf,
    /// The compiler.
    pub rustc: PathBuf,
    /// clippy's compiler, if the toolchain has it.
    pub clippy: Option<PathBuf>,
    /// What `rustc -vV` prints.
    pub version: String,
    /// LLVM's linker: rustc's own if rustc has one.
    pub lld: PathBuf,
    /// The C library's start files, which come first in a link.
    pub start: Vec<PathBuf>,
    /// Rust's and C's libraries and end files, which come last, as linker arguments.
    pub libraries: Vec<OsString>,
    /// Folders that the linker reads.
    pub readable: Vec<PathBuf>,
}

/// The harness, compiled at one optimisation level.
#[derive(Debug, Clone)]
pub struct Harness {
    /// The harness's library.
    pub rlib: PathBuf,
    /// The object that connects `alloc` with the default allocator; rustc makes one for each program.
    pub allocator: PathBuf,
}

impl Toolchain {
    /// Finds the compiler that `$RUSTC` names, or else the `rustc` on `PATH`.
    ///
    /// # Errors
    /// If there is no compiler, or if its linker or the C library's start files are missing.
    pub fn find() -> Result<Toolchain> {
        let shim = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let sysroot = output(Command::new(&shim).args(["--print", "sysroot"])).context(
            "finding the Rust compiler; install Rust, or run `. ~/.cargo/env` where it is installed \
             but not on PATH",
        )?;
        let sysroot = PathBuf::from(sysroot.trim());
        let rustc = sysroot.join("bin/rustc");
        let version = output(Command::new(&rustc).arg("-vV"))?;
        let Some(target) = version.lines().find_map(|line| line.strip_prefix("host: ")) else {
            bail!("`rustc -vV` names no host; reinstall the Rust toolchain");
        };
        let own = sysroot.join("lib/rustlib").join(target).join("bin/rust-lld");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let Some(lld) = linker(&own, &path) else {
            bail!(
                "there is no lld: neither {} nor `rust-lld` nor `lld` on PATH; install the package `lld`, or \
                 Rust with rustup (https://rustup.rs)",
                own.display()
            );
        };
        let mut readable = vec![sysroot.clone()];
        let mut c_file = |name: &str| -> Result<PathBuf> {
            let path = output(Command::new("cc").arg(format!("-print-file-name={name}")))
                .context("asking the C compiler for its files; install gcc and libc6-dev")?;
            let path = PathBuf::from(path.trim());
            if !path.is_absolute() {
                bail!("the C library's {name} is missing; install libc6-dev (static libraries)");
            }
            let path =
                path.canonicalize().with_context(|| format!("finding {}", path.display()))?;
            // The files are not always in the system's folders: conda's compiler has its own.
            readable.extend(path.parent().map(Path::to_owned));
            Ok(path)
        };
        let start: Vec<PathBuf> = ["crt1.o", "crti.o", "crtbeginT.o"]
            .into_iter()
            .map(&mut c_file)
            .collect::<Result<_>>()?;
        let mut c_libraries: Vec<OsString> = vec!["--start-group".into()];
        for archive in ["libc.a", "libm.a", "libgcc.a", "libgcc_eh.a"] {
            c_libraries.push(c_file(archive)?.into());
        }
        c_libraries.push("--end-group".into());
        for end in ["crtend.o", "crtn.o"] {
            c_libraries.push(c_file(end)?.into());
        }
        readable.sort();
        readable.dedup();
        let clippy = Some(sysroot.join("bin/clippy-driver")).filter(|path| path.is_file());
        let mut libraries = standard_libraries(&rustc)?;
        libraries.extend(c_libraries);
        Ok(Toolchain { sysroot, rustc, clippy, version, lld, start, libraries, readable })
    }

    /// Returns the compiler that adds clippy's lints to its own.
    ///
    /// # Errors
    /// If the toolchain has no clippy.
    pub fn clippy(&self) -> Result<&Path, JudgeError> {
        self.clippy.as_deref().ok_or_else(|| {
            JudgeError::BadRequest(format!(
                "the task asks for clippy's lints, and the toolchain in {} has no clippy; run \
                 `rustup component add clippy`, or judge without lints",
                self.sysroot.display()
            ))
        })
    }

    /// Returns the harness at an optimisation level, from the cache folder; builds it if it is missing.
    ///
    /// # Errors
    /// If the harness cannot be built or stored.
    pub fn harness(&self, cache: &Path, opt_level: u8) -> Result<Harness> {
        let mut hash = Sha256::new();
        hash.update(&self.version);
        hash.update(format!("{FLAGS:?}{opt_level}"));
        for (name, source) in code_evolution_harness::SOURCES {
            hash.update(name);
            hash.update(source);
        }
        let key = hex(&hash.finalize());
        let folder = cache.join(format!("harness-{}-{opt_level}", &key[..16]));
        let harness = Harness {
            rlib: folder.join(format!("lib{HARNESS_CRATE}.rlib")),
            allocator: folder.join("allocator.o"),
        };
        if harness.rlib.is_file() && harness.allocator.is_file() {
            return Ok(harness);
        }
        build_folder(&folder, |building| {
            self.build_harness(building, opt_level).context("building the harness")
        })?;
        ensure!(harness.rlib.is_file(), "{} is damaged; remove it", folder.display());
        Ok(harness)
    }

    fn build_harness(&self, folder: &Path, opt_level: u8) -> Result<()> {
        for (name, source) in code_evolution_harness::SOURCES {
            fs::write(folder.join(name), source)?;
        }
        let rustc = || {
            let mut command = Command::new(&self.rustc);
            command.current_dir(folder).args(FLAGS).arg(format!("-Copt-level={opt_level}"));
            command.args(["--edition=2024", "-Awarnings"]);
            command
        };
        output(rustc().args(["lib.rs", "--crate-type=rlib", "--crate-name", HARNESS_CRATE]))?;
        fs::write(folder.join("empty.rs"), "fn main() {}")?;
        output(rustc().args(["empty.rs", "-Csave-temps"]))?;
        // Linking leaves several objects. All are codegen units, except the allocator's object.
        let mut objects =
            fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let Some(object) = objects.find(|name| {
            name.starts_with("empty.") && name.ends_with(".rcgu.o") && !name.contains("-cgu.")
        }) else {
            bail!("rustc left no allocator object; use the toolchain 1.95.0");
        };
        fs::rename(folder.join(object), folder.join("allocator.o"))?;
        // The other files that `save-temps` leaves are not needed.
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else if entry.file_name().to_string_lossy().starts_with("empty") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Finds a linker: the toolchain's own, or else the first on `path`. The Rust of a distribution has no linker
/// of its own: Debian provides `rust-lld` (package rust-llvm) and `lld`.
fn linker(own: &Path, path: &OsStr) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    let elsewhere = ["rust-lld", "lld"].into_iter();
    let elsewhere = elsewhere.flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    // The path must be canonical: the jail contains the file's folder, not the link's.
    std::iter::once(own.to_owned())
        .chain(elsewhere)
        .find(|file| file.is_file())
        .and_then(|file| file.canonicalize().ok())
}

/// Lists the libraries that rustc itself would link: rustc prints them when it links an empty program.
fn standard_libraries(rustc: &Path) -> Result<Vec<OsString>> {
    let folder = tempfile::tempdir().context("making a folder for an empty program")?;
    fs::write(folder.path().join("empty.rs"), "fn main() {}")?;
    let arguments = output(Command::new(rustc).current_dir(folder.path()).args([
        "empty.rs",
        "--print=link-args",
        "-Ctarget-feature=+crt-static",
    ]))?;
    let libraries: Vec<OsString> = arguments
        .split('"')
        .filter(|argument| argument.ends_with(".rlib"))
        .map(OsString::from)
        .collect();
    match libraries.is_empty() {
        true => bail!("rustc links no standard library; reinstall the Rust toolchain"),
        false => Ok(libraries),
    }
}

/// Runs a trusted command and returns what it prints.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{program}`"))?;
    if !output.status.success() {
        bail!("`{program}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading what `{program}` prints"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distributions_linker_is_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (own, bin, llvm) = (root.join("rust-lld"), root.join("bin"), root.join("llvm"));
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(&llvm).unwrap();
        let path = std::env::join_paths([root.join("nowhere"), bin.clone()]).unwrap();
        assert_eq!(linker(&own, &path), None);
        fs::write(llvm.join("lld"), "").unwrap();
        std::os::unix::fs::symlink(llvm.join("lld"), bin.join("lld")).unwrap();
        assert_eq!(linker(&own, &path), Some(llvm.join("lld")));
        fs::write(bin.join("rust-lld"), "").unwrap();
        assert_eq!(linker(&own, &path), Some(bin.join("rust-lld")));
        fs::write(&own, "").unwrap();
        assert_eq!(linker(&own, &path), Some(own.clone()));
    }
}
