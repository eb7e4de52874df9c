//! The providers according to their documentation: what each refuses, gives and wants back.

use crate::models_strict::{Ids, Numbers, Shape, Strict, Wants};

pub const OPENAI: Strict = Strict {
    provider: "openai",
    server: "",
    fields: &["max_completion_tokens", "reasoning_effort", "response_format", "stream_options"],
    refuses_unknown: true,
    status: 400,
    shape: Shape::Object,
    wants: Wants::Nothing,
    gives_only: &["annotations"],
    ids: Ids::Any,
    text_beside_calls: true,
    model_may_be_last: true,
    numbers: Numbers::Pieces,
};

/// Every provider that we support, and two servers behind `custom`.
pub const STRICT: [Strict; 10] = [
    OPENAI,
    Strict {
        provider: "gemini",
        fields: &["max_tokens", "response_format", "reasoning_effort"],
        shape: Shape::List,
        wants: Wants::OfCall("extra_content"),
        gives_only: &[],
        numbers: Numbers::None,
        ..OPENAI
    },
    Strict {
        provider: "groq",
        fields: &["max_tokens", "reasoning_effort", "response_format", "stream_options"],
        gives_only: &["reasoning"],
        ..OPENAI
    },
    Strict {
        provider: "anthropic",
        // This provider ignores `response_format` and `reasoning_effort`; its newer models also ignore a
        // temperature.
        fields: &["max_tokens", "stream_options"],
        gives_only: &["refusal"],
        ..OPENAI
    },
    Strict {
        provider: "openrouter",
        fields: &["max_tokens", "stream_options"],
        wants: Wants::OfMessage(&["reasoning", "reasoning_details"]),
        gives_only: &["annotations"],
        ..OPENAI
    },
    Strict {
        provider: "mistral",
        fields: &["max_tokens", "response_format"],
        status: 422,
        shape: Shape::AtTop,
        gives_only: &["prefix"],
        ids: Ids::Nine,
        text_beside_calls: false,
        model_may_be_last: false,
        numbers: Numbers::Zero,
        ..OPENAI
    },
    Strict {
        provider: "ollama",
        fields: &["max_tokens", "response_format", "stream_options"],
        refuses_unknown: false,
        gives_only: &[],
        numbers: Numbers::Zero,
        ..OPENAI
    },
    Strict {
        provider: "lmstudio",
        fields: &["max_tokens", "response_format", "stream_options"],
        gives_only: &[],
        ids: Ids::Poor,
        ..OPENAI
    },
    Strict {
        provider: "custom",
        server: "llama.cpp",
        fields: &["max_tokens"],
        refuses_unknown: false,
        status: 500,
        gives_only: &[],
        ids: Ids::Poor,
        numbers: Numbers::None,
        ..OPENAI
    },
    Strict {
        provider: "custom",
        server: "DeepSeek",
        fields: &["max_tokens", "response_format", "stream_options"],
        wants: Wants::OfMessage(&["reasoning_content"]),
        gives_only: &[],
        ..OPENAI
    },
];
