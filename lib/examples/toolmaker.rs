//! An agent writes, admits and calls the tool that it lacks.
//!
//! ```text
//! cargo run -p code_evolution --example toolmaker
//! ```

use code_evolution::prelude::*;

/// This script answers if no key is set; with a key, its model answers.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cassettes/toolmaker.toml");
const MOST_ATTEMPTS: usize = 3;
const TEXT: &str = "The quick brown fox jumps over the lazy dog. The dog was very lazy.";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::cassette(SCRIPT).start()?;
    let folder = tempfile::tempdir()?;
    let toolbox = Toolbox::open(&lab, folder.path())?;

    let words = match toolbox.call::<(usize, usize)>("count_words", (TEXT,)) {
        Err(error) if error.kind() == FailureKind::ToolNotFound => {
            println!("\nno such tool yet: a model writes it");
            make(&lab, &toolbox)?;
            toolbox.call("count_words", (TEXT,))?
        }
        found => found?,
    };
    println!("\n{} words, {} different ones: {TEXT}", words.0, words.1);
    println!("the log is whole: {}", toolbox.verify()?.is_intact());
    Ok(())
}

/// Asks and examines, and asks again with the reason, until the gate lets the tool in.
fn make(lab: &Lab, toolbox: &Toolbox) -> Result<()> {
    // The guard of the toolbox writes the tests; the author of the tool never sees the hidden ones.
    let task = Task::new("fn count_words(text: &str) -> (usize, usize)")
        .case(("",), (0, 0))
        .case(("A word, a word.",), (4, 2))
        .hidden_case(("crab 🦀 CRAB",), (3, 2));
    let wish = format!(
        "Write `{}` in Rust: how many words, and how many different ones.\n\
         Capitals and punctuation make no difference. Answer in a ```rust block.\n",
        task.signature
    );
    let mut draft = Proposal::new(task, "").describe("counts words, and different words");
    let mut feedback = String::new();
    for attempt in 1..=MOST_ATTEMPTS {
        let reply = lab.llm().ask(format!("{wish}{feedback}"))?;
        draft.author = reply.label();
        draft.code = match reply.code(draft.name()) {
            Ok(code) => code,
            // A reply without code is an attempt too; its error is the feedback for the next one.
            Err(no_code) => {
                println!("attempt {attempt} [{}]: {no_code}", reply.label());
                feedback = format!("\nYour last answer could not be used: {no_code}\n");
                continue;
            }
        };
        // In a notebook `toolbox.submit` asks a person instead.
        let review = Review { approved: true, by: "the example".to_owned() };
        let admission = toolbox.decide(&draft, Some(review))?;
        println!("attempt {attempt} [{}]: {}", reply.label(), admission.headline());
        if admission.admitted {
            break;
        }
        let (code, why) = (&draft.code, admission.feedback());
        feedback = format!("\nYour last answer:\n{code}\n\nIt was turned away:\n{why}\n");
    }
    Ok(())
}
