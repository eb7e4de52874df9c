//! The local model: the real server with the real model, as `binder/setup` installs them.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use code_evolution_host::models::Models;
use code_evolution_wire::model::{Ask, Message, Mode, ModelChoice, Role, Tool};
use serde_json::{Value, json};

fn open() -> Models {
    let choice = ModelChoice { provider: Some("local".into()), ..ModelChoice::default() };
    let models = Models::open(&choice, &|_| None).expect("the local model");
    let status = models.status();
    assert_eq!(
        (status.mode, status.model.as_str()),
        (Mode::Local, "SmolLM2-135M"),
        "run binder/setup: {:?}",
        status.notes
    );
    models
}

fn short(prompt: &str) -> Ask {
    Ask { max_tokens: 12, temperature: Some(0.0), ..Ask::new(prompt) }
}

fn text(models: &Models, ask: &Ask) -> String {
    models.ask(ask, &|_| {}).unwrap_or_else(|error| panic!("{error}")).text
}

/// Returns the processes of the server: the keeper and the one that holds the model.
fn servers() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_server = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        // Count only the processes of this clone: another clone's tests may run at the same time.
        line.contains(" -I - ") && line.contains(&format!("{}/.venv/", workspace()))
    };
    pids.filter(is_server).collect()
}

fn workspace() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::canonicalize(folder).expect("the workspace").to_string_lossy().into_owned()
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().expect("a pid")).expect("a pid");
    // The process may have ended at this moment.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// Waits until no server is left; the promise is five seconds.
fn nothing_left(after: &str) {
    let began = Instant::now();
    while !servers().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(5), "left after {after}: {:?}", servers());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// This is only one test, because all parts share one server.
#[test]
fn the_local_model() {
    let models = open();
    it_answers(&models);
    many_at_once(&models);
    it_streams(&models);
    json_keeps_to_its_schema(&models);
    a_choice_is_one_of_its_options(&models);
    a_recording_of_it_gives_its_answers(&models);
    tools_are_offered_and_their_results_taken(&models);
    a_context_that_overflows_is_an_error(&models);
    nobody_is_answered_without_the_key();
    a_second_lab_shares_the_server(&models);
    a_server_killed_in_the_middle_is_started_again(&models);
    drop(models);
    nothing_left("the last lab");
    hosts_and_servers_are_killed_in_every_order();
    many_labs_at_once_start_one_server();
}

fn it_answers(models: &Models) {
    let answer = models.ask(&short("Say hello."), &|_| {}).expect("an answer");
    assert_eq!((answer.mode, answer.model.as_str()), (Mode::Local, "SmolLM2-135M"));
    assert!(!answer.text.is_empty() && answer.usage.output_tokens > 0, "{answer:?}");
    // A few tokens may not be enough for the whole answer; then the label says that too.
    assert!(answer.label().starts_with("local · SmolLM2-135M"), "{}", answer.label());
    assert_eq!(models.meter().cost_usd, Some(0.0));
}

fn many_at_once(models: &Models) {
    let asks: Vec<Ask> = (0..8).map(|n| short(&format!("Describe the number {n}."))).collect();
    let answers = models.ask_many(&asks, &|_| {}).expect("answers");
    // The answers are in the questions' order, and each is the same as when the question is asked alone.
    for (ask, answer) in asks.iter().zip(&answers).rev().step_by(2) {
        assert!(!answer.text.is_empty(), "{ask:?}");
        assert_eq!(text(models, ask), answer.text, "whatever was asked before and beside it");
    }
    assert_eq!(answers.len(), 8);
}

fn it_streams(models: &Models) {
    let lines = std::sync::Mutex::new(Vec::new());
    let ask = Ask { stream: true, max_tokens: 40, ..short("Write a short poem about rain.") };
    let tell = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let answer = models.ask(&ask, &tell).expect("an answer");
    let lines = lines.into_inner().unwrap();
    let said = lines.iter().find(|line| answer.text.contains(line.trim()) && !line.is_empty());
    assert!(said.is_some(), "{lines:?} of {answer:?}");
    assert!(answer.usage.input_tokens > 0, "{answer:?}");
}

fn json_keeps_to_its_schema(models: &Models) {
    let schema = json!({
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green"]}, "count": {"type": "integer"}},
        "required": ["colour", "count"], "additionalProperties": false,
    });
    let ask =
        Ask { schema: Some(schema), max_tokens: 60, ..short("Choose a colour and a number.") };
    let answer: Value = serde_json::from_str(&text(models, &ask)).expect("JSON");
    assert!(answer["count"].is_i64() && answer["colour"].is_string(), "{answer}");
}

fn a_choice_is_one_of_its_options(models: &Models) {
    let options = ["hot \"or\" so", "kühl"];
    let schema = Some(json!({ "enum": options }));
    let asks = ["Fire is", "Ice is", "The sea is"]
        .map(|prompt| Ask { schema: schema.clone(), ..short(prompt) });
    for answer in models.ask_many(&asks, &|_| {}).expect("answers") {
        let text: String = serde_json::from_str(&answer.text).expect("a JSON string");
        assert!(options.contains(&text.as_str()) && answer.note.is_none(), "{answer:?}");
    }
}

fn a_recording_of_it_gives_its_answers(models: &Models) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recording.toml");
    let open = |variables: &'static [(&str, &str)]| {
        let env = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let cassette = Some(path.display().to_string());
        let provider = Some("local".to_owned());
        let choice = ModelChoice { provider, cassette, ..ModelChoice::default() };
        Models::open(&choice, &env).expect("a session")
    };
    let mut asks = ["Fire is", "Ice is", "The sea is"]
        .map(|prompt| Ask { schema: Some(json!({ "enum": ["hot", "cold"] })), ..short(prompt) });
    let said = |models: &Models, asks: &[Ask]| {
        let answers = models.ask_many(asks, &|_| {}).expect("answers");
        answers.into_iter().map(|answer| (answer.text, answer.mode)).collect::<Vec<_>>()
    };
    // The mode of the notebook's other labs does not stop this one from recording.
    let recorder = open(&[("LLM_MODE", "scripted"), ("LLM_RECORD_LOCAL", "1")]);
    let recorded = said(&recorder, &asks);
    assert!(recorded.iter().all(|(_, mode)| *mode == Mode::Record), "{recorded:?}");
    let file = std::fs::read_to_string(&path).expect("a recording");
    assert!(file.contains("[[choice]]") && !file.contains("[[exchange]]"), "{file}");
    let replay = open(&[("LLM_MODE", "scripted")]);
    assert_eq!(
        (replay.status().mode, replay.status().model.as_str()),
        (Mode::Replay, "SmolLM2-135M")
    );
    let answers = replay.ask_many(&asks, &|_| {}).expect("answers");
    let label = answers[0].label();
    assert!(label.starts_with("replay of SmolLM2-135M, 20") && !label.contains('·'), "{label}");
    let texts =
        |said: &[(String, Mode)]| said.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>();
    assert_eq!(answers.iter().map(|it| it.text.clone()).collect::<Vec<_>>(), texts(&recorded));
    assert!(replay.ask(&asks[0], &|_| {}).expect("once more").note.is_none());
    // An exercise's solution adds its questions in another session.
    let more = [Ask { messages: vec![Message::new(Role::User, "Snow is")], ..asks[0].clone() }];
    said(&open(&[("LLM_RECORD_LOCAL", "add")]), &more);
    let file = std::fs::read_to_string(&path).expect("a recording");
    assert!(open(&[("LLM_MODE", "replay")]).ask(&more[0], &|_| {}).expect("both").is_answer());
    assert_eq!(said(&open(&[("LLM_MODE", "replay")]), &asks), said(&replay, &asks));
    // If the model is installed, the model answers, even if there is a recording.
    let live = said(&open(&[]), &asks);
    assert!(live.iter().all(|(_, mode)| *mode == Mode::Local), "{live:?}");
    // An edited prompt has no label in the recording, however similar it is.
    asks[0].messages[0].content += " very";
    let edited = replay.ask(&asks[0], &|_| {}).expect("an answer that says it is none");
    assert!(!edited.is_answer() && edited.label().contains("no reply"), "{edited:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("a recording"), file);
    text(models, &short("Say hello."));
}

fn tools_are_offered_and_their_results_taken(models: &Models) {
    let tool = Tool {
        name: "weather".into(),
        description: "The weather of a city.".into(),
        parameters: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    };
    // Such a small model may or may not call the tool. The test only needs the server to accept both turns.
    let mut ask =
        Ask { tools: vec![tool], max_tokens: 40, ..short("What is the weather in Rome?") };
    let answer = models.ask(&ask, &|_| {}).expect("an answer or a call");
    assert!(!answer.text.is_empty() || !answer.tool_calls.is_empty(), "{answer:?}");
    let call: code_evolution_wire::model::ToolCall = serde_json::from_value(
        json!({"id": "call_1", "name": "weather", "arguments": {"city": "Rome"}}),
    )
    .expect("a call");
    ask.messages.push(Message { tool_calls: vec![call], ..Message::new(Role::Assistant, "") });
    ask.messages
        .push(Message { tool_call_id: Some("call_1".into()), ..Message::new(Role::Tool, "sunny") });
    let answer = models.ask(&ask, &|_| {}).expect("an answer to the tool's result");
    assert!(!answer.text.is_empty() || !answer.tool_calls.is_empty(), "{answer:?}");
}

fn a_context_that_overflows_is_an_error(models: &Models) {
    let error = models.ask(&short(&"word ".repeat(6_000)), &|_| {}).expect_err("too long");
    let error = error.to_string();
    assert!(error.contains("context") && error.contains("4096"), "{error}");
}

/// Returns the server's port, from the sockets that its processes hold.
fn port() -> u16 {
    let inodes: Vec<String> = servers()
        .into_iter()
        .flat_map(|pid| std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten())
        .filter_map(|fd| Some(std::fs::read_link(fd.ok()?.path()).ok()?.to_str()?.to_owned()))
        .filter_map(|target| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = std::fs::read_to_string("/proc/net/tcp").expect("sockets");
    let port = table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = fields[3] == "0A" && inodes.iter().any(|inode| inode == fields[9]);
        let (address, port) = fields[1].split_once(':')?;
        listens.then(|| (address.to_owned(), u16::from_str_radix(port, 16).expect("a port")))
    });
    let (address, port) = port.expect("a port");
    assert_eq!(address, "0100007F", "loopback only");
    port
}

fn nobody_is_answered_without_the_key() {
    use std::io::{Read, Write};
    let body = r#"{"messages":[{"role":"user","content":"hi"}]}"#;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port())).expect("the port");
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("a request");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
}

fn a_second_lab_shares_the_server(models: &Models) {
    let before = servers();
    assert_eq!(before.len(), 2, "a keeper and its child");
    let other = open();
    assert_eq!(servers(), before);
    std::thread::scope(|scope| {
        scope.spawn(|| text(models, &short("Say one.")));
        scope.spawn(|| text(&other, &short("Say two.")));
    });
    drop(other);
    text(models, &short("Say three."));
    assert_eq!(servers(), before, "one lab is left, so the server is");
}

fn a_server_killed_in_the_middle_is_started_again(models: &Models) {
    // The keeper has the smaller process id, unless ids have wrapped around; each is killed once.
    for victim in [0, 1] {
        let before = servers();
        let ask = Ask { stream: true, max_tokens: 400, ..short("Write a long poem about rain.") };
        let (line, first_line) = std::sync::mpsc::channel();
        let answer = std::thread::scope(|scope| {
            let tell = move |said: &str| {
                // The send may fail, because nobody listens after the first line.
                let _ = line.send(said.to_owned());
            };
            let asked = scope.spawn(move || models.ask(&ask, &tell));
            first_line.recv().expect("the poem begins");
            assert!(!asked.is_finished(), "hundreds of tokens are still to come");
            kill(before[victim]);
            asked.join().expect("no panic")
        });
        assert!(!answer.expect("an answer of the next server").text.is_empty());
        let after = servers();
        assert!(after.len() == 2 && after.iter().all(|pid| !before.contains(pid)), "{after:?}");
    }
}

/// A host with the local model open, whose owner is a process of this test.
struct Lab {
    owner: Child,
    host: Child,
}

impl Lab {
    fn start() -> Self {
        use std::io::{BufRead, BufReader, Write};
        let owner = Command::new("sleep").arg("600").process_group(0).spawn().expect("an owner");
        let mut host = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
            .args(["serve", "--owner", &owner.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a host");
        let open = json!({"id": 1, "method": "open", "params": {"provider": "local"}});
        writeln!(host.stdin.as_mut().expect("stdin"), "{open}").expect("a request");
        let lines = BufReader::new(host.stdout.as_mut().expect("stdout")).lines();
        let answer = lines.map_while(Result::ok).find(|line| line.contains("\"done\""));
        assert!(answer.is_some_and(|line| line.contains("\"local\"")), "no local model");
        Lab { owner, host }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for process in [&mut self.owner, &mut self.host] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn hosts_and_servers_are_killed_in_every_order() {
    // 0: the kernel that owns the host; 1: the host; 2: the keeper; 3: the model's process.
    let orders = [
        [0, 1, 2, 3],
        [0, 3, 1, 2],
        [1, 0, 3, 2],
        [1, 3, 2, 0],
        [2, 0, 1, 3],
        [2, 3, 1, 0],
        [3, 1, 0, 2],
    ];
    for order in orders {
        let mut lab = Lab::start();
        let mut server = servers();
        server.sort_unstable();
        assert_eq!(server.len(), 2);
        let victims = [lab.owner.id(), lab.host.id(), server[0], server[1]];
        kill(victims[order[0]]);
        if order[0] < 2 {
            // Killing only this process ends everything.
            let began = Instant::now();
            let _ = lab.owner.try_wait();
            nothing_left(&format!("{order:?}"));
            assert!(began.elapsed() < Duration::from_secs(5));
        }
        for victim in &order[1..] {
            kill(victims[*victim]);
        }
        nothing_left(&format!("{order:?}"));
    }
    // The next lab can start the server again.
    drop(Lab::start());
    nothing_left("the next lab");
}

fn many_labs_at_once_start_one_server() {
    let labs: Vec<Lab> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(Lab::start)).collect();
        starts.into_iter().map(|start| start.join().expect("a lab")).collect()
    });
    assert_eq!(servers().len(), 2);
    drop(labs);
    nothing_left("four labs");
}
