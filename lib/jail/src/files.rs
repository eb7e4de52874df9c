//! Landlock: which files a stage may touch.
//!
//! The ruleset is made before the fork; the child only applies it. Version 1 is required. Later versions
//! add rules (renames, truncation, TCP, devices, signals); they are used if the kernel has them, and
//! otherwise [`syscalls`](crate::syscalls) refuses the same actions by other means.

use std::error::Error;
use std::os::fd::OwnedFd;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, Scope,
};

use crate::jail::{Jail, Stage};

/// Where Linux distributions keep programs and libraries: the linker and what it links. No `/etc` except
/// the loader's cache, no `/proc`, no home folder.
const SYSTEM: [&str; 12] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local/lib",
    "/etc/ld.so.cache",
];

/// Devices without data that linkers open.
const DEVICES: [&str; 2] = ["/dev/null", "/dev/urandom"];

/// Builds the rules of a jail.
///
/// # Errors
/// If there is no Landlock, the kernel refuses a rule, or a path of the jail cannot be opened.
pub(crate) fn ruleset(jail: &Jail) -> Result<OwnedFd, Box<dyn Error + Send + Sync>> {
    let newest = ABI::V6;
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?;

    let look = AccessFs::from_read(newest);
    let program = AccessFs::Execute | AccessFs::ReadFile;
    let mut ruleset = allow(ruleset, &jail.program, program)?;
    if jail.stage == Stage::Compile {
        let devices =
            [AccessFs::MakeChar, AccessFs::MakeBlock, AccessFs::MakeSock, AccessFs::MakeFifo];
        let work = AccessFs::from_all(newest) & !AccessFs::Execute & !BitFlags::from_iter(devices);
        ruleset = allow(ruleset, &jail.folder, work)?;
        for tree in &jail.readable {
            ruleset = allow(ruleset, tree, look)?;
        }
        for path in SYSTEM.map(Path::new).into_iter().filter(|path| path.exists()) {
            ruleset = allow(ruleset, path, look)?;
        }
        for path in DEVICES.map(Path::new).into_iter().filter(|path| path.exists()) {
            ruleset = allow(ruleset, path, AccessFs::ReadFile | AccessFs::WriteFile)?;
        }
    }
    Option::from(ruleset).ok_or_else(|| "the kernel accepts no Landlock rules".into())
}

fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Box<dyn Error + Send + Sync>> {
    let file = PathFd::new(path)?;
    // A file takes only file rights; the kernel refuses a rule with others.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(ABI::V6) };
    Ok(ruleset.add_rule(PathBeneath::new(file, access))?)
}
