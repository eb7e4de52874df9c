//! What a cell keeps of many questions, live: the answers that were paid for, beside one that failed.

use code_evolution::prelude::*;

use crate::live;

#[test]
fn a_question_that_fails_leaves_the_paid_answers_beside_it() {
    let answer = |asked: &str| match asked {
        "refuse" => Err("not this one".to_owned()),
        asked => Ok(format!("it is {asked}")),
    };
    live::run("paid::a_question_that_fails_leaves_the_paid_answers_beside_it", ask, answer);
}

/// Asks four questions, of which the server refuses the third.
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
    // What failed tells the reason wherever it is read, and is no empty candidate.
    for why in [replies[2].code("f").err(), replies[2].list().err(), replies[2].prompt().err()] {
        assert_eq!(why.expect("no answer").to_string(), refused);
    }
    assert!(replies[2].to_text().contains("not this one"), "{}", replies[2].to_text());
    assert_eq!(lab.llm().meter().expect("the books").calls, 3);
}
