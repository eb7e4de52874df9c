//! Serves a toolbox over the Model Context Protocol: a desktop assistant or a coding agent uses the tools
//! that were admitted in a notebook.
//!
//! The client starts this process and speaks JSON-RPC with it over standard input and output, one message per
//! line. Messages for a person go to standard error. The protocol is <https://modelcontextprotocol.io>, in
//! the versions that `rmcp`, the official Rust implementation, knows.
//!
//! | module | subject |
//! |---|---|
//! | `transport` | reads and writes lines, even hostile ones |
//! | `tools` | which tools are offered |
//! | `server` | answers a client: the tools and their calls |
//! | `changes` | watches the folder and tells clients |
//!
//! # Decisions
//!
//! - **Nothing is admitted here.** The protocol cannot change a toolbox; only a notebook can, with its gate
//!   and its review. A tool that is admitted there is offered here at once.
//! - **Every call is a line of the toolbox's log**, written before its result is sent. A call that cannot be
//!   logged has no result.
//! - **An error of a tool is a result** (`isError`) for the model to read: bad arguments, a panic, a
//!   time-out, a damaged source. An error of the protocol is for the client: an unknown tool or method, an
//!   invalid message, a machine that cannot run tools.
//!
//! Left out: prompts, resources, HTTP.

mod changes;
mod server;
mod tools;
mod transport;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rmcp::ServiceExt;

use self::changes::Changes;
use self::server::Server;
use self::transport::Lines;
use crate::judge::Judge;
use crate::toolbox::Toolbox;

/// Serves the toolbox in a folder until standard input ends.
///
/// # Errors
/// If there is no toolbox in the folder, or no compiler on this machine.
pub fn serve(folder: &Path) -> anyhow::Result<()> {
    let toolbox = Toolbox::existing(folder, Judge::new()?)?;
    let tools = toolbox.list()?;
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    let shown = folder.display();
    eprintln!("serving {} of {shown}: {}", count(names.len()), names.join(", "));
    eprintln!("every call is logged in {}", toolbox.log_path().display());
    if let Some(refusal) = code_evolution_jail::refusal(code_evolution_jail::Stage::Compile) {
        eprintln!("no call can succeed: {refusal}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the threads that answer; close other programs and try again")?;
    let toolbox = Arc::new(toolbox);
    let (lines, writer) = Lines::of_this_process();
    let ended = runtime.block_on(async {
        let changes = Changes::watch(Arc::clone(&toolbox));
        let service = Server::new(toolbox, changes).serve(lines).await?;
        service.waiting().await.map_err(anyhow::Error::from)
    });
    writer.finish();
    code_evolution_jail::kill_all();
    match ended {
        Ok(_) => {}
        // Not a failure of the server: a client may only test whether the server starts.
        Err(error) => eprintln!("the session ended: {error:#}"),
    }
    // A thread that is waiting for a tool, or for standard input, ends with the process.
    std::process::exit(0)
}

fn count(tools: usize) -> String {
    match tools {
        1 => "1 tool".to_owned(),
        n => format!("{n} tools"),
    }
}
