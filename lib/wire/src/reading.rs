//! What a notebook can extract from a reply, and the results.
//!
//! Only the host reads replies, so that there is a single reader. A notebook sends a reply's text back and
//! says what to find in it.

use serde::{Deserialize, Serialize};

use crate::model::Answer;

/// A reply, with what its reader must know about the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplyText {
    /// The reply's text, without thinking.
    pub text: String,
    /// Why the model stopped, in the provider's word.
    pub finish_reason: String,
    /// The limit on the reply's tokens; 0 if it is not known.
    #[serde(default)]
    pub max_tokens: u32,
    /// The conversation that the reply answers, oldest message first. It holds the code that an edit
    /// changes, and code that the reply only repeats.
    #[serde(default)]
    pub asked: Vec<String>,
}

impl From<&Answer> for ReplyText {
    /// Takes the answer's text, without knowing the question.
    fn from(answer: &Answer) -> Self {
        ReplyText {
            text: answer.text.clone(),
            finish_reason: answer.finish_reason.clone(),
            max_tokens: 0,
            asked: Vec::new(),
        }
    }
}

/// What to extract from a reply, with the type of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// The Rust code that defines a function: [`Code`].
    Code {
        /// The function's name.
        function: String,
    },
    /// The items of a list: [`List`].
    List,
    /// A prompt that the model wrote: [`Prompt`].
    Prompt,
    /// The JSON values that the reply gives as its answer, in order: a list of values. Values that it only
    /// quotes are left out.
    Json,
    /// An opinion in points: [`Opinion`].
    Opinion,
}

/// The code of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The code.
    pub code: String,
    /// Where the code came from, if there was a choice: `block 1 of 2 is taken; ...`.
    pub note: Option<String>,
}

/// The list in a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The items, without numbers, bullets, quotes and emphasis.
    pub items: Vec<String>,
    /// What was left out: lines of prose, remarks beside an item, an item that was cut off.
    pub dropped: Vec<String>,
}

impl List {
    /// Describes what was left out, in a line: `left out 2: ...`; `None` for nothing.
    pub fn note(&self) -> Option<String> {
        let shown: Vec<String> = self.dropped.iter().map(|text| format!("`{text}`")).collect();
        (!shown.is_empty()).then(|| format!("left out {}: {}", shown.len(), shown.join(", ")))
    }

    /// Keeps only items of a single word; the others count as dropped.
    ///
    /// ```
    /// use code_evolution_wire::reading::List;
    /// let items = ["Tiger24#".to_owned(), "All of them are strong".to_owned()];
    /// let list = List { items: items.to_vec(), dropped: Vec::new() }.words();
    /// assert_eq!(list.items, ["Tiger24#"]);
    /// assert_eq!(list.dropped, ["All of them are strong"]);
    /// ```
    pub fn words(mut self) -> Self {
        let single = |item: &String| !item.contains(char::is_whitespace);
        let (words, others) = self.items.into_iter().partition(single);
        self.items = words;
        self.dropped.extend::<Vec<String>>(others);
        self
    }
}

/// A prompt that a model wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The prompt.
    pub prompt: String,
    /// What was left out around the prompt.
    pub note: Option<String>,
}

/// A model's opinion of how readable a code is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Points, 0 to 20.
    pub points: u32,
    /// The reason, in the model's words.
    pub reason: String,
}
