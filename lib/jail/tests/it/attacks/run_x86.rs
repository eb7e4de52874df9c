//! Calls that exist only on x86-64.

#[cfg(target_arch = "x86_64")]
use super::attacks;

#[cfg(target_arch = "x86_64")]
attacks! { Run:
    x32_call => Denied,
    foreign_call => Signal(libc::SIGSYS),
}
#[cfg(not(target_arch = "x86_64"))]
pub const ALL: &[super::Attack] = &[];
