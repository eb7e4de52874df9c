//! The precompiled crates that a task may offer.
//!
//! A small cargo project is embedded here with its lock file. `prepare` builds it once and keeps its
//! libraries in the cache folder; a candidate's compilation only names them. Building needs a registry;
//! compiling a candidate does not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::JudgeError;
use super::toolchain::{Toolchain, output};
use crate::files::{build_folder, hex};

/// The crates' names, as a `use` writes them.
pub const OFFERED: [&str; 4] = ["itertools", "rand", "serde_json", "vader_sentimental"];

/// The project's manifest, with the crates' versions and features.
pub const MANIFEST: &str = include_str!("../../offered/manifest.toml");

/// The cargo project. Its files have other names here, because cargo leaves a folder with a `Cargo.toml` out
/// of the package around it.
const PROJECT: [(&str, &str); 3] = [
    ("Cargo.toml", MANIFEST),
    ("Cargo.lock", include_str!("../../offered/lock.toml")),
    ("lib.rs", include_str!("../../offered/lib.rs")),
];

/// The libraries that a source may use in addition to the standard library.
#[derive(Debug, Clone, Default)]
pub struct Libraries {
    /// Crates by name, for `--extern`.
    pub external: Vec<(String, PathBuf)>,
    /// Every library in their folder; the linker takes what it needs.
    pub rlibs: Vec<PathBuf>,
    /// The folders with the libraries.
    pub folders: Vec<PathBuf>,
}

impl Libraries {
    /// Finds the libraries of the crates with these names.
    ///
    /// # Errors
    /// If a crate is not offered, or if the crates have not been built.
    pub fn find(
        names: &[String],
        toolchain: &Toolchain,
        cache: &Path,
    ) -> Result<Libraries, JudgeError> {
        if names.is_empty() {
            return Ok(Libraries::default());
        }
        let unknown = names.iter().find(|name| !OFFERED.contains(&crate_name(name).as_str()));
        if let Some(name) = unknown {
            return Err(JudgeError::BadRequest(format!(
                "the crate `{name}` is not offered; choose from {}",
                OFFERED.join(", ")
            )));
        }
        let folder = folder(toolchain, cache);
        let rlibs = rlibs(&folder).map_err(|error| {
            JudgeError::Internal(error.context(
                "the offered crates are not built; run `code_evolution_host prepare` once",
            ))
        })?;
        let external = names
            .iter()
            .map(|name| {
                let name = crate_name(name);
                let rlib = rlibs.get(&name).with_context(|| {
                    format!(
                        "the library of `{name}` is gone from {}; remove that folder and run \
                         `code_evolution_host prepare`",
                        folder.display()
                    )
                })?;
                Ok((name, rlib.clone()))
            })
            .collect::<Result<_>>()?;
        Ok(Libraries { external, rlibs: rlibs.into_values().collect(), folders: vec![folder] })
    }
}

/// Normalises a name: `vader-sentimental` and `vader_sentimental` are the same crate.
fn crate_name(name: &str) -> String {
    name.replace('-', "_")
}

fn folder(toolchain: &Toolchain, cache: &Path) -> PathBuf {
    let mut hash = Sha256::new();
    hash.update(&toolchain.version);
    hash.update(flags().concat());
    for (name, text) in PROJECT {
        hash.update(name);
        hash.update(text);
    }
    cache.join(format!("offered-{}", &hex(&hash.finalize())[..16]))
}

/// Lists the libraries in a folder by the crate's name and hash; an offered crate by its name alone.
fn rlibs(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut rlibs = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let Some(stem) = name.strip_prefix("lib").and_then(|name| name.strip_suffix(".rlib"))
        else {
            continue;
        };
        let known = stem.rsplit_once('-').map(|(name, _)| name);
        let known = known.filter(|name| OFFERED.contains(name)).unwrap_or(stem);
        rlibs.insert(known.to_owned(), path.clone());
    }
    Ok(rlibs)
}

/// Returns the flags for the build. In a static program, `rand` would look for `/dev/urandom`, which the jail
/// does not have; a flag makes it use the system call. Another flag keeps the home folder out of panic
/// messages.
fn flags() -> Vec<String> {
    let mut flags = vec![r#"--cfg=getrandom_backend="linux_getrandom""#.to_owned()];
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    flags.extend(home.map(|home| format!("--remap-path-prefix={home}=/cargo")));
    flags
}

#[derive(Deserialize)]
struct Artifact {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Builds the offered crates into the cache folder if they are missing. Returns their folder.
///
/// # Errors
/// If cargo fails, for example because it cannot reach a registry.
pub fn prepare(toolchain: &Toolchain, cache: &Path) -> Result<PathBuf> {
    let folder = folder(toolchain, cache);
    if folder.is_dir() {
        return Ok(folder);
    }
    build_folder(&folder, |libraries| build(toolchain, libraries))
        .context("building the offered crates")?;
    Ok(folder)
}

/// Builds the offered crates and puts their libraries into a folder.
fn build(toolchain: &Toolchain, libraries: &Path) -> Result<()> {
    // Build beside that folder: a temporary folder in memory may be too small.
    let building = tempfile::tempdir_in(libraries.parent().unwrap_or(libraries))?;
    for (name, text) in PROJECT {
        fs::write(building.path().join(name), text)?;
    }
    let messages = output(
        Command::new(toolchain.sysroot.join("bin/cargo"))
            .args(["build", "--locked", "--message-format=json"])
            .current_dir(building.path())
            .env("RUSTC", &toolchain.rustc)
            .env("CARGO_TARGET_DIR", building.path().join("target"))
            .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\x1f")),
    )?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    for artifact in artifacts.filter(|artifact| artifact.reason == "compiler-artifact") {
        for file in artifact.filenames {
            if file.extension().is_some_and(|extension| extension == "rlib") {
                let Some(name) = file.file_name() else { continue };
                // cargo lists its own crate without the hash; the others are in `deps`.
                fs::copy(&file, libraries.join(name))
                    .with_context(|| format!("keeping {}", file.display()))?;
            }
        }
    }
    let built = rlibs(libraries)?;
    if let Some(missing) = OFFERED.iter().find(|name| !built.contains_key(**name)) {
        bail!("cargo built no library for `{missing}`; use the toolchain 1.95.0");
    }
    Ok(())
}
