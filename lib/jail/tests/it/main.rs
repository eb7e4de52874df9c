//! The jail, attacked.
//!
//! `cargo test -p code_evolution_jail -- --nocapture attacks` prints the table of attacks.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod attacks;
mod batch;
mod compiler;
mod fail_closed;
mod lifetime;

/// Tests that need a process of their own start this binary again with a role.
#[test]
#[ignore = "started by other tests, in a process of its own"]
fn helper() {
    let role = std::env::var(batch::ROLE).expect("started by another test");
    match role.as_str() {
        "attacks" => batch::play(),
        "hold" => lifetime::hold(),
        "kill all" => lifetime::kill_all(),
        step => fail_closed::refuse(step),
    }
}
