//! The sandbox layers of this machine, and what is refused without them.
//!
//! Nothing is assumed: each call asks the kernel. A layer that an outer sandbox takes away (gVisor
//! has no Landlock; some containers refuse `seccomp`) counts as missing.

use crate::jail::Stage;

/// The layers in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers {
    /// `x86_64`, `aarch64`, ...
    pub arch: &'static str,
    /// Landlock's version as the kernel numbers it; 0 without Landlock. 1 restricts files, 2 renames, 3
    /// truncation, 4 TCP, 5 devices, 6 signals and abstract sockets. seccomp covers what an older version
    /// lacks.
    pub landlock_abi: u32,
    /// Whether the kernel accepts seccomp filters.
    pub seccomp: bool,
    /// Whether this process runs as root; a jailed process then drops root's capabilities.
    pub root: bool,
}

/// Asks the kernel for the layers in force.
pub fn layers() -> Layers {
    Layers {
        arch: std::env::consts::ARCH,
        landlock_abi: landlock_abi(),
        seccomp: seccomp(),
        root: root(),
    }
}

/// Returns why nothing of this stage would run here; `None` if it would.
pub fn refusal(stage: Stage) -> Option<String> {
    layers().refusal(stage)
}

impl Layers {
    /// Returns why nothing of this stage would run under these layers; `None` if it would.
    pub fn refusal(&self, stage: Stage) -> Option<String> {
        if self.arch != "x86_64" && self.arch != "aarch64" {
            return Some(format!(
                "the jail does not support {} processors; use the Binder link of the README",
                self.arch
            ));
        }
        if !self.seccomp {
            return Some(
                "the kernel, or a container around us, refuses seccomp filters; use the Binder \
                 link, or start the container without a seccomp profile that forbids them"
                    .to_owned(),
            );
        }
        if stage == Stage::Compile && self.landlock_abi == 0 {
            return Some(
                "the kernel, or a container around us, has no Landlock (Linux has it since 5.13, \
                 Docker passes it on since 20.10.18), so a compiler could read every file of yours; \
                 update older software, use the Binder link, or, if nothing here is secret, allow \
                 compiling without Landlock"
                    .to_owned(),
            );
        }
        None
    }
}

fn landlock_abi() -> u32 {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the call reads no memory: it takes a null pointer and a length of 0 and
    // returns the version.
    let abi = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0_usize,
            VERSION,
        )
    };
    u32::try_from(abi).unwrap_or(0)
}

/// Offers a filter at address 0: a kernel with seccomp answers that it cannot read it. (Asking for the
/// known actions instead would miss gVisor, which accepts filters but not that question.)
fn seccomp() -> bool {
    // SAFETY: the kernel only tries to read the filter, at an address where nothing is mapped, and
    // says so.
    let result = unsafe {
        let nothing = std::ptr::null::<libc::sock_fprog>();
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, nothing)
    };
    result == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
}

fn root() -> bool {
    // SAFETY: the call takes no argument and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Layers {
        Layers { arch: "x86_64", landlock_abi: 1, seccomp: true, root: false }
    }

    #[test]
    fn both_stages_run_with_the_oldest_landlock() {
        assert_eq!(good().refusal(Stage::Compile), None);
        assert_eq!(good().refusal(Stage::Run), None);
    }

    #[test]
    fn without_seccomp_nothing_runs() {
        let layers = Layers { seccomp: false, ..good() };
        assert!(layers.refusal(Stage::Compile).unwrap().contains("seccomp"));
        assert!(layers.refusal(Stage::Run).unwrap().contains("seccomp"));
    }

    #[test]
    fn without_landlock_nothing_compiles() {
        let layers = Layers { landlock_abi: 0, ..good() };
        assert!(layers.refusal(Stage::Compile).unwrap().contains("Landlock"));
        assert_eq!(layers.refusal(Stage::Run), None);
    }

    #[test]
    fn other_processors_are_refused_by_name() {
        let riscv = Layers { arch: "riscv64", ..good() };
        assert!(riscv.refusal(Stage::Run).unwrap().contains("riscv64"));
    }
}
