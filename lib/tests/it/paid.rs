//! When one of many live questions fails, a cell keeps the other answers, which were paid for.

use code_evolution::prelude::*;

use crate::live;

#[test]
fn a_failed_question_does_not_lose_the_paid_answers() {
    let answer = |asked: &str| match asked {
        "refuse" => Err("not this one".to_owned()),
        asked => Ok(format!("it is {asked}")),
    };
    live::run("paid::a_failed_question_does_not_lose_the_paid_answers", ask, answer);
}

/// Asks four questions; the server refuses the third.
fn ask() {
    let lab = Lab::start().expect("a lab");
    let replies = lab.llm().ask_many(&["one", "two", "refuse", "four"]).expect("some answers");
    let texts: Vec<_> = replies.iter().map(|reply| reply.answer().map(str::to_owned)).collect();
    let refused = texts[2].as_ref().expect_err("it is refused").to_string();
    assert!(
        refused.contains("refuses the request") && refused.contains("not this one"),
        "{refused}"
    );
    for (place, said) in [(0, "one"), (1, "two"), (3, "four")] {
        assert_eq!(texts[place].as_ref().expect("a paid answer"), &format!("it is {said}"));
    }
    // Every reading of the failed reply gives the reason; it is never an empty candidate.
    for why in [replies[2].code("f").err(), replies[2].list().err(), replies[2].prompt().err()] {
        assert_eq!(why.expect("no answer").to_string(), refused);
    }
    assert!(replies[2].to_text().contains("not this one"), "{}", replies[2].to_text());
    assert_eq!(lab.llm().meter().expect("the books").calls, 3);
}
