//! Integration tests of the host.

mod models_faults;
mod models_host;
mod models_limits;
mod models_recording;
mod models_requests;
mod models_server;
mod serve;
