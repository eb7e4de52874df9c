use super::*;

const SCRIPT: &str = r#"# Written by hand.
kind = "script"

# The first step.
[[exchange]]
# What is asked.
prompt = "Write fn one in Rust, please, and nothing else."
replies = ["first", "second"]

[[exchange]]
prompt = "repair the function; error[E0382]: use of moved value"
replies = ["third"]
"#;

fn player(adopt: bool) -> (tempfile::TempDir, Player) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.toml");
    std::fs::write(&path, SCRIPT).unwrap();
    let player = Player::open(&path, adopt).unwrap();
    (folder, player)
}

#[test]
fn a_repeated_request_gets_the_next_reply_and_then_the_first_again() {
    let (_folder, mut player) = player(false);
    let ask = Ask::new("Write fn one in Rust, please, and nothing else.\n");
    let texts: Vec<String> = (0..3).map(|_| player.play(&ask).unwrap().reply.text).collect();
    assert_eq!(texts, ["first", "second", "first"]);
    assert_eq!(player.play(&ask).unwrap().note, None);
}

#[test]
fn a_recording_that_starts_over_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.toml");
    std::fs::write(&path, SCRIPT.replace("\"script\"", "\"recording\"")).unwrap();
    let mut player = Player::open(&path, false).unwrap();
    let ask = Ask::new("Write fn one in Rust, please, and nothing else.");
    let notes: Vec<_> = (0..3).map(|_| player.play(&ask).unwrap().note).collect();
    assert_eq!(notes[..2], [None, None]);
    let note = notes[2].as_deref().unwrap();
    assert!(note.starts_with("all 2 recorded replies") && note.ends_with("start over"), "{note}");
    player.rewind();
    assert_eq!(player.play(&ask).unwrap().note, None);
}

#[test]
fn an_edited_request_gets_the_nearest_and_says_so() {
    let (_folder, mut player) = player(false);
    let edited =
        player.play(&Ask::new("Write fn one in Rust, please, and nothing else. Thanks!")).unwrap();
    assert_eq!(edited.reply.text, "first");
    let note = edited.note.unwrap();
    assert!(
        note.starts_with("nearest scripted reply, ") && note.contains("only a model"),
        "{note}"
    );
    assert_eq!(edited.fit, Fit::Nearest);
    let mut hotter = Ask::new("Write fn one in Rust, please, and nothing else.");
    hotter.temperature = Some(1.5);
    let note = player.play(&hotter).unwrap().note.unwrap();
    assert!(note.contains("same prompt with another temperature"), "{note}");
}

#[test]
fn an_unrelated_request_gets_no_reply_and_a_note() {
    let (_folder, mut player) = player(false);
    for asked in ["¿Qué hora es?", "Write fn two in Rust, please, and nothing else."] {
        let none = player.play(&Ask::new(asked)).unwrap();
        assert_eq!((none.fit, &none.reply), (Fit::Nothing, &Reply::default()), "{asked}");
        assert!(none.note.unwrap().starts_with("the script has nothing for this prompt"));
    }
}

#[test]
fn a_new_cell_begins_with_the_first_reply() {
    let (_folder, mut player) = player(false);
    let ask = Ask::new("Write fn one in Rust, please, and nothing else.");
    for _cell in 0..2 {
        player.rewind();
        assert_eq!(player.play(&ask).unwrap().reply.text, "first");
        assert_eq!(player.play(&ask).unwrap().reply.text, "second");
    }
}

#[test]
fn adopting_writes_the_request_into_the_draft_and_keeps_the_rest() {
    let (folder, mut player) = player(true);
    let path = folder.path().join("script.toml");
    let long = "Here is code that fails.\n\nerror[E0382]: use of moved value\n\nPlease repair the function;\nkeep its name.";
    let mut ask = Ask::new(long);
    ask.temperature = Some(0.2);
    let adopted = player.play(&ask).unwrap();
    assert_eq!(adopted.reply.text, "third");
    assert!(adopted.note.unwrap().starts_with("adopted by exchange 2"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with(SCRIPT.split("[[exchange]]\nprompt = \"repair").next().unwrap()),
        "{text}"
    );
    assert!(
        text.ends_with(&format!(
            "prompt = '''\n{long}'''\ntemperature = 0.2\nreplies = [\"third\"]\n"
        )),
        "{text}"
    );
    let mut again = Player::open(&path, false).unwrap();
    assert_eq!(again.play(&ask).unwrap().note, None);
}

#[test]
fn two_requests_do_not_fight_over_one_exchange() {
    let (folder, mut player) = player(true);
    player.play(&Ask::new("Write fn one in Rust, please, and nothing else.")).unwrap();
    player.play(&Ask::new("repair the function; use of moved value; A")).unwrap();
    let before = std::fs::read_to_string(folder.path().join("script.toml")).unwrap();
    let third = player.play(&Ask::new("repair the function; use of moved value; B")).unwrap();
    assert!(third.note.unwrap().starts_with("not adopted"));
    assert_eq!(std::fs::read_to_string(folder.path().join("script.toml")).unwrap(), before);
}

#[test]
fn an_empty_cassette_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.toml");
    std::fs::write(&path, "kind = \"script\"\n").unwrap();
    let error = Player::open(&path, false).unwrap().play(&Ask::new("a")).unwrap_err();
    assert!(error.message().contains("holds no exchange"), "{error}");
}
