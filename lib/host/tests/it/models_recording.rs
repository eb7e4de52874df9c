//! Recording, replaying, scripts, and keys in files.

use code_evolution_wire::model::{Ask, Mode, ModelChoice};
use serde_json::json;

use code_evolution_host::models::{ModelError, Models};

use crate::models_server::*;

/// Asks like a notebook: repeated, streamed, JSON, many at once.
fn notebook(models: &Models) -> Vec<String> {
    let mut said = Vec::new();
    let mut ask = |ask: Ask| said.push(asked(models, &ask).text().to_owned());
    ask(Ask::new("first"));
    ask(Ask::new("first"));
    ask(Ask { temperature: Some(0.5), ..Ask::new("first") });
    ask(streamed());
    ask(Ask { schema: Some(json!({"type": "object", "required": ["n"]})), ..Ask::new("a number") });
    let many: Vec<Ask> = (0..9).map(|n| Ask::new(format!("question {}", n % 3))).collect();
    said.extend(models.ask_many(&many, &|_| ()).unwrap().into_iter().map(|answer| answer.text));
    said
}

#[test]
fn a_recording_replays_the_same_bytes() {
    let server = Server::start(|request, before| {
        if before % 5 == 1 {
            return http(429, &[("retry-after", "1")], "{}");
        }
        let messages = request.body["messages"].as_array().unwrap();
        let prompt = messages.last().unwrap()["content"].as_str().unwrap();
        let text = match prompt {
            prompt if prompt.starts_with("question 2") => format!("only\r\nline ends {before}\r\n"),
            prompt if prompt.starts_with("a number") => "no number".to_owned(),
            prompt if prompt.starts_with("That reply") => "{\"n\": 1}".to_owned(),
            _ => format!(
                "reply {before} to\r\n```rust\n'''{prompt}''' \"\"\" \\ \u{1b}[0m é 💡\n```\n"
            ),
        };
        if request.body.get("stream").is_some() {
            return raw([stream_head(), events(&[&text]).into_bytes()].concat());
        }
        says(&text)
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.toml");
    let recording = Session::new("groq", &server).cassette(Mode::Record, &path).open();
    let said = notebook(&recording);
    assert_eq!(recording.status().mode, Mode::Record);
    let asked_live = server.received().len();
    let saved = std::fs::read_to_string(&path).unwrap();
    assert!(saved.contains("kind = \"recording\"") && !saved.contains(CANARY));
    for _ in 0..2 {
        let replay = Session::new("groq", &server).cassette(Mode::Replay, &path).open();
        assert_eq!(replay.status().model, "test-model");
        assert_eq!(notebook(&replay), said);
        assert_eq!(replay.meter().calls, 0);
    }
    assert_eq!(server.received().len(), asked_live);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), saved);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let replay = Session::new("groq", &server).cassette(Mode::Scripted, &path).open();
    let answer = asked(&replay, &Ask::new("first")).result.unwrap();
    assert!(answer.label().starts_with("replay of test-model-1, 20"), "{}", answer.label());
    let edited = asked(&replay, &Ask::new("question 1?")).result.unwrap();
    assert!(
        edited.label().starts_with("replay of test-model-1, 20")
            && edited.label().contains(" · nearest recorded reply, "),
        "{}",
        edited.label()
    );
}

#[test]
fn a_key_in_a_prompt_is_not_recorded() {
    let server = Server::replies(vec![says("hi")]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.toml");
    let models = Session::new("custom", &server).cassette(Mode::Record, &path).open();
    asked(&models, &Ask::new("harmless")).text();
    asked(&models, &Ask::new(format!("my key is\n{CANARY}"))).error(&["not recorded: the prompt "]);
    asked(&models, &Ask::new("and gsk_1234567890abcdefghij")).error(&["not recorded: the prompt "]);
    let saved = std::fs::read_to_string(&path).unwrap();
    assert!(saved.contains("harmless") && !saved.contains("my key") && !saved.contains("gsk_"));
}

#[test]
fn paid_answers_are_recorded_before_an_error_is_reported() {
    let server =
        Server::start(|request, _| match request.body["messages"][0]["content"].as_str() {
            Some("bad") => json_reply(400, &json!({"error": {"message": "no"}})),
            _ => says("fine"),
        });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.toml");
    let models = Session::new("custom", &server).cassette(Mode::Record, &path).open();
    let answers = models.ask_many(&[Ask::new("good"), Ask::new("bad")], &|_| ()).unwrap();
    assert!(answers[0].failure.is_none() && answers[1].failure.is_some());
    assert!(std::fs::read_to_string(&path).unwrap().contains("good"));
}

#[test]
fn a_failed_recording_stops_the_remaining_questions() {
    let server = Server::replies(vec![says("fine")]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/recording.toml");
    let models = Session::new("custom", &server).cassette(Mode::Record, &path).open();
    let asks: Vec<Ask> = (0..100).map(|n| Ask::new(n.to_string())).collect();
    let error = models.ask_many(&asks, &|_| ()).unwrap_err();
    assert!(error.message().contains("cannot write the recording"), "{error}");
    assert!(server.received().len() < 100, "every question was paid for in vain");
}

#[test]
fn an_answer_is_recorded_while_later_ones_are_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.toml");
    // The last answer waits until the first two are in the file.
    let recording = path.clone();
    let server = Server::start(move |request, _| {
        let prompt = request.body["messages"][0]["content"].as_str().unwrap();
        let has = |wanted: &str| {
            std::fs::read_to_string(&recording).is_ok_and(|text| text.contains(wanted))
        };
        let mut tries = 0;
        while prompt == "three" && !(has("one") && has("two")) {
            tries += 1;
            if tries > 1_000 {
                return json_reply(400, &json!({"error": {"message": "nothing was recorded"}}));
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        says("fine")
    });
    let models = Session::new("custom", &server).speed(1).cassette(Mode::Record, &path).open();
    let asks = ["one", "two", "three"].map(Ask::new);
    assert_eq!(models.ask_many(&asks, &|_| ()).unwrap().len(), 3);
}

fn offline(choice: &ModelChoice) -> Result<Models, ModelError> {
    Models::open(choice, &|_| None)
}

#[test]
fn without_key_and_network_a_script_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.toml");
    std::fs::write(
        &path,
        "kind = \"script\"\n[[exchange]]\nprompt = \"hello\"\nreplies = [\"one\\ntwo\"]\n",
    )
    .unwrap();
    let choice =
        ModelChoice { cassette: Some(path.display().to_string()), ..ModelChoice::default() };
    let models = offline(&choice).unwrap();
    let status = models.status();
    assert_eq!(
        (status.mode, status.provider.as_str(), status.key_from.as_str()),
        (Mode::Scripted, "none", "none")
    );
    assert!(status.notes[0].contains("no key is set"), "{status:?}");
    let outcome = asked(&models, &streamed());
    assert_eq!(outcome.printed, ["one", "two"]);
    assert_eq!(outcome.result.unwrap().label(), "scripted · no model");
    assert_eq!((models.meter().calls, models.meter().replayed), (0, 1));
    // A script never counts as a recording.
    let replay = offline(&ModelChoice { mode: Some(Mode::Replay), ..choice }).unwrap();
    assert_eq!(replay.status().mode, Mode::Scripted);
    assert!(replay.status().notes[0].contains("written by hand"));
}

#[test]
fn adopting_replies_into_a_recording_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.toml");
    let text = "kind = \"recording\"\n[[exchange]]\nprompt = \"a\"\nreplies = [\"b\"]\n";
    std::fs::write(&path, text).unwrap();
    let choice =
        ModelChoice { cassette: Some(path.display().to_string()), ..ModelChoice::default() };
    let adopt = |name: &str| (name == "LLM_ADOPT").then(|| "1".to_owned());
    let error = Models::open(&choice, &adopt).err().unwrap();
    assert!(error.message().contains("unset LLM_ADOPT"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_missing_cassette_says_so() {
    let models = offline(&ModelChoice::default()).unwrap();
    asked(&models, &Ask::new("hello")).error(&["no key and no cassette"]);
    let choice =
        ModelChoice { cassette: Some("/nowhere/script.toml".into()), ..ModelChoice::default() };
    let error = offline(&choice).err().unwrap();
    assert!(error.message().contains("cannot read the cassette /nowhere/script.toml"), "{error}");
}
