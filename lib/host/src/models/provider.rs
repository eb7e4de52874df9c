//! The providers, one table row each.
//!
//! All speak the same protocol, `POST {base}/chat/completions` with a bearer token; a row says where a
//! provider differs. A comment beside each row names the pages that it follows, the day on which they were
//! read, and facts that could not be checked. (Stored copies of the public pages were read; nothing here was
//! tried with a key.) Prices are in `meter`. Model names become outdated. So `LLM_MODEL` overrides every
//! default, and the error for an unknown model lists the models on offer.

use super::calls::IdForm;

use code_evolution_wire::model::TINY_MODEL;

/// The provider's name for the limit on an answer's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitField {
    /// `max_tokens`, the older name that compatible servers know.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// The provider's own fields (of a message or a call) that must be sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Only the fields with these names; any other field is an error.
    Only(&'static [&'static str]),
    /// All fields. A field that the server refuses is omitted from then on.
    All,
}

/// How one provider differs from the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// The provider's name in `LLM_PROVIDER` and in every message.
    pub name: &'static str,
    /// The environment variable of the provider's key; empty if there is none.
    pub key_variable: &'static str,
    /// Whether the provider always needs a key. A server on this machine, or any other server, may work
    /// without a key.
    pub needs_key: bool,
    /// How long an answer may take, in seconds, unless `LLM_TIMEOUT` says otherwise.
    pub timeout: u64,
    /// The provider's address, without a slash at the end. If it is empty, `LLM_BASE_URL` gives the address,
    /// or the lab starts the server.
    pub base: &'static str,
    /// A cheap model of this provider. If it is empty, `LLM_MODEL` gives the model.
    pub model: &'static str,
    /// The field for the limit on an answer's tokens.
    pub limit_field: LimitField,
    /// The `reasoning_effort` to send: little thinking, because short answers cost less and come sooner.
    pub reasoning_effort: Option<&'static str>,
    /// Whether the provider accepts a temperature.
    pub takes_temperature: bool,
    /// Whether the provider accepts a temperature only together with `reasoning_effort`.
    pub temperature_needs_effort: bool,
    /// Whether the last message of the conversation must be the user's or a tool's.
    pub user_must_be_last: bool,
    /// Whether `response_format: {"type": "json_object"}` is documented.
    pub json_mode: bool,
    /// Whether `response_format: {"type": "json_schema"}` is documented to work for any schema; if so, it is
    /// sent instead of `json_object`.
    pub schema_mode: bool,
    /// Whether the provider accepts `grammar`, llama.cpp's own field. A choice between texts then needs no
    /// instruction in the prompt and no quotes in the answer.
    pub grammar: bool,
    /// Whether a stream contains token counts only on request (`stream_options`).
    pub stream_usage: bool,
    /// Whether an answer may be in the `reasoning` field, with empty content.
    pub text_in_reasoning: bool,
    /// Which of the provider's own fields are sent back with the conversation.
    pub returned: Returned,
    /// Whether a message may contain text beside tool calls.
    pub text_beside_calls: bool,
    /// The form of a tool call's id.
    pub id_form: IdForm,
    /// When a day's quota is full again, if the provider says so: `at midnight UTC`.
    pub day_ends: Option<&'static str>,
    /// Whether the provider may read only a part of a long prompt without an error; only its token counts
    /// then show that.
    pub may_cut_prompts: bool,
}

/// The values that most providers have in common.
const COMMON: Provider = Provider {
    name: "",
    key_variable: "",
    needs_key: true,
    timeout: 60,
    base: "",
    model: "",
    limit_field: LimitField::MaxTokens,
    reasoning_effort: None,
    takes_temperature: true,
    temperature_needs_effort: false,
    user_must_be_last: false,
    json_mode: true,
    schema_mode: false,
    grammar: false,
    stream_usage: true,
    text_in_reasoning: false,
    returned: Returned::Only(&[]),
    text_beside_calls: true,
    id_form: IdForm::Any,
    day_ends: None,
    may_cut_prompts: false,
};

/// A server on this machine: no key, and a grammar that forces an answer to follow a schema.
const ON_THIS_MACHINE: Provider = Provider {
    needs_key: false,
    // A laptop may first load a model, or have other work.
    timeout: 300,
    json_mode: false,
    schema_mode: true,
    text_in_reasoning: true,
    returned: Returned::All,
    may_cut_prompts: true,
    ..COMMON
};

/// The provider that the lab starts itself.
pub const LOCAL: &str = "local";

/// Every provider. Keys are looked for in this order. `custom` is any other server that speaks the protocol,
/// such as llama.cpp.
pub const PROVIDERS: [Provider; 10] = [
    // developers.openai.com/api/docs/models/gpt-6-luna, read 2026-11-27: the model; a chat completion takes
    // tools only with `reasoning_effort: "none"`. docs/guides/latest-model, as a client quoted it on
    // 2026-11-07: the same holds for a temperature. An unknown field of a message is an error, as its clients
    // report.
    Provider {
        name: "openai",
        key_variable: "OPENAI_API_KEY",
        base: "https://api.openai.com/v1",
        model: "gpt-6-luna",
        limit_field: LimitField::MaxCompletionTokens,
        reasoning_effort: Some("none"),
        temperature_needs_effort: true,
        ..COMMON
    },
    // ai.google.dev/gemini-api/docs: /openai and /thought-signatures (signatures go back; a turn without its
    // first one is a 400), /whats-new-gemini-3.6 (the model), read 2026-11-27. This generation and later ones
    // ignore a temperature, says the model's page at docs.cloud.google.com. Not checked: that an unknown
    // field is an error, and when a day ends (both as its clients report, 2026).
    Provider {
        name: "gemini",
        key_variable: "GEMINI_API_KEY",
        base: "https://generativelanguage.googleapis.com/v1beta/openai",
        model: "gemini-3.5-flash-lite",
        // An unknown field is an error here, so send only the most common ones.
        stream_usage: false,
        takes_temperature: false,
        // A call that comes back without its `thought_signature` is an error.
        returned: Returned::Only(&["extra_content"]),
        day_ends: Some("at midnight in California"),
        ..COMMON
    },
    // console.groq.com/docs: /api-reference (fields; tools are checked against the request), /rate-limits
    // (requests and tokens per organisation, by minute and by day), read 2026-11-27. Other fields of a
    // message are refused, as its clients report.
    Provider {
        name: "groq",
        key_variable: "GROQ_API_KEY",
        base: "https://api.groq.com/openai/v1",
        model: "openai/gpt-oss-20b",
        reasoning_effort: Some("low"),
        ..COMMON
    },
    // platform.claude.com/docs: /cli-sdks-libraries/libraries/openai-sdk (`response_format` and
    // `reasoning_effort` are ignored, `stream_options` is accepted) and the model's page (released
    // 2026-10-07), read 2026-11-27. Not checked: that it refuses a temperature; older models accept one.
    Provider {
        name: "anthropic",
        key_variable: "ANTHROPIC_API_KEY",
        base: "https://api.anthropic.com/v1",
        model: "claude-haiku-5-5",
        takes_temperature: false,
        json_mode: false,
        ..COMMON
    },
    // openrouter.ai: docs/guides/routing/model-variants/free (20 requests a minute, 50 a day (UTC) before
    // credits are bought), the model's page (the `reasoning_details` of a turn with calls go back whole),
    // read 2026-11-27.
    Provider {
        name: "openrouter",
        key_variable: "OPENROUTER_API_KEY",
        base: "https://openrouter.ai/api/v1",
        model: "openai/gpt-oss-20b:free",
        // The features differ from model to model.
        json_mode: false,
        returned: Returned::Only(&["reasoning", "reasoning_content", "reasoning_details"]),
        day_ends: Some("at midnight UTC"),
        ..COMMON
    },
    // docs.mistral.ai/inference (the model), read 2026-11-27. Reports with Mistral's own error messages,
    // 2024-07 to 2026-09: ids are nine letters or digits, and a message holds text or calls, not both. Not
    // checked: `stream_options`, which is not sent.
    Provider {
        name: "mistral",
        key_variable: "MISTRAL_API_KEY",
        base: "https://api.mistral.ai/v1",
        model: "mistral-small-latest",
        user_must_be_last: true,
        stream_usage: false,
        text_beside_calls: false,
        id_form: IdForm::NineLettersOrDigits,
        ..COMMON
    },
    // docs.ollama.com/api/openai-compatibility and lmstudio.ai/docs/developer (`json_schema` works for a chat
    // completion), read 2026-11-27. Not checked: which of their models put the answer into `reasoning`.
    Provider { name: "ollama", base: "http://localhost:11434/v1", ..ON_THIS_MACHINE },
    Provider { name: "lmstudio", base: "http://localhost:1234/v1", ..ON_THIS_MACHINE },
    Provider { name: LOCAL, model: TINY_MODEL, grammar: true, ..ON_THIS_MACHINE },
    Provider {
        name: "custom",
        key_variable: "LLM_API_KEY",
        needs_key: false,
        json_mode: false,
        stream_usage: false,
        text_in_reasoning: true,
        // DeepSeek and others want their thinking back, and the server is unknown.
        returned: Returned::All,
        may_cut_prompts: true,
        ..COMMON
    },
];

/// Providers that have ended: their names are still in people's settings. docs.github.com/en/github-models,
/// 2026-08: "fully retired", with its inference API.
const ENDED: [(&str, &str); 1] = [("github", "GitHub Models ended on 30 July 2026")];

/// Returns the provider of this name, in any case.
pub fn find(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name.eq_ignore_ascii_case(name.trim()))
}

/// Explains that there is no provider of this name, and lists those that exist.
pub fn unknown(name: &str) -> String {
    let ended = ENDED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    let why = ended.map_or_else(String::new, |(_, why)| format!(" ({why})"));
    format!("there is no provider `{name}`{why}: choose one of {}", names())
}

/// Returns all names, for a message.
fn names() -> String {
    PROVIDERS.map(|provider| provider.name).join(", ")
}
