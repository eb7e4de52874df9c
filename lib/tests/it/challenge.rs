//! Beat the judge: an attack on each flag, and no flag goes up.

use code_evolution::prelude::*;

/// Candidates that a participant may try, with the expected end of the headline.
const ATTACKS: [(&str, &str); 10] = [
    ("fn play(_: &str) -> String { std::fs::read_to_string(\"FILE\").unwrap_or_else(|no| no.to_string()) }", "not permitted"),
    ("fn play(_: &str) -> String { include_str!(\"FILE\").to_owned() }", "refused"),
    ("fn play(_: &str) -> String { std::fs::File::open(\"FILE\").unwrap(); String::new() }", "0 of 2"),
    ("fn play(_: &str) -> String { format!(\"{:?}\", std::net::TcpStream::connect(\"ADDRESS\")) }", "PermissionDenied"),
    ("fn play(text: &str) -> String { panic!(\"{text}\") }", "0 of 2"),
    ("static SEEN: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
     fn play(text: &str) -> String { let mut seen = SEEN.lock().unwrap(); seen.push_str(text); seen.clone() }", "0 of 2"),
    ("fn play(text: &str) -> String { loop { std::hint::black_box(text); } }", "longer"),
    ("fn play(text: &str) -> String {
        std::thread::spawn(|| loop { std::thread::sleep(std::time::Duration::from_millis(1)) });
        std::thread::sleep(std::time::Duration::from_secs(3)); text.to_owned() }", "longer"),
    ("fn play(_: &str) -> String { println!(\"PASS 2/2\"); std::process::exit(0) }", "exit"),
    ("fn play(text: &str) -> String { text.to_owned() }", "0 of 2"),
];

#[test]
fn no_flag_goes_up() {
    let lab = Lab::cassette("examples/cassettes/self_reparation.toml").mode(Mode::Scripted);
    let lab = lab.start().expect("a lab");
    for (attack, end) in ATTACKS {
        let board = lab.challenge(attack).expect("a scoreboard");
        let shown = board.to_string();
        assert_eq!(board.raised(), 0, "{attack}\n{shown}");
        assert!(shown.contains(end), "{attack}\n{shown}");
        assert!(!shown.contains("code_evolution_flag") && !shown.contains("127.0.0.1"), "{shown}");
    }
}
