//! Starts this test binary again in a role: as root, as a user without privileges, and in a process that a
//! test may spoil.
//!
//! The host's tests share this file. A test starts a [`helper`] with a role. The binary's `helper` test,
//! which otherwise does nothing, plays the role and prints a [`row`] for each result; the test reads the
//! rows.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

/// The variable that holds the helper's role.
pub const ROLE: &str = "TEST_ROLE";
/// The variable that holds the canary, in the helper.
pub const CANARY: &str = "TEST_CANARY";
const WORLD: &str = "TEST_WORLD";
const ROW: &str = "row: ";

/// Files of a home folder that others must not see: folder and name.
pub const KEYS: [(&str, &str); 5] = [
    (".cargo", "credentials.toml"),
    (".cargo", "config.toml"),
    (".rustup", "settings.toml"),
    (".ssh", "id_ed25519"),
    ("", ".bash_history"),
];

/// A user who runs the attacks.
#[derive(Debug, Clone, Copy)]
pub struct User {
    pub name: &'static str,
    /// The user's id; `None` for the user who runs the tests.
    pub id: Option<u32>,
}

pub const NOBODY: User = User { name: "nobody", id: Some(65534) };

/// Returns the available users: root, whose privileges the jail drops, and nobody; otherwise the user who
/// runs the tests.
pub fn users() -> &'static [User] {
    match privileged() {
        true => &[User { name: "root, dropped", id: None }, NOBODY],
        false => &[User { name: "this user (tests do not run as root)", id: None }],
    }
}

/// Returns whether these tests may switch users and change privileges (CAP_CHOWN, CAP_SETUID, CAP_SETPCAP).
pub fn privileged() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    let effective = u64::from_str_radix(effective.trim(), 16).unwrap();
    [0, 7, 8].iter().all(|capability| effective & (1 << capability) != 0)
}

/// Makes a folder that every user can reach, with a copy of this test binary.
pub fn world() -> TempDir {
    let world = TempDir::new().unwrap();
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o755)).unwrap();
    copy_program(&std::env::current_exe().unwrap(), &world.path().join("test"));
    world
}

/// Copies a program that will be run. If this process wrote the copy itself, another thread that forks
/// meanwhile would hold it open for writing, and Linux would not run it ("text file busy").
pub fn copy_program(from: &Path, to: &Path) {
    assert!(Command::new("cp").args([from, to]).status().unwrap().success());
}

/// Returns the folder made by [`world`], in the helper.
pub fn own_world() -> PathBuf {
    PathBuf::from(std::env::var_os(WORLD).expect("the helper has a world"))
}

/// Returns a command for the binary in a world, in a role of `crate::helper`.
pub fn helper(world: &Path, role: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(world.join("test"));
    command.args(["--exact", "helper", "--nocapture"]).env(ROLE, role).env(WORLD, world);
    command
}

impl User {
    /// Runs a command as this user.
    pub fn runs(self, command: &mut Command) -> &mut Command {
        match self.id {
            Some(id) => command.uid(id).gid(id),
            None => command,
        }
    }

    /// Gives files to this user.
    pub fn owns<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) {
        for path in paths {
            if let Some(id) = self.id {
                chown(path, Some(id), Some(id)).unwrap();
            }
        }
    }

    /// Makes a home folder in a world. The canary lies in its file `secret` and in the usual places for
    /// keys.
    pub fn home(self, world: &Path, canary: &str) -> PathBuf {
        let home = world.join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("secret"), canary).unwrap();
        for (folder, file) in KEYS {
            fs::create_dir_all(home.join(folder)).unwrap();
            fs::write(home.join(folder).join(file), canary).unwrap();
        }
        self.owns([world, &home, &home.join("secret")]);
        home
    }

    /// Returns a compiler that this user can reach. If the toolchain lies in root's home folder, another
    /// user gets links to its files: a copy would take seconds and a gigabyte.
    pub fn rustc(self, world: &Path) -> PathBuf {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).args(["--print", "sysroot"]).output().unwrap();
        let sysroot = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        if self.id.is_none() {
            return sysroot.join("bin/rustc");
        }
        let own = world.join("toolchain");
        for part in ["bin", "lib"] {
            link_tree(&sysroot.join(part), &own.join(part));
        }
        own.join("bin/rustc")
    }
}

/// Links the same files into another folder, without the library's many source files.
fn link_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if entry.is_dir() && name != "src" {
            link_tree(&entry, &to.join(name));
        } else if entry.is_file() {
            let own = to.join(name);
            // A temporary folder on another file system cannot hold hard links to it.
            fs::hard_link(&entry, &own).or_else(|_| fs::copy(&entry, &own).map(drop)).unwrap();
        }
    }
}

/// Returns a secret that no text holds by chance.
pub fn canary() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("canary-{:016x}", RandomState::new().hash_one(0))
}

/// The helper's part: prints a row.
pub fn row(row: &impl Serialize) {
    println!("\n{ROW}{}", serde_json::to_string(row).unwrap());
}

/// Runs a helper, which must succeed, and returns its rows and everything that it printed.
#[track_caller]
pub fn rows<R: DeserializeOwned>(command: &mut Command) -> (Vec<R>, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{text}");
    let rows = text.lines().filter_map(|line| line.split_once(ROW));
    (rows.map(|(_, row)| serde_json::from_str(row).unwrap()).collect(), text)
}
