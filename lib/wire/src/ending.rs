//! How an answer ended: whole, or cut and by what.
//!
//! Providers give a reason in a word of their own. Only a model that stopped by itself, or that calls
//! tools, has said all that it wanted to say. Everything else leaves half an answer, and half an answer
//! must never be read as a whole one.

use serde::{Deserialize, Serialize};

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The model stopped by itself, or calls tools.
    Whole,
    /// Something else ended the answer.
    Cut(Cut),
}

/// What cut an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The most tokens that were asked for, or that the model can give.
    Limit,
    /// The provider's filter.
    Filter,
    /// The way between model and client: an error, a broken connection, a server without resources.
    Transport,
    /// A reason that is not known here.
    Unknown,
}

impl Ending {
    /// What a provider's `finish_reason` means, in any case and with the prefixes of some.
    ///
    /// ```
    /// use code_evolution_wire::ending::{Cut, Ending};
    /// assert_eq!(Ending::of("STOP"), Ending::Whole);
    /// assert_eq!(Ending::of("MAX_TOKENS"), Ending::Cut(Cut::Limit));
    /// assert_eq!(Ending::of("something new"), Ending::Cut(Cut::Unknown));
    /// ```
    pub fn of(finish_reason: &str) -> Self {
        match word(finish_reason).as_str() {
            "stop" | "stopped" | "stop_sequence" | "end" | "end_turn" | "eos" | "eos_token"
            | "complete" | "completed" | "done" | "tool_calls" | "tool_call" | "tool_use"
            | "function_call" | "function_calls" => Ending::Whole,
            "length"
            | "max_tokens"
            | "max_length"
            | "max_output_tokens"
            | "max_new_tokens"
            | "max_completion_tokens"
            | "model_length"
            | "token_limit"
            | "context_length"
            | "context_length_exceeded"
            | "model_context_window_exceeded" => Ending::Cut(Cut::Limit),
            "content_filter"
            | "content_filtered"
            | "safety"
            | "image_safety"
            | "recitation"
            | "blocklist"
            | "prohibited_content"
            | "spii"
            | "language"
            | "refusal"
            | "sensitive"
            | "guardrail_intervened" => Ending::Cut(Cut::Filter),
            "error"
            | "abort"
            | "aborted"
            | "cancel"
            | "cancelled"
            | "canceled"
            | "network_error"
            | "connection_error"
            | "disconnect"
            | "disconnected"
            | "timeout"
            | "overloaded"
            | "server_error"
            | "internal_error"
            | "insufficient_system_resource" => Ending::Cut(Cut::Transport),
            _ => Ending::Cut(Cut::Unknown),
        }
    }

    /// Whether nothing is missing.
    pub fn is_whole(self) -> bool {
        self == Ending::Whole
    }
}

/// The reason in small letters, with `_` between its words and without the name of its type.
fn word(reason: &str) -> String {
    let lower = reason.trim().to_lowercase().replace(['-', ' '], "_");
    let bare = ["finish_reason_", "finishreason.", "stopreason."]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix));
    bare.unwrap_or(&lower).to_owned()
}

impl std::fmt::Display for Cut {
    /// What cut it, as the end of "the reply was cut …".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Cut::Limit => "at its limit",
            Cut::Filter => "by the provider's filter",
            Cut::Transport => "by an error on its way",
            Cut::Unknown => "for an unknown reason",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_model_that_stopped_by_itself_or_calls_tools_is_whole() {
        for reason in
            ["stop", "STOP", "end_turn", "eos", "FINISH_REASON_STOP", "Tool_Calls", "tool-use"]
        {
            assert!(Ending::of(reason).is_whole(), "{reason}");
        }
        for (reason, cut) in [
            ("length", Cut::Limit),
            ("MAX_TOKENS", Cut::Limit),
            ("FinishReason.MAX_TOKENS", Cut::Limit),
            ("content-filter", Cut::Filter),
            ("SAFETY", Cut::Filter),
            ("error", Cut::Transport),
            ("insufficient_system_resource", Cut::Transport),
            ("OTHER", Cut::Unknown),
            ("", Cut::Unknown),
        ] {
            assert_eq!(Ending::of(reason), Ending::Cut(cut), "{reason}");
        }
    }
}
