//! Makes three things that outlive the workshop: a crate, a toolbox, a session that others can judge again.
//!
//! ```text
//! cargo run -p code_evolution --example take_home -- FOLDER
//! ```
//!
//! The repository's page `TAKE_HOME.md` says what to do with them.

use std::path::Path;

use code_evolution::prelude::*;

/// This script answers if no key is set; with a key, its model answers.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cassettes/take_home.toml");
const MOST_ATTEMPTS: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("no folder given; name a folder for the results")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let lab = Lab::cassette(SCRIPT).start()?;

    let task = Task::new("fn fizzbuzz(n: u32) -> String")
        .case((1,), "1")
        .case((3,), "Fizz")
        .case((5,), "Buzz")
        .hidden_case((15,), "FizzBuzz");
    let code = evolve(&lab, &task)?;
    println!("\n{}\n", lab.export_to(folder, &code, &task, "my_fizzbuzz")?);

    let toolbox = Toolbox::open(&lab, folder.join("tools"))?;
    if toolbox.as_tools()?.is_empty() {
        let proposal = Proposal::new(task, &code).describe("what a player of FizzBuzz says to n");
        // In a notebook `toolbox.submit` asks a person instead.
        let review = Review { approved: true, by: "the example".to_owned() };
        println!(
            "{}",
            toolbox.decide(&proposal.author("see the session"), Some(review))?.headline()
        );
    }

    let log = lab.audit_log().ok_or("this session has no log; see the notes above")?;
    std::fs::copy(log, folder.join("session.jsonl"))?;
    println!("the crate, tools/ and session.jsonl are in {}", folder.display());
    Ok(())
}

/// Asks and judges, and asks again with the code and what is wrong with it, until every case passes.
fn evolve(lab: &Lab, task: &Task) -> Result<String, Box<dyn std::error::Error>> {
    let wish = format!("Write `{}` in Rust, in a ```rust block.\n", task.signature);
    let mut feedback = String::new();
    for attempt in 1..=MOST_ATTEMPTS {
        let reply = lab.llm().ask(format!("{wish}{feedback}"))?;
        let code = reply.code("fizzbuzz")?;
        let verdict = lab.judge(&code, task)?;
        println!("attempt {attempt} [{}]: {}", reply.label(), verdict.headline());
        if verdict.is_success() {
            return Ok(code);
        }
        feedback =
            format!("\nYour last answer:\n{code}\n\nIt is not right:\n{}\n", verdict.feedback);
    }
    Err("no attempt passes every case: run it again, or with another model".into())
}
