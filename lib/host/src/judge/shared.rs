//! The judge: its options, and what its clones share.

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

/// Judges candidates. It is cheap to clone: clones share everything.
#[derive(Debug, Clone)]
pub struct Judge {
    pub(super) shared: Arc<Shared>,
}

/// What the clones of a judge share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) toolchain: Toolchain,
    pub(super) harness: Mutex<[Option<Harness>; 4]>,
    pub(super) memory: Memory,
    /// Candidates that run in parallel hold this lock for reading. A candidate that runs alone holds it for
    /// writing.
    pub(super) turn: RwLock<()>,
    pub(super) cache: Cache,
}

/// The options of a judge.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder for the harness, the offered crates and the verdicts.
    pub cache: PathBuf,
    /// The folder where candidates are compiled, each in its own folder that is removed afterwards.
    pub temporary: PathBuf,
    /// How many candidates are judged at once.
    pub workers: usize,
    /// The memory of all jailed processes together, in bytes.
    pub memory_bytes: u64,
    /// The limit for kept verdicts on disk, in bytes; 0 keeps none.
    pub cache_bytes: u64,
    /// Whether sources are scanned and `unsafe` is refused. Only tests of the jail itself turn it off.
    pub scan: bool,
    /// Whether to compile on a kernel without Landlock, where a hostile source can read every file that this
    /// user can read.
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
    /// Makes a judge with the default [`Options`].
    ///
    /// # Errors
    /// See [`Judge::with`].
    pub fn new() -> anyhow::Result<Judge> {
        Judge::with(Options::default())
    }

    /// Finds the compiler, and builds the harness if the cache folder has none.
    ///
    /// # Errors
    /// If there is no usable toolchain, or the cache folder cannot be written.
    pub fn with(options: Options) -> anyhow::Result<Judge> {
        let toolchain = Toolchain::find().or_else(|error| {
            // Finding the compiler compiles an empty program, which needs room.
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

    /// Returns the path of the compiler.
    pub fn rustc(&self) -> &std::path::Path {
        &self.shared.toolchain.rustc
    }

    /// Returns what `rustc -vV` prints for the compiler.
    pub fn toolchain(&self) -> &str {
        &self.shared.toolchain.version
    }

    /// Returns how many candidates are judged at once.
    pub fn workers(&self) -> usize {
        self.shared.options.workers
    }

    /// Returns the harness at an optimisation level; builds it if it is missing.
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

    /// Builds what candidates are linked with: the harness, and the crates that tasks may offer. Needs a
    /// registry the first time. Returns the folders.
    ///
    /// # Errors
    /// If a build fails.
    pub fn prepare(&self) -> anyhow::Result<Vec<PathBuf>> {
        // The levels that tasks ask for most: one compiles fast, the other runs fast.
        let harnesses = [self.harness(0)?, self.harness(3)?];
        let mut folders: Vec<PathBuf> =
            harnesses.iter().filter_map(|harness| Some(harness.rlib.parent()?.into())).collect();
        folders.push(offered::prepare(&self.shared.toolchain, &self.shared.options.cache)?);
        Ok(folders)
    }

    /// Finds the offered crates with these names.
    pub(super) fn libraries(&self, crates: &[String]) -> Result<Libraries, JudgeError> {
        Libraries::find(crates, &self.shared.toolchain, &self.shared.options.cache)
    }
}
