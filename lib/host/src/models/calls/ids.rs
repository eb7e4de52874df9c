//! Ids of calls: each id occurs once in a conversation, in the form that the provider accepts.

use std::collections::BTreeSet;

use code_evolution_wire::model::Message;

/// The form of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdForm {
    /// Any text that is not empty.
    Any,
    /// Exactly nine letters or digits, as Mistral wants them.
    NineLettersOrDigits,
}

impl IdForm {
    fn accepts(self, id: &str) -> bool {
        match self {
            IdForm::Any => !id.is_empty(),
            IdForm::NineLettersOrDigits => {
                id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }
        }
    }

    /// Makes the id with number `n` in this form.
    fn make(self, n: usize) -> String {
        match self {
            IdForm::Any => format!("call_{n}"),
            IdForm::NineLettersOrDigits => format!("call{n:05}"),
        }
    }
}

/// Returns the id itself if it has this form and is free, else the first free id of this form. Marks it as
/// taken.
pub(super) fn unique(id: &str, form: IdForm, taken: &mut BTreeSet<String>) -> String {
    let id = if form.accepts(id) && !taken.contains(id) {
        id.to_owned()
    } else {
        let free = |id: &String| !taken.contains(id);
        (0..).map(|n| form.make(n)).find(free).unwrap_or_default()
    };
    taken.insert(id.clone());
    id
}

/// Makes the ids that are sent with the calls of a conversation and with their results. The same conversation
/// gets the same ids again, even after it has grown.
#[derive(Debug)]
pub struct Ids {
    form: IdForm,
    taken: BTreeSet<String>,
    /// The latest message's calls that have no result yet: the ids as received, and as sent.
    open: Vec<(String, String)>,
}

impl Ids {
    /// Starts the ids of a conversation that is sent in this form.
    pub fn new(form: IdForm) -> Self {
        Ids { form, taken: BTreeSet::new(), open: Vec::new() }
    }

    /// Returns the ids of a message's calls, and the id of the call that the message answers.
    pub fn of(&mut self, message: &Message) -> (Vec<String>, Option<String>) {
        let calls: Vec<String> = message
            .tool_calls
            .iter()
            .map(|call| unique(&call.id, self.form, &mut self.taken))
            .collect();
        if !calls.is_empty() {
            let came = message.tool_calls.iter().map(|call| call.id.clone());
            self.open = came.zip(calls.iter().cloned()).collect();
        }
        let answered = message.tool_call_id.as_ref().map(|id| {
            match self.open.iter().position(|(came, _)| came == id) {
                Some(position) => self.open.remove(position).1,
                None => id.clone(),
            }
        });
        (calls, answered)
    }
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::{Role, ToolCall};
    use serde_json::json;

    use super::*;

    /// Returns the ids of calls and results, as they are sent.
    fn sent(form: IdForm, turns: &[&[&str]]) -> Vec<(Vec<String>, Vec<String>)> {
        let mut ids = Ids::new(form);
        turns
            .iter()
            .map(|turn| {
                let calls = turn.iter().map(|id| ToolCall::new(*id, "f", json!({}))).collect();
                let asked = Message { tool_calls: calls, ..Message::new(Role::Assistant, "") };
                let (calls, _) = ids.of(&asked);
                let results = turn.iter().filter_map(|id| {
                    let id = Some((*id).to_owned());
                    ids.of(&Message { tool_call_id: id, ..Message::new(Role::Tool, "") }).1
                });
                (calls, results.collect())
            })
            .collect()
    }

    #[test]
    fn results_follow_their_calls() {
        let turns: &[&[&str]] = &[&["a", "a", ""], &["a"], &["kK1lL2mM3", "call_0"]];
        for form in [IdForm::Any, IdForm::NineLettersOrDigits] {
            let sent = sent(form, turns);
            let mut all = BTreeSet::new();
            for (calls, results) in &sent {
                assert_eq!(calls, results);
                assert!(
                    calls.iter().all(|id| form.accepts(id) && all.insert(id.clone())),
                    "{sent:?}"
                );
            }
            assert_eq!(sent[2].0[0], "kK1lL2mM3");
        }
        // A conversation that has grown keeps its ids.
        let form = IdForm::NineLettersOrDigits;
        assert_eq!(sent(form, &turns[..1]), sent(form, turns)[..1]);
    }

    #[test]
    fn a_valid_id_is_unchanged() {
        assert_eq!(sent(IdForm::Any, &[&["toolu_01"]])[0].0, ["toolu_01"]);
    }
}
