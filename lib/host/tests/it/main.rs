//! Tests the host through its interface: real compilers, real jails, scripted and fake models.

mod attacks;
mod audit;
mod cancelled;
mod command_line;
mod export;
mod fail_closed;
mod machine;
mod mcp;
mod models_conformance;
mod models_conversations;
mod models_endings;
mod models_faults;
mod models_host;
mod models_limits;
mod models_local;
mod models_recording;
mod models_refusals;
mod models_requests;
mod models_server;
mod models_streams;
mod models_strict;
mod models_strict_rows;
mod offered;
mod outcomes;
mod population;
mod processes;
mod programs;
mod resident;
mod serve;
mod soak;
mod support;
mod toolbox;
mod toolbox_folder;
mod toolbox_verify;
mod toolchain;
mod types;
#[path = "../../../jail/tests/it/users.rs"]
mod users;

/// Tests that need a separate process start this binary again with a role, and run only this test. Without a
/// role, this test does nothing.
#[test]
fn helper() {
    match std::env::var(users::ROLE).as_deref() {
        Ok("attacks") => attacks::play(),
        Ok(cancelled) => cancelled::cancel(cancelled),
        Err(_) => {}
    }
}
