//! What a cell extracts from replies in the forms that models write, through the whole lab: a cassette
//! gives the reply, the host reads it, [`Reply`] passes it on. Each kind has a generator of twenty variants
//! or more.
//!
//! | module | subject |
//! |---|---|
//! | `code` | code: blocks in every form, edits, replies that were cut off |
//! | `text` | lists, prompts, opinions, JSON, calls, and what a reply shows |

mod code;
mod text;

use std::sync::atomic::{AtomicU32, Ordering};

use code_evolution::prelude::*;
use serde_json::json;

const ASKED: &str = "fn largest(values: &[i32]) -> i32 {\n    let mut best = values[0];\n    for &v in values { if v > best { best = v; } }\n    best\n}";

/// Returns replies with these texts and reasons, to a question that shows [`ASKED`].
fn replies(texts: &[(String, &str)]) -> Vec<Reply> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let question = format!("Repair this.\n```rust\n{ASKED}\n```\nAn empty list gives 0.");
    let mut script = format!("kind = \"script\"\n[[exchange]]\nprompt = {}\n", json!(question));
    for (text, reason) in texts {
        // A JSON string is also a TOML string.
        let (text, reason) = (json!(text), json!(reason));
        script += &format!("[[exchange.replies]]\ntext = {text}\nfinish_reason = {reason}\n");
    }
    let name = format!("replies-{}.toml", COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, script).expect("a script");
    let lab = Lab::cassette(&path).mode(Mode::Scripted).start().expect("a lab");
    let ask = |_: &_| lab.llm().ask(&question).expect("an answer");
    texts.iter().map(ask).collect()
}

fn whole(texts: Vec<String>) -> Vec<(String, &'static str)> {
    texts.into_iter().map(|text| (text, "stop")).collect()
}
