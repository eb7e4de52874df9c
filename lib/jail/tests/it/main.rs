//! Attacks on the jail.
//!
//! `cargo test -p code_evolution_jail -- --nocapture attacks` prints the table of attacks.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod attacks;
mod batch;
mod compiler;
mod fail_closed;
mod lifetime;
mod users;

/// Tests that need a separate process start this binary again with a role, and run only this test. Without
/// a role it does nothing.
#[test]
fn helper() {
    match std::env::var(users::ROLE).as_deref() {
        Ok("attacks") => batch::play(),
        Ok("hold") => lifetime::hold(),
        Ok("kill all") => lifetime::kill_all(),
        Ok("no thread for the watch") => fail_closed::first_without_a_watch(),
        Ok("SIGCHLD is ignored") => fail_closed::lose_the_ends_of_children(),
        Ok(refused) => fail_closed::try_without(refused),
        Err(_) => {}
    }
}
