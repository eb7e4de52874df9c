//! How an answer ended: whole, or cut off and by what.
//!
//! Each provider names the reason in its own words. An answer is whole only if the model stopped by itself
//! or calls tools. Everything else leaves half an answer, which must never be read as a whole one.

use serde::{Deserialize, Serialize};

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The model stopped by itself, or calls tools.
    Whole,
    /// The answer was cut off.
    Cut(Cut),
}

/// What cut an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The limit on tokens: the request's, or the model's own.
    Limit,
    /// The provider's filter.
    Filter,
    /// A failure between model and client: an error, a broken connection, a server without resources.
    Transport,
    /// A reason that this crate does not know.
    Unknown,
}

impl Ending {
    /// Returns the meaning of a provider's `finish_reason`, in any case and with any provider's prefix.
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

    /// Returns whether nothing is missing.
    pub fn is_whole(self) -> bool {
        self == Ending::Whole
    }
}

/// Writes the reason in lower case, with `_` between its words and without the name of its type.
fn word(reason: &str) -> String {
    let lower = reason.trim().to_lowercase().replace(['-', ' '], "_");
    let bare = ["finish_reason_", "finishreason.", "stopreason."]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix));
    bare.unwrap_or(&lower).to_owned()
}

impl std::fmt::Display for Cut {
    /// Writes the cause so that it completes "the reply was cut …".
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
    fn an_answer_is_whole_only_if_the_model_stopped_itself_or_calls_tools() {
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
