//! Ends the session when its owner dies.
//!
//! The notebook's process holds our pipe, but it can outlive a killed kernel while a cell waits for us. A
//! pidfd (pidfd_open(2), Linux 5.3) becomes readable when its process ends, even if the process is still a
//! zombie.

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Starts a thread that stops this process when the process `owner` ends.
///
/// # Errors
/// If there is no such process, or the kernel has no pidfd.
pub(super) fn exit_with(owner: u32) -> anyhow::Result<()> {
    let pid = i32::try_from(owner)
        .ok()
        .and_then(Pid::from_raw)
        .context("`--owner` is not a valid process id")?;
    let owner = pidfd_open(pid, PidfdFlags::empty())
        .with_context(|| format!("cannot watch the kernel, process {owner}"))?;
    std::thread::spawn(move || {
        loop {
            let mut ended = [PollFd::new(&owner, PollFlags::IN)];
            match poll(&mut ended, None) {
                Err(rustix::io::Errno::INTR) => {}
                // If watching fails, stop as well.
                _ => super::stop(),
            }
        }
    });
    Ok(())
}
