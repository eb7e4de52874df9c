//! One figure and one table that rest on a script's replies and on a live model's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;

use code_evolution::prelude::*;

/// Set in the process that is the participant's: there the settings name a live model.
const PARTICIPANT: &str = "STAMPS_PARTICIPANT";

/// A variable of the environment holds for a whole process, so the labs are in one of their own.
#[test]
fn what_rests_on_a_script_and_a_model_says_mixed_and_counts_both() {
    if std::env::var_os(PARTICIPANT).is_some() {
        return a_participant_asks_both();
    }
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/v1", server.local_addr().expect("an address"));
    // It ends with this process.
    std::thread::spawn(move || {
        server.incoming().for_each(|stream| answer(stream.expect("a call")))
    });
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "stamps::what_rests_on_a_script_and_a_model_says_mixed_and_counts_both"])
        .env(PARTICIPANT, "1")
        .envs([("LLM_PROVIDER", "openai"), ("LLM_MODEL", "small-1"), ("LLM_BASE_URL", &address)])
        .status()
        .expect("a second process");
    assert!(status.success(), "see the output above");
}

fn a_participant_asks_both() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("stamps.toml");
    let script =
        "kind = \"script\"\n[[exchange]]\nprompt = \"Say one.\"\nreplies = [{ text = \"one\" }]\n";
    std::fs::write(&path, script).expect("a script");
    let scripted = Lab::cassette(&path).mode(Mode::Scripted).start().expect("a scripted lab");
    let live = Lab::start().expect("a live lab");
    let ask = |lab: &Lab| lab.llm().ask("Say one.").expect("a reply").stamp();
    let by: code_evolution::stamp::Stamp = [&scripted, &live, &live].into_iter().map(ask).sum();

    let curve = FitnessCurve::new("Best score").series_by(&by, "evolution", &[1, 2, 3]);
    let mut table = Table::new(["who", "score"]).stamp(&by);
    table.push(("Ada", 3));
    for shown in [curve.to_html(), curve.to_text(), curve.alt(), table.to_html(), table.to_text()] {
        assert!(shown.contains("mixed: 1 of 3 replies scripted; 2 of 3 replies live"), "{shown}");
        assert!(shown.contains("small-1"), "{shown}");
    }
    let picture = curve.to_svg().expect("a picture");
    assert!(picture.contains("mixed: 1 of 3 replies scripted"), "{picture}");
    assert!(curve.alt().contains("evolution (script and small-1)"), "{}", curve.alt());
}

/// Answers one call as a provider does.
fn answer(stream: std::net::TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the question");
    let reply = r#"{"id": "1", "object": "chat.completion", "created": 1, "model": "small-1",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "one"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    write!(reader.get_mut(), "{head}\r\ncontent-length: {}\r\n\r\n{reply}", reply.len())
        .expect("an answer");
}
