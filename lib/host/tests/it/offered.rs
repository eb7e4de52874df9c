//! The crates that a task may offer. The first build takes a while and needs a registry.

use code_evolution_host::judge::{Judge, JudgeError, Options};
use code_evolution_wire::task::Task;

use crate::support::{assert_passes, judge, options};

#[test]
fn candidates_use_the_crates_that_the_task_offers() {
    judge().prepare().unwrap();
    let task = Task::new("fn f(text: &str) -> bool").case(("very good!",), true);
    for (name, body) in [
        ("serde_json", "serde_json::from_str::<serde_json::Value>(text).is_err()"),
        ("rand", "rand::random_range(0..10) < 10 && !text.is_empty()"),
        ("itertools", "itertools::Itertools::join(&mut text.split(' '), \"-\") == \"very-good!\""),
        (
            "vader-sentimental",
            "vader_sentimental::SentimentIntensityAnalyzer::new().polarity_scores(text).compound > 0.4",
        ),
    ] {
        let code = format!("fn f(text: &str) -> bool {{ {body} }}");
        assert_passes(&task.clone().offers(name), &code);
        assert!(!judge().judge(&task, &code).unwrap().compiled(), "{name} is not offered");
    }
}

#[test]
fn a_crate_that_is_not_offered_is_a_bad_request() {
    let task = Task::new("fn f() -> u8").case((), 1).offers("tokio");
    match judge().judge(&task, "").unwrap_err() {
        JudgeError::BadRequest(message) => {
            assert!(message.contains("tokio") && message.contains("serde_json"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn crates_that_are_not_built_say_how_to_build_them() {
    let folder = tempfile::tempdir().unwrap();
    let judge = Judge::with(Options { cache: folder.path().to_owned(), ..options() }).unwrap();
    let task = Task::new("fn f() -> u8").case((), 1).offers("rand");
    let error = judge.judge(&task, "").unwrap_err();
    assert!(error.to_string().contains("code_evolution_host prepare"), "{error}");
}
