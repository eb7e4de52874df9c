//! The judge: how it works, and what all that it does shares.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use super::cache::{self, Cache};
use super::disk;
use super::error::JudgeError;
use super::memory::{self, Memory};
use super::offered::{self, Libraries};
use super::toolchain::{Harness, Toolchain};
use crate::folders;
use crate::lock::Unpoisoned;

/// Judges candidates. Cheap to clone: clones share all they have.
#[derive(Debug, Clone)]
pub struct Judge {
    pub(super) shared: Arc<Shared>,
}

/// What its clones share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) toolchain: Toolchain,
    pub(super) harness: Mutex<[Option<Harness>; 4]>,
    pub(super) memory: Memory,
    /// Read by who judges beside others, written by who judges alone.
    pub(super) turn: RwLock<()>,
    pub(super) cache: Cache,
}

/// How a judge works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the harness, the offered crates and the verdicts are kept.
    pub cache: PathBuf,
    /// Where candidates are compiled; each in a folder of its own, removed afterwards.
    pub temporary: PathBuf,
    /// How many candidates are judged at once.
    pub workers: usize,
    /// What all jailed processes together may use, in bytes.
    pub memory_bytes: u64,
    /// What kept verdicts may take on disk, in bytes; 0 keeps none.
    pub cache_bytes: u64,
    /// Whether sources are scanned and `unsafe` is refused. Only tests of the jail itself say no.
    pub scan: bool,
    /// Whether to compile where the kernel has no Landlock, so that a hostile source can read
    /// every file that this user can read.
    pub allow_without_landlock: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache: folders::cache(),
            temporary: std::env::temp_dir(),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            memory_bytes: memory::default_total(),
            cache_bytes: cache::DEFAULT_BYTES,
            scan: true,
            allow_without_landlock: false,
        }
    }
}

impl Judge {
    /// A judge with the default [`Options`].
    ///
    /// # Errors
    /// See [`Judge::with`].
    pub fn new() -> anyhow::Result<Judge> {
        Judge::with(Options::default())
    }

    /// Finds the compiler, and builds the harness where the cache folder has none.
    ///
    /// # Errors
    /// If there is no usable toolchain, or the cache folder cannot be written.
    pub fn with(options: Options) -> anyhow::Result<Judge> {
        let toolchain = Toolchain::find().or_else(|error| {
            // It compiles an empty program, which needs a place.
            disk::check_disk(&options.temporary)?;
            Err(error)
        })?;
        let shared = Shared {
            toolchain,
            harness: Mutex::default(),
            memory: Memory::new(options.memory_bytes),
            turn: RwLock::default(),
            cache: Cache::new(options.cache.join("verdicts"), options.cache_bytes),
            options,
        };
        let judge = Judge { shared: Arc::new(shared) };
        judge.harness(0)?;
        Ok(judge)
    }

    /// The compiler that it uses.
    pub fn rustc(&self) -> &std::path::Path {
        &self.shared.toolchain.rustc
    }

    /// What `rustc -vV` prints for that compiler.
    pub fn toolchain(&self) -> &str {
        &self.shared.toolchain.version
    }

    /// How many candidates are judged at once.
    pub fn workers(&self) -> usize {
        self.shared.options.workers
    }

    /// The harness at an optimisation level, built where it is missing.
    pub(super) fn harness(&self, opt_level: u8) -> Result<Harness, JudgeError> {
        let mut built = self.shared.harness.lock().unpoisoned();
        let slot = built.get_mut(usize::from(opt_level)).ok_or_else(|| {
            JudgeError::BadRequest(format!(
                "there is no optimisation level {opt_level}; choose one from 0 to 3"
            ))
        })?;
        if let Some(harness) = slot {
            return Ok(harness.clone());
        }
        let harness = self.shared.toolchain.harness(&self.shared.options.cache, opt_level)?;
        Ok(slot.insert(harness).clone())
    }

    /// Builds what candidates are linked with: the harness, and the crates that tasks may offer.
    /// Needs a registry the first time. Returns the folders.
    ///
    /// # Errors
    /// If a build fails.
    pub fn prepare(&self) -> anyhow::Result<Vec<PathBuf>> {
        // The levels that tasks ask for most: fast to compile, and fast to run.
        let harnesses = [self.harness(0)?, self.harness(3)?];
        let mut folders: Vec<PathBuf> =
            harnesses.iter().filter_map(|harness| Some(harness.rlib.parent()?.into())).collect();
        folders.push(offered::prepare(&self.shared.toolchain, &self.shared.options.cache)?);
        Ok(folders)
    }

    /// The offered crates of these names.
    pub(super) fn libraries(&self, crates: &[String]) -> Result<Libraries, JudgeError> {
        Libraries::find(crates, &self.shared.toolchain, &self.shared.options.cache)
    }
}
