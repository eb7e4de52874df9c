//! Recognises a request that is too large, and finds the part that is too large.
//!
//! A limit on tokens may be the model's context, an allowance per minute, the longest answer, or what the
//! account can pay for. Most limits count the prompt and the tokens that the answer *may* take together. So a
//! large `max_tokens` is refused as often as a long prompt, and the refusal mentions both.

use code_evolution_wire::model::Ask;

use crate::models::meter::estimate_input;
use crate::models::server_error::ServerError;

/// Says what to do about a refusal that concerns the request's size; `None` if it concerns something else.
/// `minute` is the limit of tokens per minute, if the answer's headers name it.
pub(super) fn advice(
    status: u16,
    error: &ServerError,
    ask: &Ask,
    minute: Option<u64>,
) -> Option<String> {
    let words = error.message.to_lowercase().replace([',', '`', '\'', '"'], "");
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let asked = u64::from(ask.max_tokens);
    let of_the_answer = says(&["max_tokens", "max_completion_tokens", "max_output_tokens"])
        && says(&[
            "too large",
            "at most",
            "less than",
            "exceed",
            "must be",
            "maximum allowed",
            " > ",
            "<=",
            "range",
        ]);
    let of_credit = says(&["can only afford", "fewer max_tokens"]);
    let of_context = error.codes.iter().any(|code| code.contains("context_length"))
        || says(&[
            "context length",
            "context window",
            "context limit",
            "context size",
            "maximum context",
            "too many tokens",
            "reduce the length",
            "reduce your message",
            "prompt is too long",
        ]);
    let limit = limit(&words);
    let requested = number_after(&words, &["requested", "requested:"]);
    let of_a_minute = says(&["request too large"])
        || says(&["per minute", "tpm"])
            && requested > limit.or(minute)
            && limit.or(minute).is_some();
    let is_size = match status {
        413 => true,
        402 | 403 => of_credit,
        429 => of_a_minute,
        400 | 404 | 422 | 500 => of_the_answer || of_credit || of_context,
        _ => false,
    };
    if !is_size {
        return None;
    }
    let prompt =
        number_before(&words, &[" in the messages", " in your prompt", " of text input", " + "])
            .unwrap_or_else(|| estimate_input(ask));
    let limit = limit.or(minute.filter(|_| status == 413 || status == 429));
    // A limit on the answer does not count the prompt.
    let alone = of_credit || of_the_answer && !of_context;
    let room = limit.map(|limit| if alone { limit } else { limit.saturating_sub(prompt) });
    Some(match room {
        // The prompt is only estimated, so leave some room free.
        Some(room) if asked > room && room >= 16 => {
            let room = if alone { room } else { room - room / 10 };
            let other = if of_credit { ", or add credit" } else { "" };
            format!("lower max_tokens from {asked} to {room} or less{other}")
        }
        Some(room) if room < 16 && !alone => TOO_LONG.to_owned(),
        None if of_the_answer
            || of_credit
            || (!of_context && asked > 4 * prompt && asked > 2_000) =>
        {
            format!("lower max_tokens from {asked}")
        }
        Some(_) if alone => format!("lower max_tokens from {asked}, or shorten the prompt"),
        _ => TOO_LONG.to_owned(),
    })
}

const TOO_LONG: &str = "the prompt is too long: shorten it, or choose a model that reads more";

/// Returns the limit that a message names.
fn limit(words: &str) -> Option<u64> {
    // Anthropic: `190000 + 20000 > 200000`.
    const NAMES: [&str; 14] = [
        " > ",
        "<=",
        "context length is",
        "context length of",
        "context window of",
        "context size of",
        "context limit of",
        "limit is",
        "limit of",
        "limit",
        "at most",
        "less than or equal to",
        "only afford",
        "maximum of",
    ];
    number_after(words, &NAMES)
}

/// Returns the number that directly follows the first of these names that has one.
fn number_after(words: &str, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| {
        words.match_indices(name).find_map(|(at, found)| {
            let rest = words[at + found.len()..].trim_start_matches([' ', ':', '=', '~']);
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..digits].parse().ok()
        })
    })
}

/// Returns the number that directly precedes one of these names.
fn number_before(words: &str, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| {
        let before = &words[..words.find(name)?];
        let before = before.trim_end().trim_end_matches(" tokens");
        let digits = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
        before[digits..].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(
        status: u16,
        code: &str,
        message: &str,
        max_tokens: u32,
        prompt: &str,
    ) -> Option<String> {
        let error = ServerError {
            message: message.to_owned(),
            codes: vec![code.to_owned()],
            ..ServerError::default()
        };
        advice(status, &error, &Ask { max_tokens, ..Ask::new(prompt) }, None)
    }

    #[test]
    fn max_tokens_that_is_too_large() {
        for (status, message, room) in [
            (
                413,
                "too large for the tokens per minute (TPM): limit 6000, requested 20015",
                "to 5395",
            ),
            (
                429,
                "Request too large for gpt on tokens per min (TPM): Limit 10,000, Requested 20015.",
                "to 8995",
            ),
            (
                429,
                "on tokens per minute (TPM): Limit 8000, Requested 20015, please reduce",
                "to 7195",
            ),
            (
                400,
                "max_tokens is too large: 20000. This model supports at most 16384 completion tokens",
                "to 16384",
            ),
            (400, "`max_tokens` must be less than or equal to `8192`", "to 8192"),
            (
                400,
                "max_tokens: 20000 > 8192, which is the maximum allowed number of output tokens",
                "to 8192",
            ),
            (
                400,
                "This model's maximum context length is 8192 tokens. However, you requested 21000 tokens (1000 in the messages, 20000 in the completion).",
                "to 6473",
            ),
            (
                400,
                "input length and `max_tokens` exceed context limit: 190 + 20000 > 20100, decrease",
                "to 17919",
            ),
            (
                402,
                "This request requires more credits, or fewer max_tokens. You requested up to 20000 tokens, but can only afford 1500.",
                "to 1500 or less, or add credit",
            ),
            (400, "max_tokens exceeds what this model can write", "lower max_tokens from 20000"),
            (413, "Payload too large", "lower max_tokens from 20000"),
        ] {
            let told = told(status, "", message, 20_000, "hello").unwrap_or_default();
            assert!(told.contains(room) && told.contains("lower max_tokens"), "{message}: {told}");
        }
    }

    #[test]
    fn a_prompt_that_is_too_long() {
        let long = "word ".repeat(8_000);
        for (status, code, message, prompt) in [
            (400, "context_length_exceeded", "said so", "hello"),
            (413, "", "Request too large", "hello"),
            (
                400,
                "",
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 10000 tokens.",
                &long,
            ),
            (400, "", "the request exceeds the available context size, try increasing it", &long),
            (
                400,
                "",
                "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
                &long,
            ),
            (413, "", "tokens per minute: limit 6000, requested 11000", &long),
        ] {
            let told = told(status, code, message, 1_000, prompt).unwrap_or_default();
            assert!(told.contains("the prompt is too long"), "{message}: {told}");
        }
    }

    #[test]
    fn refusals_for_other_reasons_get_no_advice() {
        for (status, message) in [
            (
                429,
                "Rate limit reached on tokens per minute (TPM): Limit 6000, Used 5900, Requested 1015.",
            ),
            (429, "Rate limit reached on requests per minute: Limit 30"),
            (400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
            (400, "unknown field `max_tokens`"),
            (400, "messages must be a list"),
            (402, "insufficient credits"),
            (500, "the server has trouble"),
        ] {
            assert_eq!(told(status, "", message, 1_000, "hello"), None, "{message}");
        }
    }
}
