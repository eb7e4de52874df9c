//! Tool calls as servers send them, whole or in pieces, and as a conversation needs them.
//!
//! Servers differ: some send no index, or the same index for every call; some repeat the name in each piece,
//! send no id, or send the same id twice. Models differ too: some leak a channel mark into the name
//! (`add<|channel|>json`), and some write arguments in fences, in Python's quotes, or as a string of JSON.
//! This module reads all of these. What the provider puts beside a call stays in [`ToolCall::extra`].
//!
//! This module does not read calls that a model writes into its text; `reply` does.

mod arguments;
mod assembly;
mod ids;

use std::collections::BTreeSet;

use code_evolution_wire::model::{Ask, Tool, ToolCall};

pub(crate) use arguments::lenient as lenient_json;
pub(super) use assembly::{Assembly, merge};
pub(super) use ids::{IdForm, Ids};

/// Prepares calls for the conversation: names become those of the offered tools where possible, and no id
/// occurs twice.
pub(super) fn settle(calls: &mut [ToolCall], ask: &Ask) {
    let earlier = ask.messages.iter().flat_map(|message| &message.tool_calls);
    let mut taken: BTreeSet<String> = earlier.map(|call| call.id.clone()).collect();
    for call in calls {
        call.name = tool_name(&call.name, &ask.tools);
        call.id = ids::unique(&call.id, IdForm::Any, &mut taken);
    }
}

/// Returns the tool that a name means. A model may leak a channel mark (`add<|channel|>json`) or a namespace
/// (`functions.add`) into the name.
fn tool_name(name: &str, tools: &[Tool]) -> String {
    let offered = |name: &&str| tools.iter().any(|tool| tool.name == **name);
    let name = name.trim();
    if offered(&name) {
        return name.to_owned();
    }
    // A mark at the start belongs to the channel; the name follows later.
    let before_mark = name.split("<|").next().unwrap_or_default().trim();
    let place = if before_mark.is_empty() { name } else { before_mark };
    let mut words = place.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    words.find(offered).unwrap_or(place).to_owned()
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::Message;
    use serde_json::json;

    use super::*;

    fn ask(tools: &[&str]) -> Ask {
        let tool = |name: &&str| Tool {
            name: name.to_string(),
            description: String::new(),
            parameters: json!({}),
        };
        Ask { tools: tools.iter().map(tool).collect(), ..Ask::new("q") }
    }

    #[test]
    fn a_name_is_found_beside_leaked_marks() {
        let ask = ask(&["add", "add_all", "json"]);
        for (leaked, name) in [
            ("add", "add"),
            (" add ", "add"),
            ("add<|channel|>json", "add"),
            ("add<|constrain|>json", "add"),
            ("add_all<|channel|>commentary", "add_all"),
            ("functions.add", "add"),
            ("functions.add:0", "add"),
            ("default_api:add_all", "add_all"),
            ("<|channel|>commentary to=functions.add", "add"),
            ("json<|message|>", "json"),
            // These tools are not offered; the code that runs tools reports that.
            ("subtract<|channel|>json", "subtract"),
            ("addition", "addition"),
        ] {
            assert_eq!(tool_name(leaked, &ask.tools), name, "{leaked}");
        }
    }

    #[test]
    fn ids_are_unique_in_a_conversation() {
        let mut ask = ask(&["add"]);
        let call = |id: &str| ToolCall::new(id, "add", json!({}));
        ask.messages.push(Message {
            tool_calls: vec![call("k1"), call("call_0")],
            ..Message::new(code_evolution_wire::model::Role::Assistant, "")
        });
        let mut calls = [call("k1"), call(""), call("k2"), call("k2")];
        settle(&mut calls, &ask);
        let ids = calls.map(|call| call.id);
        assert_eq!(ids, ["call_1", "call_2", "k2", "call_3"]);
    }
}
