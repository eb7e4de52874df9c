//! Answers from a fixed set, kept by question: a compact form for recordings of many choices.
//!
//! An experiment with prompts asks hundreds of questions, and each answer is one of two words. As exchanges,
//! these would take a megabyte. Here the file contains each question once. Each prompt (everything before the
//! question) has one list of question numbers per option:
//!
//! ```toml
//! questions = ["Fast and quiet.", "It broke."]
//!
//! [[choice]]
//! system = "Is this review positive or negative?"
//! options = ["positive", "negative"]
//! temperature = 0.0
//! answers = [[0], [1]]    # question 0: positive; question 1: negative
//! ```
//!
//! Only the exact recorded request gets an answer, because a label for another text or another prompt is not
//! "nearly" right. A repeated request gets the same answer.

use std::collections::HashMap;

use code_evolution_wire::model::{DEFAULT_MAX_TOKENS, Message, Role};
use serde::Deserialize;
use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Table};

use super::exchange::{Reply, Request, Turn, canonical};
use super::items::{one_a_line, plain, text_item, turn};
use crate::models::json;

/// All choices of a cassette.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choices {
    questions: Vec<String>,
    prompts: Vec<Prompt>,
}

/// Everything before a question, and the settings.
#[derive(Debug, Clone, PartialEq)]
struct Prompt {
    before: Vec<Message>,
    options: Vec<String>,
    temperature: Option<f64>,
    max_tokens: u32,
    /// Maps the question's number to the option.
    answers: HashMap<usize, usize>,
}

impl Choices {
    /// Returns the recorded answer to a request: the option's bare text.
    pub(super) fn answer(&self, request: &Request) -> Option<Reply> {
        let (asked, question) = split(request)?;
        let number = self.questions.iter().position(|known| known == question)?;
        let prompt = self.prompts.iter().find(|known| known.asks_like(&asked))?;
        let option = &prompt.options[*prompt.answers.get(&number)?];
        Some(Reply { text: option.clone(), finish_reason: "stop".to_owned(), ..Reply::default() })
    }

    /// Keeps an answer if it is a choice and contains nothing else. If the request already has an answer,
    /// that one stays.
    pub(super) fn keep(&mut self, request: &Request, reply: &Reply) -> bool {
        let Some((asked, question)) = split(request) else { return false };
        // A server with grammars sends the option itself; another server sends it in quotes.
        let quoted: Option<String> = serde_json::from_str(&reply.text).ok();
        let says = |option: &String| *option == reply.text || Some(option) == quoted.as_ref();
        let option = asked.options.iter().position(says).filter(|_| is_bare(reply));
        let Some(option) = option else { return false };
        let known = self.questions.iter().position(|known| known == question);
        let number = known.unwrap_or_else(|| {
            self.questions.push(question.to_owned());
            self.questions.len() - 1
        });
        let known = self.prompts.iter().position(|known| known.asks_like(&asked));
        let position = known.unwrap_or_else(|| {
            self.prompts.push(asked);
            self.prompts.len() - 1
        });
        self.prompts[position].answers.entry(number).or_insert(option);
        true
    }

    /// Returns the questions for the file's head; nothing if there is no choice.
    pub(super) fn questions_item(&self) -> Option<Item> {
        (!self.questions.is_empty()).then(|| one_a_line(self.questions.iter().map(String::as_str)))
    }

    /// Returns the prompts with their answers.
    pub(super) fn prompts_item(&self) -> Item {
        Item::ArrayOfTables(self.prompts.iter().map(Prompt::table).collect::<ArrayOfTables>())
    }

    /// Loads the content of a file, and checks it.
    pub(super) fn new(questions: Vec<String>, prompts: Vec<PromptText>) -> Result<Self, String> {
        let count = questions.len();
        let questions = questions.iter().map(|question| canonical(question)).collect();
        let prompts = prompts.into_iter().map(|text| text.read(count));
        Ok(Choices { questions, prompts: prompts.collect::<Result<_, _>>()? })
    }
}

/// Returns whether a reply consists of its text alone.
fn is_bare(reply: &Reply) -> bool {
    let Reply { text: _, thinking, finish_reason, usage: _, model, tool_calls, extra } = reply;
    thinking.is_empty()
        && finish_reason == "stop"
        && model.is_none()
        && tool_calls.is_empty()
        && extra.is_empty()
}

/// Splits a request for a choice into the prompt without answers and the question; `None` for any other
/// request.
fn split(request: &Request) -> Option<(Prompt, &str)> {
    let options = json::options(request.schema.as_ref()?)?;
    let (last, before) = request.messages.split_last()?;
    if last.role != Role::User || !plain(last) || !request.tools.is_empty() {
        return None;
    }
    let prompt = Prompt {
        before: before.to_vec(),
        options: options.into_iter().map(str::to_owned).collect(),
        temperature: request.temperature,
        max_tokens: request.max_tokens,
        answers: HashMap::new(),
    };
    Some((prompt, &last.content))
}

impl Prompt {
    fn asks_like(&self, other: &Prompt) -> bool {
        self.before == other.before
            && self.options == other.options
            && self.temperature == other.temperature
            && self.max_tokens == other.max_tokens
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        let mut before = self.before.as_slice();
        if let [first, rest @ ..] = before
            && first.role == Role::System
            && plain(first)
        {
            table.insert("system", text_item(&first.content));
            before = rest;
        }
        table.insert("options", toml_edit::value(self.options.iter().collect::<Array>()));
        if let Some(temperature) = self.temperature {
            table.insert("temperature", toml_edit::value(temperature));
        }
        if self.max_tokens != DEFAULT_MAX_TOKENS {
            table.insert("max_tokens", toml_edit::value(i64::from(self.max_tokens)));
        }
        if !before.is_empty() {
            let turns = before.iter().map(|message| InlineTable::from_iter(turn(message)));
            table.insert("history", one_a_line(turns));
        }
        let numbers = |option: usize| {
            let mut numbers: Vec<usize> = self.answers.keys().copied().collect();
            numbers.retain(|number| self.answers[number] == option);
            numbers.sort_unstable();
            numbers.into_iter().filter_map(|number| i64::try_from(number).ok()).collect::<Array>()
        };
        let answers: Array = (0..self.options.len()).map(numbers).collect();
        table.insert("answers", toml_edit::value(answers));
        table
    }
}

/// A prompt in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromptText {
    system: Option<String>,
    options: Vec<String>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    #[serde(default)]
    history: Vec<Turn>,
    answers: Vec<Vec<usize>>,
}

impl PromptText {
    fn read(self, questions: usize) -> Result<Prompt, String> {
        if self.answers.len() != self.options.len() {
            return Err(format!(
                "a choice has {} options and answers for {}: give each option a list",
                self.options.len(),
                self.answers.len(),
            ));
        }
        let mut answers = HashMap::new();
        for (option, numbers) in self.answers.into_iter().enumerate() {
            for number in numbers {
                if number >= questions {
                    return Err(format!(
                        "a choice answers question {number}, and there are {questions}, from 0 on"
                    ));
                }
                if answers.insert(number, option).is_some() {
                    return Err(format!("a choice answers question {number} twice"));
                }
            }
        }
        let system = self.system.map(|text| Message::new(Role::System, canonical(&text)));
        Ok(Prompt {
            before: system.into_iter().chain(self.history.into_iter().map(Turn::read)).collect(),
            options: self.options,
            temperature: self.temperature,
            max_tokens: self.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
            answers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::cassette::{Cassette, Exchange};
    use proptest::prelude::*;

    fn request(before: &[Message], question: &str, options: &[String]) -> Request {
        let question = Message::new(Role::User, canonical(question));
        Request {
            messages: before.iter().cloned().chain([question]).collect(),
            temperature: Some(0.0),
            max_tokens: DEFAULT_MAX_TOKENS,
            tools: Vec::new(),
            schema: Some(serde_json::json!({ "enum": options })),
        }
    }

    fn says(text: &str) -> Reply {
        Reply { text: text.to_owned(), finish_reason: "stop".to_owned(), ..Reply::default() }
    }

    fn read(choices: &Choices) -> Cassette {
        let head = Cassette::parse("kind = \"recording\"").unwrap();
        let written = Cassette { choices: choices.clone(), ..head }.render();
        Cassette::parse(&written).unwrap_or_else(|error| panic!("{error}\n{written}"))
    }

    #[test]
    fn only_the_recorded_request_is_answered_and_always_the_same() {
        let options = ["good".to_owned(), "bad".to_owned()];
        let system = [Message::new(Role::System, "Label it.")];
        let asked = request(&system, "It broke.", &options);
        let mut choices = Choices::default();
        assert!(choices.keep(&asked, &says("bad")));
        assert!(choices.keep(&asked, &says("\"good\"")), "it is kept, and the first stays");
        let answer = |asked: &Request| read(&choices).choices.answer(asked).map(|it| it.text);
        assert_eq!(answer(&asked).as_deref(), Some("bad"));
        let others = [
            request(&system, "It broke", &options),
            request(&[], "It broke.", &options),
            request(&system, "It broke.", &[options[1].clone(), options[0].clone()]),
            Request { temperature: None, ..asked.clone() },
            Request { max_tokens: 3, ..asked.clone() },
        ];
        assert!(others.iter().all(|other| answer(other).is_none()));
    }

    #[test]
    fn an_answer_with_more_than_a_choice_is_not_kept() {
        let options = ["good".to_owned()];
        let asked = request(&[], "It broke.", &options);
        let mut choices = Choices::default();
        let thinking = Reply { thinking: "hm".to_owned(), ..says("good") };
        let cut = Reply { finish_reason: "length".to_owned(), ..says("good") };
        for reply in [says("Good."), says("other"), thinking, cut] {
            assert!(!choices.keep(&asked, &reply), "{reply:?}");
        }
        let object = Request { schema: Some(serde_json::json!({"type": "string"})), ..asked };
        assert!(!choices.keep(&object, &says("good")));
        assert_eq!(choices, Choices::default());
    }

    #[test]
    fn an_inconsistent_file_is_refused() {
        for (answers, why) in [
            ("[[0]]", "2 options and answers for 1"),
            ("[[1], []]", "question 1, and there are 1"),
            ("[[0], [0]]", "question 0 twice"),
        ] {
            let text = format!(
                "kind = \"recording\"\nquestions = [\"q\"]\n[[choice]]\noptions = [\"a\", \"b\"]\nanswers = {answers}\n"
            );
            let error = Cassette::parse(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_choice_is_read_back(
            texts in prop::collection::vec("(?s)[a'\"\\\\\n\r\t\u{0} é#=\\[]{0,9}", 1..6),
            turns in prop::collection::vec(0..6usize, 0..4),
            answers in prop::collection::vec((0..6usize, 0..2usize), 1..9),
        ) {
            let text = |number: usize| texts[number % texts.len()].as_str();
            let options = ["a".to_owned(), "it's \"b\"".to_owned()];
            let before: Vec<Message> =
                turns.iter().map(|turn| Message::new(Role::Assistant, canonical(text(*turn)))).collect();
            let mut choices = Choices::default();
            for (question, option) in answers {
                let asked = request(&before, text(question), &options);
                prop_assert!(choices.keep(&asked, &says(&options[option])));
            }
            // An exchange in the same file does not change the choices.
            let exchange = Exchange { request: request(&before, "and", &options), replies: vec![says("so")] };
            let head = Cassette::parse("kind = \"recording\"").unwrap();
            let cassette = Cassette { choices, exchanges: vec![exchange], ..head };
            let written = cassette.render();
            prop_assert_eq!(Cassette::parse(&written), Ok(cassette), "{}", written);
        }
    }
}
