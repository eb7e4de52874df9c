//! The host from outside: real compilers, real jails, scripted and fake models.

mod bombs;
mod command_line;
mod compile_attacks;
mod fail_closed;
mod forgeries;
mod models_faults;
mod models_host;
mod models_limits;
mod models_recording;
mod models_requests;
mod models_server;
mod offered;
mod outcomes;
mod population;
mod serve;
mod soak;
mod support;
mod toolbox;
mod types;
